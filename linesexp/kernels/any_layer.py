"""Kernels of any convolution layer, all input channels of all filters, against operators and chance.

A layer is (kh, kw, channels, filters), as Keras keeps the weights of a Conv2D. Each (channel, filter) is a
slice: one kernel. A filter is named after its best slice, the one with the largest |cosine|; the largest of
many does better than one by chance alone, so its p is that of the best of as many kernels: 1 − (1 −
p)^channels. Chance is the layer's initialiser: each weight drawn by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from linesexp.kernels.colour import LUMA, colour_share, luminance
from linesexp.kernels.match import Bank, best_match, initializer_kernels, operator_bank, p_values
from linesexp.kernels.shape import shares
from linesexp.seeds import rng_for

NUMBERS_AT_ONCE = 2**21  # weights of slices, and of drawn kernels
FEW_DRAWS, MOST_DRAWS = 100_000, 2**20
FEW_CHANNELS = 8  # the best of more needs p that many draws alone can tell
MOST_PRODUCTS = 2**34  # of a null: fewer kernels are drawn where operators are many
LEAST_DRAWS = 10_000
DEFAULT_INITIALIZER = "glorot_uniform"
INITIALIZERS = {  # of Keras, by class
    "GlorotUniform": "glorot_uniform",
    "GlorotNormal": "glorot_normal",
    "HeUniform": "he_uniform",
    "HeNormal": "he_normal",
    "LecunUniform": "lecun_uniform",
    "LecunNormal": "lecun_normal",
    "RandomUniform": "random_uniform",
    "TruncatedNormal": "truncated_normal",
}


@dataclass(frozen=True)
class Layer:
    """One layer's kernels and what is known of it.

    kernels: (kh, kw, channels, filters). kind: the Keras class. initializer: ends in _uniform or _normal;
    None if it is unknown or draws otherwise. colour: its three channels are those of a colour picture.
    first_channel: (filters,), which channel of the layer's input channel 0 of each filter is, where that is
    not 0: filters in groups, or of depthwise layers. draws_with: a transposed convolution, which lays its
    kernels on what it makes and finds nothing with them. note: what else is to be said of it.
    """

    name: str
    kernels: np.ndarray
    kind: str = "Conv2D"
    initializer: str | None = DEFAULT_INITIALIZER
    colour: bool = False
    first_channel: np.ndarray | None = None
    draws_with: bool = False
    note: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its kernels."""
        return self.kernels.shape[0], self.kernels.shape[1]


@dataclass(frozen=True)
class SliceNull:
    """What drawn kernels reach: sorted largest |cosine| (draws,), and the median of the larger axis share."""

    cosine: np.ndarray
    axis_share: float


@dataclass(frozen=True)
class Slices:
    """Measures of each slice, (channels, filters), NaN where there is none.

    entry and cosine as in kernels.match.Match. Of a filter with a weight that is not finite
    all are NaN.
    """

    energy: np.ndarray
    dc: np.ndarray
    odd: np.ndarray
    even: np.ndarray
    axis_vertical: np.ndarray
    axis_horizontal: np.ndarray
    entry: np.ndarray
    cosine: np.ndarray


@dataclass(frozen=True)
class Measured:
    """A layer's slices, its filters' best, and what they were compared with.

    finite: bool (filters,). best: (filters,) channel of the best slice, −1 without one; p_best: (filters,) its
    p among so many. bank, null: None for kernels that no operator has the size of.
    """

    layer: Layer
    slices: Slices
    finite: np.ndarray
    best: np.ndarray
    p_best: np.ndarray
    bank: Bank | None
    null: SliceNull | None
    colour: "ColourMeasured | None" = field(default=None)


@dataclass(frozen=True)
class ColourMeasured:
    """Filters over a colour picture: the share of energy that is not grey (filters,), and their luminance,
    measured as a layer of one channel against kernels of chance whose luminance is taken too."""

    share: np.ndarray
    luminance: Measured


def measure(layer: Layer) -> Measured:
    """Every slice of a layer. Raises ValueError for an array that is not (kh, kw, channels, filters)."""
    if layer.kernels.ndim != 4 or 0 in layer.kernels.shape:
        raise ValueError(f"kernels must be (kh, kw, channels, filters), not 0, got {layer.kernels.shape}")
    measured = _measure(layer, None)
    if not layer.colour:
        return measured
    grey = luminance(np.moveaxis(layer.kernels, 2, 3))[:, :, None]  # (kh, kw, 1, filters)
    of_luminance = _measure(Layer(layer.name, grey, layer.kind, layer.initializer), tuple(LUMA.tolist()))
    share = colour_share(layer.kernels.transpose(3, 0, 1, 2))
    return Measured(**(vars(measured) | {"colour": ColourMeasured(share, of_luminance)}))


def depthwise_layer(name: str, kernels: np.ndarray, kind: str, initializer: str | None) -> Layer:
    """A depthwise layer (kh, kw, channels, each channel's filters): every filter looks at one channel."""
    height, width, channels, each = kernels.shape
    return Layer(
        name,
        kernels.reshape(height, width, 1, channels * each),
        kind,
        initializer,
        first_channel=np.arange(channels * each) // each,
    )


def grouped_layer(
    name: str, kernels: np.ndarray, kind: str, initializer: str | None, groups: int = 1, colour: bool = False
) -> Layer:
    """A layer (kh, kw, channels, filters) of which the filters may be in groups, each of other channels."""
    channels, filters = kernels.shape[2:]
    group = np.arange(filters) // max(1, filters // max(1, groups))
    return Layer(name, kernels, kind, initializer, colour, group * channels)


def best_of(p: np.ndarray, count: np.ndarray) -> np.ndarray:
    """p of the smallest of `count` independent p: 1 − (1 − p)^count. NaN stays NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.expm1(count * np.log1p(-p))


def bank_for(size: tuple[int, int]) -> Bank | None:
    """The operators for kernels of this height and width; None for others than squares from 3×3 on."""
    return operator_bank(size[0]) if size[0] == size[1] and size[0] >= 3 else None


@lru_cache
def slice_null(
    initializer: str, size: int, channels: int = 1, weights: tuple[float, ...] | None = None
) -> SliceNull:
    """What single kernels of `size` reach as they are drawn: of a layer of so many channels.

    weights: drawn for so many channels and summed up with these, as luminance is.
    """
    return _draw_null(initializer, size, _draws(size, channels), weights)


def nulls_of(layer: Layer) -> tuple[SliceNull | None, SliceNull | None]:
    """What single kernels of chance reach for this layer; and their luminance, where it looks at colours."""
    if bank_for(layer.size) is None:
        return None, None
    initializer, (size, _), channels = (
        layer.initializer or DEFAULT_INITIALIZER,
        layer.size,
        layer.kernels.shape[2],
    )
    own = slice_null(initializer, size, channels, None)
    return own, slice_null(initializer, size, 1, tuple(LUMA.tolist())) if layer.colour else None


def expected_shares(size: tuple[int, int]) -> tuple[float, float, float]:
    """DC, odd and even share of kernels of independent weights of mean zero, on average."""
    weights = size[0] * size[1]
    odd = (weights // 2) / weights
    return 1 / weights, odd, 1 - odd - 1 / weights


def _draws(size: int, channels: int) -> int:
    bank = operator_bank(size)
    wanted = FEW_DRAWS if channels <= FEW_CHANNELS else MOST_DRAWS
    return max(LEAST_DRAWS, min(wanted, MOST_PRODUCTS // bank.rows.size))


@lru_cache
def _draw_null(initializer: str, size: int, draws: int, weights: tuple[float, ...] | None) -> SliceNull:
    rng = rng_for(0, "slices", initializer)
    summed = 1 if weights is None else len(weights)
    found: list[np.ndarray] = []
    along: list[float] = []
    for part in _parts(draws, size**2 * summed):
        count = len(range(draws)[part])
        kernels = initializer_kernels(initializer, size, count * summed, rng)
        if weights is not None:
            kernels = np.einsum("ncij,c->nij", kernels.reshape(count, summed, size, size), weights)
        found.append(np.abs(best_match(kernels, operator_bank(size)).cosine))
        if not along:
            measured = shares(kernels)
            along.append(float(np.median(np.maximum(measured.axis_vertical, measured.axis_horizontal))))
    return SliceNull(np.sort(np.concatenate(found)), along[0])


def _measure(layer: Layer, weights: tuple[float, ...] | None) -> Measured:
    kh, kw, channels, filters = layer.kernels.shape
    finite = np.isfinite(layer.kernels).all(axis=(0, 1, 2))
    bank = bank_for(layer.size)
    initializer = layer.initializer or DEFAULT_INITIALIZER
    null = None if bank is None else slice_null(initializer, kh, channels, weights)
    flat = layer.kernels.reshape(kh * kw, channels * filters).T  # (slices, kh · kw), a view
    sound = np.tile(finite, channels)
    measured = np.full((7, channels * filters), np.nan, dtype=np.float32)
    entry = np.zeros(channels * filters, dtype=np.int64)
    for part in _parts(len(flat), kh * kw):
        kernels = np.where(sound[part, None], flat[part], np.nan).reshape(-1, kh, kw)
        of = shares(kernels)
        energy = np.sum(kernels**2, axis=(1, 2), dtype=np.float64)
        measured[:4, part] = energy, of.dc, of.odd, of.even
        if min(kh, kw) > 1:  # a single row or column lies along its axis whatever it is
            measured[4:6, part] = of.axis_vertical, of.axis_horizontal
        if bank is not None and null is not None:
            match = best_match(kernels, bank)
            entry[part], measured[6, part] = match.entry, match.cosine
    shaped = measured.reshape(7, channels, filters)
    entries = entry.reshape(channels, filters)
    slices = Slices(*shaped[:6], entry=entries, cosine=shaped[6])  # type: ignore[misc]
    likeness = np.nan_to_num(np.abs(slices.cosine), nan=-1.0)
    best = likeness.argmax(axis=0)
    best[likeness.max(axis=0) < 0] = -1
    compared = np.isfinite(slices.cosine).sum(axis=0)
    largest = np.where(best < 0, np.nan, slices.cosine[best, np.arange(filters)])
    p = np.full(filters, np.nan) if null is None else p_values(largest, null.cosine)
    return Measured(layer, slices, finite, best, best_of(p, compared), bank, null)


def _parts(count: int, numbers: int) -> Iterator[slice]:
    """Slices of `count` things of so many numbers, few enough at a time."""
    step = max(1, NUMBERS_AT_ONCE // numbers)
    return (slice(start, min(start + step, count)) for start in range(0, count, step))
