"""What chance reaches: kernels of pure chance, matched against the same bank as the learned ones.

Four chances, four questions (p = (b + 1)/(m + 1) under each):

initialiser  kernels as they are drawn before training: is the likeness more than luck?
covariance   kernels as smooth as the trained ones, in no preferred direction: is it more than what any
             smooth kernel has?
step0        the run's own untrained weights in random order: is it more than what this start had?
shuffled     kernels as smooth as those that the same network learned from shuffled labels: is it more than
             what learning by heart gives? A run has too few such kernels to count b among them.

Smooth kernels of chance are untrained ones, smoothed: where nothing was learned, they are drawn exactly as
those that they are compared with. (Gaussian weights have larger sums over few cells than uniform ones do.)
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from linesexp.kernels.match import (
    Bank,
    direction_cosines,
    edge_rather_than_line,
    initializer_kernels,
    operator_bank,
    order_cosines,
    unit_rows,
)
from linesexp.seeds import rng_for

DRAWS = 10_000


@dataclass(frozen=True)
class Null:
    """Best |cosine| of each kernel of chance, sorted: with any operator, with edge (first-derivative) and
    line (second-derivative) operators, with edges rather than lines, and with those of a direction."""

    any: np.ndarray
    edge: np.ndarray
    line: np.ndarray
    edge_rather: np.ndarray
    by_direction: dict[str, np.ndarray]


def null_of(kernels: np.ndarray, bank: Bank) -> Null:
    """The null distribution that these (draws, k, k) kernels make; constant ones are left out."""
    by_order, by_direction = order_cosines(kernels, bank), direction_cosines(kernels, bank)
    either = np.maximum(by_order[1], by_order[2])
    return Null(
        _sorted(either),
        _sorted(by_order[1]),
        _sorted(by_order[2]),
        _sorted(edge_rather_than_line(by_order)),
        {name: _sorted(values) for name, values in by_direction.items()},
    )


@lru_cache
def initializer_null(initializer: str, size: int, channels: int = 1) -> Null:
    """Untrained kernels of a size: each weight drawn by itself, then averaged over colour channels.

    The average of uniform weights has longer tails than one of them, and so have its matches. The
    stream is its own and not a run's: chance does not depend on what it is compared with.
    """
    drawn = Untrained(initializer, channels).kernels(size, DRAWS, rng_for(0, "null", initializer))
    return null_of(drawn, operator_bank(size))


@dataclass(frozen=True)
class Untrained:
    """How kernels are drawn before training: each weight by itself, then averaged over colour channels."""

    initializer: str
    channels: int = 1

    def kernels(self, size: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """(count, k, k), up to a scale that no cosine sees."""
        drawn = initializer_kernels(self.initializer, size, count * self.channels, rng)
        return drawn.reshape(count, self.channels, size, size).mean(axis=1)


def covariance_null(
    kernels: np.ndarray, bank: Bank, rng: np.random.Generator, untrained: Untrained
) -> Null | None:
    """Random kernels as smooth as these (filters, k, k); None if there is none to go by."""
    drawn = kernels_as_smooth(kernels, DRAWS, rng, untrained)
    return None if drawn is None else null_of(drawn, bank)


def kernels_as_smooth(
    kernels: np.ndarray, count: int, rng: np.random.Generator, untrained: Untrained
) -> np.ndarray | None:
    """(count, k, k) untrained kernels, given the symmetrised covariance of (filters, k, k) trained ones.

    Each trained kernel counts the same: less its mean, which matching does not see, and at norm 1. Constant
    ones and those that are not finite are left out; None if nothing is left.
    """
    size = kernels.shape[-1]
    unit = unit_rows(kernels.reshape(len(kernels), -1))
    known = unit[np.isfinite(unit).all(axis=1)].reshape(-1, size, size)
    if len(known) == 0:
        return None
    return kernels_of_smoothness(symmetric_covariance(known), count, rng, untrained)


def kernels_of_smoothness(
    covariance: np.ndarray, count: int, rng: np.random.Generator, untrained: Untrained
) -> np.ndarray:
    """(count, k, k) untrained kernels, smoothed: less their means, at norm 1, of this covariance (k², k²)."""
    values, vectors = np.linalg.eigh(covariance)
    spread = _before_norming(np.maximum(values, 0), rng)
    return smoothed((vectors * spread) @ vectors.T, untrained.kernels(round(len(values) ** 0.5), count, rng))


def _before_norming(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Variances along axes of Gaussian vectors that have these mean shares (summing to 1) once at norm 1.

    Norming takes from strong axes and gives to weak ones; without this, kernels of chance would be
    rougher than those that they stand for.
    """
    squares = rng.standard_normal((4000, len(shares))) ** 2
    shares = shares / shares.sum()
    variances = shares
    for _ in range(30):
        parts = variances * squares
        found = (parts / parts.sum(axis=1, keepdims=True)).mean(axis=0)
        variances = variances * shares / np.maximum(found, 1e-12)
    return variances


def shuffled_weights_null(kernels: np.ndarray, bank: Bank, rng: np.random.Generator) -> Null:
    """Each of DRAWS kernels is one of these (filters, k, k), its weights in random order."""
    flat = kernels.reshape(len(kernels), -1)
    drawn = rng.permuted(flat[rng.integers(len(flat), size=DRAWS)], axis=1)
    return null_of(drawn.reshape(DRAWS, bank.size, bank.size), bank)


def symmetric_covariance(kernels: np.ndarray) -> np.ndarray:
    """Second moment of flattened kernels, averaged over the eight symmetries of the square: (k², k²).

    Averaging takes away any preferred direction or polarity and keeps how neighbours go together.
    """
    size = kernels.shape[-1]
    turned = [np.rot90(kernels, turns, axes=(1, 2)) for turns in range(4)]
    flat = np.concatenate([*turned, *(np.flip(kernel, axis=2) for kernel in turned)]).reshape(-1, size**2)
    return flat.T.astype(np.float64) @ flat / max(len(flat), 1)


def smoothed(covariance: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Kernels (n, k, k) of independent weights, mixed so that they have this covariance (k², k²).

    By its symmetric root, which leaves kernels as they are where no weight goes with another. The
    covariance may be singular.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    flat = kernels.reshape(len(kernels), -1)
    return (flat / flat.std() @ root).reshape(kernels.shape)


def largest_of(values: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(DRAWS,) indices: each is that of the largest of `count` of these values. NaN is never drawn."""
    drawn = rng.choice(np.flatnonzero(np.isfinite(values)), (DRAWS, count))
    return np.take_along_axis(drawn, values[drawn].argmax(axis=1)[:, None], axis=1)[:, 0]


def q_values(p: np.ndarray) -> np.ndarray:
    """Benjamini–Hochberg over the kernels of a run; NaN stays NaN and counts for nothing."""
    from scipy import stats  # takes longer to import than everything else here to run

    q = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = stats.false_discovery_control(p[known])
    return q


def _sorted(values: np.ndarray) -> np.ndarray:
    return np.sort(values[np.isfinite(values)])
