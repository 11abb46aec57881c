"""How kernels of many members come to resemble operators: curves over training, with bands."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from linesexp.views.colours import FAINT
from linesexp.views.members import COLOURS, LONGEST, REFERENCE
from linesexp.views.style import NewFigure, PixelFigure, own_figure, plain, show_map
from linesexp.wording import short_name

Curve = tuple[Sequence[float], Sequence[float | None], Sequence[float | None], Sequence[float | None]]
WIDTH, COLUMNS, WIDE, HIGH = 1080, 4, 216, 132
SIDE, PER_ROW = 84, 8


def emergence_figure(
    curves: Mapping[str, Curve],
    kinds: Mapping[str, str],
    accuracy: Mapping[str, Curve],
    chance: float,
    new: NewFigure = own_figure,
) -> np.ndarray:
    """Share of a member's kernels that resemble an operator beyond chance, over the epochs; (conditions,) Axes.

    curves, accuracy: condition → (steps, mean over members, low and high end of where 95 of 100 of them lie).
    The mean of the reference lies grey behind the others; accuracy is drawn as a thin broken line.
    """
    rows = -(-len(curves) // COLUMNS)
    page = PixelFigure(WIDTH, rows * (HIGH + 78) + 64, new)
    behind = next((curves[name] for name, kind in kinds.items() if kind == REFERENCE and name in curves), None)
    drawn = []
    for index, (name, curve) in enumerate(curves.items()):
        row, column = divmod(index, COLUMNS)
        left, top = 70 + column * (WIDE + 36), 34 + row * (HIGH + 78)
        axes = page.axes(left, top, WIDE, HIGH)
        plain(axes)
        kind = kinds[name]
        if behind is not None and kind != REFERENCE:
            axes.plot(behind[0], _percent(behind[1]), color="#b9bec6", linewidth=1.6, label="reference")
        _band(axes, curve, COLOURS[kind])
        if name in accuracy:
            axes.plot(
                accuracy[name][0], _percent(accuracy[name][1]), color=FAINT, linewidth=1, linestyle=(0, (4, 3))
            )
        axes.axhline(100 * chance, color="#9ca3af", linewidth=1, linestyle=":")
        axes.set(ylim=(0, 103), xlim=(curve[0][0], curve[0][-1]), yticks=(0, 25, 50, 75, 100))
        if column == 0:
            axes.set_ylabel("% of kernels", fontsize=9)
        if index + COLUMNS >= len(curves):
            axes.set_xlabel("epoch", fontsize=9)
        page.text(left, top - 20, short_name(name, LONGEST), size=12.5)
        drawn.append(axes)
    words = (
        "Line: mean over members; band: where 95 of 100 members lie. Dotted: what luck gives. "
        "Broken: validation pictures named rightly, %. Grey: the reference."
    )
    page.text(20, page.height - 24, words, size=12, color=FAINT)
    return np.array(drawn)


def _band(axes: Axes, curve: Curve, colour: str) -> None:
    steps, mean, low, high = curve
    axes.fill_between(steps, _percent(low), _percent(high), color=colour, alpha=0.22, linewidth=0)
    axes.plot(steps, _percent(mean), color=colour, linewidth=2)


def _percent(values: Sequence[float | None]) -> np.ndarray:
    return 100 * np.array([np.nan if value is None else value for value in values])


def groups_figure(
    groups: Mapping[str, Sequence[tuple[np.ndarray, str]]],
    notes: Mapping[str, str],
    new: NewFigure = own_figure,
) -> np.ndarray:
    """Kernels that recur, a row for each condition; an object array of the Axes, row after row.

    Without any kernel the one Axes says so.
    groups: condition → (mean kernel (k, k), words of three lines) each; the first PER_ROW are shown.
    notes: condition → a line beside its name.
    """
    heights = [SIDE + 92 if kernels else 34 for kernels in groups.values()]
    page = PixelFigure(WIDTH, sum(heights) + 46, new)
    drawn = []
    for row, (name, kernels) in enumerate(groups.items()):
        top = 10 + sum(heights[:row])
        page.text(20, top, short_name(name, LONGEST), size=13.5)
        page.text(190, top + 1, notes[name], size=12, color=FAINT)
        for index, (kernel, words) in enumerate(kernels[:PER_ROW]):
            left = 20 + index * (SIDE + 46)
            axes = page.axes(left, top + 24, SIDE, SIDE)
            show_map(axes, kernel, float(np.abs(kernel).max()) or 1.0)
            page.text(left, top + 28 + SIDE, words, size=11, linespacing=1.3)
            drawn.append(axes)
    below = page.height - 26
    words = (
        "Each the mean of a group, turned and signed alike, on a scale of its own: blue negative, orange "
        "positive."
    )
    if not drawn:
        words = "No kernels recur."
        drawn.append(page.axes(0, below - 4, WIDTH, 30))
        drawn[0].set_axis_off()
    page.text(20, below, words, size=12, color=FAINT)
    return np.array(drawn, dtype=object)
