"""One run among the members of a study: a row of dots for each measure, the run marked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from linesexp.views.colours import FAINT, INK
from linesexp.views.style import CATEGORIES, NewFigure, PixelFigure, own_figure, plain
from linesexp.views.swarm import swarm

WIDTH, LEFT, WIDE, HIGH, ROW, DOT = 1040, 400, 600, 40, 78, 6
MARK, MEMBER = CATEGORIES[1], CATEGORIES[0]


@dataclass(frozen=True)
class MarkedRow:
    """A measure: in words, of the members (n,), of the run; percent: whether values are shares."""

    words: str
    members: np.ndarray
    value: float
    percent: bool = False


def place_figure(rows: Sequence[MarkedRow], new: NewFigure = own_figure) -> np.ndarray:
    """Dots of the members and a marked one for the run, measure by measure; (rows,) Axes."""
    page = PixelFigure(WIDTH, len(rows) * ROW + 24, new)
    drawn = []
    for index, row in enumerate(rows):
        top = 14 + index * ROW
        axes = page.axes(LEFT, top, WIDE, HIGH)
        plain(axes)
        scale = 100 if row.percent else 1
        values = scale * np.sort(row.members)
        low, high = min(values[0], scale * row.value), max(values[-1], scale * row.value)
        margin = 0.04 * (high - low) or 0.05 * abs(high) or 0.5
        right = min(high + margin, 103) if row.percent else high + margin
        axes.set(xlim=(low - margin, right), ylim=(-1, 1), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(5, min_n_ticks=2))
        if row.percent:
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} %".replace("-", "−"))
        dot = DOT / WIDE * (high - low + 2 * margin)
        aside = swarm(values, dot, 0.85, 2 * DOT / HIGH)
        axes.scatter(values, aside, s=18, color=MEMBER, alpha=0.5, linewidths=0)
        axes.axvline(scale * row.value, color=MARK, linewidth=1.5)
        axes.plot(scale * row.value, 0, "D", color=MARK, markersize=8, markeredgecolor="white")
        words, middle = f"{row.words[:1].upper()}{row.words[1:]}", top + HIGH / 2
        half = words if len(words) <= 48 else _halved(words)
        page.text(LEFT - 18, middle, half, size=12.5, ha="right", va="center", color=INK, linespacing=1.25)
        drawn.append(axes)
    page.text(20, page.height - 20, f"dots: {len(rows[0].members)} members" if rows else "", color=FAINT)
    return np.array(drawn)


def _halved(words: str) -> str:
    """On two lines of about the same length."""
    spaces = [index for index, letter in enumerate(words) if letter == " "]
    middle = min(spaces, key=lambda index: abs(index - len(words) / 2))
    return f"{words[:middle]}\n{words[middle + 1 :]}"
