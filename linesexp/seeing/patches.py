"""Where a patch lies that covers a picture part by part."""

import numpy as np


def patch_places(shape: tuple[int, ...], size: int, stride: int) -> np.ndarray:
    """(places, 2): rows and columns of the top left corner of a size×size patch on a picture (H, W, …).

    The last places of a row and of a column lie at the border, so that all pixels are covered. Raises
    ValueError for a patch that does not fit, or a stride that leaves pixels uncovered.
    """
    height, width = shape[:2]
    if not 1 <= size <= min(height, width):
        raise ValueError(f"the occlusion's size must be 1..{min(height, width)} px here, got {size}")
    if not 1 <= stride <= size:
        raise ValueError(
            f"the occlusion's stride must be 1..{size} px, its size, or pixels stay uncovered; got {stride}"
        )
    rows, columns = (np.unique([*range(0, side - size + 1, stride), side - size]) for side in (height, width))
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
