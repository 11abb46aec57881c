"""Maps and pictures painted pixel by pixel, many of them as tiles: axes for each would take seconds."""

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgba
from PIL import Image

from linesexp.views.colours import FAINT, SILENT
from linesexp.views.style import DIVERGING, PixelFigure
from linesexp.wording import signed

FRAME = to_rgba(FAINT)
WORD = 50  # px that a tile needs for the word "silent"


@dataclass(frozen=True)
class Grid:
    """Tiles of `width` × `height` px in rows of `columns`, `gap` px apart, with `above` px for a number."""

    width: int
    height: int
    columns: int
    gap: int = 6
    above: int = 0

    def size(self, count: int) -> tuple[int, int]:
        """Width and height in px of so many tiles."""
        rows = -(-count // self.columns)
        across = min(count, self.columns)
        return across * (self.width + self.gap) - self.gap, rows * (
            self.height + self.above + self.gap
        ) - self.gap

    def place(self, index: int) -> tuple[int, int]:
        """Left and top of a tile, below its number."""
        row, column = divmod(index, self.columns)
        return column * (self.width + self.gap), row * (self.height + self.above + self.gap) + self.above


def draw_tiles(page: PixelFigure, left: int, top: int, maps: np.ndarray, limit: float, grid: Grid) -> None:
    """Maps (h, w, n) as tiles with their numbers, from −limit to limit; silent ones are grey and say so."""
    width, height = grid.size(maps.shape[-1])
    sheet = np.ones((height, width, 4))
    for index, silent in enumerate(silent_maps(maps)):
        across, down = grid.place(index)
        tile = sheet[down : down + grid.height, across : across + grid.width]
        tile[:] = FRAME  # what stays of it is the frame
        inside = tile[1:-1, 1:-1]
        if silent:
            inside[:] = to_rgba(SILENT)
            word = "silent" if grid.width >= WORD else "×"
            middle = left + across + grid.width / 2, top + down + grid.height / 2
            page.text(*middle, word, size=10.5, ha="center", va="center", color=FAINT)
        else:
            inside[:] = coloured(fit(maps[..., index], *inside.shape[:2]), limit)
        if grid.above:
            page.text(left + across, top + down - 2, str(index), size=9, va="bottom", color=FAINT)
    paint(page, left, top, sheet)


def draw_map(
    page: PixelFigure, place: tuple[int, int], size: tuple[int, int], values: np.ndarray, limit: float
) -> None:
    """A signed map (h, w) at (left, top), (width, height) px large, on the scale −limit … limit, in a frame."""
    _framed(page, place, coloured(fit(values, size[1] - 2, size[0] - 2), limit))


def draw_picture(page: PixelFigure, place: tuple[int, int], size: tuple[int, int], picture: np.ndarray) -> None:
    """A picture (H, W, 1 or 3) in [0, 1] at (left, top), (width, height) px large, in a frame."""
    channels = [fit(picture[..., channel], size[1] - 2, size[0] - 2) for channel in range(picture.shape[-1])]
    colours = np.stack(channels * (3 // len(channels)), axis=-1)
    _framed(page, place, np.concatenate([colours, np.ones((*colours.shape[:2], 1))], axis=-1))


def draw_scale(page: PixelFigure, left: int, top: int, width: int, limit: float, words: str = "") -> None:
    """A colour bar from −limit to limit, its numbers below and its caption beside it."""
    draw_map(page, (left, top), (width, 12), np.linspace(-limit, limit, width - 2)[None], limit)
    for at, value, ha in ((0, -limit, "left"), (width / 2, 0, "center"), (width, limit, "right")):
        page.text(left + at, top + 15, signed(value, ".2g"), size=12, ha=ha)
    page.text(left + width + 22, top - 1, words, size=13, color=FAINT)


def draw_upright_scale(page: PixelFigure, left: int, top: int, height: int, limit: float) -> None:
    """The same upright, its numbers to the right."""
    draw_map(page, (left, top), (12, height), np.linspace(limit, -limit, height - 2)[:, None], limit)
    for at, value in ((4, limit), (height / 2, 0), (height - 4, -limit)):
        page.text(left + 18, top + at, signed(value, ".2g"), size=10, va="center", color=FAINT)


def paint(page: PixelFigure, left: int, top: int, colours: np.ndarray) -> None:
    """Pixels (height, width, 4) straight onto the page: axes would take many times as long."""
    page.figure.figimage(colours, left, page.height - top - len(colours), origin="upper")


def coloured(values: np.ndarray, limit: float) -> np.ndarray:
    """A signed map as colours (h, w, 4) on the scale −limit … limit; what is not a number is clear."""
    return DIVERGING(values / (2 * limit) + 0.5)


def _framed(page: PixelFigure, place: tuple[int, int], colours: np.ndarray) -> None:
    framed = np.empty((colours.shape[0] + 2, colours.shape[1] + 2, 4))
    framed[:] = FRAME
    framed[1:-1, 1:-1] = colours
    paint(page, *place, framed)


def silent_maps(maps: np.ndarray) -> np.ndarray:
    """(n,): which of the maps (h, w, n) are zero everywhere."""
    return np.logical_not(maps.any(axis=(0, 1)))


def fit(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """A map as (height, width): pixels repeated where it grows, averaged where it shrinks."""
    rows, columns = values.shape
    down = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    if rows > height or columns > width:
        size = min(columns, width), min(rows, height)
        values = np.asarray(down.resize(size, Image.Resampling.BOX))
        rows, columns = values.shape
    return values[(np.arange(height) * rows // height)[:, None], np.arange(width) * columns // width]
