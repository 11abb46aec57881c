"""Kernels while they learn (a GIF), and before and after (a figure)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from linesexp.views.animation import Caption, Curves, Panel, animate
from linesexp.views.colours import FAINT
from linesexp.views.style import (
    CATEGORIES,
    NewFigure,
    PixelFigure,
    bare,
    own_figure,
    plain,
    scale_bar,
    show_map,
    step_name,
    symmetric_limit,
)

WIDTH, HEIGHT = 960, 500
GRID_LEFT, GRID_TOP, GRID_WIDTH, GRID_HEIGHT = 28, 88, 610, 332
CURVE_LEFT, CURVE_WIDTH = 716, 220
NAMED = 40  # more kernels are shown without their numbers, for which there is no room

Log = dict[str, np.ndarray]  # column → (rows,): step, loss, accuracy, validation_loss, …


def kernels_gif(kernels: np.ndarray, steps: np.ndarray, log: Log) -> bytes:
    """All kernels (steps, filters, k, k) from the first recorded step to the last.

    One zero-centred scale for all frames; loss and accuracy (validation) are drawn as they grow.
    """
    limit = symmetric_limit(kernels)
    boxes = _grid(kernels.shape[1])
    page, accuracy, loss = _stage(kernels, boxes, limit, log)
    still = page.rgb()
    accuracy.plot(log["step"], log["validation_accuracy"], color=CATEGORIES[0], linewidth=2, clip_on=False)
    loss.plot(log["step"], log["validation_loss"], color=CATEGORIES[1], linewidth=2, clip_on=False)
    complete = page.rgb()
    columns = loss.transData.transform(np.column_stack([steps, np.zeros(len(steps))]))[:, 0]
    last = f" of {steps[-1]:.0f}" if steps[-1] % 1 == 0 else ""
    return animate(
        still,
        [Panel(*box, kernels[:, index], limit) for index, box in enumerate(boxes)],
        [Caption(28, 14, [step_name(step) + (last if step else "") for step in steps], size=24)],
        Curves(complete, CURVE_LEFT - 4, [round(column) + 2 for column in columns]),
    )


def before_after_figure(
    before: np.ndarray,
    after: np.ndarray,
    operators: np.ndarray,
    captions: Sequence[str],
    last_step: float,
    new: NewFigure = own_figure,
) -> np.ndarray:
    """Kernels (filters, k, k) untrained and trained on one scale, and the operator that each resembles.

    operators: (filters, k, k) of the sign that fits, each shown on its own scale; captions: a line
    for each of them. Returns Axes (3, filters): untrained, trained, operators.
    """
    count = len(before)
    side, gap, left = 110, 14, 120
    columns = min(count, 8)
    bands = -(-count // columns)
    band_height = 3 * (side + gap) + 64
    page = PixelFigure(left + columns * (side + gap) + 20, 64 + bands * band_height + 60, new)
    drawn = np.empty((3, count), dtype=object)
    page.text(20, 16, "First-layer kernels before and after training", size=19)
    limit = symmetric_limit(np.concatenate([before, after]))
    for band in range(bands):
        top = 66 + band * band_height
        names = ("untrained", step_name(last_step), "most similar\noperator")
        for row, name in enumerate(names):
            page.text(20, top + 18 + row * (side + gap) + side / 2, name, size=13, va="center")
        for index in range(band * columns, min(count, (band + 1) * columns)):
            x = left + (index - band * columns) * (side + gap)
            page.text(x + side / 2, top, f"kernel {index}", size=12, ha="center")
            for row, kernel in enumerate((before[index], after[index], operators[index])):
                drawn[row, index] = page.axes(x, top + 18 + row * (side + gap), side, side)
                show_map(drawn[row, index], kernel, limit if row < 2 else symmetric_limit(kernel))
            page.text(
                x + side / 2,
                top + 18 + 3 * (side + gap) - 8,
                captions[index],
                size=11,
                ha="center",
                color=FAINT,
            )
    scale_bar(page, left, page.height - 42, 260, limit, "weight: one scale for the two upper rows")
    return drawn


def operators_figure(operators: np.ndarray, names: Sequence[str], new: NewFigure = own_figure) -> np.ndarray:
    """Operators (count, k, k) side by side, each on its own zero-centred scale, with their names.

    Returns Axes (count,).
    """
    side, gap, left = 84, 30, 20
    page = PixelFigure(left + len(operators) * (side + gap), 186, new)
    drawn = []
    page.text(left, 14, "Operators that kernels are compared with", size=17)
    for index, (operator, name) in enumerate(zip(operators, names, strict=True)):
        x = left + index * (side + gap)
        drawn.append(page.axes(x, 46, side, side))
        show_map(drawn[-1], operator, symmetric_limit(operator))
        page.text(x + side / 2, 138, name, size=11, ha="center", linespacing=1.3)
    return np.array(drawn)


def _stage(
    kernels: np.ndarray, boxes: list[tuple[int, int, int]], limit: float, log: Log
) -> tuple[PixelFigure, Axes, Axes]:
    """Everything that stands still, and the empty axes for accuracy and for loss."""
    page = PixelFigure(WIDTH, HEIGHT)
    size = kernels.shape[-1]
    page.text(
        GRID_LEFT, 50, f"The {len(boxes)} kernels ({size}×{size}) of the first layer, on one scale", color=FAINT
    )
    for index, (left, top, side) in enumerate(boxes):
        if len(boxes) <= NAMED:
            name = f"kernel {index}" if side > 60 else f"{index}"
            page.text(left + side / 2, top - 4, name, size=12, ha="center", va="bottom")
        bare(page.axes(left - 1, top - 1, side + 2, side + 2))
    scale_bar(page, GRID_LEFT, HEIGHT - 42, 260, limit, "weight")
    accuracy = page.axes(CURVE_LEFT, 62, CURVE_WIDTH, 165)
    loss = page.axes(CURVE_LEFT, 278, CURVE_WIDTH, 165)
    highest = float(np.nanmax(log["validation_loss"], initial=1e-6))
    for axes, name, upper in ((accuracy, "accuracy", 1.02), (loss, "loss", 1.08 * highest)):
        plain(axes)
        axes.set(xlim=(0, max(float(log["step"][-1]), 1.0)), ylim=(0, upper))
        axes.set_title(f"{name} on validation pictures", fontsize=9.5, loc="left")
    loss.set_xlabel("epoch", fontsize=9.5)
    return page, accuracy, loss


def _grid(count: int) -> list[tuple[int, int, int]]:
    """(left, top, side) of each kernel's square: rows of equal squares, as large as fit."""
    gap, label = (16, 28) if count <= NAMED else (3, 3)
    side, columns = max(
        (min(GRID_WIDTH // columns - gap, GRID_HEIGHT // -(-count // columns) - label), columns)
        for columns in range(1, count + 1)
    )
    return [
        (GRID_LEFT + index % columns * (side + gap), GRID_TOP + 14 + index // columns * (side + label), side)
        for index in range(count)
    ]
