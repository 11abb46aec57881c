"""The address that leads back to what was seen, and the files that a reader takes along."""

import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from linesexp import open_run

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.xdist_group("browser")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def visit(browser, tiny_run):
    """visit("#lab:step=1"): the page at this fragment, its laboratory open."""
    context = browser.new_context(accept_downloads=True)

    def opened(fragment=""):
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto((tiny_run / "report.html").as_uri() + fragment)
        page.locator("html[data-laboratory=open]").wait_for(state="attached")
        return page

    yield opened
    context.close()


def state(page, name):
    return page.evaluate("name => laboratory.state.get(name)", name)


def link_once(page, part):
    """The link, as soon as it holds this."""
    field = page.locator("#lab-share input")
    expect(field).to_have_value(re.compile(re.escape(part)))
    return field.input_value()


def test_the_address_leads_back(visit, tiny_run):
    page = visit()
    page.evaluate(
        """() => laboratory.state.set({step: 1, picture: laboratory.experiment.testPicture(2), layer: "conv2",
           map: 3, place: {row: 1, column: 0}})"""
    )
    link = link_once(page, "step=1")
    known = "#lab:step=1;picture=2;layer=conv2;map=3;place=1%2C0;kernel=0"
    assert link == (tiny_run / "report.html").as_uri() + known
    assert page.url == link
    again = visit(link.partition("#")[1] + link.partition("#")[2])
    assert [state(again, name) for name in ("step", "layer", "map")] == [1, "conv2", 3]
    assert state(again, "place") == {"row": 1, "column": 0}
    assert state(again, "picture")["number"] == 2
    assert again.locator("#lab-time output").inner_text().startswith("epoch 0.")


@pytest.mark.parametrize(
    "fragment",
    [
        "#lab:step=99999;picture=-1;layer=nothing;map=x;place=1",
        "#lab:step=1.5;picture=;layer=<img src=x onerror=alert(1)>",
        "#lab:%E0%A4%A;=;;step",
        "#lab:layer=conv1;map=77;place=900,900",
    ],
)
def test_an_address_that_makes_no_sense_changes_nothing(visit, fragment, tiny_run):
    page = visit(fragment)
    assert page.complaints == []
    assert state(page, "step") == len(open_run(tiny_run).history.steps) - 1
    assert [state(page, name) for name in ("layer", "map", "place")] == ["conv1", 0, None]
    assert state(page, "picture")["number"] == 0


def test_a_page_that_is_only_read_keeps_its_address(visit):
    page = visit("#kernels")
    link_once(page, "layer=conv1")
    assert page.url.endswith("#kernels")


def test_a_link_says_what_it_leaves_out(lab):
    page = lab
    page.evaluate(
        """() => laboratory.state.set({picture: {...laboratory.experiment.testPicture(0), number: undefined},
           edits: {0: {values: new Float32Array(25), bias: 0}}})"""
    )
    words = "The link leaves out your own picture and your own kernels."
    expect(page.locator("#lab-share .lab-note")).to_have_text(words)


def download(page, what, kind):
    page.locator("#lab-share select").select_option(what)
    with page.expect_download() as waiting:
        page.locator("#lab-share").get_by_role("button", name=kind, exact=True).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_kernels_as_svg_have_a_cell_for_every_weight_and_the_signs_of_the_weights(lab, tiny_run):
    name, data = download(lab, "kernels", "SVG")
    run = open_run(tiny_run)
    kernels = run.kernels[-1]
    drawing = ET.fromstring(data)  # our own file
    assert name == f"kernels-step-{run.history.steps[-1]:g}.svg"
    assert len(drawing.findall(f"{SVG}g")) == len(kernels)
    for group, kernel in zip(drawing.findall(f"{SVG}g"), kernels, strict=True):
        colours = [cell.get("fill")[4:-1].split(",") for cell in group.findall(f"{SVG}rect")]
        red_over_blue = np.array([int(red) - int(blue) for red, _, blue in colours]).reshape(kernel.shape)
        strong = np.abs(kernel) > 0.1 * np.abs(kernels).max()
        assert strong.any()
        np.testing.assert_array_equal(np.sign(red_over_blue[strong]), np.sign(kernel[strong]))


@pytest.mark.slow
@pytest.mark.parametrize("what", ["kernels", "maps"])
def test_a_png_is_a_picture(lab, what):
    name, data = download(lab, what, "PNG")
    picture = Image.open(io.BytesIO(data))
    assert name.endswith(".png")
    assert min(picture.size) > 200
    assert len(picture.convert("RGB").getcolors(1 << 20)) > 10
