"""Curves over training: loss and accuracy, and likeness to the operators."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from linesexp.views.colours import FAINT
from linesexp.views.style import CATEGORIES, MARKERS, NewFigure, PixelFigure, own_figure, plain

LOGGED = ("loss", "accuracy")


def training_figure(log: Mapping[str, np.ndarray], new: NewFigure = own_figure) -> np.ndarray:
    """Loss and accuracy over the epochs, training and validation; (2,) Axes. log: column → (rows,)."""
    page = PixelFigure(960, 380, new)
    drawn = [page.axes(64 + index * 470, 56, 400, 240) for index in range(len(LOGGED))]
    for name, axes in zip(LOGGED, drawn, strict=True):
        draw_log(axes, log, name)
    page.text(
        64,
        350,
        "Training values from epoch 1 on are means over an epoch, dropout on, while the weights still change; "
        "validation values are measured at its end.",
        size=12,
        color=FAINT,
    )
    return np.array(drawn)


def draw_log(axes: Axes, log: Mapping[str, np.ndarray], name: str) -> None:
    """One column of the training log, `loss` or `accuracy`, of training and validation over the epochs."""
    plain(axes)
    axes.plot(log["step"], log[name], color=CATEGORIES[0], marker="o", markersize=3.5, label="training")
    axes.plot(
        log["step"],
        log[f"validation_{name}"],
        color=CATEGORIES[1],
        marker="s",
        markersize=3.5,
        linestyle="--",
        label="validation",
    )
    axes.set(xlabel="epoch", ylim=(0, None if name == "loss" else 1.02))
    axes.set_title(name.capitalize(), loc="left", fontsize=11)
    axes.legend(fontsize=9, frameon=False, loc="upper right" if name == "loss" else "lower right")


def similarity_figure(
    steps: np.ndarray,
    similarity: Mapping[str, np.ndarray],
    chance: Mapping[str, tuple[float, float, float]],
    new: NewFigure = own_figure,
) -> np.ndarray:
    """Likeness of each kernel to the operators of each direction, over the steps; Axes (directions,).

    similarity: direction → (steps, filters) largest |cosine|; chance: direction → the 1 %, 50 % and
    99 % points of the same measure over untrained kernels.
    """
    page = PixelFigure(1080, 460, new)
    drawn = []
    for index, (direction, values) in enumerate(similarity.items()):
        axes = page.axes(64 + index * 480, 60, 420, 320)
        _similarity_axes(axes, steps, values, chance[direction])
        axes.set_title(f"Best match with operators that detect {direction}", loc="left", fontsize=11)
        axes.set_ylabel("|cosine|" if index == 0 else "", fontsize=10)
        drawn.append(axes)
    handles, labels = axes.get_legend_handles_labels()
    page.figure.legend(
        handles, labels, loc="center right", fontsize=9, frameon=False, bbox_to_anchor=(0.998, 0.5)
    )
    page.text(
        64,
        426,
        "Grey band: where 98 % of untrained kernels lie (initialiser's distribution), line: their median.",
        size=12,
        color=FAINT,
    )
    return np.array(drawn)


def _similarity_axes(
    axes: Axes, steps: np.ndarray, values: np.ndarray, chance: tuple[float, float, float]
) -> None:
    low, middle, high = chance
    plain(axes)
    axes.axhspan(low, high, color="#e5e7eb", zorder=0)
    axes.axhline(middle, color="#9ca3af", linewidth=1, zorder=1)
    for kernel in range(values.shape[1]):
        axes.plot(
            steps,
            values[:, kernel],
            color=CATEGORIES[kernel % len(CATEGORIES)],
            marker=MARKERS[kernel % len(MARKERS)],
            markevery=max(1, len(steps) // 6),
            markersize=4,
            linewidth=1.4,
            label=f"kernel {kernel}" if kernel < 16 else None,
        )
    axes.set(xlabel="epoch", ylim=(0, 1), xlim=(steps[0], max(steps[-1], steps[0] + 1)))
