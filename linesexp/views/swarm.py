"""A swarm: every value as a dot, moved aside where dots would lie on one another."""

import numpy as np


def swarm(values: np.ndarray, width: float, room: float, spacing: float) -> np.ndarray:
    """(n,) offsets to either side, in the unit of room and spacing, 0 for NaN.

    values: (n,); dots nearer than `width` in value share a row and lie `spacing` apart; closer where a row has
    more of them than reach from −room to room. Equal values always get equal sets of offsets.
    """
    offsets = np.zeros(len(values))
    known = np.flatnonzero(np.isfinite(values))
    rows = np.round(np.asarray(values)[known] / width).astype(np.int64)
    for row in np.unique(rows):
        inside = known[rows == row]
        inside = inside[np.argsort(values[inside], kind="stable")]
        count = len(inside)
        apart = min(spacing, 2 * room / (count - 1)) if count > 1 else 0.0
        places = (np.arange(count) - (count - 1) / 2) * apart
        # From the middle outwards, so that a row of few dots stays on its line.
        offsets[inside] = places[np.argsort(np.abs(places), kind="stable")]
    return offsets
