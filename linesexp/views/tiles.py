"""Many maps as tiles of one picture: an axes object for each would take seconds."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from PIL import Image

from linesexp.views.colours import FAINT, SILENT
from linesexp.views.style import DIVERGING

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


def draw_tiles(axes: Axes, maps: np.ndarray, limit: float, grid: Grid) -> None:
    """Maps (h, w, n) on the scale −limit … limit as tiles with their numbers; silent ones are grey and say so.

    The axes must measure `grid.size(n)` px.
    """
    width, height = grid.size(maps.shape[-1])
    sheet = np.ones((height, width, 4))
    axes.axis("off")
    for index, silent in enumerate(silent_maps(maps)):
        left, top = grid.place(index)
        tile = sheet[top : top + grid.height, left : left + grid.width]
        tile[:] = to_rgba(FAINT)  # what stays of it is the frame
        inside = tile[1:-1, 1:-1]
        if silent:
            inside[:] = to_rgba(SILENT)
            word = "silent" if grid.width >= WORD else "×"
            middle = left + grid.width / 2, top + grid.height / 2
            axes.text(*middle, word, ha="center", va="center", fontsize=7.5, color=FAINT)
        else:
            fitted = fit(maps[..., index], inside.shape[0], inside.shape[1])
            inside[:] = DIVERGING(fitted / (2 * limit) + 0.5)
        if grid.above:
            axes.text(left, top - 2, str(index), ha="left", va="bottom", fontsize=6.5, color=FAINT)
    axes.imshow(sheet, interpolation="nearest", extent=(0, width, height, 0))


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
