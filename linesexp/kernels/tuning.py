"""Which direction of line, and of step edge, each kernel answers to most, and how choosy it is.

Sources: 1 − circular variance as in Ringach, Shapley and Hawken 2002, "Orientation selectivity in
macaque V1"; why many angles beat many trials: Mazurek, Kager and Van Hooser 2014, "Robust
quantification of orientation selectivity and direction selectivity".
"""

from dataclasses import dataclass

import numpy as np

from linesexp.images.probes import BAR_ANGLES_DEG, EDGE_ANGLES_DEG, bars, edges, probe_size
from linesexp.kernels.match import unit_rows
from linesexp.seeing.convolution import ACTIVATIONS, convolve

BAR_THICKNESS_PX = 2.0


@dataclass(frozen=True)
class Tuning:
    """Responses of kernels to bars at 36 angles over 180° and to step edges at 72 over 360°.

    A response is the largest over all places, after the activation, less that to a blank picture.
    What is preferred is NaN where a kernel answers to no probe at all; responses too where a weight or
    the bias is not finite.
    """

    bars: np.ndarray  # (filters, 36)
    edges: np.ndarray  # (filters, 72)
    preferred_angle_deg: np.ndarray  # (filters,) in [0, 180): 0 horizontal bars, 90 vertical ones
    one_minus_circular_variance: np.ndarray  # (filters,) 0: all angles alike, 1: one angle only
    preferred_edge_deg: np.ndarray  # (filters,) in [0, 360): 0 if it answers most to brighter going right
    direction_index: np.ndarray  # (filters,) (R − R′) / (R + R′), R′ to the opposite edge: 0 … 1


def tune(kernels: np.ndarray, bias: np.ndarray, activation: str, *, dark_lines: bool = False) -> Tuning:
    """Tuning of (filters, k, k) kernels with their biases (filters,); dark_lines: bars dark on bright."""
    broken = ~(np.isfinite(kernels).all(axis=(1, 2)) & np.isfinite(bias))
    kernels, bias = np.where(broken[:, None, None], 0, kernels), np.where(broken, 0, bias)
    size = probe_size(kernels.shape[-1])
    shown = bars(BAR_ANGLES_DEG, size, BAR_THICKNESS_PX)
    to_bars = _responses(1 - shown if dark_lines else shown, kernels, bias, activation, float(dark_lines))
    to_edges = _edge_responses(kernels, bias, activation)
    to_bars[broken], to_edges[broken] = np.nan, np.nan
    angle, choosiness = _vector_mean(to_bars, 2 * BAR_ANGLES_DEG)
    edge, _ = _vector_mean(to_edges, EDGE_ANGLES_DEG)
    return Tuning(to_bars, to_edges, angle / 2, choosiness, edge, _direction_index(to_edges))


def order_strength(kernels: np.ndarray) -> np.ndarray:
    """(filters,): how much the order of dark and bright matters to kernels (filters, k, k).

    The largest difference between the responses to an edge and to its reverse, of the kernel less its mean
    and at norm 1, relative to that of a k×k Prewitt operator, √(k (k − 1)) / 2. About 1 for Prewitt, 0 for
    a perfect line, and graded where the direction index is 1 for every kernel that one of the edges
    leaves silent. NaN for a constant kernel.
    """
    size = kernels.shape[-1]
    unit = unit_rows(kernels.reshape(len(kernels), -1)).reshape(kernels.shape)
    constant = np.isnan(unit).any(axis=(1, 2))
    unit = np.where(constant[:, None, None], 0, unit).astype(np.float32)
    responses = _edge_responses(unit, np.zeros(len(unit), np.float32), "relu")
    reverse = np.roll(responses, responses.shape[1] // 2, axis=1)
    strength = np.abs(responses - reverse).max(axis=1) / (np.sqrt(size * (size - 1)) / 2)
    return np.where(constant, np.nan, strength)


def _edge_responses(kernels: np.ndarray, bias: np.ndarray, activation: str) -> np.ndarray:
    return _responses(edges(EDGE_ANGLES_DEG, probe_size(kernels.shape[-1])), kernels, bias, activation, 0.0)


def _responses(
    pictures: np.ndarray, kernels: np.ndarray, bias: np.ndarray, activation: str, blank: float
) -> np.ndarray:
    """(filters, n) for pictures (n, H, W) on a ground of this brightness."""
    stacked = kernels.transpose(1, 2, 0)[:, :, None, :]  # (k, k, 1, filters)
    activate = ACTIVATIONS[activation]
    strongest = activate(convolve(pictures[..., None], stacked, bias).max(axis=(1, 2)))
    silent = activate(blank * kernels.sum(axis=(1, 2)) + bias)
    return np.maximum(strongest - silent, 0).T


def _vector_mean(responses: np.ndarray, angles_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direction (degrees, 0 … 360) and length (0 … 1) of the mean of unit vectors weighted by response."""
    total = responses.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = responses @ np.exp(1j * np.deg2rad(angles_deg)) / np.where(total > 0, total, np.nan)
    # Rounding may leave −0.0000001, the remainder of which is 360.
    return np.round(np.rad2deg(np.angle(mean)), 3) % 360, np.abs(mean)


def _direction_index(to_edges: np.ndarray) -> np.ndarray:
    best = to_edges.argmax(axis=1)[:, None]
    half = to_edges.shape[1] // 2
    strongest = np.take_along_axis(to_edges, best, axis=1)[:, 0]
    opposite = np.take_along_axis(to_edges, (best + half) % (2 * half), axis=1)[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(strongest > 0, (strongest - opposite) / (strongest + opposite), np.nan)
