"""What a kernel's shape says without naming an operator: shares of energy, distance from its start.

Kernels are (filters, k, k) arrays. k̃ is a kernel less its mean.
"""

from dataclasses import dataclass

import numpy as np

from linesexp.kernels.health import nan_where_broken


@dataclass(frozen=True)
class Shares:
    """Parts of each kernel's energy ‖k‖², arrays (filters,) in [0, 1].

    dc + odd + even = 1 (odd and even under a turn by 180°, of k̃). The axis shares are parts of ‖k̃‖²:
    what its column means explain (detects vertical) and its row means (detects horizontal).
    A kernel of zeros or one that is not finite, and for the axis shares a constant kernel, has NaN.
    """

    dc: np.ndarray
    odd: np.ndarray
    even: np.ndarray
    axis_vertical: np.ndarray
    axis_horizontal: np.ndarray


def shares(kernels: np.ndarray) -> Shares:
    """Shares of energy of (filters, k, k) kernels, or of (filters, height, width) ones that are not square.

    Chance for 7×7 kernels of independent weights: DC 1/49, odd 24/49, even 24/49.
    """
    kernels = nan_where_broken(kernels)
    height, width = kernels.shape[1:]
    energy = np.sum(kernels**2, axis=(1, 2))
    mean = kernels.mean(axis=(1, 2))
    free = kernels - mean[:, None, None]
    turned = free[:, ::-1, ::-1]
    free_energy = np.sum(free**2, axis=(1, 2))
    constant = free_energy <= 1e-12 * energy  # what rounding leaves of a constant kernel
    with np.errstate(invalid="ignore", divide="ignore"):
        odd, even = (
            np.sum(part**2, axis=(1, 2)) / energy for part in ((free - turned) / 2, (free + turned) / 2)
        )
        axis_vertical, axis_horizontal = (
            np.where(constant, np.nan, along * np.sum(free.mean(axis=axis) ** 2, axis=1) / free_energy)
            for axis, along in ((1, height), (2, width))
        )
        return Shares(height * width * mean**2 / energy, odd, even, axis_vertical, axis_horizontal)


def change_from_start(kernels: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far kernels moved: ‖k − k₀‖ / ‖k₀‖, and the cosine between k and k₀. Both (filters,).

    NaN where either kernel is not finite, or k₀ (for the cosine also k) is zero.
    """
    flat = nan_where_broken(kernels.reshape(len(kernels), -1))
    flat_start = nan_where_broken(start.reshape(len(start), -1))
    norm, norm_start = np.linalg.norm(flat, axis=1), np.linalg.norm(flat_start, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.linalg.norm(flat - flat_start, axis=1) / norm_start
        cosine = np.sum(flat * flat_start, axis=1) / (norm * norm_start)
    return relative, cosine


def side_contrast(kernels: np.ndarray) -> np.ndarray:
    """(filters,): how far the mean weights of two opposite sides differ, in standard deviations of the weights.

    The larger of left against right and above against below; the middle column or row belongs to
    neither side. A k×k Prewitt operator of odd k has 2√(k / (k − 1)); NaN for a constant kernel.
    """
    kernels = nan_where_broken(kernels)
    half = kernels.shape[-1] // 2
    if half == 0:  # one weight has no sides
        return np.full(len(kernels), np.nan)
    columns, rows = kernels.mean(axis=1), kernels.mean(axis=2)  # (filters, k)
    differences = [
        np.abs(line[:, -half:].mean(axis=1) - line[:, :half].mean(axis=1)) for line in (columns, rows)
    ]
    spread = kernels.std(axis=(1, 2))
    constant = spread <= 1e-6 * np.sqrt(np.mean(kernels**2, axis=(1, 2)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(constant, np.nan, np.maximum(*differences) / spread)
