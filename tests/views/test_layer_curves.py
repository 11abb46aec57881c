"""Figures over layers: what is drawn is what was measured, also for many layers and none."""

import numpy as np
import pytest

from linesexp.views.layer_curves import depth_figure, layers_course_figure, matches_figure
from linesexp.views.style import png_bytes


def test_histograms_stand_before_those_of_chance():
    layer, chance = np.zeros(50), np.full(50, 0.02)
    layer[-1] = 1.0
    figure = matches_figure({"conv": (layer.tolist(), chance.tolist())}, ["beyond 99 %: 9, by chance 0.1"])
    (axes,) = figure.axes
    grey, blue = axes.patches
    assert blue.get_data().values.tolist() == layer.tolist()
    assert grey.get_data().values.tolist() == chance.tolist()
    assert axes.get_ylim()[1] >= 1.0
    assert any("9, by chance" in text.get_text() for text in figure.texts)


def test_every_panel_has_its_own_place():
    histogram = ([0.5, 0.5], [0.5, 0.5])
    figure = matches_figure({f"layer {index}": histogram for index in range(24)}, [""] * 24)
    places = {tuple(np.round(axes.get_position().bounds, 4)) for axes in figure.axes}
    assert len(places) == 24
    assert all(bottom >= 0 and bottom + height <= 1 for _, bottom, _, height in places)
    assert png_bytes(figure)


def test_layers_without_a_value_are_passed_over():
    figure = depth_figure(
        ["a", "b", "c"], ([0.5, None, 0.7], [0.3, None, 0.3]), [0.02, None, 0.5], ([3, None, 9], [3, None, 7])
    )
    share, beyond, field = figure.axes
    assert share.lines[0].get_xdata().tolist() == [0, 2]
    assert list(beyond.lines[0].get_ydata()) == [2.0, 50.0]
    assert [list(line.get_ydata()) for line in field.lines] == [[3, 9], [3, 7]]
    assert [label.get_text() for label in field.get_xticklabels()] == ["a", "b", "c"]


@pytest.mark.parametrize("count", [1, 2, 61, 300])
def test_any_number_of_layers(count):
    none = [None] * count
    figure = depth_figure(
        [f"a/very/long/name/of/layer/{n}" for n in range(count)], (none, none), none, (none, none)
    )
    assert len(figure.axes) == 2  # no fields, no panel for them
    assert png_bytes(figure)


def test_courses_have_lines_that_can_be_told_apart():
    steps = np.array([0, 0.5, 1, 2])
    lines = {f"layer {index}": [0.0, 0.1, None, index / 20] for index in range(20)}
    figure = layers_course_figure(
        steps, {"Distance": lines, "Cosine": lines}, {"Cosine": 0.25, "Distance": None}
    )
    assert list(figure.axes[0].lines[3].get_xdata()) == [0, 0.5, 2]
    colours = {str(line.get_color()) + line.get_marker() for line in figure.axes[0].lines}
    assert len(colours) == 20
    assert list(figure.axes[1].lines[0].get_ydata()) == [0.25, 0.25]
    few = layers_course_figure(steps, {"Distance": dict(list(lines.items())[:16])}, {})
    assert len({(line.get_color(), line.get_marker()) for line in few.axes[0].lines}) == 16
    assert png_bytes(figure)


def test_a_single_step_is_no_trouble():
    assert png_bytes(layers_course_figure(np.array([0.0]), {"Distance": {"a": [0.0]}}, {}))
