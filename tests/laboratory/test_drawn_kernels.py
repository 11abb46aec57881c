"""What is painted of the kernels are their numbers: strips, bench, operators, and directions they answer to."""

import re

import numpy as np
import pytest
from drawn import COLOURS, assert_drawn, coloured, colours, numbers_in, signed

from linesexp.kernels.match import best_match, operator_bank, unit_rows
from linesexp.kernels.shape import shares
from linesexp.kernels.tuning import tune

pytestmark = pytest.mark.xdist_group("browser")

CASES = [(step, kernel) for step in (0, 1, 2) for kernel in (0, 1, 2)]
RADIUS = 100  # of the outer ring, in the plot's own measure
MARKED = 0.1  # how choosy a kernel is whose favourite is marked


CHOOSE = """([step, kernel, edits]) => {
  const edit = ([each, values, bias]) => [each, {values: Float32Array.from(values), bias}];
  laboratory.state.set({step, kernel, layer: "conv1", map: kernel});
  if (edits.length) laboratory.state.set({edits: Object.fromEntries(edits.map(edit))});
}"""


def choose(view, step, kernel, edits=None):
    """edits: {kernel: ((5, 5, channels) values, bias)}"""
    given = [[each, values.ravel().tolist(), bias] for each, (values, bias) in (edits or {}).items()]
    view.do(CHOOSE, [step, kernel, given])


@pytest.fixture
def edit(made_up):
    """A kernel of the reader's, larger than all that were learned; and a step's weights with it as kernel 1."""
    values = np.random.default_rng(4).normal(0, 0.6, (5, 5, 3)).astype(np.float32)

    def weights(step):
        changed = {name: each.copy() for name, each in made_up.weights[step].items()}
        changed["conv1/kernel"][..., 1], changed["conv1/bias"][1] = values, 0.3
        return changed

    return (values, 0.3), weights


# The strips and the bench.


@pytest.mark.parametrize("step", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_the_strips_show_all_kernels_of_the_step(step, drawing, made_up, edit):
    choose(drawing, step, 0)
    for home in ("#lab-bench", "#lab-comparison"):
        tiles = colours(drawing.locator(f"{home} [aria-label='Choose a kernel'] canvas"))
        assert_drawn(np.array(tiles), made_up.kernels(step), made_up.largest_weight)
    choose(drawing, step, 0, {1: edit[0]})
    kernels = made_up.kernels(step)
    kernels[1] = edit[0][0].mean(axis=2)
    tiles = colours(drawing.locator("#lab-bench .lab-tile canvas"))
    assert_drawn(np.array(tiles), kernels, max(made_up.largest_weight, np.abs(edit[0][0]).max()))


@pytest.mark.parametrize("step", [2, pytest.param(0, marks=pytest.mark.slow)])
def test_the_benchs_cells_have_the_colours_of_their_weights(step, drawing, made_up, edit):
    for kernel, edits, expected, largest in (
        (2, None, made_up.kernels(step)[2], 0),
        (1, {1: edit[0]}, edit[0][0].mean(axis=2), np.abs(edit[0][0]).max()),
    ):
        choose(drawing, step, kernel, edits)
        cells = drawing.locator("#lab-bench [role=gridcell]").evaluate_all(
            "all => all.map((one) => [getComputedStyle(one).backgroundColor, one.ariaLabel, one.innerText])"
        )
        drawn, said, shown = zip(*([numbers_in(each) for each in cell] for cell in cells), strict=True)
        limit = max(made_up.largest_weight, largest)
        assert_drawn(np.array(drawn).reshape(5, 5, 3), expected, limit)
        np.testing.assert_array_equal([each[:2] for each in said], np.argwhere(np.ones((5, 5))))
        np.testing.assert_allclose([each[2] for each in said], expected.ravel(), atol=0.00051)
        np.testing.assert_allclose([each[0] for each in shown], expected.ravel(), atol=0.0051)


def now_and_unchanged(words):
    """The indices of the two among headings."""
    (unchanged,) = (index for index, each in enumerate(words) if "unchanged" in each)
    (now,) = (index for index, each in enumerate(words) if re.search(r"\bnow\b", each))
    return now, unchanged


@pytest.mark.parametrize("step", [1, pytest.param(0, marks=pytest.mark.slow)])
def test_the_bench_tells_now_from_unchanged(step, drawing, made_up, edit):
    choose(drawing, step, 1, {1: edit[0]})
    layers = [made_up.layers(weights=edit[1](step)), made_up.layers(step=step)]
    table = drawing.locator("#lab-bench .bench-outcome table").first
    columns = now_and_unchanged(table.locator("thead th").all_inner_texts())
    for column, each in zip(columns, layers, strict=True):
        for row, (name, share) in enumerate(zip(made_up.classes, each["dense"], strict=True)):
            cells = table.locator("tbody tr").nth(row).locator("th, td")
            assert cells.first.inner_text() == name
            assert float(cells.nth(column).inner_text()) == pytest.approx(share, abs=0.00051)
    figures = drawing.locator("#lab-bench .bench-outcome figure")
    drawn = colours(figures.locator("canvas"))
    limit = max(np.abs(each["conv1"][..., 1]).max() for each in layers)
    order = now_and_unchanged(figures.locator("figcaption").all_inner_texts())
    for index, each in zip(order, layers, strict=True):
        assert_drawn(drawn[index], each["conv1"][..., 1], limit)


# The comparison.


COMPARISON = f"""() => {{
  const home = document.getElementById("lab-comparison");
  const all = (which, of = home) => [...of.querySelectorAll(which)];
  return {{
    canvases: ({COLOURS})(all("figure canvas")),
    shares: all(".comparison-share").map((row) => {{
      const meter = row.querySelector("meter");
      return [meter.ariaLabel, meter.value / meter.max, all("span", row).at(-1).innerText];
    }}),
    words: home.innerText,
    polars: all("svg.polar").map((plot) => ({{
      now: plot.querySelector(".polar-now").getAttribute("d"),
      before: plot.querySelector(".polar-before").getAttribute("d"),
      mark: plot.querySelector(".polar-mark").getAttribute("d"),
      labels: all("text", plot).map((one) => [one.textContent, one.x.baseVal[0].value, one.y.baseVal[0].value]),
    }})),
  }};
}}"""


@pytest.fixture(scope="module")
def read():
    """{(step, kernel): what the comparison shows of it}, filled by the first test that asks."""
    return {}


@pytest.fixture
def compared(drawing, read):
    for step, kernel in CASES:
        if (step, kernel) not in read:
            choose(drawing, step, kernel)
            read[step, kernel] = drawing.evaluate(COMPARISON)
    return read


def test_the_operator_is_painted_as_the_kernel_resembles_it(compared, made_up):
    bank = operator_bank(5)
    signs = set()
    for (step, kernel), shown in compared.items():
        match = best_match(made_up.kernels(step), bank)
        cosine = match.cosine[kernel]
        operator = bank.rows[match.entry[kernel]].reshape(5, 5) * np.sign(cosine)
        pattern = unit_rows(made_up.kernels(step).reshape(3, -1))[kernel].reshape(5, 5)
        limit = max(np.abs(operator).max(), np.abs(pattern).max())
        drawn = [coloured(each) for each in shown["canvases"]]
        assert_drawn(drawn[0], pattern, limit)
        assert_drawn(drawn[1], operator, limit)
        assert np.sum(signed(drawn[0]) * signed(drawn[1])) > 0
        signs.add(np.sign(cosine))
    assert signs == {-1, 1}


def test_the_parts_of_the_energy_are_those_of_the_kernel(compared, made_up):
    for (step, kernel), found in compared.items():
        of = shares(made_up.kernels(step))
        rows = {words.split()[0].strip(",:"): (share, said) for words, share, said in found["shares"]}
        for word, expected in (("odd", of.odd), ("even", of.even), ("mean", of.dc)):
            share, said = rows[word]
            assert share == pytest.approx(expected[kernel], abs=1e-4)
            assert float(said) == pytest.approx(share, abs=0.0051)
        for stripes, expected in (("stand", of.axis_vertical), ("lie", of.axis_horizontal)):
            (said,) = re.findall(rf"(\d\.\d\d)\D*?stripes that {stripes}", found["words"])
            assert float(said) == pytest.approx(expected[kernel], abs=0.0051)


def polar(path):
    """(n,) directions of a path's points from the centre, counter-clockwise from the right, and distances."""
    x, y = np.reshape(numbers_in(path), (-1, 2)).T
    return np.rad2deg(np.arctan2(-y, x)) % 360, np.hypot(x, y)


def assert_directions(found, expected, tolerance):
    np.testing.assert_allclose((np.asarray(found) - expected + 180) % 360, 180, atol=tolerance)


@pytest.fixture(scope="module")
def tunings(made_up):
    """For each step what the kernels answer; grey probes go into all colours at once."""
    return [
        tune(3 * made_up.kernels(step), made_up.weights[step]["conv1/bias"], made_up.network.activation)
        for step in made_up.steps
    ]


def test_polar_plots_are_the_responses_at_their_directions(compared, tunings):
    for (step, kernel), found in compared.items():
        limit = max(max(each.bars[kernel].max(), each.edges[kernel].max()) for each in tunings)
        for plot, responses in zip(
            found["polars"],
            (
                [np.tile(each.bars[kernel], 2) for each in tunings],  # a bar lies both ways
                [each.edges[kernel] for each in tunings],
            ),
            strict=True,
        ):
            for name, expected in (("now", responses[step]), ("before", responses[0])):
                directions, distances = polar(plot[name])
                np.testing.assert_allclose(distances, RADIUS * expected / limit, atol=0.15)
                far = distances > 20  # nearer points are rounded too much
                assert far.any()
                assert_directions(directions[far], np.arange(0, 360, 5)[far], 0.5)
            at = {text.split("°")[0]: (x, y) for text, x, y in plot["labels"]}
            assert at["0"][0] > RADIUS
            assert at["90"][1] < -RADIUS


def test_the_favourite_is_marked_where_it_is(compared, tunings):
    marks = 0
    for (step, kernel), found in compared.items():
        of = tunings[step]
        angle, edge = of.preferred_angle_deg[kernel], of.preferred_edge_deg[kernel]
        for plot, favourites, clear in zip(
            found["polars"],
            ([angle, angle + 180], [edge]),
            (of.one_minus_circular_variance[kernel], of.direction_index[kernel]),
            strict=True,
        ):
            if clear < MARKED:
                assert not plot["mark"]
                continue
            directions, distances = polar(plot["mark"])
            assert_directions(directions[::3], favourites, 0.5)  # of three corners the first is the tip
            assert (distances[::3] < distances.reshape(-1, 3).max(axis=1)).all()
            marks += 1
    assert marks > len(CASES)
