"""The figure of preferred inputs: what is painted is what is said."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from linesexp.views.preferred import TILE, PreferredSheet, Tile, UnitRow, preferred_figure

SHEET = PreferredSheet("title", "about", "answer", (3, 3), (10, 20), "training pictures")
PATTERN = np.eye(3, dtype=np.float32)[..., None]


def row(wins=True, live=True, tiles=2, box=(2, 4, 3, 6), drives=(3.0, 2.0, 1.0)):
    tile = Tile(np.full((10, 20, 1), 0.5, np.float32), 2.0, box)
    return UnitRow("5", PATTERN, [tile] * tiles, drives, wins, live)


def words_of(figure):
    return "\n".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize(
    ("wins", "live", "said"), [(True, True, None), (False, True, "does not win"), (False, False, "not live")]
)
def test_a_unit_whose_input_does_not_win_or_that_is_not_live_says_so(wins, live, said):
    words = words_of(preferred_figure(SHEET, [row(wins, live)]))
    assert [mark for mark in ("does not win", "not live") if mark in words] == ([said] if said else [])


def test_the_three_drives_are_written_and_drawn_on_one_scale():
    figure = preferred_figure(SHEET, [row(), row(drives=(6.0, np.nan, -1.0))])
    words = words_of(figure).splitlines()
    assert [word for word in ("3", "2", "1", "6", "nan", "-1") if word in words] == [
        "3",
        "2",
        "1",
        "6",
        "nan",
        "-1",
    ]
    first, second = figure.axes
    assert first.get_xlim() == second.get_xlim() == (-1, 6)
    assert [bar.get_width() for bar in first.patches] == [3, 2, 1]
    assert [bar.get_width() for bar in second.patches] == [6, 0, -1]


def test_boxes_lie_on_the_part_of_the_picture_that_they_name():
    figure = preferred_figure(SHEET, [row(tiles=1)])
    (frame,) = [artist for artist in figure.findobj(Rectangle) if artist in figure.artists]
    width, height = figure.get_size_inches() * figure.dpi
    assert frame.get_width() * width == pytest.approx(TILE * 6 / 20)
    assert frame.get_height() * height == pytest.approx(TILE / 2 * 3 / 10)


def test_without_a_data_set_there_is_no_column_for_it():
    words = words_of(preferred_figure(SHEET, [row(tiles=0, drives=(3.0, None, 1.0))]))
    assert "training" not in words
    assert "best noise" in words
    assert "Orange" not in words


def test_the_pixels_of_the_preferred_input_are_painted():
    figure = preferred_figure(SHEET, [row()])
    painted = figure.images[0].get_array()
    size = len(painted)
    assert [painted[at, at, 0] for at in (size // 6, size // 2, size * 5 // 6)] == [1, 1, 1]
    assert painted[size // 6, size // 2, 0] == 0
