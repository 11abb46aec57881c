"""Of somebody's own model the laboratory has the parts that apply: its kernels, at every recorded step."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import linesexp
from linesexp.inspecting.laboratory import about_kernels, kernels_laboratory
from linesexp.inspecting.page import page_of
from linesexp.inspecting.recording import Recording
from linesexp.kernels.any_layer import measure, nulls_of
from linesexp.kernels.filter_records import filter_records
from linesexp.kernels.match import p_values
from linesexp.kernels.shape import shares
from linesexp.report.likeness import packed_tail
from linesexp.runs import RunFolder
from linesexp.runs.steps import StepWriter

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.xdist_group("browser")

HOSTILE = "</script><img src=x onerror=alert(1)>"
STEPS = (0.0, 0.5, 1.0, 2.0)
SHAPES = {"first": (5, 5, 3, 4), "deep": (3, 3, 4, 3), "wide": (1, 7, 3, 2), HOSTILE: (4, 4, 1, 2)}


def recording_at(folder, shapes, steps):
    """A recording of random kernels."""
    run = RunFolder(folder)
    rng = np.random.default_rng(1)
    with run.writing():
        writer = StepWriter(run)
        for step in steps:
            weights = {f"{name}/kernel": rng.normal(0, 0.3, shape) for name, shape in shapes.items()}
            writer.save(step, {name: values.astype(np.float32) for name, values in weights.items()})
    return Recording(linesexp.open_run(folder))


def data_of(recording, steps):
    layers = [recording.layer(weight, -1) for weight in recording._weights]
    inspection = recording.inspect()
    return inspection, *kernels_laboratory(layers, recording._history, np.array(steps), inspection)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(page, inspection, recording) of a recording of four steps; a page without figures."""
    folder = tmp_path_factory.mktemp("kernels")
    recording = recording_at(folder / "mine", SHAPES, STEPS)
    inspection, data, left_out = data_of(recording, STEPS)
    path = folder / "page.html"
    words = about_kernels(data, len(STEPS), left_out)
    path.write_text(page_of(inspection, HOSTILE, [], [], {}, {}, (data, words)), encoding="utf-8")
    return path, inspection, recording


@pytest.fixture
def view(revisit, recorded):
    return revisit(recorded[0])


def choose(view, **state):
    view.choose(**({"kernel": 0, "plane": None} | state))


def shown(view):
    """(cosine, p of each row) as the page says them."""
    cosine = view.locator("#lab-comparison .comparison-cosine").inner_text().replace("−", "-")
    cells = view.locator("#lab-comparison tbody td:nth-child(2)").all_inner_texts()
    return float(cosine), [float(cell) for cell in cells]


def test_the_parts_that_apply_are_there_and_no_others(view):
    parts = view.locator("#laboratory > .laboratory > [id]").evaluate_all("all => all.map(one => one.id)")
    assert parts == ["lab-time", "lab-comparison", "lab-stage", "lab-share"]
    assert view.locator("#lab-comparison select option").count() == 3  # without the wide one
    text = view.locator("#laboratory").inner_text()
    assert "Left out, as operators are square and 3×3 or larger: wide." in text
    assert "undefined" not in text


@pytest.mark.parametrize("kernel", [3, *(pytest.param(each, marks=pytest.mark.slow) for each in range(3))])
def test_planes_of_colour_are_compared_as_inspect_does(kernel, view, recorded):
    (record,) = [each for each in recorded[1].kernels if (each.layer, each.index) == ("first", kernel)]
    planes = [record.colour.luminance, record.colour.red, record.colour.green, record.colour.blue]
    for index, plane in enumerate(planes):
        choose(view, layer="first", kernel=kernel, plane=index or None)
        cosine, p = shown(view)
        assert cosine == pytest.approx(plane.cosine, abs=0.0051)
        assert p == [pytest.approx(plane.p_initialiser, rel=0.006, abs=5.1e-5)]
        words = view.locator("#lab-comparison").inner_text()
        assert f"The operator is {plane.operator} {plane.size}×{plane.size}" in words


@pytest.mark.parametrize("kernel", [2, *(pytest.param(each, marks=pytest.mark.slow) for each in range(2))])
def test_of_many_channels_the_one_stands_first_that_inspect_names(kernel, view, recorded):
    (record,) = [each for each in recorded[1].kernels if (each.layer, each.index) == ("deep", kernel)]
    choose(view, layer="deep", kernel=kernel)
    cosine, (_, best) = shown(view)
    assert cosine == pytest.approx(record.match.cosine, abs=0.0051)
    assert best == pytest.approx(record.match.p_initialiser, rel=0.01, abs=5.1e-5)
    status = view.locator("#lab-comparison .bench-status").inner_text()
    assert status == f"Kernel {kernel} of deep, channel {record.channel}, epoch 2"


def test_shares_follow_the_slider(view, recorded):
    weights = linesexp.open_run(recorded[0].parent / "mine").history.weights["deep/kernel"]
    slider = view.get_by_role("slider", name="Recorded step")
    slider.focus()
    for key, step in (("Home", 0), ("ArrowRight", 1)):
        view.keyboard.press(key)
        view.choose(layer="deep", kernel=1, plane=2)
        expected = shares(weights[step][:, :, 2, 1][None])
        found = view.locator(".comparison-share meter").evaluate_all("all => all.map(one => one.value)")
        np.testing.assert_allclose(found, [expected.odd[0], expected.even[0], expected.dc[0]], atol=1e-5)
        assert view.locator("#lab-time output").inner_text() == ("untrained", "epoch 0.50")[step]


def test_play_goes_through_the_steps(view):
    view.locator("#lab-time button").click()
    view.wait_for_function("() => laboratory.state.get('step') === 1")
    view.wait_for_function("() => laboratory.state.get('step') === 3")
    expect(view.locator("#lab-time button")).to_have_text("Play")


def test_kernels_and_channels_are_chosen_by_their_tiles(view):
    view.get_by_label("layer", exact=True).select_option("deep")
    view.get_by_role("button", name="kernel 2", exact=True).click()
    view.get_by_role("button", name="channel 3 of kernel 2").click()
    view.settle()
    expect(view.locator("#lab-comparison .bench-status")).to_have_text("Kernel 2 of deep, channel 3, epoch 2")
    view.get_by_label("layer", exact=True).select_option(HOSTILE)
    view.settle()
    expect(view.locator("#lab-comparison .bench-status")).to_have_text(f"Kernel 0 of {HOSTILE}, epoch 2")


def test_kernels_and_channels_are_one_stop_of_the_keyboard_each(view):
    choose(view, layer="deep", kernel=1, plane=2)
    for group, chosen in (("Choose a kernel", 1), ("Choose a channel", 2)):
        tiles = view.get_by_role("group", name=group).locator("button")
        stops = tiles.evaluate_all("all => all.map((one) => one.tabIndex)")
        assert [at for at, stop in enumerate(stops) if stop == 0] == [chosen]


def test_the_address_leads_back(view):
    choose(view, layer="deep", kernel=2, plane=1, step=1)
    view.wait_for_function("() => location.hash.includes('plane=1')")
    assert view.url.endswith("#lab:step=1;layer=deep;kernel=2;plane=1")
    view.evaluate("laboratory.state.set({layer: 'first', kernel: 0, plane: null, step: 3})")
    view.wait_for_function("() => location.hash.includes('layer=first')")
    view.evaluate("location.hash = '#lab:step=1;layer=deep;kernel=2;plane=1'")
    view.wait_for_function("() => laboratory.state.get('plane') === 1")
    assert view.evaluate("['step', 'layer', 'kernel'].map(laboratory.state.get)") == [1, "deep", 2]
    view.evaluate("name => (location.hash = `#lab:layer=${encodeURIComponent(name)};kernel=99`)", HOSTILE)
    view.wait_for_function("() => location.hash.includes('99')")
    view.settle()
    assert view.evaluate("['layer', 'kernel'].map(laboratory.state.get)") == [HOSTILE, 0]


def test_a_hostile_layer_is_text_everywhere(view, recorded):
    choose(view, layer=HOSTILE)
    assert view.locator("img").count() == 0
    assert HOSTILE in view.locator("#lab-comparison .bench-status").inner_text()
    with view.expect_download() as waiting:
        view.locator("#lab-share").get_by_role("button", name="SVG", exact=True).click()
    assert re.fullmatch(r"[\w.-]+\.svg", waiting.value.suggested_filename)
    drawing = ET.fromstring(Path(waiting.value.path()).read_bytes())  # our own file
    assert drawing.find("{http://www.w3.org/2000/svg}title").text.startswith(f"Kernels of {HOSTILE}, epoch 2")
    with view.expect_download() as waiting:
        view.locator("#lab-share").get_by_role("button", name="PNG", exact=True).click()
    assert Path(waiting.value.path()).stat().st_size > 1000


def test_a_model_without_steps_has_no_slider(visit, recorded, tmp_path):
    _, inspection, recording = recorded
    layers = [recording.layer(weight, -1) for weight in recording._weights]
    kernels = [layer.kernels[None] for layer in layers]
    data, left_out = kernels_laboratory(layers, lambda index, _: kernels[index], np.zeros(0), inspection)
    page = tmp_path / "model.html"
    page.write_text(page_of(inspection, "model", [], [], {}, {}, (data, about_kernels(data, 0, left_out))))
    view = visit(page)
    view.settle()
    assert view.locator("#lab-time").count() == 0
    text = view.locator("#lab-comparison").inner_text()
    assert "Kernel 0 of first, luminance, as the model has it" in text
    assert "untrained" not in text
    assert "recorded" not in " ".join(about_kernels(data, 0, left_out))
    expect(view.locator("#lab-share input")).to_have_value(re.compile("#lab:layer=first;kernel=0$"))


def test_weights_that_are_no_numbers_draw_nothing(visit, tmp_path):
    recording = recording_at(tmp_path / "mine", {"conv": (3, 3, 3, 2)}, (0.0, 1.0))
    recording._run.history.weights["conv/kernel"][-1] = np.nan
    inspection, data, left_out = data_of(recording, (0.0, 1.0))
    page = tmp_path / "page.html"
    page.write_text(page_of(inspection, "model", [], [], {}, {}, (data, left_out)))
    view = visit(page)
    view.settle()
    assert "Its weights are no longer numbers." in view.locator("#lab-comparison").inner_text()


# What fits.


def test_layers_and_steps_beyond_the_limit_are_left_out_in_words(recorded, monkeypatch):
    recording = recorded[2]
    first, deep, small = (4 * int(np.prod(SHAPES[name])) for name in ("first", "deep", HOSTILE))
    monkeypatch.setattr("linesexp.inspecting.laboratory.MOST_WEIGHT_BYTES", 4 * (first + small))
    _, data, left_out = data_of(recording, STEPS)
    assert [each["name"] for each in data["kernels"]["layers"]] == ["first", HOSTILE]
    assert data["steps"] == list(STEPS)
    assert left_out[0] == (
        f"deep is too large to embed: deep takes {deep / 1e6:.2g} MB a step, and the page has room for "
        f"{4 * (first + small) / 1e6:.2g} MB of kernels at all steps."
    )
    monkeypatch.setattr("linesexp.inspecting.laboratory.MOST_WEIGHT_BYTES", 3 * first)
    _, data, left_out = data_of(recording, STEPS)
    assert data["steps"] == [0.0, 1.0, 2.0]
    assert left_out[0].startswith("deep and 1 more are too large")
    assert "3 of 4 recorded steps fit into the page" in " ".join(about_kernels(data, 4, left_out))


def test_a_model_too_large_gets_the_static_page_and_a_line_on_why(recorded, monkeypatch):
    monkeypatch.setattr("linesexp.inspecting.laboratory.MOST_WEIGHT_BYTES", 200)
    inspection, data, left_out = data_of(recorded[2], STEPS)
    assert data is None
    page = page_of(inspection, "model", [], [], {}, {}, (data, about_kernels(data, 4, left_out)))
    assert 'id="laboratory-data"' not in page
    assert (
        "first and 2 more are too large to embed: first takes 0.0012 MB a step, and the page has room" in page
    )


def test_a_packed_tail_gives_almost_the_same_p_and_never_a_smaller_one(view):
    null = np.sort(np.random.default_rng(0).uniform(0, 1, 200_000))
    asked = np.concatenate([np.linspace(0, 1, 300), 1 - np.geomspace(1e-6, 1, 300), null[-5:]])
    found = view.evaluate(
        """async ([tail, asked]) => {
          const known = await laboratory.measures.openNull(tail);
          return asked.map((cosine) => laboratory.measures.chanceOf(cosine, known));
        }""",
        [packed_tail(null), asked.tolist()],
    )
    exact = p_values(asked, null)
    assert len(json.dumps(packed_tail(null))) < 20_000
    near = np.abs(asked[:, None] - null[None, -40:]).min(axis=1) > 2e-6  # what rounding decides
    ratio = np.array(found)[near] / exact[near]
    assert ratio.max() < 1.011
    assert ratio.min() > 0.999


def test_chance_is_what_the_layer_was_measured_against(recorded):
    layer = recorded[2].layer("first/kernel", -1)
    measured = measure(layer)
    own, luminance = nulls_of(layer)
    assert own is measured.null
    assert luminance is measured.colour.luminance.null
    assert filter_records(measured)[0].colour is not None
