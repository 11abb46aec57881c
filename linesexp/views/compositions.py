"""Deeper kernels laid back onto pixels, untrained and trained."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linesexp.views.colours import FAINT
from linesexp.views.style import (
    NewFigure,
    PixelFigure,
    own_figure,
    scale_bar,
    show_map,
    step_name,
    symmetric_limit,
)

COLUMNS, SIDE, GAP, LEFT = 8, 104, 14, 112
MOST = 16  # filters of a layer that are shown
HEAD, BAND_HEAD, FOOT = 58, 26, 84  # px above a layer's kernels, above each band, below them


@dataclass(frozen=True)
class LayerFields:
    """One layer's fields on pixels (filters, size, size) at two moments, and their agreement with it.

    agreement_before, agreement: (filters,) correlations, NaN where there is none.
    """

    layer: str
    before: np.ndarray
    after: np.ndarray
    agreement_before: np.ndarray
    agreement: np.ndarray


def compositions_figure(
    layers: Sequence[LayerFields], last_step: float, new: NewFigure = own_figure
) -> np.ndarray:
    """Each layer's filters as kernels on pixels: one scale a layer; those with the best agreement first.

    Returns Axes (2, filters shown), untrained and trained, those of one layer after the other.
    """
    heights = [HEAD + _bands(layer) * (BAND_HEAD + 2 * (SIDE + 22)) + FOOT for layer in layers]
    page = PixelFigure(LEFT + COLUMNS * (SIDE + GAP) + 20, 20 + sum(heights), new)
    top, drawn = 14, []
    for layer, height in zip(layers, heights, strict=True):
        drawn.append(_draw(page, top, layer, last_step))
        top += height
    return np.concatenate(drawn, axis=1)


def _bands(layer: LayerFields) -> int:
    return -(-min(len(layer.after), MOST) // COLUMNS)


def _draw(page: PixelFigure, top: float, layer: LayerFields, last_step: float) -> np.ndarray:
    size, filters = layer.after.shape[1], len(layer.after)
    shown = np.argsort(-np.nan_to_num(layer.agreement, nan=-2), kind="stable")[:MOST]
    which = f"{len(shown)} of {filters} filters" if filters > MOST else f"all {filters} filters"
    page.text(20, top, f"{layer.layer}, laid back onto {size}×{size} pixels", size=18)
    page.text(
        20, top + 27, f"{which}; r: agreement with what the filter really gives, the best first", color=FAINT
    )
    axes = np.empty((2, len(shown)), dtype=object)
    limit = symmetric_limit(np.concatenate([layer.before[shown], layer.after[shown]]))
    top += HEAD
    for band in range(_bands(layer)):
        inside = shown[band * COLUMNS : (band + 1) * COLUMNS]
        for row, name in enumerate(("untrained", step_name(last_step))):
            page.text(20, top + BAND_HEAD + row * (SIDE + 22) + SIDE / 2, name, va="center")
        for column, index in enumerate(inside):
            left = LEFT + column * (SIDE + GAP)
            page.text(left + SIDE / 2, top + 6, f"filter {index}", size=12, ha="center")
            moments = ((layer.before, layer.agreement_before), (layer.after, layer.agreement))
            for row, (fields, agreement) in enumerate(moments):
                at = top + BAND_HEAD + row * (SIDE + 22)
                axes[row, band * COLUMNS + column] = page.axes(left, at, SIDE, SIDE)
                show_map(axes[row, band * COLUMNS + column], fields[index], limit)
                words = "r –" if np.isnan(agreement[index]) else f"r {agreement[index]:+.2f}".replace("-", "−")
                page.text(left + SIDE / 2, at + SIDE + 3, words, size=11, ha="center", color=FAINT)
        top += BAND_HEAD + 2 * (SIDE + 22)
    scale_bar(page, LEFT, top + 6, 260, limit, f"weight on a pixel: one scale for {layer.layer}")
    return axes
