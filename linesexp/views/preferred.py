"""What units like best: each unit's preferred input, the pictures that drive it most, and who wins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from linesexp.views.colours import FAINT, INK
from linesexp.views.style import CATEGORIES, PixelFigure
from linesexp.views.tiles import draw_picture
from linesexp.wording import short_name

WIDTH, NARROW = 1240, 760  # with and without pictures of a data set
HEAD, FOOT, ROW = 144, 62, 146
TILE, GAP = 112, 8
INPUT, DRIVERS, BARS = 110, 252, 930  # left of each column, in px
LOSES = "#b42318"
COLOURS = (CATEGORIES[1], CATEGORIES[0], FAINT)


@dataclass(frozen=True)
class Tile:
    """A picture (H, W, C) in [0, 1], how strongly it drives the unit, and the part that does: (top, left,
    height, width) in px."""

    picture: np.ndarray
    drive: float
    box: tuple[int, int, int, int] | None


@dataclass(frozen=True)
class UnitRow:
    """One unit. preferred: (h, w, C) in [0, 1], all that it sees of its preferred input; drives: of that, of
    the best picture of the data set (None without one), of the best noise."""

    name: str
    preferred: np.ndarray
    tiles: Sequence[Tile]
    drives: Sequence[float | None]
    wins: bool
    live: bool


@dataclass(frozen=True)
class PreferredSheet:
    """What is written around the rows. drive: what a drive is; seen_px: (height, width) that a unit sees, where
    the preferred input shows only that; data: what the data set's pictures are."""

    title: str
    about: str
    drive: str
    seen_px: tuple[int, ...] | None
    picture_px: tuple[int, int]
    data: str


def preferred_figure(sheet: PreferredSheet, rows: Sequence[UnitRow]) -> Figure:
    """A row for each unit: preferred input, pictures that drive it most, and the three drives as bars."""
    has_data = any(row.tiles for row in rows)
    page = PixelFigure(WIDTH if has_data else NARROW, HEAD + ROW * len(rows) + FOOT)
    page.text(20, 16, sheet.title, size=19)
    page.text(20, 48, sheet.about, size=13, color=FAINT, linespacing=1.5)
    heads = [(INPUT, "preferred input")]
    if has_data:
        heads.append((DRIVERS, f"the {sheet.data} that drive it most, and their drives"))
    heads.append((BARS if has_data else DRIVERS + 20, f"drive: {sheet.drive}"))
    for left, words in heads:
        page.text(left, HEAD - 26, words, size=13, color=INK)
    limits = [value for row in rows for value in row.drives if value is not None and np.isfinite(value)]
    for index, row in enumerate(rows):
        _row(page, HEAD + index * ROW, row, (min([0.0, *limits]), max([0.0, *limits]) or 1.0), sheet.data)
    page.text(20, page.height - FOOT + 14, _caption(sheet, has_data), size=13, color=FAINT, linespacing=1.5)
    return page.figure


def _caption(sheet: PreferredSheet, has_data: bool) -> str:
    words = "A preferred input is noise, changed to raise the unit's answer; it need not look like anything."
    second = []
    if sheet.seen_px:
        seen, whole = (f"{height}×{width}" for height, width in (sheet.seen_px, sheet.picture_px))
        second.append(f"It is shown as far as the unit sees: {seen} of {whole} px.")
        if has_data:
            second.append("Orange frame: the part of a picture that gave the unit's strongest answer.")
    return "\n".join([words, " ".join(second)]).strip()


def _row(page: PixelFigure, top: int, row: UnitRow, limits: tuple[float, float], data: str) -> None:
    page.text(20, top + TILE / 2, short_name(row.name, 11), size=15, va="center")
    draw_picture(page, (INPUT, top), _size(row.preferred), row.preferred)
    for index, tile in enumerate(row.tiles):
        left = DRIVERS + index * (TILE + GAP + 12)
        wide, tall = _size(tile.picture)
        draw_picture(page, (left, top), (wide, tall), tile.picture)
        if tile.box:
            _frame(page, (left, top), (wide, tall), tile.picture.shape[:2], tile.box)
        page.text(left, top + tall + 3, f"{tile.drive:.3g}", size=12, color=FAINT)
    _bars(page, (BARS if row.tiles else DRIVERS + 20, top), row, limits, data)


def _bars(
    page: PixelFigure, place: tuple[int, int], row: UnitRow, limits: tuple[float, float], data: str
) -> None:
    left, top = place
    named = [
        (name, value, colour)
        for name, value, colour in zip(
            ("preferred", "best training" if data.startswith("training") else "best picture", "best noise"),
            row.drives,
            COLOURS,
            strict=True,
        )
        if value is not None
    ]
    axes = page.axes(left + 92, top + 2, 130, 24 * len(named))
    axes.barh(
        range(len(named)),
        [np.nan_to_num(value) for _, value, _ in named],
        color=[colour for _, _, colour in named],
        height=0.62,
    )
    axes.set(xlim=limits, ylim=(len(named) - 0.5, -0.5), xticks=[], yticks=[])
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set_position(("data", 0))
    for index, (name, value, _) in enumerate(named):
        middle = top + 2 + 24 * (index + 0.5)
        page.text(left + 84, middle, name, size=12, va="center", ha="right")
        page.text(left + 230, middle, f"{value:.3g}", size=12, va="center")
    if not row.live:
        page.text(
            left,
            top + 82,
            "not live: answers to no picture,\nnoise, bar or edge",
            size=12,
            color=LOSES,
        )
    elif not row.wins:
        page.text(left, top + 82, "✗ the preferred input does not win", size=13, color=LOSES)


def _frame(
    page: PixelFigure,
    place: tuple[int, int],
    size: tuple[int, int],
    pixels: tuple[int, ...],
    box: tuple[int, int, int, int],
) -> None:
    """A rectangle around part of a picture that is `size` (width, height) px large on the page."""
    down, across = size[1] / pixels[0], size[0] / pixels[1]
    left, top = place[0] + box[1] * across, place[1] + box[0] * down
    width, height = box[3] * across, box[2] * down
    page.figure.add_artist(
        Rectangle(
            (left / page.width, 1 - (top + height) / page.height),
            width / page.width,
            height / page.height,
            fill=False,
            edgecolor=CATEGORIES[1],
            linewidth=1.6,
            transform=page.figure.transFigure,
        )
    )


def _size(picture: np.ndarray) -> tuple[int, int]:
    """Width and height in px of a picture (h, w, C) as a tile."""
    height, width = picture.shape[:2]
    tall, wide = (max(12, round(TILE * side / max(height, width))) for side in (height, width))
    return wide, tall
