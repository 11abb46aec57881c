"""What is painted of the network are its numbers: pictures, maps, places, classes and curves, read back."""

import re

import numpy as np
import pytest
from drawn import COLOURS, assert_drawn, colours, numbers_in

pytestmark = pytest.mark.xdist_group("browser")

LAYERS = {"conv1": 3, "pool1": 3, "conv2": 4, "pool2": 4}
VIEWS = ("the picture", "what goes in", "what comes out")


def look_at(view, number):
    view.do("n => laboratory.state.set({picture: laboratory.experiment.testPicture(n)})", number)


def canvas_of(view, which):
    """The large picture of these that the arithmetic shows."""
    (drawn,) = colours(view.locator("#lab-arithmetic .lab-mapview").nth(VIEWS.index(which)).locator("canvas"))
    return drawn


def frame_of(view, which):
    """bool array: the numbers of a large picture that its frame is around."""
    figure = view.locator("#lab-arithmetic .lab-mapview").nth(VIEWS.index(which))
    height, width, *style = figure.evaluate(
        """(figure) => {
          const { height, width } = figure.querySelector("canvas");
          const { style } = figure.querySelector(".lab-frame");
          return [height, width, style.top, style.left, style.height, style.width];
        }"""
    )
    sides = [height, width, height, width]
    top, left, tall, wide = (
        round(float(each.rstrip("%")) / 100 * side) for each, side in zip(style, sides, strict=True)
    )
    framed = np.zeros((height, width), bool)
    framed[top : top + tall, left : left + wide] = True
    return framed


# Pictures and maps.


def test_pictures_are_painted_as_they_are(drawing, made_up):
    look_at(drawing, 3)
    drawing.choose(layer="conv1", map=0)
    (drawn,) = colours(drawing.locator(".lab-drawing"))
    np.testing.assert_array_equal(drawn, made_up.pixels[3])
    np.testing.assert_array_equal(canvas_of(drawing, "what goes in"), made_up.pixels[3])
    drawing.choose(layer="pool2", map=0)
    np.testing.assert_array_equal(canvas_of(drawing, "the picture"), made_up.pixels[3])
    thumbs = drawing.locator(".lab-gallery .lab-tile")
    np.testing.assert_array_equal(colours(thumbs.locator("canvas")), made_up.pixels)
    assert thumbs.all_inner_texts() == [made_up.classes[label] for label in made_up.labels]


@pytest.mark.parametrize("step", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_every_tile_is_its_own_map_of_its_own_layer(step, drawing, made_up):
    look_at(drawing, 1)
    drawing.choose(step=step)
    tiles = colours(drawing.locator("#lab-layers .lab-tile canvas"))
    layers = made_up.layers(1, step)
    assert (layers["conv1"] < 0).any()  # so that signs can be told apart
    expected = [(layers[name], map) for name, maps in LAYERS.items() for map in range(maps)]
    for tile, (layer, map) in zip(tiles, expected, strict=True):
        assert_drawn(tile, layer[..., map], np.abs(layer).max())


OPENED = """() => {
  const field = (name) => document.querySelector(`#lab-arithmetic [aria-label=${name}]`).value;
  return [field("row"), field("column"), document.querySelector(".lab-place").innerText];
}"""


@pytest.mark.parametrize("name", LAYERS)
def test_a_map_opens_where_it_is_farthest_from_zero(name, drawing, made_up):
    layer = made_up.layers()[name]
    for map in (0, LAYERS[name] - 1):
        drawing.choose(layer=name, map=map, place=None)
        assert_drawn(canvas_of(drawing, "what comes out"), layer[..., map], np.abs(layer).max())
        size = np.abs(layer[..., map])
        framed = frame_of(drawing, "what comes out")
        assert framed.sum() == 1
        assert size[framed] == size.max()
        row, column = np.argwhere(framed)[0]
        *fields, words = drawing.evaluate(OPENED)
        assert fields == [str(row), str(column)]
        assert numbers_in(words)[-1] == pytest.approx(layer[row, column, map], abs=1e-4)


def test_what_goes_into_a_layer_is_what_comes_out_of_the_one_before(drawing, made_up):
    for name, before in (("pool1", "conv1"), ("conv2", "pool1"), ("pool2", "conv2")):
        given = made_up.layers()[before]
        drawing.choose(layer=name, map=2, place={"row": 1, "column": 2})
        channel = 2 if name.startswith("pool") else 0
        assert_drawn(canvas_of(drawing, "what goes in"), given[..., channel], np.abs(given).max())


def test_what_a_map_adds_to_the_winner_is_painted(drawing, made_up):
    drawing.locator("#lab-arithmetic select[aria-label=layer]").select_option("dense")
    drawing.choose(map=1)
    layers = made_up.layers()
    winner = layers["dense"].argmax()
    weights = made_up.weights[-1]["dense/kernel"][:, winner].reshape(layers["pool2"].shape)
    products = layers["pool2"] * weights
    assert_drawn(canvas_of(drawing, "what comes out"), products[..., 1], np.abs(products).max())
    assert_drawn(canvas_of(drawing, "what goes in"), layers["pool2"][..., 1], np.abs(layers["pool2"]).max())


def test_a_place_sees_the_pixels_that_change_it(drawing, made_up):
    for name, row, column in (("pool1", 3, 5), ("conv2", 0, 7), ("pool2", 1, 2), ("pool2", 3, 0)):
        drawing.choose(layer=name, map=0, place={"row": row, "column": column})
        np.testing.assert_array_equal(frame_of(drawing, "the picture"), made_up.field(name, row, column))


# A sweep until it has been at three places or more: each place that its row and column name, and the map then.
SWEPT = f"""async ([sweep, map, row, column]) => {{
  const colours = {COLOURS};
  const seen = {{}};
  sweep.click();
  while (Object.keys(seen).length < 3 && sweep.getAttribute("aria-pressed") === "true") {{
    await new Promise(requestAnimationFrame);
    seen[Number(row.value) * map.width + Number(column.value)] = colours([map])[0].bytes;
  }}
  const pressed = sweep.getAttribute("aria-pressed");
  sweep.click();
  return [pressed, Object.entries(seen)];
}}"""


def test_a_sweep_fills_the_map_place_by_place(drawing, made_up):
    drawing.choose(layer="conv1", map=1, place={"row": 0, "column": 0})
    layer = made_up.layers()["conv1"]
    expected = layer[..., 1].ravel()
    panel = drawing.locator("#lab-arithmetic")
    parts = [
        panel.get_by_role("button", name="Sweep"),
        panel.locator(".lab-mapview").nth(VIEWS.index("what comes out")).locator("canvas"),
        *(panel.get_by_label(name, exact=True) for name in ("row", "column")),
    ]
    pressed, seen = drawing.evaluate(SWEPT, [part.element_handle() for part in parts])
    assert pressed == "true"
    assert len(seen) >= 3
    for reached, drawn in ((int(place), np.reshape(drawn, (-1, 4))[:, :3]) for place, drawn in seen):
        assert_drawn(drawn[: reached + 1], expected[: reached + 1], np.abs(layer).max())
        (empty,) = np.unique(drawn[reached + 1 :], axis=0)  # one colour, and not that of a zero
        assert empty.max() < 230


# Classes and curves.


SHARES = """(all) => all.filter((bar) => bar.checkVisibility()).map((bar) => {
  const [name, share] = [...bar.querySelectorAll("span")].map((one) => one.innerText);
  const meter = bar.querySelector("meter");
  return [name, meter.value / meter.max, Number(share)];
})"""


def shares(view):
    """[(class, its bar, its number)] of all bars that are seen."""
    return view.locator("#lab-classes .lab-bar").evaluate_all(SHARES)


def assert_shares(bars, expected, made_up):
    assert [name for name, _, _ in bars] == list(made_up.classes)
    np.testing.assert_allclose([bar for _, bar, _ in bars], expected, atol=1e-5)
    np.testing.assert_allclose([number for _, _, number in bars], expected, atol=0.00051)


def test_bars_are_the_classes_probabilities_now_and_before_training(drawing, made_up):
    for picture, step in ((0, 2), (2, 1)):
        look_at(drawing, picture)
        drawing.choose(step=step, twin=False)
        assert_shares(shares(drawing), made_up.layers(picture, step)["dense"], made_up)
        drawing.choose(twin=True)
        now, before = shares(drawing)[:3], shares(drawing)[3:]
        assert_shares(now, made_up.layers(picture, step)["dense"], made_up)
        assert_shares(before, made_up.layers(picture, 0)["dense"], made_up)


CHART = """(chart) => {
  const one = (which) => chart.querySelector(which);
  return {
    axis: one(".curve-axis").getAttribute("d"),
    labels: [...chart.querySelectorAll("text")].map((label) => label.textContent),
    training: one(".curve-training").getAttribute("d"),
    validation: one(".curve-validation").getAttribute("d"),
    dots: [...chart.querySelectorAll(".curve-dot")].map(({ cx, cy }) => [cx.baseVal.value, cy.baseVal.value]),
    marker: Number(one(".curve-marker").getAttribute("x1")),
  };
}"""


def test_curves_go_through_the_logs_numbers(drawing, made_up):
    for step in made_up.steps:
        drawing.choose(step=step)
        for name, chart in zip(
            ("loss", "accuracy"),
            drawing.locator(".lab-curves svg").evaluate_all(f"all => all.map({CHART})"),
            strict=True,
        ):
            assert_through_the_numbers(chart, step, name, made_up)


def assert_through_the_numbers(chart, step, name, made_up):
    left, top, bottom, right = map(float, re.fullmatch(r"M(\S+) (\S+)V(\S+)H(\S+)", chart["axis"]).groups())
    highest = max(float(each) for each in chart["labels"] if re.fullmatch(r"[\d.]+", each))
    x = left + (right - left) * np.array(made_up.log["step"]) / made_up.steps[-1]
    for kind, column, dot in zip(
        ("training", "validation"), (name, f"validation_{name}"), chart["dots"], strict=True
    ):
        values = np.array(made_up.log[column])
        assert values.max() <= highest
        y = bottom - (bottom - top) * values / highest
        found = np.reshape(numbers_in(chart[kind]), (-1, 2))
        np.testing.assert_allclose(found, np.stack([x, y], 1), atol=0.06)
        assert dot == pytest.approx([x[step], y[step]])
    assert chart["marker"] == pytest.approx(x[step])
