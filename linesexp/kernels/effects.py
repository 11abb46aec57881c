"""The effect of each claim on kernels, for one network or many: the last axis is that network's kernels.

Every function takes arrays (…, filters) and gives (…): one number a network, NaN where it cannot say.
What is measured is in kernels.claims, word for word; what a number means beside its reference too.
"""

import warnings
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from linesexp.kernels.match import initializer_kernels
from linesexp.kernels.nulls import DRAWS, largest_of
from linesexp.kernels.records import SIGNIFICANT
from linesexp.kernels.shape import shares, side_contrast
from linesexp.kernels.tuning import order_strength
from linesexp.seeds import rng_for

MOVED = 0.1  # relative change from which a kernel counts as having learned something
DRAWN_KERNELS = 1000  # random kernels whose tuning is measured
FEWEST = 2  # kernels of which a middle or a mean is taken


def vagueness(preferences: np.ndarray, axis: int = -1) -> np.ndarray:
    """Median size of the kernels' preferences."""
    return _of_known(np.nanmedian, np.abs(preferences), axis)


def gained_preference(before: np.ndarray, after: np.ndarray, axis: int = -1) -> np.ndarray:
    """How much stronger the weaker of the strongest preferences for each class became."""
    return weaker_preference(after, axis) - weaker_preference(before, axis)


def weaker_preference(preferences: np.ndarray, axis: int = -1) -> np.ndarray:
    """The smaller of the strongest preferences for either class; below 0 if no kernel prefers one of them."""
    strongest = _of_known(np.nanmax, preferences, axis), _of_known(np.nanmax, -preferences, axis)
    return np.minimum(*strongest)


def choosiest(strength: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """Index of the live kernel that cares most about the order of dark and bright; −1 without one.

    strength: kernels.tuning.order_strength; alive: bool, kernels that are finite and not dead.
    """
    known = alive & np.isfinite(strength)
    return np.where(known.any(axis=-1), np.where(known, strength, -np.inf).argmax(axis=-1), -1)


def against_untrained_layers(
    values: np.ndarray, chance: Callable[[int], np.ndarray], alive: np.ndarray
) -> np.ndarray:
    """What the choosiest kernel has, less the median of untrained layers of as many kernels as live.

    values: (…), alive: (…, filters); chance(kernels): sorted values of untrained layers of that many.
    """
    counts = alive.sum(axis=-1)
    middle = {int(count): np.median(chance(int(count))) if count else np.nan for count in np.unique(counts)}
    return values - np.vectorize(middle.get, otypes=[float])(counts)


@lru_cache
def order_chance(initializer: str, size: int, filters: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted: the highest order strength of untrained layers, and the side contrast of the kernel with it."""
    rng = rng_for(0, "sides", initializer)
    kernels = initializer_kernels(initializer, size, DRAWN_KERNELS, rng)
    strength = order_strength(kernels)
    best = largest_of(strength, filters, rng)
    return np.sort(strength[best]), np.sort(side_contrast(kernels)[best])


def share_beyond(p_edge: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """Share of the live kernels like edges rather than lines, more so than 95 % of a null's kernels."""
    known = alive & np.isfinite(p_edge)
    return _share(known & (np.where(known, p_edge, 1) < SIGNIFICANT), known)


def edges_over_lines(edge: np.ndarray, line: np.ndarray, alive: np.ndarray, by_chance: float) -> np.ndarray:
    """Best edge match less best line match, mean over live kernels, less that of untrained ones.

    NaN for fewer than two kernels. by_chance: the difference's mean over untrained kernels.
    """
    return _of_known(np.nanmean, np.where(alive, edge - line, np.nan), -1, FEWEST) - by_chance


def share_that_learned(change: np.ndarray, dead: np.ndarray) -> np.ndarray:
    """Share of kernels that are not dead and moved by MOVED or more. change: relative, NaN counts as none."""
    return (~dead & (np.nan_to_num(change) >= MOVED)).mean(axis=-1)


def share_of_small_means(dc: np.ndarray, edge_like: np.ndarray, chance: float) -> np.ndarray:
    """Share of the edge-like kernels whose mean has less of their energy than `chance`, the median of random
    ones: a half of random kernels, however few there are; NaN for fewer than two of them."""
    known = edge_like & np.isfinite(dc)
    share = _share(known & (np.where(known, dc, np.inf) < chance), known)
    return np.where(known.sum(axis=-1) < FEWEST, np.nan, share)


@lru_cache
def dc_chance(initializer: str, size: int) -> float:
    """Median share of the mean in the energy of untrained kernels: less than half the mean share, 1/k²."""
    drawn = initializer_kernels(initializer, size, DRAWS, rng_for(0, "dc", initializer))
    return float(np.median(shares(drawn).dc))


def _of_known(reduce: Callable, values: np.ndarray, axis: int, fewest: int = 1) -> np.ndarray:
    """reduce, one of NumPy's that leave NaN out; NaN where fewer than so many values are known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of slices that hold NaN only
        found = reduce(values, axis=axis)
    return np.where(np.isfinite(values).sum(axis=axis) < fewest, np.nan, found)


def _share(chosen: np.ndarray, of: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sum(chosen, axis=-1) / np.sum(of, axis=-1)
