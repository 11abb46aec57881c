"""What kernels answer to before and after training, as polar curves; edge or line over training."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.ticker import MaxNLocator

from linesexp.images.probes import BAR_ANGLES_DEG, EDGE_ANGLES_DEG
from linesexp.kernels.course import Course, CourseChance
from linesexp.kernels.health import LIVE
from linesexp.kernels.tuning import Tuning
from linesexp.views.colours import FAINT, INK
from linesexp.views.style import CATEGORIES, NewFigure, PixelFigure, own_figure, plain, step_name

COLUMNS = 4
RADIUS, GAP, LEFT, TOP = 72, 64, 140, 84
CLEAR = 0.1  # a preference weaker than this gets no triangle
BAND = 4 * RADIUS + 146  # a row of kernels: two circles under each other, and their words
RING, UNTRAINED, TRAINED = "#d9dce1", "#6b7280", CATEGORIES[0]
PROBES = (
    ("bars", BAR_ANGLES_DEG, "bars\nof each angle"),
    ("edges", EDGE_ANGLES_DEG, "step edges,\ntowards the\nbright side"),
)


def tuning_figure(
    before: Tuning, after: Tuning, health: Sequence[str], last_step: float, new: NewFigure = own_figure
) -> Axes:
    """Responses of each kernel to bars and to step edges, untrained (grey) and trained (blue).

    before, after: tuning of the same kernels; health: the word for each trained kernel, see
    kernels.health. All circles of a kernel share one scale, which is written above them. Returns the one
    Axes that holds all curves, in pixels from the top left.
    """
    count = len(after.bars)
    columns = min(count, COLUMNS)
    width = max(LEFT + columns * (2 * RADIUS + GAP) + 16, 900)
    page = PixelFigure(width, TOP + -(-count // columns) * BAND + 84, new)
    # All curves lie on one set of axes in pixels: 128 polar axes would take many seconds.
    axes = page.axes(0, 0, page.width, page.height)
    axes.set(xlim=(0, page.width), ylim=(page.height, 0))
    axes.axis("off")
    page.text(20, 16, "What each kernel answers to", size=19)
    page.text(20, 44, f"thin grey: untrained; strong blue: {step_name(last_step)}", size=13, color=FAINT)
    curves = _Curves()
    for index in range(count):
        left, top = LEFT + index % columns * (2 * RADIUS + GAP), TOP + index // columns * BAND
        if index % columns == 0:
            page.text(20, top + 19, "response at the ring", size=12, color=FAINT)
            for row, (_, _, words) in enumerate(PROBES):
                page.text(20, _middle(top, row), words, size=13, va="center", linespacing=1.3)
        _kernel(page, curves, (left, top), index, before, after, health[index])
    curves.draw(axes)
    page.text(
        20,
        page.height - 92,
        "Distance from the centre: the response, largest over all places, less that to an empty picture.\n"
        "Direction: that of the bar, drawn at both its ends, or where the edge gets brighter. A thin shape "
        "has one favourite, a\nround one has none. Numbers: the angle preferred after training, and how much, "
        f"0 to 1 (bars: 1 − circular variance,\nedges: direction index); a triangle marks it from {CLEAR} on.",
        size=12,
        color=FAINT,
        linespacing=1.5,
    )
    return axes


class _Curves:
    """What is drawn on the shared axes, collected so that each kind is drawn at once."""

    def __init__(self) -> None:
        self.rings: list[np.ndarray] = []
        self.untrained: list[np.ndarray] = []
        self.trained: list[np.ndarray] = []
        self.marks: list[np.ndarray] = []

    def draw(self, axes: Axes) -> None:
        axes.add_collection(LineCollection(self.rings, colors=RING, linewidths=0.7))
        axes.add_collection(PolyCollection(self.trained, facecolors=TRAINED, alpha=0.16, edgecolors="none"))
        axes.add_collection(LineCollection(self.untrained, colors=UNTRAINED, linewidths=0.9))
        axes.add_collection(LineCollection(self.trained, colors=TRAINED, linewidths=1.8))
        axes.add_collection(PolyCollection(self.marks, facecolors=INK, edgecolors="none"))


def _kernel(
    page: PixelFigure,
    curves: _Curves,
    place: tuple[int, int],
    index: int,
    before: Tuning,
    after: Tuning,
    health: str,
) -> None:
    """Both circles of one kernel and their words; place: left and top of its column."""
    left, top = place
    middle = left + RADIUS
    scale = _largest(before, after, index)
    name = f"kernel {index}" if health == LIVE else f"kernel {index}: {health}"
    page.text(middle, top, name, size=13, ha="center")
    page.text(middle, top + 19, f"{scale:.2g}" if scale > 0 else "–", size=12, ha="center", color=FAINT)
    preferences = (
        (after.preferred_angle_deg[index], after.one_minus_circular_variance[index]),
        (after.preferred_edge_deg[index], after.direction_index[index]),
    )
    for row, ((probe, angles, _), (angle, strength)) in enumerate(zip(PROBES, preferences, strict=True)):
        centre = np.array([middle, _middle(top, row)])
        curves.rings += [_circle(centre, RADIUS), _circle(centre, RADIUS / 2)]
        for tuning, found in ((before, curves.untrained), (after, curves.trained)):
            responses = getattr(tuning, probe)[index]
            if np.any(responses > 0):
                found.append(_closed(centre, angles, responses * (RADIUS / scale)))
        if np.isfinite(angle):
            words = f"{angle:.0f}°, {strength:.2f}"
        else:
            words = "no answer" if np.all(np.isfinite(getattr(after, probe)[index])) else "not a number"
        if strength >= CLEAR:
            ends = (angle, angle + 180) if probe == "bars" else (angle,)
            curves.marks += [_triangle(centre, end) for end in ends]
        page.text(middle, centre[1] + RADIUS + 13, words, size=13, ha="center")


def _middle(top: int, row: int) -> int:
    return top + 48 + RADIUS + row * (2 * RADIUS + 46)


def _largest(before: Tuning, after: Tuning, index: int) -> float:
    """Largest response of a kernel to any probe, untrained or trained; 0 if there is none."""
    responses = np.concatenate(
        [part[index] for tuning in (before, after) for part in (tuning.bars, tuning.edges)]
    )
    return float(np.max(responses, where=np.isfinite(responses), initial=0))


def _towards(angle_deg: np.ndarray | float) -> np.ndarray:
    """(n, 2) unit vectors, right and down, of angles counted counter-clockwise from the right."""
    radians = np.deg2rad(np.atleast_1d(angle_deg))
    return np.column_stack([np.cos(radians), -np.sin(radians)])


def _closed(centre: np.ndarray, angles_deg: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Closed curve about the centre; a half circle of angles is turned by 180° to fill the other half."""
    if angles_deg[-1] < 180:
        angles_deg, lengths = np.concatenate([angles_deg, angles_deg + 180]), np.tile(lengths, 2)
    curve = centre + lengths[:, None] * _towards(angles_deg)
    return np.concatenate([curve, curve[:1]])


def _circle(centre: np.ndarray, radius: float) -> np.ndarray:
    angles = np.arange(0.0, 360.0, 6.0)
    return _closed(centre, angles, np.full(len(angles), radius))


def _triangle(centre: np.ndarray, angle_deg: float) -> np.ndarray:
    """A small triangle outside the ring that points at it."""
    outwards = _towards(angle_deg)[0]
    sideways = np.array([-outwards[1], outwards[0]])
    tip = centre + (RADIUS + 1) * outwards
    return np.array([tip, tip + 7 * outwards + 4 * sideways, tip + 7 * outwards - 4 * sideways])


def course_figure(
    steps: np.ndarray, course: Course, chance: CourseChance, new: NewFigure = own_figure
) -> np.ndarray:
    """Shares of energy, and the best match with line and with edge operators, over the steps (steps,).

    Returns Axes (4,): the shares that are even, odd and constant, and the match.
    """
    page = PixelFigure(1080, 430, new)
    drawn = []
    page.text(64, 20, "Share of each kernel's energy", size=15)
    parts = (
        ("even, as a line is", course.even, chance.even),
        ("odd, as an edge is", course.odd, chance.odd),
        ("constant (DC)", course.dc, chance.dc),
    )
    for index, (name, values, level) in enumerate(parts):
        axes = _course_axes(page, 64 + 182 * index, 166, steps, name)
        axes.tick_params(labelleft=index == 0)
        _over_kernels(axes, steps, values, np.mean, index, None)
        axes.axhline(level, color=INK, linewidth=1.2, linestyle=":")
        words = f"chance: {level:.2f}"
        axes.text(0.97, 0.985, words, transform=axes.transAxes, ha="right", va="top", fontsize=9)
        drawn.append(axes)
    page.text(680, 20, "Best match with any operator of a kind", size=15)
    axes = _course_axes(page, 680, 376, steps, "|cosine|")
    _over_kernels(axes, steps, course.line, np.median, 0, f"line (chance: {chance.line[1]:.2f})")
    _over_kernels(axes, steps, course.edge, np.median, 1, f"edge (chance: {chance.edge[1]:.2f})")
    for index, points in enumerate((chance.line, chance.edge)):
        axes.axhline(points[1], color=CATEGORIES[index], linewidth=1.4, linestyle=":")
    axes.legend(fontsize=9, frameon=False, loc="upper right", handlelength=3)
    page.text(
        64,
        376,
        "Thin: each kernel. Strong: the mean (left, where the three shares of a kernel add up to 1) or median"
        " (right).\nDotted: chance, the mean share and the median match of untrained kernels.",
        size=12,
        color=FAINT,
        linespacing=1.5,
    )
    return np.array([*drawn, axes])


def _course_axes(page: PixelFigure, left: int, width: int, steps: np.ndarray, title: str) -> Axes:
    axes = page.axes(left, 72, width, 240)
    plain(axes)
    axes.xaxis.set_major_locator(MaxNLocator(5 if width > 200 else 2, integer=True))
    axes.set(xlabel="epoch", ylim=(0, 1), xlim=(steps[0], max(steps[-1], steps[0] + 1)))
    axes.set_title(title, loc="left", fontsize=10)
    return axes


def _over_kernels(
    axes: Axes, steps: np.ndarray, values: np.ndarray, middle: Callable, index: int, name: str | None
) -> None:
    """Curves of each kernel, and of the middle of those known at each step. values: (steps, filters)."""
    colour, dashes = CATEGORIES[index], ("-", "--", "-.")[index]
    axes.plot(steps, values, color=colour, linestyle=dashes, linewidth=0.7, alpha=0.45)
    known = [row[np.isfinite(row)] for row in values]
    centre = [middle(row) if len(row) else np.nan for row in known]
    axes.plot(steps, centre, color=colour, linestyle=dashes, linewidth=2.4, label=name)
