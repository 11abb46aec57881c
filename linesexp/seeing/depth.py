"""What goes lost and what is singled out on the way through the layers, each measure a number a layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linesexp.config import NetworkConfig
from linesexp.seeing.convolution import ACTIVATIONS, convolve, pool
from linesexp.seeing.forward import forward

PENALTIES = np.logspace(-4, 2, 7)  # of a linear readout, relative to the features' mean squared length
LEARNED_FROM = 300  # pictures at most: a readout's time grows with their cube
SHIFTS_PX = (1, 2)
BLOCK = 64


@dataclass(frozen=True)
class Depth:
    """Per test picture and layer, layers from the first to the last.

    active: (n, convolutions) share of a convolution's cells that are above zero after activation;
    pixels, classes: (n, blocks + 1) squared error of a linear readout of the picture, and of its class,
    from the picture itself and from each block's pooled maps; pixels_mean, classes_mean: (n,) the same
    error of the training pictures' mean, so that 1 − Σ error / Σ mean error is the share explained.
    """

    active: np.ndarray
    pixels: np.ndarray
    classes: np.ndarray
    pixels_mean: np.ndarray
    classes_mean: np.ndarray


def look_through(
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    weights: dict[str, np.ndarray],
    network: NetworkConfig,
) -> Depth:
    """Measure what each layer of a network keeps of test pictures and of their classes.

    training, validation, test: (images (n, H, W, C), labels (n,)). Readouts are ridge regressions that
    learn from the maps of at most LEARNED_FROM training pictures, evenly taken; validation pictures
    choose the penalty.
    """
    taken = np.unique(np.linspace(0, len(training[1]) - 1, LEARNED_FROM).round().astype(int))
    parts = [(training[0][taken], training[1][taken]), validation, test]
    classes = np.arange(1 + max(labels.max() for _, labels in parts))
    features, active = zip(*(_features(images, weights, network) for images, _ in parts), strict=True)
    pixels = [images.reshape(len(images), -1) for images, _ in parts]
    chances = [(labels[:, None] == classes).astype(np.float32) for _, labels in parts]
    errors = [readout_errors(layer, (pixels, chances)) for layer in zip(*features, strict=True)]
    return Depth(
        active[-1],
        *(np.stack(layers, axis=1) for layers in zip(*errors, strict=True)),
        *(((wanted[-1] - wanted[0].mean(axis=0)) ** 2).sum(axis=1) for wanted in (pixels, chances)),
    )


def readout_errors(features: Sequence[np.ndarray], targets: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Squared errors (m,) of a ridge regression on test data, one array for each of the targets.

    features: (n, d) arrays, and each target: (n, t) arrays, of training, validation and test. The
    penalty is the one of PENALTIES with the least error on the validation data. Solved in the space of
    the training pictures, which are fewer than the features.
    """
    centre = features[0].mean(axis=0)
    learned, *others = (values - centre for values in features)
    values, vectors = np.linalg.eigh((learned @ learned.T).astype(np.float64))
    values = np.maximum(values, 0)
    penalties = PENALTIES * (values.mean() or 1.0)  # features that never change explain nothing
    seen = [(part @ learned.T) @ vectors for part in others]
    return [_squared_errors(values, vectors, seen, penalties, wanted) for wanted in targets]


def _squared_errors(
    values: np.ndarray,
    vectors: np.ndarray,
    seen: list[np.ndarray],
    penalties: np.ndarray,
    wanted: Sequence[np.ndarray],
) -> np.ndarray:
    middle = wanted[0].mean(axis=0)
    along = (vectors.T @ (wanted[0] - middle)).astype(np.float32)

    def squared(part: int, penalty: float) -> np.ndarray:
        told = (seen[part] / (values + penalty)).astype(np.float32) @ along + middle
        return ((told - wanted[part + 1]) ** 2).sum(axis=1)

    best = min(penalties, key=lambda penalty: squared(0, penalty).sum())
    return squared(1, best)


def change_under_shifts(
    images: np.ndarray, weights: dict[str, np.ndarray], network: NetworkConfig
) -> np.ndarray:
    """(n, 2): relative change ‖f(shifted) − f‖ / ‖f‖ of the first layer's maps f, thinned out and pooled.

    Thinned out: one cell of each pooling window, so that both have the same size.

    The mean over shifts down and right by one and by two pixels; what leaves the picture is lost, and the
    border's pixels are repeated. NaN for a picture that no kernel answers to.
    """
    shifted = [images] + [_shift(images, axis, distance) for distance in SHIFTS_PX for axis in (1, 2)]
    kernel, bias = weights["conv1/kernel"], weights["conv1/bias"]
    changes = []
    for start in range(0, len(images), BLOCK):
        stacked = np.concatenate([version[start : start + BLOCK] for version in shifted])
        maps = ACTIVATIONS[network.activation](convolve(stacked, kernel, bias, padding=network.padding))
        pooled = pool(maps, network.pool_size, kind=network.pooling)
        rows, columns = (network.pool_size * length for length in pooled.shape[1:3])
        thinned = maps[:, : rows : network.pool_size, : columns : network.pool_size]
        changes.append([_relative_change(values, len(shifted)) for values in (thinned, pooled)])
    return np.concatenate([np.stack(pair, axis=1) for pair in changes])


def _features(
    images: np.ndarray, weights: dict[str, np.ndarray], network: NetworkConfig
) -> tuple[list[np.ndarray], np.ndarray]:
    """[picture, pooled maps of each block] as (n, features), and the active share of each convolution."""
    features: list[list[np.ndarray]] = []
    active = []
    for start in range(0, len(images), BLOCK):
        block = images[start : start + BLOCK]
        outputs = forward(block, weights, network)
        maps = [output.values for output in outputs if output.name.startswith("conv")]
        pooled = [output.values for output in outputs if output.name.startswith("pool")]
        features.append([values.reshape(len(block), -1) for values in [block, *pooled]])
        active.append(np.stack([np.mean(values > 0, axis=(1, 2, 3)) for values in maps], axis=1))
    return [np.concatenate(layer) for layer in zip(*features, strict=True)], np.concatenate(active)


def _shift(images: np.ndarray, axis: int, distance: int) -> np.ndarray:
    """Pictures moved down (axis 1) or right (axis 2) by so many pixels, their border repeated."""
    places = np.maximum(np.arange(images.shape[axis]) - distance, 0)
    return np.take(images, places, axis=axis)


def _relative_change(values: np.ndarray, versions: int) -> np.ndarray:
    """(n,) from (versions · n, ...) maps, the first version being the picture as it is."""
    flat = values.reshape(versions, len(values) // versions, -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.linalg.norm(flat[1:] - flat[0], axis=2) / np.linalg.norm(flat[0], axis=1)
    return np.where(np.isfinite(change), change, np.nan).mean(axis=0)
