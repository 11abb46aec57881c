"""Names that are markup are shown as text, in every part of the laboratory, and nothing in them runs."""

from dataclasses import replace
from urllib.parse import unquote

import pytest

from linesexp.kernels.analysis import analysis_json
from linesexp.report.laboratory import laboratory_data
from linesexp.report.page import page_of
from linesexp.run import dataset_bytes, open_run

pytestmark = pytest.mark.xdist_group("browser")

CANARY = "<img src=x onerror=alert(1)>"
CLASSES = [f"</script>{CANARY}", f"\"'>{CANARY}<!--"]
OPERATOR = f"</option></select>{CANARY}"
NULL = f"</td></table>{CANARY}"
QUESTION = f"</script><script>alert(2)</script>{CANARY}"


@pytest.fixture
def view(visit, page_at, tiny_run, tmp_path):
    """A page of which every name that the run brings along is markup; `visit` fails on any complaint."""
    data = laboratory_data(open_run(tiny_run))
    data["classes"] = CLASSES
    data["network"]["name"] = CANARY
    for operator in data["likeness"]["operators"]:
        operator["name"] = OPERATOR
    for null in data["likeness"]["nulls"]:
        null["name"], null["question"] = NULL, QUESTION
    return visit(page_at(tmp_path / "page.html", data))


@pytest.fixture(scope="module")
def long_names_page(page_at, tiny_run, tmp_path_factory):
    data = laboratory_data(open_run(tiny_run))
    data["classes"] = ["a" * 150, "</script>" * 20]
    return page_at(tmp_path_factory.mktemp("long") / "page.html", data)


def test_names_of_classes_operators_and_chances_are_text(view):
    pictures = view.locator("img").count()
    elements = view.locator("script, iframe, object, embed").count()
    view.choose(twin=True)
    view.locator("#lab-arithmetic").get_by_label("layer", exact=True).select_option("dense")
    for words in ("Put it in", "Negate"):
        view.press(view.locator("#lab-bench").get_by_role("button", name=words))
    for part, names in {
        "#lab-input": CLASSES,
        "#lab-classes": CLASSES,
        "#lab-arithmetic": CLASSES,
        "#lab-bench": [*CLASSES, OPERATOR[:8]],
        "#lab-comparison": [OPERATOR, NULL, QUESTION],
    }.items():
        text = view.locator(part).evaluate("home => home.textContent")
        for name in names:
            assert name in text, part
    assert view.locator("img").count() == pictures
    assert view.locator("script, iframe, object, embed").count() == elements


@pytest.mark.slow
@pytest.mark.parametrize(
    ("media", "width"), [("print", 700), pytest.param("screen", 360, marks=pytest.mark.slow)]
)
def test_long_names_without_a_place_to_break_widen_nothing(media, width, revisit, long_names_page):
    view = revisit(long_names_page)
    view.set_viewport_size({"width": width, "height": 900})
    view.emulate_media(media=media)
    view.choose(twin=True)
    for layer in ("conv1", "dense"):
        view.locator("#lab-arithmetic select").first.evaluate(
            "(one, layer) => { one.value = layer; one.dispatchEvent(new Event('change')); return settled(); }",
            layer,
        )
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        cut = view.evaluate(
            """() => [...document.querySelectorAll("#laboratory :is(table, td, th, p, span, figure)")]
              .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
              .filter((one) => !one.closest(".lab-grid-box, .scroll"))
              .map((one) => one.outerHTML.slice(0, 80))"""
        )
        assert cut == []


def test_hostile_addresses_choose_nothing_and_show_nothing(lab):
    before = lab.evaluate("laboratory.state.get('layer')")
    lab.evaluate(
        """async (hash) => {
          const heard = new Promise((done) => addEventListener("hashchange", done, {once: true}));
          location.hash = hash;
          await heard;
          await settled();
        }""",
        f"#lab:layer={CANARY};step={CANARY};place={CANARY}",
    )
    assert lab.evaluate("laboratory.state.get('layer')") == before
    assert lab.locator("img[onerror]").count() == 0


@pytest.mark.slow
def test_a_run_of_hostile_class_folders_in_a_hostile_folder(visit, run, tmp_path):
    opened = open_run(run)
    dataset = replace(opened.dataset, class_names=tuple(CLASSES))
    analysis = replace(opened.analysis, preference_classes=tuple(CLASSES))
    with opened.folder.writing():
        opened.folder.commit(
            {"dataset.npz": dataset_bytes(dataset), "analysis.json": analysis_json(analysis)}, "test"
        )
    folder = tmp_path / CANARY
    folder.mkdir()
    (folder / "report.html").write_text(page_of(open_run(run)), encoding="utf-8")
    view = visit(folder / "report.html")
    view.settle()
    assert view.locator("img[onerror]").count() == 0
    assert view.locator("#lab-classes .lab-bar span:first-child").first.inner_text() == CLASSES[0]
    link = view.locator("#lab-share input").input_value()
    assert unquote(link).startswith(f"file://{folder}/report.html#lab:")
