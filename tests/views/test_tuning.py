"""Tuning and course as figures: any number of kernels, one scale each, and in words what does not answer."""

import io

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from PIL import Image

from linesexp.kernels.course import Course, course, course_chance
from linesexp.kernels.match import operator_bank
from linesexp.kernels.nulls import initializer_null
from linesexp.kernels.operators import line, prewitt
from linesexp.kernels.tuning import tune
from linesexp.views.style import figure_of, png_bytes
from linesexp.views.tuning import RADIUS, course_figure, tuning_figure

BANK = operator_bank(7)
STEPS = np.array([0.0, 0.25, 1.0, 2.0])
CHANCE = course_chance(initializer_null("glorot_uniform", 7), 7)


def rng(seed=7):
    return np.random.default_rng(seed)


def tuned(kernels):
    return tune(np.asarray(kernels), np.zeros(len(kernels)), "relu")


def tuning_of(before, after, health=None):
    return figure_of(tuning_figure(tuned(before), tuned(after), health or ["live"] * len(after), 20.0))


def many(count):
    return tuning_of(*rng().normal(size=(2, count, 7, 7)))


def course_of(filters=8):
    return figure_of(course_figure(STEPS, course(rng().normal(size=(len(STEPS), filters, 7, 7)), BANK), CHANCE))


def words(figure):
    return [text.get_text() for part in (figure, *figure.axes) for text in part.texts]


def curves(figure):
    """Rings, untrained and trained curves: three lists of (points, 2) in pixels from the top left."""
    found = [part for part in figure.axes[0].collections if isinstance(part, LineCollection)]
    return [[path.vertices for path in part.get_paths()] for part in found]


def reach(curve, ring):
    """Largest distance of a curve from the centre of a ring."""
    return np.hypot(*(curve - (ring.min(axis=0) + ring.max(axis=0)) / 2).T).max()


def pixels(figure):
    with Image.open(io.BytesIO(png_bytes(figure))) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


@pytest.mark.parametrize(
    "make", [lambda: many(8), lambda: many(1), course_of], ids=["tuning", "one kernel", "course"]
)
def test_nothing_is_cut_off_at_the_border(make):
    shown = pixels(make())
    for edge in (shown[0], shown[-1], shown[:, 0], shown[:, -1]):
        assert (edge == 255).all()


# Tuning.


@pytest.mark.parametrize("count", [1, 9, 64])
def test_any_number_of_kernels_has_two_circles_and_a_name_each(count):
    figure = many(count)
    rings, untrained, trained = curves(figure)
    assert len(rings) == 4 * count
    assert len(untrained) == len(trained) == 2 * count
    assert [text for text in words(figure) if text.startswith("kernel ")] == [
        f"kernel {n}" for n in range(count)
    ]
    width, height = figure.get_size_inches() * figure.dpi
    everything = np.concatenate(rings)
    assert everything.min() > 0
    assert (everything < [width, height]).all()


def test_all_curves_of_a_kernel_share_the_scale_that_is_written_above_them():
    kernels = rng().normal(size=(2, 7, 7))
    before, after = tuned(0.25 * kernels), tuned([kernels[0], 0.1 * kernels[1]])
    figure = figure_of(tuning_figure(before, after, ["live"] * 2, 20.0))
    rings, *drawn = curves(figure)
    for kernel in range(2):
        largest = max(part[kernel].max() for t in (before, after) for part in (t.bars, t.edges))
        assert f"{largest:.2g}" in words(figure)
        for curve_of, tuning in zip(drawn, (before, after), strict=True):
            for row, responses in enumerate((tuning.bars, tuning.edges)):
                ring, curve = rings[4 * kernel + 2 * row], curve_of[2 * kernel + row]
                assert reach(curve, ring) == pytest.approx(RADIUS * responses[kernel].max() / largest, rel=1e-3)


def test_bars_point_along_the_bar_and_edges_towards_the_bright_side():
    figure = tuning_of([0.1 * line(7), 0.1 * prewitt(7)], [line(7), prewitt(7)])
    rings, _, trained = curves(figure)
    upright = trained[0] - (rings[0].min(axis=0) + rings[0].max(axis=0)) / 2
    height, width = np.abs(upright[:, 1]).max(), np.abs(upright[:, 0]).max()
    assert height > 1.5 * width
    np.testing.assert_allclose(upright[:36], -upright[36:72], atol=1e-9)  # mirrored
    to_the_right = trained[3] - (rings[6].min(axis=0) + rings[6].max(axis=0)) / 2
    assert to_the_right[:, 0].max() > 5 * -to_the_right[:, 0].min()
    up = tuning_of([prewitt(7)], [-prewitt(7, "horizontal")])
    rings, _, trained = curves(up)
    upwards = trained[1] - (rings[2].min(axis=0) + rings[2].max(axis=0)) / 2
    assert -upwards[:, 1].min() > 5 * upwards[:, 1].max()


def test_the_preferred_angle_is_written_and_marked_where_there_is_one():
    found = tuned([line(7)])
    figure = tuning_of([line(7)], [line(7)])
    assert f"90°, {found.one_minus_circular_variance[0]:.2f}" in words(figure)
    marks = figure.axes[0].collections[-1].get_paths()
    assert len(marks) == 2  # both ends of the bar; a line kernel has no bright side
    (ring, *_), _, _ = curves(figure)
    middle = (ring.min(axis=0) + ring.max(axis=0)) / 2
    tips = sorted((mark.vertices[0] - middle).round().tolist() for mark in marks)
    np.testing.assert_allclose(tips, [[0, -RADIUS - 1], [0, RADIUS + 1]], atol=2)


def test_kernels_that_do_not_answer_are_named_in_words():
    broken = np.full((7, 7), np.nan)
    figure = tuning_of(
        [line(7), line(7), broken, line(7)],
        [line(7), 0 * line(7), 0 * line(7), broken],
        ["live", "dead", "silent", "dead"],
    )
    found = words(figure)
    assert {"kernel 0", "kernel 1: dead", "kernel 2: silent", "kernel 3: dead"} <= set(found)
    assert found.count("no answer") == 4
    assert found.count("not a number") == 2
    _, untrained, trained = curves(figure)
    assert (len(untrained), len(trained)) == (6, 2)
    assert png_bytes(figure)


# Course.


@pytest.mark.parametrize("filters", [1, 64])
def test_a_course_has_a_thin_curve_for_each_kernel_and_a_strong_one_for_all(filters):
    figure = course_of(filters)
    lines = [curve for axes in figure.axes for curve in axes.lines if len(curve.get_xdata()) == len(STEPS)]
    assert sum(curve.get_linewidth() > 2 for curve in lines) == 5
    assert len(lines) == 5 * (filters + 1)


def test_the_strong_curves_are_means_of_shares_and_medians_of_matches():
    measured = course(rng().normal(size=(len(STEPS), 7, 7, 7)), BANK)
    figure = figure_of(course_figure(STEPS, measured, CHANCE))
    strong = [curve.get_ydata() for axes in figure.axes for curve in axes.lines if curve.get_linewidth() > 2]
    expected = [values.mean(axis=1) for values in (measured.even, measured.odd, measured.dc)]
    expected += [np.median(values, axis=1) for values in (measured.line, measured.edge)]
    np.testing.assert_allclose(strong, expected)


def test_chance_is_drawn_and_written():
    figure = course_of()
    drawn = [[c.get_ydata()[0] for c in axes.lines if c.get_linestyle() == ":"] for axes in figure.axes]
    assert drawn == [[24 / 49], [24 / 49], [1 / 49], [CHANCE.line[1], CHANCE.edge[1]]]
    assert [text for text in words(figure) if text.startswith("chance")] == [
        "chance: 0.49",
        "chance: 0.49",
        "chance: 0.02",
    ]
    legend = [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]
    assert legend == [f"line (chance: {CHANCE.line[1]:.2f})", f"edge (chance: {CHANCE.edge[1]:.2f})"]


def test_kernels_and_steps_without_numbers_are_left_out():
    values = np.full((len(STEPS), 3), 0.5)
    values[1:, 2], values[3] = np.nan, np.nan
    figure = figure_of(course_figure(STEPS, Course(*[values] * 5), CHANCE))
    assert png_bytes(figure)
    (strong,) = (curve for curve in figure.axes[0].lines if curve.get_linewidth() > 2)
    np.testing.assert_allclose(strong.get_ydata(), [0.5, 0.5, 0.5, np.nan])


def test_a_single_step_is_drawn():
    measured = course(rng().normal(size=(1, 8, 7, 7)), BANK)
    assert png_bytes(figure_of(course_figure(np.zeros(1), measured, CHANCE)))
