"""Deeper kernels laid back onto pixels: what all layers up to one make of a picture if nothing is cut off.

A deeper kernel works on maps, so its numbers alone say little. If activations let everything through and
pooling took means, all layers up to it would be one linear kernel on pixels; that kernel is computed here,
and how far what the network really does agrees with it.
"""

from dataclasses import dataclass

import msgspec
import numpy as np

from linesexp.config import NetworkConfig
from linesexp.seeing.convolution import convolve
from linesexp.seeing.forward import forward

HELD = 0.95  # share of a field's energy that counts as all of it
BLOCK = 64  # pictures at a time


@dataclass(frozen=True)
class Composition:
    """A layer's filters as kernels on pixels.

    fields: (filters, size, size, channels), size being that of the receptive field in px; effective_px:
    (filters,) side of the smallest centred square with HELD of a field's energy, NaN for a field of zeros;
    agreement: (filters,) correlation, over all places of all pictures, between what the filter gives
    before its activation and what its field would; NaN where either never varies.
    """

    layer: str
    fields: np.ndarray
    effective_px: np.ndarray
    agreement: np.ndarray

    @property
    def size(self) -> int:
        """Side of the receptive field in px."""
        return self.fields.shape[1]


def compositions(
    images: np.ndarray, weights: dict[str, np.ndarray], network: NetworkConfig
) -> list[Composition]:
    """One for each convolution after the first; images: float32 (n, H, W, C) to measure agreement on."""
    agreements = _agreements(images, weights, network)
    found = []
    for layer, agreement in enumerate(agreements, start=2):
        fields = pixel_fields(weights, network, layer)
        found.append(Composition(f"conv{layer}", fields, effective_sides(fields), agreement))
    return found


@np.errstate(invalid="ignore", over="ignore")  # a training that diverges leaves infinite weights; they make NaN
def pixel_fields(weights: dict[str, np.ndarray], network: NetworkConfig, layer: int) -> np.ndarray:
    """(filters, size, size, channels): convolution `layer` (1, 2 …) and all before it as one linear kernel.

    Activations are taken as the identity and pooling as the mean; biases, which add a number that is the
    same everywhere, are left out. Away from borders, where `same` padding adds zeros.
    """
    fields = np.moveaxis(weights[f"conv{layer}/kernel"].astype(np.float64), -1, 0)  # (filters, k, k, channels)
    pool = network.pool_size
    for before in range(layer - 1, 0, -1):
        kernel = weights[f"conv{before}/kernel"].astype(np.float64)  # (k, k, channels, maps)
        fields = fields.repeat(pool, axis=1).repeat(pool, axis=2) / pool**2
        filters, height, width, _ = fields.shape
        size, _, channels, _ = kernel.shape
        spread = np.zeros((filters, height + size - 1, width + size - 1, channels))
        for row in range(size):
            for column in range(size):
                spread[:, row : row + height, column : column + width] += fields @ kernel[row, column].T
        fields = spread
    return fields


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def effective_sides(fields: np.ndarray, held: float = HELD) -> np.ndarray:
    """(filters,): side in px of the smallest centred square that holds this share of a field's energy.

    fields: (filters, size, size, channels). NaN for a field of zeros, or one that is not finite.
    """
    energy = np.sum(fields**2, axis=-1)
    size = energy.shape[1]
    total = energy.sum(axis=(1, 2))
    sides = np.arange(size % 2 or 2, size + 1, 2)
    inside = np.stack(
        [
            energy[:, (size - side) // 2 : (size + side) // 2, (size - side) // 2 : (size + side) // 2].sum(
                (1, 2)
            )
            for side in sides
        ]
    )
    enough = inside / total >= held - 1e-12
    return np.where(np.isfinite(total) & (total > 0), sides[enough.argmax(axis=0)], np.nan)


def _agreements(images: np.ndarray, weights: dict[str, np.ndarray], network: NetworkConfig) -> list[np.ndarray]:
    """For each convolution after the first (filters,): correlation of its real with its linear answers."""
    straight = msgspec.structs.replace(network, activation="linear", pooling="average")
    depth = len(network.filters)
    real: list[list[np.ndarray]] = [[] for _ in range(depth - 1)]
    linear: list[list[np.ndarray]] = [[] for _ in range(depth - 1)]
    for start in range(0, len(images), BLOCK):
        block = images[start : start + BLOCK]
        outputs, lines = (
            {output.name: output.values for output in forward(block, weights, settings)}
            for settings in (network, straight)
        )
        for layer in range(2, depth + 1):
            kernel = weights[f"conv{layer}/kernel"]
            answers = convolve(outputs[f"pool{layer - 1}"], kernel, padding=network.padding)
            real[layer - 2].append(answers.reshape(-1, answers.shape[-1]))
            linear[layer - 2].append(lines[f"conv{layer}"].reshape(-1, answers.shape[-1]))
    return [
        _correlations(np.concatenate(one), np.concatenate(other))
        for one, other in zip(real, linear, strict=True)
    ]


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def _correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pearson's r of each column of two (n, columns) arrays; NaN where a column never varies."""
    one, other = (values - values.mean(axis=0, dtype=np.float64) for values in (one, other))
    spread = np.sqrt(np.sum(one**2, axis=0) * np.sum(other**2, axis=0))
    return np.where(spread > 0, np.sum(one * other, axis=0) / spread, np.nan)
