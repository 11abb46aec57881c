"""What kernels make of a picture: convolved, after ReLU, after pooling; before and after training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linesexp.views.animation import Caption, Panel, animate
from linesexp.views.colours import FAINT, INK
from linesexp.views.style import (
    CATEGORIES,
    NewFigure,
    PixelFigure,
    bare,
    own_figure,
    scale_bar,
    show_map,
    show_picture,
    step_name,
    symmetric_limit,
)

SIDE, GAP, GROUP_GAP = 132, 10, 34
NAME_WIDTH, LEFT, TOP = 150, 20, 208
ROW = SIDE + 34
STAGES = ("convolved", "activated", "pooled")


@dataclass(frozen=True)
class Responses:
    """One kernel's maps of several pictures.

    name: three short lines at most; kernel: (k, k); maps: for each picture a triple of (h, w) arrays
    (convolved, activated, pooled); preference: (R₁ − R₀) / (R₁ + R₀) of its mean strongest answers to
    the test pictures of the second and the first class shown, −1 … 1, NaN for a kernel that is silent.
    """

    name: str
    kernel: np.ndarray
    maps: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
    preference: float


def responses_figure(
    pictures: Sequence[np.ndarray],
    class_names: Sequence[str],
    rows: Sequence[Responses],
    activation: str,
    new: NewFigure = own_figure,
) -> np.ndarray:
    """Rows of kernels, columns of stages for each picture, one scale for all maps.

    Returns Axes (rows, 1 + 3 · pictures): the kernel, then its maps of each picture.
    """
    limit = symmetric_limit(np.concatenate([m.ravel() for row in rows for maps in row.maps for m in maps]))
    kernel_limit = symmetric_limit(np.concatenate([row.kernel.ravel() for row in rows]))
    page = _stage(pictures, class_names, len(rows), activation, "Responses before and after training", new)
    drawn = np.empty((len(rows), 1 + 3 * len(pictures)), dtype=object)
    for index, row in enumerate(rows):
        top = TOP + index * ROW
        page.text(LEFT, top + SIDE / 2, row.name, size=14, va="center", linespacing=1.5)
        drawn[index, 0] = page.axes(*_place(0, top), SIDE, SIDE)
        show_map(drawn[index, 0], row.kernel, kernel_limit)
        for column, values in enumerate(values for maps in row.maps for values in maps):
            axes = drawn[index, 1 + column] = page.axes(*_place(1 + column, top), SIDE, SIDE)
            show_map(axes, values, limit)
            if column % 3 and not values.any():
                axes.text(0.5, 0.5, "silent", transform=axes.transAxes, ha="center", va="center", color=FAINT)
        _preference_bar(page, _place(1 + 3 * len(pictures), top), row.preference, class_names)
    bottom = TOP + len(rows) * ROW
    scale_bar(page, LEFT + NAME_WIDTH, bottom, 200, limit, "response (all maps)")
    scale_bar(page, LEFT + NAME_WIDTH + 460, bottom, 200, kernel_limit, "weight (all kernels)")
    return drawn


def responses_gif(
    pictures: Sequence[np.ndarray],
    class_names: Sequence[str],
    steps: np.ndarray,
    rows: Sequence[Sequence[Responses]],
    activation: str,
) -> bytes:
    """The same maps while training goes on. rows: for each kernel its Responses at every step."""
    everything = [m.ravel() for row in rows for step in row for maps in step.maps for m in maps]
    limit = symmetric_limit(np.concatenate(everything))
    kernel_limit = symmetric_limit(np.array([step.kernel for row in rows for step in row]))
    page = _stage(pictures, class_names, len(rows), activation, "")
    panels, captions = [], [Caption(LEFT, 20, [step_name(step) for step in steps], size=24)]
    for index, row in enumerate(rows):
        top = TOP + index * ROW
        page.text(LEFT, top + SIDE / 2, row[0].name, size=14, va="center", linespacing=1.5)
        columns = [np.array([step.kernel for step in row])] + [
            np.array([step.maps[picture][stage] for step in row])
            for picture in range(len(pictures))
            for stage in range(3)
        ]
        for column, values in enumerate(columns):
            left, panel_top = _place(column, top)
            bare(page.axes(left - 1, panel_top - 1, SIDE + 2, SIDE + 2))
            panels.append(Panel(left, panel_top, SIDE, values, limit if column else kernel_limit))
        left, _ = _place(1 + 3 * len(pictures), top)
        texts = ["silent" if np.isnan(step.preference) else f"{step.preference:+.2f}" for step in row]
        captions.append(Caption(left + 40, top + SIDE // 2 - 10, texts, size=20))
    bottom = TOP + len(rows) * ROW
    scale_bar(page, LEFT + NAME_WIDTH, bottom, 200, limit, "response (all maps)")
    scale_bar(page, LEFT + NAME_WIDTH + 460, bottom, 200, kernel_limit, "weight (all kernels)")
    return animate(page.rgb(), panels, captions)


def _stage(
    pictures: Sequence[np.ndarray],
    class_names: Sequence[str],
    rows: int,
    activation: str,
    title: str,
    new: NewFigure = own_figure,
) -> PixelFigure:
    """The pictures and headings above the rows."""
    left, _ = _place(1 + 3 * len(pictures), 0)
    page = PixelFigure(left + SIDE + 50, TOP + rows * ROW + 52, new)
    page.text(LEFT, 20, title, size=19)
    page.text(_place(0, 0)[0] + SIDE / 2, TOP - 8, "kernel", size=13, ha="center", va="bottom")
    for index, picture in enumerate(pictures):
        x, _ = _place(1 + 3 * index, 0)
        show_picture(page.axes(x, 52, 112, 112), picture)
        page.text(x + 126, 76, f"a test picture:\n{class_names[index]}", size=14, linespacing=1.4)
        for stage, name in enumerate(STAGES):
            x, _ = _place(1 + 3 * index + stage, 0)
            heading = {"activated": {"relu": "ReLU"}.get(activation, activation)}.get(name, name)
            page.text(x + SIDE / 2, TOP - 8, heading, size=13, ha="center", va="bottom")
    page.text(
        left + SIDE / 2 + 10, TOP - 8, "preference on\nall test pictures", size=13, ha="center", va="bottom"
    )
    return page


def _place(column: int, top: int) -> tuple[int, int]:
    """Left and top of a column: the kernel (0), then groups of three maps."""
    groups = 0 if column == 0 else 1 + (column - 1) // 3
    return LEFT + NAME_WIDTH + column * (SIDE + GAP) + groups * GROUP_GAP, top


def _preference_bar(
    page: PixelFigure, place: tuple[int, int], preference: float, class_names: Sequence[str]
) -> None:
    left, top = place
    if np.isnan(preference):
        page.text(
            left + SIDE / 2 + 10, top + SIDE / 2, "silent", size=14, ha="center", va="center", color=FAINT
        )
        return
    axes = page.axes(left + 10, top + SIDE / 2 - 12, SIDE, 24)
    axes.barh([0], [preference], color=CATEGORIES[0] if preference < 0 else CATEGORIES[1], height=0.9)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set(xlim=(-1, 1), ylim=(-0.5, 0.5))
    bare(axes)
    page.text(
        left + SIDE / 2 + 10, top + SIDE / 2 - 18, f"{preference:+.2f}", size=15, ha="center", va="bottom"
    )
    page.text(left + 10, top + SIDE / 2 + 16, class_names[0], size=11, color=FAINT)
    page.text(left + 10 + SIDE, top + SIDE / 2 + 16, class_names[1], size=11, color=FAINT, ha="right")
