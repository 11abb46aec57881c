"""The address that leads back to what was seen, and the files that a reader takes along."""

import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import linesexp.views
from linesexp import open_run

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

pytestmark = pytest.mark.xdist_group("browser")
SVG = "{http://www.w3.org/2000/svg}"


def state(page, name):
    return page.evaluate("name => laboratory.state.get(name)", name)


def link_once(page, part):
    """The link, as soon as it holds this."""
    field = page.locator("#lab-share input")
    expect(field).to_have_value(re.compile(re.escape(part)))
    return field.input_value()


def test_the_address_leads_back(lab, visit, tiny_run):
    lab.evaluate(
        """() => laboratory.state.set({step: 1, picture: laboratory.experiment.testPicture(2), layer: "conv2",
           map: 3, place: {row: 1, column: 0}})"""
    )
    link = link_once(lab, "step=1;picture=2;layer=conv2;map=3;place=1%2C0")
    known = "#lab:step=1;picture=2;layer=conv2;map=3;place=1%2C0;kernel=0"
    assert link == (tiny_run / "report.html").as_uri() + known
    assert lab.url == link
    again = visit(fragment=link.partition("#")[1] + link.partition("#")[2])
    assert [state(again, name) for name in ("step", "layer", "map")] == [1, "conv2", 3]
    assert state(again, "place") == {"row": 1, "column": 0}
    assert state(again, "picture")["number"] == 2
    assert again.locator("#lab-time output").inner_text().startswith("epoch 0.")


NONSENSE = (
    "#lab:step=99999;picture=-1;layer=nothing;map=x;place=1",
    "#lab:step=1.5;picture=;layer=<img src=x onerror=alert(1)>",
    "#lab:%E0%A4%A;=;;step",
    "#lab:layer=conv1;map=77;place=900,900",
)
GO_TO = """async (fragment) => {
  const heard = new Promise((done) => addEventListener("hashchange", done, {once: true}));
  location.hash = fragment;
  await heard;
  await settled();
}"""


def test_a_page_that_is_only_read_keeps_its_address_and_nonsense_changes_nothing(visit, tiny_run):
    page = visit(fragment="#kernels")
    link_once(page, "layer=conv1")
    assert page.url.endswith("#kernels")
    for fragment in NONSENSE:
        page.evaluate(GO_TO, fragment)
        assert state(page, "step") == len(open_run(tiny_run).history.steps) - 1
        assert [state(page, name) for name in ("layer", "map", "place")] == ["conv1", 0, None]
        assert state(page, "picture")["number"] == 0


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
    assert name == f"kernels-epoch-{run.history.steps[-1]:g}.svg"
    assert len(drawing.findall(f"{SVG}g")) == len(kernels)
    for group, kernel in zip(drawing.findall(f"{SVG}g"), kernels, strict=True):
        colours = [cell.get("fill")[4:-1].split(",") for cell in group.findall(f"{SVG}rect")]
        red_over_blue = np.array([int(red) - int(blue) for red, _, blue in colours]).reshape(kernel.shape)
        strong = np.abs(kernel) > 0.1 * np.abs(kernels).max()
        assert strong.any()
        np.testing.assert_array_equal(np.sign(red_over_blue[strong]), np.sign(kernel[strong]))


def words_of(data):
    """All the words of a drawing."""
    return [each.text or "" for each in ET.fromstring(data).iter(f"{SVG}text")]


CHANGE_KERNEL_1 = """() => {
  const { experiment, state } = laboratory;
  const { values, bias } = experiment.kernelLayers[0].kernelAt(0, experiment.noEdits, 1);
  state.set({edits: {1: {values: values.map((value) => -value), bias}}, step: 1});
}"""


def test_kernels_of_the_reader_are_not_passed_off_as_the_runs(lab, tiny_run):
    name, data = download(lab, "kernels", "SVG")
    assert "changed" not in name + "".join(words_of(data))
    lab.evaluate(CHANGE_KERNEL_1)
    name, data = download(lab, "kernels", "SVG")
    epoch = open_run(tiny_run).history.steps[1]
    title, *tiles = words_of(data)
    assert tiles == ["kernel 0", "kernel 1, changed", "kernel 2", "kernel 3"]
    assert title.startswith(f"First-layer kernels, epoch {epoch:.2f}, 1 of 4 changed by you; scale")
    assert name == f"kernels-epoch-{epoch:.2f}-changed.svg"


@pytest.mark.parametrize("layer", ["pool1", pytest.param("conv2", marks=pytest.mark.slow)])
def test_maps_name_their_picture_and_changed_kernels(layer, lab, tiny_run):
    classes = open_run(tiny_run).dataset.class_names
    lab.evaluate(
        """layer => laboratory.state.set({layer, picture: laboratory.experiment.testPicture(2)})""", layer
    )
    label = lab.evaluate("laboratory.experiment.labels[2]")
    name, data = download(lab, "maps", "SVG")
    title, *tiles = words_of(data)
    assert title.startswith(f"Maps of {layer}, test picture 2: {classes[label]}, epoch ")
    assert name.startswith(f"{layer}-of-picture-2-epoch-")
    assert "changed" not in name + title + "".join(tiles)
    lab.press(lab.locator("#lab-input").get_by_role("button", name="Swap black and white"))
    lab.do(CHANGE_KERNEL_1)
    name, data = download(lab, "maps", "SVG")
    title, *tiles = words_of(data)
    assert title.startswith(f"Maps of {layer}, black and white swapped by you, epoch ")
    assert "1 of 4 kernels changed by you" in title
    assert re.fullmatch(rf"{layer}-of-own-picture-epoch-[\d.]+-changed.svg", name)
    assert ("map 1, kernel changed" in tiles) == (layer == "pool1")


@pytest.mark.parametrize("what", ["curves", "polars"])
@pytest.mark.parametrize("scheme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
def test_a_plot_stands_alone_in_light_colours(what, scheme, lab, tiny_run, tmp_path):
    """Every colour of the file is one of the page's light ones, whatever the reader's screen is set to."""
    lab.emulate_media(color_scheme=scheme)
    lab.choose(step=1)
    name, data = download(lab, what, "SVG")
    drawing = ET.fromstring(data)
    inner = drawing.findall(f"{SVG}svg")
    assert len(inner) == 2
    text = data.decode()
    assert "var(" not in text
    assert "class=" not in text
    css = (Path(linesexp.views.__file__).parent / "static" / "report.css").read_text()
    light = css.partition("prefers-color-scheme")[0]
    known = {tuple(int(hex[at : at + 2], 16) for at in (0, 2, 4)) for hex in re.findall(r"#(\w{6})", light)}
    found = {tuple(map(int, each)) for each in re.findall(r"rgb\((\d+), (\d+), (\d+)\)", text)}
    assert found <= known | {(0, 0, 0)}  # black: the fill of what is not filled
    assert len(found) >= 4
    lines = {path.get("stroke") for each in inner for path in each.iter(f"{SVG}path")}
    assert "rgb(11, 92, 173)" in lines  # the accent
    epoch = f"epoch-{open_run(tiny_run).history.steps[1]:.2f}"
    assert name == (f"curves-{epoch}.svg" if what == "curves" else f"directions-of-kernel-0-{epoch}.svg")
    words = " ".join(words_of(data))
    for part in (
        ("the marker is at the step “epoch 0.", "Loss: ", "Accuracy: ")
        if what == "curves"
        else ("Kernel 0, epoch 0.", "The outer ring is", "90°")
    ):
        assert part in words


def test_a_changed_kernels_directions_are_called_changed(lab):
    lab.evaluate(CHANGE_KERNEL_1)
    lab.choose(kernel=1, map=1, layer="conv1")
    name, data = download(lab, "polars", "SVG")
    assert re.fullmatch(r"directions-of-kernel-1-epoch-[\d.]+-changed\.svg", name)
    assert words_of(data)[0] == "Kernel 1, as you made it"


def test_no_title_is_cut_off(lab):
    lab.do(CHANGE_KERNEL_1)
    for what in ("kernels", "maps", "curves", "polars"):
        _, data = download(lab, what, "SVG")
        longest = lab.evaluate(
            """text => {
              const home = document.createElement("div");
              home.innerHTML = text;
              document.body.append(home);
              const wide = home.querySelector("svg").viewBox.baseVal.width;
              const boxes = [...home.querySelectorAll("svg > text")].map((one) => one.getBBox());
              home.remove();
              return Math.max(...boxes.map((box) => box.x + box.width)) / wide;
            }""",
            data.decode(),
        )
        assert longest < 1, what


@pytest.mark.slow
@pytest.mark.parametrize("what", ["kernels", "maps", "curves", "polars"])
def test_a_png_is_a_picture(lab, what):
    name, data = download(lab, what, "PNG")
    picture = Image.open(io.BytesIO(data))
    assert name.endswith(".png")
    assert min(picture.size) > 200
    assert len(picture.convert("RGB").getcolors(1 << 20)) > 10
