"""Members of a study: every one drawn, with means and intervals; differences; curves with bands."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from linesexp.views.colours import FAINT, INK
from linesexp.views.style import CATEGORIES, NewFigure, PixelFigure, own_figure, plain
from linesexp.views.swarm import swarm
from linesexp.wording import short_name

Interval = tuple[float | None, float | None, float | None]  # mean, low, high
REFERENCE, OTHER, CONTROL = "reference", "other", "control"
COLOURS = {REFERENCE: CATEGORIES[0], OTHER: CATEGORIES[1], CONTROL: "#8a8f98"}
MARKS = {REFERENCE: "o", OTHER: "s", CONTROL: "D"}
WIDTH, NAMES, ROW, PANEL_GAP = 1080, 150, 26, 40
MOST_DOTS = 400  # in a row; of more members so many are drawn, evenly chosen
LONGEST = 22  # letters of a condition's name


@dataclass(frozen=True)
class Panel:
    """One measure. values: condition → (members,), NaN for what is not known; means: condition → mean and
    interval; chance: where chance lies, if that is known; percent: whether values are shares, shown in %."""

    title: str
    values: Mapping[str, np.ndarray]
    means: Mapping[str, Interval]
    chance: float | None = None
    percent: bool = False


def strips_figure(
    panels: Sequence[Panel], kinds: Mapping[str, str], words: str, columns: int = 3, new: NewFigure = own_figure
) -> np.ndarray:
    """Every member as a dot, condition by condition, and the mean with its interval; (panels,) Axes.

    kinds: condition → reference, other or control, in the order of the rows; words: below the figure.
    """
    return _grid(panels, kinds, words, columns, new, zero=False)


def gaps_figure(
    panels: Sequence[Panel], kinds: Mapping[str, str], words: str, columns: int = 3, new: NewFigure = own_figure
) -> np.ndarray:
    """Differences of pairs of members, each as a dot, and their mean with its interval; (panels,) Axes."""
    return _grid(panels, kinds, words, columns, new, zero=True)


def _grid(
    panels: Sequence[Panel],
    kinds: Mapping[str, str],
    words: str,
    columns: int,
    new: NewFigure,
    zero: bool,
) -> np.ndarray:
    columns = min(columns, max(len(panels), 1))
    bands = -(-len(panels) // columns)
    high = len(kinds) * ROW + 10
    wide = (WIDTH - NAMES + 8) // columns - PANEL_GAP
    page = PixelFigure(WIDTH, bands * (high + 92) + 46, new)
    drawn = []
    for index, panel in enumerate(panels):
        band, column = divmod(index, columns)
        left, top = NAMES + column * (wide + PANEL_GAP), 44 + band * (high + 92)
        axes = page.axes(left, top, wide, high)
        _rows(axes, panel, kinds, wide, zero)
        title = _two_lines(panel.title, wide // 6)
        page.text(left, top - 6, title, size=12, linespacing=1.25, va="bottom")
        for place, name in enumerate(kinds) if column == 0 else ():
            middle = top + (place + 0.5) * high / len(kinds)
            page.text(NAMES - 10, middle, short_name(name, LONGEST), size=12.5, ha="right", va="center")
        drawn.append(axes)
    page.text(20, page.height - 24, words, size=12, color=FAINT)
    return np.array(drawn)


def _rows(axes: Axes, panel: Panel, kinds: Mapping[str, str], wide: int, zero: bool) -> None:
    """One panel: a row for each condition, the first on top."""
    scale = 100 if panel.percent else 1
    known = [scale * values[np.isfinite(values)] for values in panel.values.values()]
    ends = [scale * end for mean in panel.means.values() for end in mean if end is not None]
    everything = np.concatenate([*known, ends, [0.0] if zero else []])
    low, high = (everything.min(), everything.max()) if len(everything) else (0.0, 1.0)
    margin = 0.04 * (high - low) or 0.05 * abs(high) or 0.5
    right = min(high + margin, 103) if panel.percent and high <= 100 else high + margin
    axes.set(xlim=(low - margin, right), ylim=(len(kinds), 0), yticks=[])
    plain(axes)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
    if panel.percent:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} %".replace("-", "−"))
    for place in (0.0, panel.chance) if zero else (panel.chance,):
        if place is not None:
            axes.axvline(scale * place, color=INK if zero else "#9ca3af", linewidth=1, linestyle=(0, (4, 3)))
    dot = 5.5 / wide * (high - low + 2 * margin)
    for row, (name, kind) in enumerate(kinds.items()):
        axes.axhline(row + 0.5, color="#eef0f2", linewidth=1, zorder=0)
        values = scale * _some(panel.values.get(name, np.zeros(0)))
        aside = swarm(values, dot, 0.4, 0.16)
        axes.scatter(
            values, row + 0.5 + aside, s=11, color=COLOURS[kind], marker=MARKS[kind], alpha=0.55, linewidths=0
        )
        mean, start, end = panel.means.get(name, (None, None, None))
        if mean is None:
            axes.text(0.5, row + 0.5, "–", transform=axes.get_yaxis_transform(), va="center", color=FAINT)
            continue
        if start is not None and end is not None:
            axes.plot((scale * start, scale * end), (row + 0.5,) * 2, color=INK, linewidth=2.2, zorder=4)
        axes.plot(scale * mean, row + 0.5, marker="|", markersize=13, markeredgewidth=2.2, color=INK, zorder=5)


def _some(values: np.ndarray) -> np.ndarray:
    """At most MOST_DOTS of the known values, evenly chosen by size, so that the ends stay."""
    known = np.sort(values[np.isfinite(values)])
    if len(known) <= MOST_DOTS:
        return known
    return known[np.linspace(0, len(known) - 1, MOST_DOTS).round().astype(int)]


def _two_lines(words: str, letters: int) -> str:
    """Words on two lines at most of about so many letters, the first a capital."""
    lines = textwrap.wrap(f"{words[:1].upper()}{words[1:]}".replace(" %", "\u00a0%"), letters)
    return "\n".join(lines[:2]) + ("…" if len(lines) > 2 else "")
