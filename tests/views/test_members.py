"""Figures of a study: every member is drawn where it lies, means and intervals where they are."""

import numpy as np
import pytest

from linesexp.views.members import CONTROL, MOST_DOTS, OTHER, REFERENCE, Panel, gaps_figure, strips_figure
from linesexp.views.place import MarkedRow, place_figure
from linesexp.views.study_curves import PER_ROW, emergence_figure, groups_figure
from linesexp.views.style import png_bytes
from linesexp.views.swarm import swarm

KINDS = {"default": REFERENCE, "weight-decay": OTHER, "frozen-random": CONTROL}


def values(seed=0, count=20):
    draw = np.random.default_rng(seed)
    return {name: draw.random(count) for name in KINDS}


def panel(of=None, percent=False, **how):
    of = values() if of is None else of
    means = {
        name: (float(np.mean(each)), float(np.min(each)), float(np.max(each))) for name, each in of.items()
    }
    return Panel("measure", of, means, percent=percent, **how)


def dots(axes):
    """Places (n, 2) of all dots, row by row."""
    return [np.asarray(collection.get_offsets()) for collection in axes.collections]


# Swarms.


def test_dots_that_would_lie_on_one_another_move_aside_and_others_stay():
    found = swarm(np.array([0.0, 0.0, 0.0, 5.0]), 1.0, 10.0, 2.0)
    assert sorted(found[:3]) == [-2, 0, 2]
    assert found[3] == 0


def test_a_row_of_many_dots_keeps_inside_its_room():
    found = swarm(np.zeros(100), 1.0, 3.0, 2.0)
    assert np.abs(found).max() == pytest.approx(3)
    assert len(np.unique(found)) == 100


def test_values_that_are_not_known_move_nobody():
    np.testing.assert_array_equal(swarm(np.array([np.nan, 0.0]), 1.0, 3.0, 2.0), [0, 0])


# Strips.


@pytest.mark.parametrize(("percent", "scale"), [(False, 1), (True, 100)])
def test_every_member_is_drawn_at_its_value_in_the_row_of_its_condition(percent, scale):
    of = values()
    (axes,) = strips_figure([panel(of, percent)], KINDS, "words")
    for row, (name, found) in enumerate(zip(KINDS, dots(axes), strict=True)):
        np.testing.assert_allclose(np.sort(found[:, 0]), scale * np.sort(of[name]))
        assert np.all(np.abs(found[:, 1] - row - 0.5) <= 0.45)


def test_means_and_intervals_are_drawn_where_they_are():
    of = values()
    (axes,) = strips_figure([panel(of)], KINDS, "words")
    lines = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2 and line.get_linewidth() > 2]
    for name, ends in zip(KINDS, lines, strict=True):
        np.testing.assert_allclose(ends, (of[name].min(), of[name].max()))
    marks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "|"]
    np.testing.assert_allclose(marks, [each.mean() for each in of.values()])


def test_a_condition_without_the_measure_has_a_dash_and_no_dot():
    of = values() | {"frozen-random": np.full(20, np.nan)}
    known = panel(of)
    means = dict(known.means) | {"frozen-random": (None, None, None)}
    (axes,) = strips_figure([Panel("measure", of, means)], KINDS, "words")
    assert [len(each) for each in dots(axes)] == [20, 20, 0]
    assert [text.get_text() for text in axes.texts] == ["–"]


def test_of_very_many_members_some_are_drawn_and_the_ends_stay():
    of = values(count=5000)
    (axes,) = strips_figure([panel(of)], KINDS, "words")
    for name, found in zip(KINDS, dots(axes), strict=True):
        assert len(found) == MOST_DOTS
        assert (found[:, 0].min(), found[:, 0].max()) == (of[name].min(), of[name].max())


def test_a_line_marks_chance_and_differences_are_about_zero():
    (axes,) = strips_figure([panel(chance=0.05, percent=True)], KINDS, "words")
    assert 5.0 in [line.get_xdata()[0] for line in axes.lines]
    (axes,) = gaps_figure([panel()], KINDS, "words")
    assert 0.0 in [line.get_xdata()[0] for line in axes.lines]
    assert axes.get_xlim()[0] <= 0


def test_shares_that_are_all_alike_do_not_pass_a_hundred_percent():
    (axes,) = strips_figure([panel({name: np.ones(5) for name in KINDS}, percent=True)], KINDS, "words")
    assert axes.get_xlim()[1] <= 103


def test_several_panels_make_a_grid_and_long_titles_two_lines():
    long = Panel("a measure that is called by very many words " * 3, {}, {})
    drawn = strips_figure([panel(), long, panel(), panel()], KINDS, "words")
    assert drawn.shape == (4,)
    assert png_bytes(drawn).startswith(b"\x89PNG")
    titles = [text.get_text() for text in drawn[0].get_figure().texts]
    assert any(title.count("\n") == 1 and title.endswith("…") for title in titles)


# Curves and kernels.


def test_bands_are_drawn_between_their_ends():
    steps, ends = [0.0, 0.5, 1.0], ([0.1, 0.2, 0.3], [0.0, 0.1, 0.2], [0.2, 0.4, None])
    curve = (steps, *ends)
    drawn = emergence_figure({"default": curve, "frozen-random": curve}, KINDS, {"default": curve}, 0.05)
    assert drawn.shape == (2,)
    mean = next(line for line in drawn[0].lines if line.get_linewidth() == 2)
    np.testing.assert_allclose(mean.get_ydata(), [10, 20, 30])
    band = drawn[0].collections[0].get_paths()[0].vertices
    assert {tuple(np.round(point, 6)) for point in band} >= {(0.0, 0.0), (0.0, 20.0), (0.5, 10.0), (0.5, 40.0)}
    assert any(line.get_label() == "reference" for line in drawn[1].lines)
    assert not any(line.get_label() == "reference" for line in drawn[0].lines)


def test_groups_are_shown_in_their_order_and_no_more_than_fit():
    kernels = [(np.full((3, 3), float(index)), f"group {index}") for index in range(PER_ROW + 3)]
    drawn = groups_figure({"default": kernels, "none": []}, {"default": "a note", "none": "nothing"})
    assert drawn.shape == (PER_ROW,)
    np.testing.assert_array_equal(drawn[2].images[0].get_array(), kernels[2][0])
    words = [text.get_text() for text in drawn[0].get_figure().texts]
    assert {"group 0", "a note", "nothing"} <= set(words)


def test_a_run_is_marked_among_the_members():
    rows = [MarkedRow("measure", np.linspace(0, 1, 9), 0.25, percent=True)]
    rows += [MarkedRow("a measure of many words that does not fit on one line", np.ones(3), 1.0)]
    drawn = place_figure(rows)
    marks = [line.get_xdata()[0] for axes in drawn for line in axes.lines if line.get_marker() == "D"]
    np.testing.assert_allclose(marks, [25.0, 1.0])
    assert [len(each) for axes in drawn for each in dots(axes)] == [9, 3]
    assert drawn[0].get_xlim()[1] <= 104
