"""The report: what it says follows from the numbers, and it asks nothing of the world."""

import base64
import dataclasses
import functools
import hashlib
import html
import re
import shlex
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest

from linesexp import open_run
from linesexp.config import ExperimentConfig, build_config, config_json
from linesexp.kernels.analysis import analysis_json
from linesexp.report.page import layer_table, page_of
from linesexp.run import dataset_bytes
from linesexp.runs import RunFolder
from linesexp.views.page import data_uri, fewer_colours, render_page

REDUCED = functools.cache(fewer_colours)
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>')


def commit(path, **files):
    """Put other files in the place of a run's own: commit(run, dataset_npz=bytes)."""
    folder = RunFolder(path)
    with folder.writing():
        for name, data in files.items():
            folder.commit({name.replace("_", "."): data}, "report")


@pytest.fixture(autouse=True)
def reduced_once(monkeypatch):
    """To paint a figure with fewer colours takes long, and pages of the tiny run all show the same figures."""
    monkeypatch.setattr("linesexp.report.page.fewer_colours", REDUCED)


@pytest.fixture(scope="module")
def page(tiny_run):
    return (tiny_run / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def words(run):
    """words(after=…): the page's text, tags left out, for the tiny run with its analysis changed."""
    analysis = open_run(run).analysis

    def text(**changes):
        commit(run, analysis_json=analysis_json(replace(analysis, **changes)))
        return text_of(page_of(open_run(run)))

    return text


def text_of(page):
    """What a reader sees, on one line."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def between(page, tag):
    kind = ' type="module"' if tag == "script" else ""  # other scripts are data
    return re.search(rf"<{tag}{kind}>(.*?)</{tag}>", page, flags=re.DOTALL)[1]


@pytest.mark.parametrize("number", [0, 1])
def test_an_animation_waits_on_its_first_frame(number, page, tiny_run):
    name = ("kernels", "responses")[number]
    figure = re.findall(r"<figure data-moving.*?</figure>", page, flags=re.DOTALL)[number]
    still = iio.imread(base64.b64decode(re.search(r'src="data:image/png;base64,([^"]*)"', figure)[1]))
    first = iio.imread((tiny_run / f"gifs/{name}.gif").read_bytes(), index=0)
    np.testing.assert_array_equal(still[..., :3], first[..., :3])
    assert data_uri((tiny_run / f"gifs/{name}.gif").read_bytes(), "image/gif") in figure


# Nothing gets in, nothing is asked for.


@pytest.fixture
def hostile_page(run):
    opened = open_run(run)
    dataset = replace(opened.dataset, class_names=HOSTILE)
    analysis = replace(opened.analysis, preference_classes=HOSTILE)
    commit(run, dataset_npz=dataset_bytes(dataset), analysis_json=analysis_json(analysis))
    return page_of(open_run(run))


def test_names_of_classes_are_shown_as_text_and_add_no_elements(hostile_page, page):
    for name in HOSTILE:
        assert name not in hostile_page
        assert hostile_page.count(html.escape(name).replace("&quot;", "&#34;")) >= 2
    assert re.findall(r"<([a-z]+)", hostile_page) == re.findall(r"<([a-z]+)", page)


def test_everything_that_a_template_shows_is_escaped(page):
    """A page of which every text is markup has the elements of any other page of that shape."""

    class Markup(dict):
        """Gives "<b>" for whatever the template asks for."""

        def __missing__(self, key):
            if key in ("layers", "environment"):
                return []
            if key in ("table", "shortcuts", "unseen", "trained", "ablation", "quality"):
                return {"caption": "<b>", "head": [("<b>", True)] * 2, "rows": [["<b>", "<b>"]]}
            if key in ("cards", "missing", "sheets"):
                return ["<b>"] if key == "missing" else [Markup()]
            return 1 if key == "weights" else [("<b>", "<b>")] if key == "nulls" else "<b>"

    parts = (
        "data",
        "network",
        "training",
        "kernels",
        "responses",
        "walkthrough",
        "comparison",
        "repeat",
        "place",
    )
    content = {
        name: Markup()
        for name in (*parts, "audit", "tuning", "chance", "controls", "evidence", "deeper", "place")
    }
    content["comparison"]["rows"] = []
    for part in ("kernels", "responses"):
        content[part]["gif"] = Markup()
    content["kernels"]["colour"] = Markup(gif=Markup())
    rendered = render_page(
        version="<b>", title="<b>", question="<b>", summary=["<b>"], about_laboratory=["<b>"], **content
    )
    assert "<b>" not in rendered
    assert rendered.count("&lt;b&gt;") > 20


@pytest.mark.parametrize(("tag", "directive"), [("style", "style-src"), ("script", "script-src")])
def test_the_policy_lets_through_what_the_page_holds_and_nothing_else(tag, directive, page):
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    text = re.findall(rf'<{tag}(?: type="module")?>(.*?)</{tag}>', page, flags=re.DOTALL)
    assert len(text) == 1  # the laboratory's data are a script element too, but never run
    digest = base64.b64encode(hashlib.sha256(text[0].encode()).digest()).decode()
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives[directive] == f"'sha256-{digest}'"
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data:"
    assert "unsafe" not in policy


def test_the_page_names_no_address_but_its_own(page):
    for address in re.findall(r'\b(?:src|href|data-moving|action|srcset)="([^"]*)"', page):
        assert address.startswith(("data:image/", "#")), address[:80]
    assert not re.search(r"https?://|url\(|@import|//cdn", page)
    assert not re.search(r"<[^>]*\s(?:on[a-z]+|style)=", page)


def test_every_link_leads_somewhere(page):
    places = set(re.findall(r'\bid="([^"]*)"', page))
    links = re.findall(r'href="#([^"]*)"', page)
    assert len(links) > 5
    assert set(links) <= places


def test_the_page_is_small_enough_to_send(tiny_run):
    assert (tiny_run / "report.html").stat().st_size <= 2_000_000


def test_every_picture_has_a_description(page):
    pictures = re.findall(r"<img[^>]*>", page)
    assert len(pictures) == 13
    for picture in pictures:
        assert len(re.search(r'alt="([^"]*)"', picture)[1]) > 20


def test_a_data_address_holds_the_bytes():
    assert data_uri(b"\x00\xff", "image/png") == "data:image/png;base64,AP8="


# Words follow from numbers.


def test_the_summary_counts_the_pictures_that_were_named_right(words, run):
    after = open_run(run).analysis.after
    assert "names the class of 5 of 8 test pictures" in words(after=replace(after, correct=5))
    assert "names the class of 6 of 8 test pictures" in words(after=replace(after, correct=6))


def test_the_summary_counts_the_kernels_that_chance_does_not_explain(words, run):
    records = open_run(run).analysis.kernels

    def with_p(*values):
        return [
            replace(r, match=replace(r.match, p_initialiser=p)) for r, p in zip(records, values, strict=True)
        ]

    assert "0 of 4 kernels resemble" in words(kernels=with_p(0.05, 0.5, 0.6, 0.9))
    text = words(kernels=with_p(0.049, 0.5, 0.0001, 0.9))
    assert "2 of 4 kernels resemble" in text
    assert "is the likeness more than luck? 2 of 4 kernels have p < 0.05" in text
    assert "each alone would give 0.2 of 4 kernels p < 0.05 on average" in text


def test_loss_and_accuracy_are_those_of_the_analysis(words, run):
    before, after = open_run(run).analysis.before, open_run(run).analysis.after
    text = words(
        before=replace(before, loss=1.5, accuracy=0.25), after=replace(after, loss=0.125, accuracy=0.75)
    )
    assert re.search(r"Test loss went from 1\.50* to 0\.1250*, test accuracy from 0\.250 to 0\.750\.", text)


def test_the_strongest_kernel_is_named_with_its_operator(words, run):
    records = open_run(run).analysis.kernels
    weak = [replace(r, match=replace(r.match, cosine=0.1, order=1)) for r in records]
    found = replace(weak[2].match, operator="scharr", order=2, size=5, row=0, column=0, cosine=-0.97)
    weak[2] = replace(weak[2], match=found)
    text = words(kernels=weak)
    assert "The best match of 3 kernels is a first-derivative (edge) operator, that of 1 a" in text
    assert "The strongest is kernel 2: |cosine| 0.97 with scharr 5×5 at (0, 0)" in text


def test_preferences_are_the_median_of_their_sizes(words, run):
    records = open_run(run).analysis.kernels
    values = (-0.9, 0.5, None, 0.1)
    trained = [replace(r, preference=value) for r, value in zip(records, values, strict=True)]
    silent = [replace(r, preference=None) for r in records]
    assert "The median of its size over the kernels: – before and 0.50 after training" in words(
        untrained=silent, kernels=trained
    )


def test_chance_is_told_in_the_numbers_of_the_null(words, run):
    chance = replace(open_run(run).analysis.chance, any=(0.12, 0.34, 0.56), draws=12_345)
    text = words(chance=chance)
    assert "12,345 kernels" in text
    assert "median best |cosine| of 0.34, and 98 % of them lie between 0.12 and 0.56" in text


def test_kernels_without_a_match_and_answers_are_told_as_such(words, run):
    records = open_run(run).analysis.kernels
    empty = {field.name: None for field in dataclasses.fields(records[0].shares)}
    dead = replace(
        records[0],
        match=None,
        detects=None,
        polarity=None,
        preference=None,
        shares=replace(records[0].shares, **empty),
    )
    text = words(kernels=[dead] * 4)
    assert "none (constant)" in text
    assert "nan" not in text.lower()
    assert "None" not in text


def test_the_data_are_described_as_they_were_drawn(page):
    text = text_of(page)
    assert "60 pictures of 20×20 pixels, 2 classes (horizontal, vertical)" in text
    assert "1–3 px thick, 6–20 px long, bright on dark, at least 2 px from the border" in text
    assert "noise" not in text.partition("Is there a shortcut?")[0].partition("The data")[2]


def test_the_table_has_a_row_for_each_kernel(page):
    for caption in ("Kernels of the first layer", "How often chance does as well", "Nothing trained anew"):
        table = page.partition(f"<caption>{caption}")[2].partition("</table>")[0]
        rows = re.findall(r'<tr><th scope="row">(\d+)</th>', table)
        assert rows == ["0", "1", "2", "3"]


# The network as a table.


def weights(config, channels=1, classes=2):
    return [layer["weights"] for layer in layer_table(config, channels, classes)]


def test_the_default_network_learns_400_weights_in_its_first_layer_and_6226_in_all():
    counted = weights(ExperimentConfig())
    assert counted[1] == 400
    assert sum(counted) == 6_226


NETWORKS = {
    "default": ({}, 1, 2),
    "colour, five classes": ({"images": {"angles_deg": (0.0, 36.0, 72.0, 108.0, 144.0)}}, 3, 5),
    "one layer": ({"network": {"filters": (3,), "kernel_sizes": (11,), "pool_size": 4}}, 1, 2),
    "zeros around": ({"network": {"padding": "same", "pooling": "average", "pool_size": 3}}, 1, 2),
    "small pictures": (
        {"images": {"size": 21, "length_px": (6, 20)}, "network": {"filters": (5, 2), "kernel_sizes": (5, 3)}},
        1,
        2,
    ),
}


@pytest.mark.xdist_group("keras")
@pytest.mark.parametrize(("settings", "channels", "classes"), NETWORKS.values(), ids=NETWORKS)
def test_the_table_agrees_with_keras(settings, channels, classes):
    from linesexp.learning.network import build_network

    config = build_config(settings)
    model = build_network(config, channels, classes)
    table = {layer["name"]: layer for layer in layer_table(config, channels, classes)}
    assert list(table)[1:] == [layer.name for layer in model.layers]
    for layer in model.layers:
        row = table[layer.name]
        assert row["weights"] == layer.count_params()
        numbers = [int(number) for number in re.findall(r"\d+", row["gives"])]
        assert tuple(numbers) == layer.output.shape[1:]
    assert sum(row["weights"] for row in table.values()) == model.count_params()


def test_the_page_states_the_weights_of_the_default_network(run, monkeypatch):
    """The tiny run's pictures and weights, under the default settings."""
    monkeypatch.setattr("linesexp.run.Run._check_weights", lambda *_: None)
    commit(run, config_json=config_json(build_config({"images": {"pictures_per_class": 30}})))
    text = text_of(page_of(open_run(run)))
    assert "6,226" in text
    assert "400" in text


# Repeating the run.


@pytest.mark.slow
def test_the_commands_of_the_page_repeat_the_run(page, linesexp, tiny_run, tmp_path):
    commands = [shlex.split(line) for line in html.unescape(between(page, "code")).splitlines()]
    assert [command[:2] for command in commands] == [
        ["linesexp", "generate"],
        ["linesexp", "train"],
        ["linesexp", "report"],
    ]
    for command in commands[:2]:
        ended = linesexp(*command[1:], cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
    again, first = RunFolder(tmp_path / "repeated"), RunFolder(tiny_run)
    last = first.names(prefix="kernels/")[-1]
    assert again.entry(last) == first.entry(last)
    assert first.entry(last).sha256 in page
    assert again.entry("config.json") == first.entry("config.json")


# In a browser.


def opened(browser, tiny_run, **options):
    """The report in a new window, with what it asked for and complained of."""
    view = browser.new_context(viewport={"width": 1280, "height": 800}, **options).new_page()
    view.asked, view.complaints = [], []
    view.on("request", lambda request: view.asked.append(request.url))
    view.on("console", lambda message: view.complaints.append(message.text))
    view.on("pageerror", lambda error: view.complaints.append(str(error)))
    view.goto((tiny_run / "report.html").as_uri())
    return view


@pytest.fixture(scope="module")
def view(browser, tiny_run):
    """The report in a window that tests share."""
    view = opened(browser, tiny_run)
    view.wait_for_selector("html[data-laboratory=open]")
    yield view
    view.context.close()


def seen(view, number):
    """The pixels of the number-th animation."""
    return view.locator("figure[data-moving] img").nth(number).screenshot()


@pytest.mark.xdist_group("browser")
class TestInABrowser:
    def test_motion_waits_for_its_button_and_for_keys(self, view):
        for number in (0, 1):
            figure = view.locator("figure[data-moving]").nth(number)
            button, image = figure.locator("button"), figure.locator("img")
            still = image.get_attribute("src")
            assert still.startswith("data:image/png")
            button.focus()
            for key, pressed, kind in (("Enter", "true", "gif"), ("Space", "false", "png")):
                view.keyboard.press(key)
                assert button.get_attribute("aria-pressed") == pressed
                assert image.get_attribute("src").startswith(f"data:image/{kind}")
            assert image.get_attribute("src") == still

    @pytest.mark.slow
    @pytest.mark.parametrize("number", [0, 1])
    def test_what_is_seen_moves_when_it_is_asked_to(self, number, view):
        button = view.locator("figure[data-moving] button").nth(number)
        seen(view, number)  # which scrolls there
        still = seen(view, number)
        view.wait_for_timeout(1000)
        assert seen(view, number) == still
        button.click()
        frames = set()
        for _ in range(50):
            frames.add(seen(view, number))
            if len(frames) > 1:
                break
            view.wait_for_timeout(100)
        assert len(frames) > 1
        button.click()

    def test_it_shows_all_and_asks_for_itself_alone_and_complains_of_nothing(self, view, tiny_run):
        pressed = view.get_by_role("button").evaluate_all(
            "all => all.map((button) => button.click()).length"  # those without effect now, too
        )
        assert pressed > 30
        view.mouse.wheel(0, 20_000)
        widths = view.eval_on_selector_all(
            "img", "all => Promise.all(all.map((one) => one.decode().then(() => one.naturalWidth)))"
        )
        assert len(widths) == 13
        assert min(widths) > 100
        for width in (360, 1280):
            view.set_viewport_size({"width": width, "height": 800})
            assert view.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert view.asked == [(tiny_run / "report.html").as_uri()]
        assert view.complaints == []

    @pytest.mark.slow
    def test_without_scripts_everything_but_motion_is_there(self, browser, tiny_run):
        view = opened(browser, tiny_run, java_script_enabled=False)
        assert view.get_by_role("button").count() == 0
        assert view.locator("img").count() == 13
        assert view.locator("#comparison tbody tr").count() == 4
        view.context.close()
