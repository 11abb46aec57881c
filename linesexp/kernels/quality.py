"""Quality of a layer as a whole: how much of it is used, how varied it is, which kernels are opposites.

Sparsity, variance entropy and orthogonality as in Gavrikov and Keuper 2022, "CNN Filter DB: An Empirical
Investigation of Trained Convolutional Filters", CVPR, https://github.com/paulgavrikov/cnn-filter-db.
The authors tell a varied layer from a random one by a threshold T_H(n), fitted to the lowest entropy
of random layers of n 3×3 kernels. It holds for 3×3 only; here chance is drawn anew for the very layer:
as many kernels of the same size from the same initialiser. No measure depends on the layer's scale.

A layer is (filters, k, k) or (filters, channels, k, k). As in the paper, every channel of a filter is a
kernel of its own for sparsity and entropy, and for orthogonality and opposites a filter is one vector.
"""

from dataclasses import dataclass

import numpy as np

from linesexp.kernels.health import nan_where_broken
from linesexp.kernels.match import initializer_kernels, unit_rows

DRAWN_LAYERS = 2000
SPARSE = 0.01  # the paper's ε, as a share of the layer's largest |weight|
CONSTANT = 1e-12  # share of the energy that rounding leaves of kernels that are all alike
NUMBERS_AT_ONCE = 2**22  # of drawn layers, so that layers of any size fit in memory

Points = tuple[float, float, float]


@dataclass(frozen=True)
class QualityChance:
    """What layers of chance reach: the 2.5 %, 50 % and 97.5 % points of each measure.

    opposite_cosine: the 1 % point of the lowest cosine among all pairs of a layer, so that one layer of
    chance in a hundred has a pair below it, however many its kernels are. From 2,000 layers the hundredth
    is known to a quarter of itself. None for a single kernel, which has no pairs and no variance.
    """

    initialiser: str
    layers: int
    sparsity: Points
    variance_entropy: Points | None
    orthogonality: Points | None
    opposite_cosine: float | None


@dataclass(frozen=True)
class OppositePair:
    """Two kernels of opposite polarity, first < second, and their cosine."""

    first: int
    second: int
    cosine: float


@dataclass(frozen=True)
class Quality:
    """Measures of one layer, and what chance reaches. None for what cannot be known, see below."""

    sparsity: float | None
    variance_entropy: float | None
    orthogonality: float | None
    opposite_pairs: list[OppositePair]
    chance: QualityChance


def layer_quality(layer: np.ndarray, chance: QualityChance) -> Quality:
    """All measures of a layer beside those of chance, drawn for as many kernels of its size."""
    pairs = [] if chance.opposite_cosine is None else opposite_pairs(layer, chance.opposite_cosine)
    return Quality(sparsity(layer), variance_entropy(layer), orthogonality(layer), pairs, chance)


def sparsity(layer: np.ndarray) -> float | None:
    """Share of kernels whose largest |weight| is below a hundredth of the layer's largest: 0 … 1.

    1 for a layer of zeros, as in the authors' code; None if a weight is not finite.
    """
    return _number(_sparsity(nan_where_broken(_one(layer)))[0])


def variance_entropy(layer: np.ndarray) -> float | None:
    """H = −Σ pᵢ log₁₀ pᵢ, p the shares of variance along the principal axes of the layer's n kernels.

    pᵢ = σᵢ² / Σσ², σ the singular values of the (n, k²) matrix of kernels less their mean kernel.
    0 if all kernels differ along one pattern only; at most log₁₀ min(n − 1, k²), so layers of different
    size or count do not compare. None for a single kernel, kernels that are all alike, and if a weight
    is not finite.
    """
    return _number(_variance_entropy(nan_where_broken(_one(layer)))[0])


def orthogonality(layer: np.ndarray) -> float | None:
    """O = 1 − Σ |WWᵀ − I| / n(n − 1), W the n filters as rows of norm 1: one less the mean |cosine| of pairs.

    1 if all filters are at right angles, 0 if all are alike or inverted. The mean of a kernel counts
    here. Filters of zeros, which have no direction, are left out. None if fewer than two are left, and
    if a weight is not finite.
    """
    used = layer[np.any(layer != 0, axis=tuple(range(1, layer.ndim)))]
    return _number(_orthogonality(nan_where_broken(_one(used)))[0])


def opposite_pairs(layer: np.ndarray, threshold: float) -> list[OppositePair]:
    """Pairs whose cosine, each filter less its mean, is at most threshold < 0; the most opposite first.

    The threshold that accounts for the number of pairs is QualityChance.opposite_cosine. Constant
    filters, and those that are not finite, have no opposite. Raises ValueError for a threshold ≥ 0.
    """
    if not threshold < 0:
        raise ValueError(f"threshold must be below 0, the cosine of unrelated kernels, got {threshold!r}")
    cosines = _pair_cosines(_one(layer))[0]
    below = np.argwhere(np.triu(cosines <= threshold, k=1)).tolist()  # NaN is never below
    pairs = [OppositePair(first, second, float(cosines[first, second])) for first, second in below]
    return sorted(pairs, key=lambda pair: pair.cosine)


def quality_chance(
    initializer: str, shape: tuple[int, ...], rng: np.random.Generator, layers: int = DRAWN_LAYERS
) -> QualityChance:
    """The same measures over layers of this shape, (filters, k, k) or (filters, channels, k, k), as drawn."""
    filters, size = shape[0], shape[-1]
    channels = shape[1] if len(shape) == 4 else 1
    at_once = max(1, NUMBERS_AT_ONCE // (filters * max(filters, channels * size**2)))
    measured = []
    for start in range(0, layers, at_once):
        count = min(at_once, layers - start)
        drawn = initializer_kernels(initializer, size, count * filters * channels, rng)
        drawn = drawn.reshape(count, filters, channels, size**2)
        lowest = np.min(_pair_cosines(drawn), axis=(1, 2), where=~np.eye(filters, dtype=bool), initial=1)
        measured.append((_sparsity(drawn), _variance_entropy(drawn), _orthogonality(drawn), lowest))
    sparse, entropy, orthogonal, lowest = (np.concatenate(parts) for parts in zip(*measured, strict=True))
    return QualityChance(
        initializer,
        layers,
        _points(sparse),
        None if filters * channels == 1 else _points(entropy),
        None if filters == 1 else _points(orthogonal),
        None if filters == 1 else float(np.percentile(lowest, 1)),
    )


# Many layers at once, (layers, filters, channels, k²) → (layers,). NaN for what cannot be known.


def _sparsity(layers: np.ndarray) -> np.ndarray:
    largest = np.abs(layers).max(axis=3)  # of each kernel: (layers, filters, channels)
    of_layer = largest.max(axis=(1, 2), keepdims=True)
    unused = (largest < SPARSE * of_layer) | (of_layer == 0)
    return np.where(np.isnan(of_layer[:, 0, 0]), np.nan, unused.mean(axis=(1, 2)))


def _variance_entropy(layers: np.ndarray) -> np.ndarray:
    kernels = layers.reshape(len(layers), -1, layers.shape[3])  # (layers, n, k²)
    centred = kernels - kernels.mean(axis=1, keepdims=True)
    # The squared singular values, from the smaller of the two products that have them as eigenvalues.
    turned = centred.swapaxes(1, 2)
    product = centred @ turned if kernels.shape[1] <= kernels.shape[2] else turned @ centred
    total = np.trace(product, axis1=1, axis2=2)
    known = total > CONSTANT * np.sum(kernels**2, axis=(1, 2))
    entropy = np.full(len(layers), np.nan)
    share = np.maximum(np.linalg.eigvalsh(product[known]) / total[known, None], 0)
    entropy[known] = -np.sum(share * np.log10(np.where(share > 0, share, 1)), axis=1)
    return np.maximum(entropy, 0)


def _orthogonality(layers: np.ndarray) -> np.ndarray:
    filters = layers.shape[1]
    if filters < 2:
        return np.full(len(layers), np.nan)
    rows = layers.reshape(len(layers), filters, -1)
    rows = rows / np.linalg.norm(rows, axis=2, keepdims=True)
    pairs = np.abs(rows @ rows.swapaxes(1, 2)).sum(axis=(1, 2)) - filters
    return 1 - pairs / (filters * (filters - 1))


def _pair_cosines(layers: np.ndarray) -> np.ndarray:
    """(layers, filters, filters) cosines of filters less their means; NaN where one is constant."""
    rows = unit_rows(layers.reshape(len(layers) * layers.shape[1], -1))
    rows = rows.reshape(*layers.shape[:2], -1)
    return rows @ rows.swapaxes(1, 2)


def _one(layer: np.ndarray) -> np.ndarray:
    """A layer as a stack of one: (1, filters, channels, k²)."""
    channels = layer.shape[1] if layer.ndim == 4 else 1
    return layer.reshape(1, len(layer), channels, layer.shape[-1] ** 2)


def _points(values: np.ndarray) -> Points:
    low, middle, high = np.percentile(values, (2.5, 50, 97.5))
    return float(low), float(middle), float(high)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
