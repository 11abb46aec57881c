"""What goes lost and what is singled out on the way through the layers, each measure a number a layer.

Of one network, or of many of the same settings side by side: the first layers of all look at a picture
together, as one layer of many kernels.
"""

from dataclasses import dataclass

import numpy as np

from linesexp.config import NetworkConfig
from linesexp.seeing.convolution import ACTIVATIONS, convolve, pool
from linesexp.seeing.forward import forward
from linesexp.seeing.readouts import Targets, readout_errors, targets_of

LEARNED_FROM = 300  # pictures at most: a readout's time grows with their cube
SHIFTS_PX = (1, 2)
MAPS_AT_ONCE = 512  # kernels × pictures, as many as stay near the processor

Split = tuple[np.ndarray, np.ndarray]  # images (n, H, W, C), labels (n,)
Weights = dict[str, np.ndarray]


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

    def explained(self, what: str) -> np.ndarray:
        """(blocks + 1,) share of the variance of `pixels` or `classes` that readouts explain."""
        return 1 - getattr(self, what).sum(axis=0) / getattr(self, f"{what}_mean").sum()

    def detail_lost(self) -> float:
        """How much more of the pixels' variance the first block's maps tell than the last block's."""
        explained = self.explained("pixels")
        return float(explained[1] - explained[-1])

    def class_gained(self) -> float:
        """How much more of the classes' variance the last block's maps tell than the first block's."""
        explained = self.explained("classes")
        return float(explained[-1] - explained[1])


@dataclass(frozen=True)
class Sights:
    """The pictures that layers are asked about, and all that depends on no network.

    images: of training, validation and test; pixels, classes: what readouts are to tell of them; from_pixels:
    their errors where they read from the picture itself.
    """

    images: tuple[np.ndarray, ...]
    pixels: Targets
    classes: Targets
    from_pixels: list[np.ndarray]


def sights_of(training: Split, validation: Split, test: Split) -> Sights:
    """From a data set's parts. Readouts learn from at most LEARNED_FROM training pictures, evenly taken."""
    taken = np.unique(np.linspace(0, len(training[1]) - 1, LEARNED_FROM).round().astype(int))
    parts = [(training[0][taken], training[1][taken]), validation, test]
    names = np.arange(1 + max(labels.max() for _, labels in parts))
    flat = [images.reshape(len(images), -1) for images, _ in parts]
    pixels, classes = targets_of(flat), targets_of([(labels[:, None] == names) for _, labels in parts])
    images = tuple(images for images, _ in parts)
    return Sights(images, pixels, classes, readout_errors(flat, (pixels, classes)))


def look_through(
    training: Split, validation: Split, test: Split, weights: Weights, network: NetworkConfig
) -> Depth:
    """Measure what each layer of a network keeps of test pictures and of their classes.

    Readouts are ridge regressions; validation pictures choose the penalty.
    """
    members = {name: values[None] for name, values in weights.items()}
    return look_through_members(sights_of(training, validation, test), members, network)[0]


def look_through_members(sights: Sights, weights: Weights, network: NetworkConfig) -> list[Depth]:
    """The same for several networks of these settings. weights: {"conv1/kernel": (members, *shape), …}."""
    members = len(weights["conv1/kernel"])
    first = [pooled_by_member(images, weights, network) for images in sights.images]
    found = []
    for member in range(members):
        own = {name: values[member] for name, values in weights.items()}
        features: list[list[np.ndarray]] = []
        for pooled, _ in first:
            later = forward(pooled[member], own, network, first=2)
            layers = [pooled[member], *(each.values for each in later if each.name.startswith("pool"))]
            features.append([values.reshape(len(values), -1) for values in layers])
            maps = [each.values for each in later if each.name.startswith("conv")]
            active = [np.mean(values > 0, axis=(1, 2, 3)) for values in maps]  # the test pictures' stay
        wanted = (sights.pixels, sights.classes)
        errors = [sights.from_pixels, *(readout_errors(parts, wanted) for parts in zip(*features, strict=True))]
        pixels, classes = (np.stack(of_layers, axis=1) for of_layers in zip(*errors, strict=True))
        whole = np.stack([first[-1][1][member], *active], axis=1)
        found.append(Depth(whole, pixels, classes, sights.pixels.mean_error, sights.classes.mean_error))
    return found


def pooled_by_member(
    images: np.ndarray, weights: Weights, network: NetworkConfig
) -> tuple[np.ndarray, np.ndarray]:
    """(members, n, h, w, filters): the first block's pooled maps of several networks; and (members, n): the
    share of the cells before pooling that are above zero."""
    kernels, bias = side_by_side(weights)
    members, filters = weights["conv1/bias"].shape
    pooled, active = [], []
    step = max(1, MAPS_AT_ONCE // len(bias))
    for start in range(0, len(images), step):
        block = images[start : start + step]
        maps = ACTIVATIONS[network.activation](convolve(block, kernels, bias, padding=network.padding))
        above = np.mean(maps > 0, axis=(1, 2)).reshape(len(block), members, filters)
        active.append(above.mean(axis=2).T)
        small = pool(maps, network.pool_size, kind=network.pooling)
        pooled.append(np.moveaxis(small.reshape(*small.shape[:3], members, filters), 3, 0))
    return np.concatenate(pooled, axis=1), np.concatenate(active, axis=1)


def side_by_side(weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """The first layers of several networks as one: kernels (k, k, channels, members · filters) and biases."""
    kernels = np.moveaxis(weights["conv1/kernel"], 0, 3)  # (k, k, channels, members, filters)
    return kernels.reshape(*kernels.shape[:3], -1), weights["conv1/bias"].reshape(-1)


def change_under_shifts(images: np.ndarray, weights: Weights, network: NetworkConfig) -> np.ndarray:
    """(n, 2): relative change ‖f(shifted) − f‖ / ‖f‖ of the first layer's maps f, thinned out and pooled.

    Thinned out: one cell of each pooling window, so that both have the same size.

    The mean over shifts down and right by one and by two pixels; what leaves the picture is lost, and the
    border's pixels are repeated. NaN for a picture that no kernel answers to.
    """
    return changes_under_shifts(images, {name: values[None] for name, values in weights.items()}, network)[0]


def changes_under_shifts(images: np.ndarray, weights: Weights, network: NetworkConfig) -> np.ndarray:
    """(members, n, 2): the same for several networks of these settings, weights (members, *shape)."""
    shifted = [images] + [_shift(images, axis, distance) for distance in SHIFTS_PX for axis in (1, 2)]
    kernels, bias = side_by_side(weights)
    members = len(weights["conv1/bias"])
    changes = []
    step = max(1, MAPS_AT_ONCE // (len(bias) * len(shifted)))
    for start in range(0, len(images), step):
        stacked = np.concatenate([version[start : start + step] for version in shifted])
        maps = ACTIVATIONS[network.activation](convolve(stacked, kernels, bias, padding=network.padding))
        pooled = pool(maps, network.pool_size, kind=network.pooling)
        rows, columns = (network.pool_size * length for length in pooled.shape[1:3])
        thinned = maps[:, : rows : network.pool_size, : columns : network.pool_size]
        changes.append([_relative_change(values, len(shifted), members) for values in (thinned, pooled)])
    return np.concatenate([np.stack(pair, axis=-1) for pair in changes], axis=1)


def steadier_by_pooling(changes: np.ndarray) -> float:
    """From changes (n, 2): mean change of thinned out maps less that of pooled ones, over pictures that the
    first layer answers to; NaN for fewer than two."""
    known = changes[np.isfinite(changes).all(axis=1)]
    return float(np.subtract(*known.mean(axis=0))) if len(known) >= 2 else float("nan")


def _shift(images: np.ndarray, axis: int, distance: int) -> np.ndarray:
    """Pictures moved down (axis 1) or right (axis 2) by so many pixels, their border repeated."""
    places = np.maximum(np.arange(images.shape[axis]) - distance, 0)
    return np.take(images, places, axis=axis)


def _relative_change(values: np.ndarray, versions: int, members: int) -> np.ndarray:
    """(members, n) from (versions · n, h, w, members · filters) maps, the first version being the picture as it
    is."""
    still, moved = values[: len(values) // versions], values[len(values) // versions :]
    moved = moved.reshape(versions - 1, *still.shape)

    def length(maps: np.ndarray) -> np.ndarray:
        squared = np.einsum("...hwf,...hwf->...f", maps, maps)  # (..., members · filters)
        return np.sqrt(squared.reshape(*squared.shape[:-1], members, -1).sum(axis=-1))

    with np.errstate(invalid="ignore", divide="ignore"):
        change = length(moved - still) / length(still)  # (versions − 1, n, members)
    return np.where(np.isfinite(change), change, np.nan).mean(axis=0).T
