"""A sheet of pictures from a data set, class by class, split by split."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from linesexp.views.style import FAINT, PixelFigure, show_picture

SIDE, GAP, LEFT, TOP = 56, 6, 130, 92


def contact_sheet(
    pictures: Mapping[tuple[str, str], np.ndarray], counts: Mapping[str, Mapping[str, int]]
) -> Figure:
    """pictures: (split, class) → uint8 (up to 12, H, W, C), shown in a row; counts: split → class → number."""
    columns = max(len(row) for row in pictures.values())
    height = TOP + len(pictures) * (SIDE + GAP) + 14 * len(counts) + 20
    page = PixelFigure(LEFT + columns * (SIDE + GAP) + 20, height)
    total = sum(sum(classes.values()) for classes in counts.values())
    page.text(20, 16, f"{total} pictures, no two alike", size=19)
    page.text(
        20, 48, "The first of each class and split. A line's position occurs in one split only.", color=FAINT
    )
    top, last_split = TOP, None
    for (split, name), row in pictures.items():
        if last_split not in (None, split):
            top += 14
        last_split = split
        page.text(
            20, top + SIDE / 2, f"{split}\n{name}: {counts[split][name]}", size=12, va="center", linespacing=1.4
        )
        # One wide picture for the row: hundreds of axes would take seconds.
        sheet = np.full(
            (row.shape[1], columns * row.shape[1] + (columns - 1) * row.shape[1] // 8, 3), 255, np.uint8
        )
        for index, picture in enumerate(row):
            left = index * (row.shape[1] + row.shape[1] // 8)
            sheet[:, left : left + row.shape[2]] = picture
        axes = page.axes(LEFT, top, columns * SIDE + (columns - 1) * SIDE // 8, SIDE)
        show_picture(axes, sheet / 255)
        axes.axis("off")
        top += SIDE + GAP
    return page.figure
