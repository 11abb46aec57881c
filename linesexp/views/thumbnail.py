"""All of a picture or map, small: beside a part of it that is shown large."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from linesexp.views.filtering import Scale, fitted

Ends = tuple[int, int]

SMALLEST = 8  # px, a side of a very long picture


def thumbnail(values: np.ndarray, side: int, scale: Scale, levels: int) -> Image.Image:
    """Values (H, W) in the colours of a scale, of which so many are used; the longer side is `side` px."""
    per_pixel = side / max(values.shape)
    down, across = (max(round(length * per_pixel), SMALLEST) for length in values.shape)
    small = fitted(values, across, down, scale.signed)
    share = np.clip((small - scale.low) / (scale.limit - scale.low), 0, 1)
    colours = scale.colours(np.rint(share * (levels - 1)) / (levels - 1))[..., :3]
    picture = Image.fromarray((colours * 255).round().astype(np.uint8))
    return picture.resize((across, down), Image.Resampling.NEAREST)


def ends_in(first: Ends, length: Sequence[int], of: Sequence[int]) -> list[Ends]:
    """The first and last row, and column, of a part that begins at `first`, as far as it lies in (H, W)."""
    parts = zip(first, length, of, strict=True)
    return [(max(start, 0), min(start + count, whole) - 1) for start, count, whole in parts]


def frame_in(corner: Ends, size: Ends, ends: Sequence[Ends], of: Sequence[int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in px of a frame around these rows and columns.

    corner: left and top of a thumbnail, size: its width and height; of: (H, W) of what it shows.
    """
    (top, bottom), (left, right) = ends
    wide, tall = size[0] / of[1], size[1] / of[0]
    return (
        corner[0] + round(left * wide) - 2,
        corner[1] + round(top * tall) - 2,
        corner[0] + round((right + 1) * wide) + 1,
        corner[1] + round((bottom + 1) * tall) + 1,
    )
