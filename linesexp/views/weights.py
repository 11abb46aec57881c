"""A layer's weights on one pair of axes: kernels as tiles, everything else as a table of numbers."""

import math

import numpy as np
from matplotlib.axes import Axes

from linesexp.views.colours import FAINT
from linesexp.views.style import (
    DIVERGING,
    NewFigure,
    PixelFigure,
    bare,
    own_figure,
    png_bytes,
    scale_bar,
    symmetric_limit,
)

MOST = 32  # kernels shown across or down: of more, the first
TILE, LEFT, TOP = 88, 48, 46  # px
NUMBERED = 64  # more kernels than this are shown without their numbers, for which there is no room


def draw_kernels(axes: Axes, kernels: np.ndarray, limit: float, title: str) -> None:
    """Kernels (filters, k, k) as numbered tiles on the scale −limit … limit.

    All are cells of one image, axes.images[0], which holds NaN between them.
    """
    count, side = len(kernels), kernels.shape[-1]
    columns = _columns(count)
    rows = -(-count // columns)
    tiles = np.full((rows * columns, side, side), np.nan, dtype=np.float32)
    tiles[:count] = kernels
    numbered = count <= NUMBERED
    apart = round(0.35 * side) + 1 if numbered else 1  # cells between rows: room for a number
    _show(axes, _sheet(tiles.reshape(rows, columns, side, side), apart), limit, title)
    axes.set_frame_on(False)
    if numbered:
        for index in range(count):
            row, column = divmod(index, columns)
            corner = column * (side + 1) - 0.5, row * (side + apart) - 0.6
            axes.text(*corner, str(index), fontsize=8, color=FAINT, va="bottom", clip_on=False)


def draw_weights(axes: Axes, weights: np.ndarray, limit: float, title: str) -> None:
    """The weights of any layer on the scale −limit … limit, in one image.

    weights: (k, k, incoming, filters), kernels as tiles, a row for each incoming map; (units,), a row; any
    other shape as (…, units), a column for each unit. Of more than MOST rows or columns of kernels the first.
    """
    if weights.ndim == 4:
        shown = weights[:, :, :MOST, :MOST]
        _show(axes, _sheet(shown.transpose(2, 3, 0, 1)), limit, title)
        axes.set_frame_on(False)
        incoming, filters = (_of(*pair) for pair in zip(shown.shape[2:], weights.shape[2:], strict=True))
        axes.set_xlabel(f"kernels: {filters}", fontsize=9)
        axes.set_ylabel(f"incoming maps: {incoming}", fontsize=9)
        return
    table = weights.reshape(-1, weights.shape[-1]) if weights.ndim else weights.reshape(1, 1)
    _show(axes, table, limit, title)
    axes.set_aspect("auto")
    axes.set_xlabel(f"units: {table.shape[1]}", fontsize=9)
    if weights.ndim > 1:
        axes.set_ylabel(f"weights of each: {table.shape[0]}", fontsize=9)


def weights_page(shape: tuple[int, ...], limit: float, new: NewFigure = own_figure) -> Axes:
    """Empty axes, large enough for weights of this shape, in a figure with their scale below.

    shape: (filters, k, k) for `draw_kernels`, else that of the weights for `draw_weights`.
    """
    if len(shape) == 3:
        columns = _columns(shape[0])
        width, height = columns * TILE, round(-(-shape[0] // columns) * TILE * 1.3)
    elif len(shape) == 4:
        down, across = min(shape[2], MOST), min(shape[3], MOST)
        tile = min(TILE, 960 // across, 960 // down)
        width, height = across * tile, down * tile
    else:
        width, height = 640, 60 if len(shape) < 2 else 320
    page = PixelFigure(max(width + 2 * LEFT, 460), height + TOP + 84, new)
    axes = page.axes(LEFT, TOP, width, height)
    scale_bar(page, LEFT, page.height - 40, 200, limit, "weight")
    return axes


def before_after_png(before: np.ndarray, after: np.ndarray, names: tuple[str, str]) -> bytes:
    """The first and the last kernels (filters, k, k) beside each other on one scale, as a small PNG."""
    limit = symmetric_limit(np.concatenate([before, after]))
    columns = _columns(len(before))
    rows = -(-len(before) // columns)
    tile = max(6, min(56, 320 // columns))
    width, height = columns * tile, round(rows * tile * (1.3 if len(before) <= NUMBERED else 1))
    page = PixelFigure(2 * width + 60, height + 44)
    for index, (kernels, name) in enumerate(zip((before, after), names, strict=True)):
        draw_kernels(page.axes(12 + index * (width + 36), 36, width, height), kernels, limit, "")
        page.text(12 + index * (width + 36), 4, name, size=13)
    return png_bytes(page.figure)


def _show(axes: Axes, sheet: np.ndarray, limit: float, title: str) -> None:
    axes.imshow(np.ma.masked_invalid(sheet), cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest")
    bare(axes)
    if title:
        axes.set_title(f"{title}, ±{limit:.2g}", fontsize=11, pad=14, parse_math=False)


def _sheet(tiles: np.ndarray, apart: int = 1) -> np.ndarray:
    """(rows, columns, h, w) → one picture, NaN between the tiles; apart: cells between rows."""
    rows, columns, height, width = tiles.shape
    padded = np.pad(tiles, ((0, 0), (0, 0), (0, apart), (0, 1)), constant_values=np.nan)
    sheet = padded.transpose(0, 2, 1, 3).reshape(rows * (height + apart), columns * (width + 1))
    return sheet[:-apart, :-1]


def _columns(count: int) -> int:
    """Tiles in a row: about twice as many as rows, with as few places empty as can be."""
    wanted = math.sqrt(2 * count)
    around = range(max(1, math.ceil(math.sqrt(count))), 2 * math.ceil(math.sqrt(count)) + 1)
    return min(around, key=lambda columns: (-count % columns, abs(columns - wanted)))


def _of(shown: int, there: int) -> str:
    return str(there) if shown == there else f"the first {shown} of {there}"
