"""First layers made by hand: Prewitt operators to begin with, and operators in learned kernels' places.

Layers are (k, k, channels, filters), as Keras stores them.
"""

import numpy as np

from linesexp.kernels.match import Bank, best_match
from linesexp.kernels.operators import DIRECTIONS, prewitt

# Variance of a weight times fan: Glorot and Bengio 2010 (fan: mean of in and out), He et al. 2015 and
# LeCun et al. 1998 (fan: in).
GAINS = {"glorot": 1.0, "he": 2.0, "lecun": 1.0}


def prewitt_layer(filters: int, size: int, channels: int, initializer: str) -> np.ndarray:
    """Prewitt operators, float32 (size, size, channels, filters), for a first layer that does not learn.

    The filters go through vertical +, horizontal +, vertical −, horizontal − at the full size, then two
    smaller and centred, and so on down to 3, and from the start again. Every filter has the norm that
    the initialiser would give it (see drawn_norm), spread evenly over the channels, so that neither
    scale nor number of channels is an advantage. Raises ValueError for an even size or one below 3.
    """
    if size < 3 or size % 2 == 0:
        raise ValueError(f"size of a Prewitt operator must be odd and at least 3, got {size!r}")
    variants = [
        np.pad(polarity * prewitt(inner, detects), (size - inner) // 2)
        for inner in range(size, 2, -2)
        for polarity in (1, -1)
        for detects in DIRECTIONS
    ]
    unit = [variant / np.linalg.norm(variant) for variant in variants]
    chosen = np.stack([unit[index % len(unit)] for index in range(filters)], axis=-1)  # (size, size, filters)
    norm = drawn_norm(initializer, size, channels, filters) / np.sqrt(channels)
    return np.repeat(norm * chosen[:, :, None, :], channels, axis=2).astype(np.float32)


def drawn_norm(initializer: str, size: int, channels: int, filters: int) -> float:
    """Root mean square of the norm that an initialiser of Keras gives one filter of a layer.

    Raises ValueError for an initialiser that is none of glorot_…, he_…, lecun_….
    """
    scheme = initializer.partition("_")[0]
    if scheme not in GAINS:
        raise ValueError(f"initializer must begin with one of {', '.join(GAINS)}, got {initializer!r}")
    fan_in, fan_out = size**2 * channels, size**2 * filters
    fan = (fan_in + fan_out) / 2 if scheme == "glorot" else fan_in
    return float(np.sqrt(fan_in * GAINS[scheme] / fan))


@np.errstate(invalid="ignore")  # a training that diverges leaves infinite weights; they make NaN
def matched_operators(kernels: np.ndarray, bank: Bank) -> np.ndarray:
    """Each kernel of a layer with its best-matching operator in its place; shape and type stay.

    The match is that of the kernel averaged over its channels: operator, sign, size and place. What
    the match looks at is replaced, and nothing else: the mean of each channel stays, and the operator,
    spread evenly over the channels, gets the norm of all that it replaces. So the filter's Frobenius
    norm stays as well. A kernel that has no match (constant, or not finite) is left as it is.
    """
    size, _, channels, filters = kernels.shape
    found = best_match(kernels.mean(axis=2).transpose(2, 0, 1), bank)
    means = kernels.mean(axis=(0, 1), keepdims=True)
    norms = np.linalg.norm((kernels - means).reshape(-1, filters), axis=0) / np.sqrt(channels)
    scaled = bank.rows[found.entry].T * np.sign(found.cosine) * norms  # (size², filters)
    replaced = means + scaled.reshape(size, size, 1, filters)
    return np.where(np.isfinite(found.cosine), replaced, kernels).astype(kernels.dtype)
