"""What layers have in common and what not: matches beside chance, measures over depth and over training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linesexp.views.colours import FAINT, INK
from linesexp.views.style import CATEGORIES, MARKERS, PixelFigure, plain

MOST_PANELS = 24  # of a figure of histograms
FEW = 16  # layers that have colours of their own; of more every line is coloured by depth, and some are named
MOST_NAMES = 60  # more layers are numbered along the axis
CHANCE = "#9ca3af"
viridis = colormaps["viridis"]
WIDTH = 1080

Numbers = Sequence[float | None]


def matches_figure(
    histograms: Mapping[str, tuple[Sequence[float], Sequence[float]]], captions: Sequence[str]
) -> Figure:
    """How well the kernels of each layer match operators, beside kernels of chance.

    histograms: layer → (shares of its kernels, shares of chance's) in equal bins of |cosine| from 0 to 1, at
    most MOST_PANELS layers; captions: a line for each.
    """
    columns = 4
    rows = -(-len(histograms) // columns)
    wide, high, left, top = 232, 132, 40, 84
    page = PixelFigure(WIDTH, top + rows * (high + 62) + 34)
    page.text(20, 14, "Each layer's kernels and their best operator", size=18)
    words = "blue: kernels of the layer; grey: kernels of chance. Further right is more alike."
    page.text(20, 42, words, color=FAINT)
    for index, ((name, (layer, chance)), caption) in enumerate(zip(histograms.items(), captions, strict=True)):
        row, column = divmod(index, columns)
        x, y = left + column * (wide + 26), top + row * (high + 62)
        axes = page.axes(x, y + 18, wide, high - 18)
        plain(axes)
        edges = np.linspace(0, 1, len(layer) + 1)
        axes.stairs(chance, edges, fill=True, color="#d9dce1")
        axes.stairs(layer, edges, color=CATEGORIES[0], linewidth=1.6)
        axes.set(xlim=(0, 1), yticks=[], ylim=(0, 1.08 * max(*layer, *chance, 1e-9)))
        axes.tick_params(labelsize=8)
        page.text(x, y, _short(name, 34), size=12)
        page.text(x, y + high + 20, caption, size=11, color=FAINT)
    page.text(20, page.height - 26, "along: |cosine| with the best operator", size=12, color=FAINT)
    return page.figure


def depth_figure(
    names: Sequence[str],
    axis_share: tuple[Numbers, Numbers],
    beyond: Numbers,
    fields: tuple[Numbers, Numbers],
    moment: str = "",
) -> Figure:
    """Measures layer by layer, from the first to the last.

    axis_share: (of the layer, of chance), medians over its kernels; beyond: share of kernels that match an
    operator better than 99 % of chance; fields: (theoretical, effective) receptive field in px. None where
    there is none.
    """
    has_fields = any(value is not None for values in fields for value in values)
    panels = 3 if has_fields else 2
    longest = max(len(_short(name, 24)) for name in names)
    below = 34 + (round(6.2 * longest) if len(names) <= MOST_NAMES else 12)
    page = PixelFigure(WIDTH, 54 + panels * 190 + below)
    page.text(20, 14, f"From layer to layer{moment}", size=18)
    places = np.arange(len(names))
    all_axes = [page.axes(70, 70 + index * 190, WIDTH - 250, 146) for index in range(panels)]
    for axes in all_axes:
        plain(axes)
        axes.set(
            xlim=(-0.5, len(names) - 0.5), xticks=places if len(names) <= MOST_NAMES else [], xticklabels=[]
        )
    _line(all_axes[0], places, axis_share[0], CATEGORIES[0], "o", "this model")
    _line(all_axes[0], places, axis_share[1], CHANCE, "_", "chance")
    all_axes[0].set(ylim=(0, 1))
    all_axes[0].set_title("Share of a kernel's energy along one axis (median)", loc="left", fontsize=10.5)
    _line(all_axes[1], places, [value and 100 * value for value in beyond], CATEGORIES[0], "o", "this model")
    all_axes[1].axhline(1, color=CHANCE, linewidth=1.4, label="chance: 1 %")
    all_axes[1].set(ylim=(0, None))
    all_axes[1].set_title("Kernels beyond chance's 99 % point, in %", loc="left", fontsize=10.5)
    if has_fields:
        _line(all_axes[2], places, fields[0], CHANCE, "s", "can depend on")
        _line(all_axes[2], places, fields[1], CATEGORIES[1], "o", "does depend on\n(95 % of energy)")
        all_axes[2].set(ylim=(0, None))
        all_axes[2].set_title("Receptive field: side in px", loc="left", fontsize=10.5)
    for axes in all_axes:
        axes.legend(fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    if len(names) <= MOST_NAMES:
        last = all_axes[-1]
        last.set_xticks(places)
        last.set_xticklabels([_short(name, 24) for name in names], rotation=90, fontsize=8.5, color=INK)
    else:
        all_axes[-1].set(xticks=[0, len(names) - 1], xticklabels=[_short(names[0], 24), _short(names[-1], 24)])
    return page.figure


def layers_course_figure(
    steps: np.ndarray, courses: Mapping[str, Mapping[str, Numbers]], chance: Mapping[str, float | None]
) -> Figure:
    """Layers while they learn, a line each. courses: title → layer → a number for each step; chance: title →
    where chance lies."""
    page = PixelFigure(WIDTH, 64 + -(-len(courses) // 2) * 250 + 20)
    page.text(20, 14, "Layers while they learn (medians)", size=18)
    for index, (title, lines) in enumerate(courses.items()):
        axes = page.axes(64 + index % 2 * 420, 78 + index // 2 * 250, 350, 176)
        plain(axes)
        if (level := chance.get(title)) is not None:
            axes.axhline(level, color=CHANCE, linewidth=1.4, linestyle="--")
        for number, (name, values) in enumerate(lines.items()):
            colour = CATEGORIES[number % len(CATEGORIES)] if len(lines) <= FEW else viridis(number / len(lines))
            marker = MARKERS[(number + number // len(CATEGORIES)) % len(MARKERS)]
            _line(axes, steps, values, colour, marker, _short(name, 22), max(1, len(steps) // 6))
        axes.set(xlabel="epoch", xlim=(steps[0], max(steps[-1], steps[0] + 1e-6)))
        axes.set_title(title, loc="left", fontsize=10.5)
    handles, labels = axes.get_legend_handles_labels()
    named = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), FEW)).round().astype(int))
    page.figure.legend(
        [handles[at] for at in named],
        [labels[at] for at in named],
        loc="center right",
        fontsize=9,
        frameon=False,
        bbox_to_anchor=(0.998, 0.5),
    )
    return page.figure


def _line(
    axes: Axes, places: np.ndarray, values: Numbers, colour: Any, marker: str, label: str, every: int = 1
) -> None:
    known = [index for index, value in enumerate(values) if value is not None]
    heights = [value for value in values if value is not None]
    axes.plot(
        places[known],
        heights,
        color=colour,
        marker=marker,
        markevery=every,
        markersize=4.5,
        linewidth=1.5,
        label=label,
    )


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else "…" + name[1 - most :]
