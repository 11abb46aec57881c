"""What kernels over a colour picture make of its colours: luminance, and what is not grey."""

import numpy as np

from linesexp.kernels.health import nan_where_broken

# Weights of R, G and B in luma: Recommendation ITU-R BT.601. They are applied to the kernel's three channels.
LUMA = np.array([0.299, 0.587, 0.114])
CHANNELS = ("red", "green", "blue")


def luminance(kernels: np.ndarray) -> np.ndarray:
    """(…, 3) weights for R, G, B → (…): their sum weighted by LUMA."""
    return kernels @ LUMA.astype(kernels.dtype)


def colour_share(kernels: np.ndarray) -> np.ndarray:
    """Share of each filter's energy that is not grey, (filters, k, k, 3) → (filters,) in [0, 1].

    1 − 3·Σm² / Σw², m the mean of a place's three weights: 0 where all three channels are the same kernel, so
    that the filter answers to grey alone; 1 where they cancel everywhere, so that it never answers to a grey
    picture (a red-against-green filter, say). Independent weights have 2/3. NaN for a filter of zeros, or one
    that is not finite.
    """
    kernels = nan_where_broken(kernels)
    energy = np.sum(kernels**2, axis=(1, 2, 3))
    grey = 3 * np.sum(kernels.mean(axis=3) ** 2, axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(1 - grey / energy, 0, 1)
