"""One picture's way through every layer of a network, to the probabilities."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from linesexp.views.colours import FAINT, SILENT
from linesexp.views.style import (
    CATEGORIES,
    DIVERGING,
    NewFigure,
    PixelFigure,
    bare,
    own_figure,
    show_picture,
    symmetric_limit,
)

LEFT, SIDE, GAP, PER_ROW = 150, 62, 6, 16
BAR = 22  # height of a class's bar, so that their names stand apart
WIDTH = LEFT + PER_ROW * (SIDE + GAP) + 130

Layer = tuple[str, np.ndarray]  # name, maps (h, w, filters) or units (n,)


def walkthrough_figure(
    picture: np.ndarray,
    about: str,
    layers: Sequence[Layer],
    class_names: Sequence[str],
    caption: str,
    new: NewFigure = own_figure,
) -> np.ndarray:
    """Every layer's maps of one picture; the last layer holds the probabilities.

    about: what the picture is. Each layer has a zero-centred scale of its own, written beside it. Maps
    that are zero everywhere are grey and marked silent. Returns Axes (1 + layers,): the picture, the layers.
    """
    heights = [_height(values) for _, values in layers[:-1]] + [max(SIDE, BAR * len(class_names)) + 22]
    page = PixelFigure(WIDTH, 196 + sum(heights) + 40, new)
    page.text(20, 16, "One picture's way through the network", size=19)
    drawn = [page.axes(LEFT, 56, 112, 112)]
    show_picture(drawn[0], picture)
    page.text(20, 112, f"input\n{picture.shape[0]}×{picture.shape[1]}", size=13, va="center", linespacing=1.4)
    page.text(LEFT + 130, 74, f"{about}\n{caption}", size=13, linespacing=1.6)
    top = 192
    for index, ((name, values), height) in enumerate(zip(layers, heights, strict=True), 1):
        if index == len(layers):
            drawn.append(_probabilities(page, top, name, values, class_names))
        elif values.ndim == 3:
            drawn.append(_maps(page, top, name, values))
        else:
            drawn.append(_units(page, top, name, values))
        top += height
    return np.array(drawn)


def _height(values: np.ndarray) -> int:
    rows = -(-values.shape[-1] // PER_ROW) if values.ndim == 3 else 1
    return rows * (SIDE + GAP) + 22


def _maps(page: PixelFigure, top: int, name: str, maps: np.ndarray) -> Axes:
    height, width, filters = maps.shape
    limit = symmetric_limit(maps)
    rows = -(-filters // PER_ROW)
    middle = top + (rows * (SIDE + GAP) - GAP) / 2
    silent = [not maps[..., index].any() for index in range(filters)]
    words = f"{name}\n{filters} of {height}×{width}" + (f"\n{sum(silent)} silent" if any(silent) else "")
    page.text(20, middle, words, size=12, va="center", linespacing=1.35)
    columns = min(filters, PER_ROW)
    # All maps in one picture: an axes object for each would take seconds.
    sheet = np.full((rows * (SIDE + GAP) - GAP, columns * (SIDE + GAP) - GAP, 4), 1.0)
    axes = page.axes(LEFT, top, sheet.shape[1], sheet.shape[0])
    axes.axis("off")
    for index in range(filters):
        down, across = (index // PER_ROW) * (SIDE + GAP), (index % PER_ROW) * (SIDE + GAP)
        place = sheet[down : down + SIDE, across : across + SIDE]
        place[:] = to_rgba(FAINT)  # what stays of it is the frame
        if silent[index]:
            place[1:-1, 1:-1] = to_rgba(SILENT)
            axes.text(across + SIDE / 2, down + SIDE / 2, "silent", ha="center", va="center", fontsize=7.5)
        else:
            rows_of, columns_of = (np.arange(SIDE - 2) * length // (SIDE - 2) for length in (height, width))
            place[1:-1, 1:-1] = DIVERGING(maps[rows_of[:, None], columns_of, index] / (2 * limit) + 0.5)
    axes.imshow(sheet, interpolation="nearest")
    _scale(page, top, limit)
    return axes


def _units(page: PixelFigure, top: int, name: str, units: np.ndarray) -> Axes:
    page.text(20, top + SIDE / 2, f"{name}\n{len(units)} numbers", size=12, va="center", linespacing=1.35)
    limit = symmetric_limit(units)
    axes = page.axes(LEFT, top + 16, PER_ROW * (SIDE + GAP) - GAP, SIDE - 32)
    axes.imshow(units[None], cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    bare(axes)
    _scale(page, top, limit)
    return axes


def _scale(page: PixelFigure, top: int, limit: float) -> None:
    left = LEFT + PER_ROW * (SIDE + GAP) + 4
    axes = page.axes(left, top + 4, 12, SIDE - 8)
    axes.imshow(np.linspace(1, -1, 64)[:, None], cmap=DIVERGING, aspect="auto")
    bare(axes)
    for y, value in ((4, limit), (SIDE / 2, 0), (SIDE - 4, -limit)):
        page.text(left + 18, top + y, f"{value:.2g}", size=10, va="center", color=FAINT)


def _probabilities(
    page: PixelFigure, top: int, name: str, values: np.ndarray, class_names: Sequence[str]
) -> Axes:
    page.text(20, top + SIDE / 2, f"{name}\nprobabilities", size=12, va="center", linespacing=1.35)
    axes = page.axes(LEFT + 100, top + 4, 420, max(SIDE, BAR * len(values)))
    colours = [CATEGORIES[index % len(CATEGORIES)] for index in range(len(values))]
    axes.barh(range(len(values)), values, color=colours, height=0.7)
    axes.set(xlim=(0, 1))
    axes.set_yticks(range(len(values)), class_names, parse_math=False)
    axes.tick_params(labelsize=9)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    for index, value in enumerate(values):
        axes.text(1.02, index, f"{value:.4f}", va="center", fontsize=9)
    return axes
