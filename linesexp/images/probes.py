"""Probes: pictures made to ask a kernel one question. A bar of each angle, a step edge of each direction.

Angles in degrees, counter-clockwise: 0 is a horizontal bar; an edge of direction 0 gets brighter going
right, one of 90 going up.
"""

import numpy as np

from linesexp.images.lines import Lines, draw_lines

BAR_ANGLES_DEG = np.arange(0.0, 180.0, 5.0)
EDGE_ANGLES_DEG = np.arange(0.0, 360.0, 5.0)


def probe_size(kernel_size: int) -> int:
    """Side of a probe in which a kernel of this odd size meets the centre at every offset, and plain ground.

    Even, so that an edge through the centre lies between two pixels.
    """
    return 3 * kernel_size + 1


def bars(angles_deg: np.ndarray, size: int, thickness_px: float) -> np.ndarray:
    """Bright bars through the centre, longer than the picture: float32 (n, size, size) in [0, 1]."""
    count = len(angles_deg)
    middle = np.full(count, size / 2)
    lines = Lines(
        np.asarray(angles_deg, dtype=float),
        np.full(count, thickness_px),
        np.full(count, 3 * size),
        middle,
        middle,
    )
    return draw_lines(lines, size)


def edges(angles_deg: np.ndarray, size: int) -> np.ndarray:
    """Step edges through the centre, anti-aliased: float32 (n, size, size), 0 on one side, 1 on the other."""
    radians = np.deg2rad(np.asarray(angles_deg, dtype=float))[:, None, None]
    offsets = np.arange(size) + 0.5 - size / 2
    towards_bright = offsets[None, None, :] * np.cos(radians) - offsets[None, :, None] * np.sin(radians)
    return np.clip(towards_bright + 0.5, 0, 1).astype(np.float32)


def line_and_edge_probes(shape: tuple[int, int, int]) -> np.ndarray:
    """Thin and thick bars, bright and dark, and step edges, of all angles: float32 (216, H, W, C) in [0, 1].

    Bars are 2 px and an eighth of the longer side thick; all channels show the same.
    """
    height, width, channels = shape
    size = max(height, width)
    bright = np.concatenate([bars(BAR_ANGLES_DEG, size, thickness) for thickness in (2.0, max(3.0, size / 8))])
    drawn = np.concatenate([bright, 1 - bright, edges(EDGE_ANGLES_DEG, size)])
    top, left = (size - height) // 2, (size - width) // 2
    cut = drawn[:, top : top + height, left : left + width, None]
    return np.repeat(cut, channels, axis=-1)
