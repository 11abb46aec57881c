"""The arithmetic of one place: what is written out is what the network computes, in NumPy as in the page."""

import re

import numpy as np
import pytest

from linesexp.config import NetworkConfig
from linesexp.images.dataset import scale_pixels
from linesexp.report.laboratory import laboratory_data
from linesexp.run import open_run
from linesexp.seeing.convolution import ACTIVATIONS, convolve, softmax
from linesexp.seeing.forward import forward
from linesexp.views.embedding import packed

pytestmark = pytest.mark.xdist_group("browser")

NETWORKS = {
    "as by default": NetworkConfig(filters=(4, 3), kernel_sizes=(5, 3)),
    "zeros around, means, leaky": NetworkConfig(
        filters=(3, 5), kernel_sizes=(5, 3), padding="same", pooling="average", activation="leaky_relu"
    ),
    "one layer, wide windows, tanh": NetworkConfig(
        filters=(2,), kernel_sizes=(9,), pool_size=5, activation="tanh"
    ),
}
CLASSES = 3
SIDE = 17  # odd: some places fill no pooling window


class Case:
    """A network of random weights, a picture for it, its page's data, and what NumPy makes of it."""

    def __init__(self, network, channels):
        rng = np.random.default_rng(5)
        self.network = network
        self.weights = {}
        maps = channels
        for layer, (filters, size) in enumerate(
            zip(network.filters, network.kernel_sizes, strict=True), start=1
        ):
            shape = (size, size, maps, filters)
            self.weights[f"conv{layer}/kernel"] = rng.normal(0, 0.3, shape).astype(np.float32)
            self.weights[f"conv{layer}/bias"] = rng.normal(0, 0.1, filters).astype(np.float32)
            maps = filters
        units = network.map_sizes(SIDE)[-1][1] ** 2 * maps
        self.weights["dense/kernel"] = rng.normal(0, 0.3, (units, CLASSES)).astype(np.float32)
        self.weights["dense/bias"] = rng.normal(0, 0.1, CLASSES).astype(np.float32)
        self.pixels = rng.integers(0, 256, (3, SIDE, SIDE, channels), dtype=np.uint8)
        self.layers = {
            each.name: each.values[0] for each in forward(scale_pixels(self.pixels[:1]), self.weights, network)
        }

    def sums(self, layer):
        """A convolution's values before the activation, and its input."""
        number = int(layer.removeprefix("conv"))
        before = scale_pixels(self.pixels[0]) if number == 1 else self.layers[f"pool{number - 1}"]
        kernel, bias = self.weights[f"{layer}/kernel"], self.weights[f"{layer}/bias"]
        return convolve(before[None], kernel, bias, padding=self.network.padding)[0], before

    def data(self, others):
        return others | {
            "network": {
                "filters": list(self.network.filters),
                "kernelSizes": list(self.network.kernel_sizes),
                "activation": self.network.activation,
                "pooling": self.network.pooling,
                "poolSize": self.network.pool_size,
                "padding": self.network.padding,
            },
            "classes": ["one", "two", "three"],
            "steps": [0, 1],
            "weights": {name: packed(np.stack([0 * each, each])) for name, each in self.weights.items()},
            "test": {"pixels": packed(self.pixels), "labels": [0, 1, 2], "all": 3},
        }


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("as by default", 1)),
        pytest.param(("zeros around, means, leaky", 3)),
        pytest.param(("one layer, wide windows, tanh", 1), marks=pytest.mark.slow),
    ],
    ids=lambda pair: pair[0],
)
def case(request):
    name, channels = request.param
    return Case(NETWORKS[name], channels)


@pytest.fixture(scope="module")
def case_page(case, page_at, tiny_run, tmp_path_factory):
    data = case.data(laboratory_data(open_run(tiny_run)))
    return page_at(tmp_path_factory.mktemp("case") / "page.html", data)


@pytest.fixture
def view(case_page, revisit):
    return revisit(case_page)


def panel(view):
    return view.locator("#lab-arithmetic")


CHOOSE = """async (steps) => {
  for (const step of steps) {
    for (const [name, value] of step) {
      const one = document.querySelector(`#lab-arithmetic [aria-label="${name}"]`);
      one.value = value;
      for (const event of ["input", "change"]) one.dispatchEvent(new Event(event));
    }
    await settled();
  }
}"""
SEEN = """() => {
  const panel = document.getElementById("lab-arithmetic");
  const seen = (which) => [...panel.querySelectorAll(which)].filter((one) => one.checkVisibility());
  const number = (one) => Number(one.dataset.value);
  return {
    tables: seen("table").map((table) => ({
      caption: table.caption.innerText,
      lines: [...table.tBodies[0].rows].map((row) => row.cells)
        .filter((cells) => cells[0].tagName === "TH" && cells[1])
        .map(([name, cell]) => [name.innerText, number(cell)]),
      cells: [...table.querySelectorAll("td")].map((cell) => cell.innerText),
    })),
    chips: seen(".lab-partial > *").map(number),
    place: panel.querySelector(".lab-place").innerText,
    pooling: panel.querySelector(".lab-pooling p").innerText,
  };
}"""


def choose(view, layer, map=None, place=None):
    """By the panel's own controls."""
    steps = [[("layer", layer)]]
    if map is not None:
        steps.append([("map", map)])
    if place is not None:
        steps.append([*zip(("row", "column"), place, strict=True)])
    view.evaluate(CHOOSE, steps)


def table(view, caption):
    (found,) = (each for each in view.evaluate(SEEN)["tables"] if re.match(caption, each["caption"]))
    return found


def lines(view, caption):
    """{words: number} of a visible table."""
    return dict(table(view, caption)["lines"])


def chips(view):
    return view.evaluate(SEEN)["chips"]


def grid(view, caption):
    """The numbers in a grid's cells as they are shown."""
    return [float(text.replace("−", "-")) for text in table(view, caption)["cells"]]


def places(values):
    """Corners, the middle, and the largest value's place, of maps (rows, columns, maps)."""
    last_row, last_column = values.shape[0] - 1, values.shape[1] - 1
    return {(0, 0), (last_row, last_column), (last_row // 2, 0), (last_row // 2, last_column // 2)}


def test_a_convolution_is_written_out_as_it_is_computed(case, view):
    for number, filters in enumerate(case.network.filters, start=1):
        name = f"conv{number}"
        sums, before = case.sums(name)
        for map, (row, column) in zip(range(filters), sorted(places(sums)), strict=False):
            choose(view, name, map, (row, column))
            seen = view.evaluate(SEEN)
            (adding,) = (each for each in seen["tables"] if each["caption"] == "Adding up")
            found = [number for _, number in adding["lines"]]
            bias = case.weights[f"{name}/bias"][map]
            value = case.layers[name][row, column, map]
            np.testing.assert_allclose(
                found, [sums[row, column, map] - bias, bias, sums[row, column, map], value], atol=1e-5
            )
            if before.shape[2] > 1:
                parts = seen["chips"]
                assert len(parts) == before.shape[2]
                assert sum(parts) == pytest.approx(found[0], abs=1e-6)
            assert float(seen["place"].split(": ")[1].replace("−", "-")) == pytest.approx(value, abs=6e-5)


def test_small_products_are_shown_with_digits_that_add_up(view):
    """Weights of a thousandth: with two digits after the point all of the products would read 0.00."""
    view.do(
        """() => {
          const { experiment, state } = laboratory;
          const { values, bias } = experiment.kernelLayers[0].kernelAt(1, experiment.noEdits, 0);
          state.set({edits: {0: {values: values.map((value) => value / 300), bias}}, layer: "conv1", map: 0});
        }"""
    )
    chosen = panel(view).locator(".lab-partial:visible [aria-pressed=true]")
    sum_ = chips(view)[0] if chosen.count() else next(iter(lines(view, "Adding up").values()))
    shown = grid(view, "^products")
    assert sum(shown) == pytest.approx(sum_, abs=len(shown) * 5e-6)
    assert abs(sum_) > len(shown) * 5e-6
    (said,) = re.findall(r"sum (\S+)", panel(view).locator("caption:visible", has_text="products").inner_text())
    assert float(said.replace("−", "-")) == pytest.approx(sum_, abs=5.1e-6)


def test_a_product_is_written_out_where_the_reader_points_or_walks(case, view):
    choose(view, "conv1", 0, (4, 4))
    words = panel(view).locator(".lab-product:visible")
    assert "Point at a product" in words.inner_text()
    products = panel(view).locator(".lab-grid-box:visible").nth(2)
    products.locator("td").nth(3).hover()
    size = case.network.kernel_sizes[0]
    _, before = case.sums("conv1")
    corner = 4 - (size - 1) // 2 if case.network.padding == "same" else 4
    factors = [
        (before[corner + row, corner + column, 0], case.weights["conv1/kernel"][row, column, 0, 0])
        for row, column in ((0, 3), (1, 3))
    ]

    def said():
        return [float(number) for number in re.findall(r"[-\d.]+", words.inner_text().replace("−", "-"))]

    for row, (number, weight) in enumerate(factors):
        numbers = [pytest.approx(each, rel=1e-4) for each in (number, weight, number * weight)]
        assert said() == [row, 3, *numbers]
        marked = panel(view).locator(".lab-grids .lab-marked")
        assert marked.count() == 3
        products.focus()
        view.keyboard.press("ArrowDown")


def test_window_kernel_and_products_are_those_of_the_channel(case, view):
    name = f"conv{len(case.network.filters)}"
    sums, before = case.sums(name)
    size = case.network.kernel_sizes[-1]
    place = (sums.shape[0] - 1, 1)
    choose(view, name, 1, place)
    channel = before.shape[2] - 1
    if channel:
        view.press(panel(view).locator(".lab-partial:visible button").nth(channel))
    pad = (size - 1) // 2 if case.network.padding == "same" else 0
    padded = np.pad(before, ((pad, pad), (pad, pad), (0, 0)))
    patch = padded[place[0] : place[0] + size, place[1] : place[1] + size, channel].ravel()
    kernel = case.weights[f"{name}/kernel"][:, :, channel, 1].ravel()
    np.testing.assert_allclose(grid(view, "^window: "), patch, atol=0.0051)
    np.testing.assert_allclose(grid(view, "^kernel 1 of "), kernel, atol=0.0051)
    np.testing.assert_allclose(grid(view, "^products"), patch * kernel, atol=0.0051)
    assert "times, cell by cell" in panel(view).locator(".lab-grids").inner_text()
    outside = panel(view).locator(".lab-grid:visible td.lab-beyond").count()
    assert outside == (size if pad else 0)  # the row below the picture


def test_a_pooling_keeps_what_the_layer_keeps(case, view):
    for number in range(1, len(case.network.filters) + 1):
        name = f"pool{number}"
        values = case.layers[name]
        for map, (row, column) in zip(range(values.shape[2]), sorted(places(values)), strict=False):
            choose(view, name, map, (row, column))
            found = list(lines(view, "What is kept").values())
            assert found[-1] == pytest.approx(values[row, column, map], abs=1e-5)
            side = case.network.pool_size
            window = case.layers[f"conv{number}"][
                row * side : (row + 1) * side, column * side : (column + 1) * side, map
            ]
            np.testing.assert_allclose(grid(view, "^window: "), window.ravel(), atol=0.0051)


def test_a_convolution_says_what_becomes_of_it_in_the_pooling(case, view):
    side = case.network.pool_size
    values = case.layers["conv1"][..., 0]
    pooled = case.layers["pool1"].shape[0]
    words = panel(view).locator(".lab-pooling p")
    edge = len(values) - 1
    choose(view, "conv1", 0, (edge, edge))
    assert ("drops" in words.inner_text()) == (edge >= pooled * side)
    first = min(1, pooled - 1)  # row of windows
    window = values[first * side : (first + 1) * side, :side]
    best = np.unravel_index(window.argmax(), window.shape)
    worst = np.unravel_index(window.argmin(), window.shape)
    assert window[best] > window[worst]
    for place, verdict in ((best, "wins"), (worst, "is lost")):
        choose(view, "conv1", 0, (first * side + int(place[0]), int(place[1])))
        said = words.inner_text()
        assert f"row {first}, column 0 of" in said
        assert (verdict if case.network.pooling == "max" else "mean") in said


def test_flatten_names_the_number_in_the_list(case, view):
    last = f"pool{len(case.network.filters)}"
    values = case.layers[last]
    choose(view, "flatten", 1, (values.shape[0] - 1, 0))
    value, index = lines(view, "This number").values()
    assert case.layers["flatten"][int(index)] == pytest.approx(value, abs=1e-5)
    assert value == pytest.approx(values[values.shape[0] - 1, 0, 1], abs=1e-5)


def test_a_score_is_the_sum_of_its_parts(case, view):
    for chosen in range(CLASSES):
        assert_a_score_is_the_sum_of_its_parts(chosen, case, view)


def assert_a_score_is_the_sum_of_its_parts(chosen, case, view):
    kernel, bias = case.weights["dense/kernel"], case.weights["dense/bias"]
    flat = case.layers["flatten"]
    scores = flat @ kernel + bias
    maps = case.network.filters[-1]
    choose(view, "dense")
    panel(view).get_by_label("score of the class").select_option(str(chosen))
    column = min(1, case.layers[f"pool{len(case.network.filters)}"].shape[1] - 1)
    choose(view, "dense", maps - 1, (0, column))
    loud = lines(view, "The numbers that count most")
    *parts, score = loud.values()
    assert score == pytest.approx(scores[chosen], abs=1e-4)
    assert sum(parts) == pytest.approx(score, abs=1e-6)
    products = flat * kernel[:, chosen]
    assert parts[0] == pytest.approx(products[np.abs(products).argmax()], abs=1e-5)
    np.testing.assert_allclose(chips(view), products.reshape(-1, maps).sum(axis=0), atol=1e-4)
    index = column * maps + maps - 1
    expected = [flat[index], kernel[index, chosen], products[index]]
    np.testing.assert_allclose(list(lines(view, "The chosen place").values()), expected, atol=1e-5)
    shares = panel(view).locator(".lab-softmax tbody tr td:last-child").all_inner_texts()
    shown = [0 if "<" in text else float(text) for text in shares]
    np.testing.assert_allclose(shown, [*softmax(scores[None])[0], 1], atol=1.1e-4)


def test_the_activation_is_the_one_of_the_network(case, view):
    choose(view, "conv1", 0, (0, 0))
    words = list(lines(view, "Adding up"))[-1]
    assert {"relu": "after ReLU", "leaky_relu": "after leaky ReLU", "tanh": "after tanh"}[
        case.network.activation
    ] == words.split(":")[0]
    before, after = list(lines(view, "Adding up").values())[-2:]
    assert ACTIVATIONS[case.network.activation](np.array(before)) == pytest.approx(after, abs=1e-6)


# Choosing.


def test_keys_choose_a_place_and_its_window_is_framed(lab):
    canvas = panel(lab).get_by_role("application")
    choose(lab, "conv1", 2, (3, 4))
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        lab.keyboard.press(key)
        lab.settle()
    assert lab.evaluate("laboratory.state.get('place')") == {"row": 4, "column": 6}
    frame = panel(lab).locator(".lab-mapview:visible .lab-frame").first.bounding_box()
    canvas_in = panel(lab).locator(".lab-mapview:visible canvas").first.bounding_box()
    pixel = canvas_in["width"] / 20
    assert frame["x"] - canvas_in["x"] == pytest.approx(6 * pixel, abs=1)
    assert frame["y"] - canvas_in["y"] == pytest.approx(4 * pixel, abs=1)
    assert frame["width"] == pytest.approx(5 * pixel, abs=1)
    for _ in range(30):
        lab.keyboard.press("ArrowUp")
    lab.settle()
    assert lab.evaluate("laboratory.state.get('place').row") == 0


def test_a_pointer_or_a_finger_chooses_a_place(lab):
    choose(lab, "conv2", 1)
    canvas = panel(lab).get_by_role("application")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    count = int(canvas.get_attribute("width"))
    for touch, row, column in ((lab.touchscreen.tap, 1, 2), (lab.mouse.click, 3, 0)):
        touch(box["x"] + (column + 0.5) / count * box["width"], box["y"] + (row + 0.5) / count * box["height"])
        lab.settle()
        assert lab.evaluate("laboratory.state.get('place')") == {"row": row, "column": column}


def test_tiles_are_one_stop_for_each_layer_and_choose_the_map(lab):
    stops = lab.locator("#lab-layers button[tabindex='0']")
    assert stops.count() == 4
    lab.get_by_role("button", name=re.compile("^map 0 of conv2")).focus()
    for _ in range(2):
        lab.keyboard.press("ArrowRight")
    lab.keyboard.press("Enter")
    lab.settle()
    assert lab.evaluate("[laboratory.state.get('layer'), laboratory.state.get('map')]") == ["conv2", 2]
    assert panel(lab).locator(".lab-place").inner_text().startswith("conv2, map 2, row")
    assert stops.count() == 4


def test_a_tile_ends_the_view_of_the_classes(lab):
    choose(lab, "dense")
    assert panel(lab).locator(".lab-softmax").is_visible()
    lab.press(lab.get_by_role("button", name=re.compile("^map 1 of conv1")))
    assert not panel(lab).locator(".lab-softmax").is_visible()


def test_maps_without_an_answer_are_marked(lab):
    lab.do("() => laboratory.state.set({edits: {2: {values: new Float32Array(25), bias: -1000}}})")
    names = lab.locator("#lab-layers button").evaluate_all(
        "all => all.map((one) => one.getAttribute('aria-label'))"
    )
    assert "map 2 of conv1, silent" in names
    assert "map 2 of pool1, silent" in names
    choose(lab, "conv1", 2, (0, 0))
    assert list(lines(lab, "Adding up").values())[-1] == 0


# The sweep.


SWEPT = """async ([sweep, place]) => {
  const frame = () => new Promise(requestAnimationFrame);
  const asleep = place.innerText;
  for (let count = 0; count < 5; count++) await frame();
  const before = [asleep, place.innerText];
  const seen = new Set();
  sweep.click();
  const pressed = sweep.getAttribute("aria-pressed");
  while (seen.size < 4) {
    await frame();
    seen.add(place.innerText);
  }
  sweep.click();
  await settled();
  const still = place.innerText;
  for (let count = 0; count < 5; count++) await frame();
  return [before, pressed, [still, place.innerText]];
}"""
HURRY = "() => { const now = performance.now.bind(performance); performance.now = () => 50 * now(); }"


def test_a_sweep_moves_when_asked_and_stops_when_asked(lab):
    choose(lab, "conv1", 0, (0, 0))
    parts = [panel(lab).get_by_role("button", name="Sweep"), panel(lab).locator(".lab-place")]
    before, pressed, after = lab.evaluate(SWEPT, [part.element_handle() for part in parts])
    assert before[0] == before[1]
    assert "row 0, column 0:" in before[0]
    assert pressed == "true"
    assert after[0] == after[1] != before[0]


def test_a_sweep_ends_with_the_whole_map(lab):
    """Under a clock that runs fast."""
    choose(lab, "conv2", 0, (0, 0))
    lab.evaluate(HURRY)
    panel(lab).get_by_role("button", name="Sweep").click()
    panel(lab).get_by_text(re.compile(r"^All \d+ places are filled")).wait_for()
    lab.do("() => delete performance.now")
    last = lab.evaluate("laboratory.state.get('place')")
    assert last["row"] == last["column"] > 0
    assert panel(lab).get_by_role("button", name="Sweep").get_attribute("aria-pressed") == "false"


def test_a_sweep_fills_all_at_once_where_motion_is_not_wanted(lab):
    lab.emulate_media(reduced_motion="reduce")
    choose(lab, "conv1", 0, (0, 0))
    lab.press(panel(lab).get_by_role("button", name="Sweep"))
    assert "all 256 places were filled at once" in panel(lab).inner_text()
    assert lab.evaluate("laboratory.state.get('place')") == {"row": 15, "column": 15}


def test_another_choice_ends_a_sweep(lab):
    panel(lab).get_by_role("button", name="Sweep").click()
    lab.press(lab.get_by_role("button", name=re.compile("^map 1 of pool2")))
    panel(lab).get_by_role("button", name="Sweep").wait_for()
    assert panel(lab).locator(".lab-place").inner_text().startswith("pool2, map 1")


def test_the_slider_is_followed(lab):
    """The sum at a place is that of the weights of the step which is shown."""
    choose(lab, "conv1", 1, (5, 5))
    before = lines(lab, "Adding up")
    lab.get_by_role("slider", name="Recorded step").fill("0")
    lab.settle()
    now = lines(lab, "Adding up")
    assert now["plus the kernel's bias"] == 0  # before training
    assert before["gives"] != now["gives"]
