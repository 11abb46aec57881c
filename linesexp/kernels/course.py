"""From edge to line or back: what the kernels are at every recorded step, all steps at once."""

from dataclasses import dataclass

import numpy as np

from linesexp.kernels.match import Bank, order_cosines
from linesexp.kernels.nulls import Null
from linesexp.kernels.shape import shares

Points = tuple[float, float, float]


@dataclass(frozen=True)
class Course:
    """Measures over training, arrays (steps, filters) in [0, 1].

    dc, odd, even: shares of energy, see kernels.shape. edge, line: largest |cosine| with a
    first-derivative and with a second-derivative operator at any size and place, see kernels.match.
    NaN for kernels that are zero (all), constant (edge and line) or not finite (all).
    """

    dc: np.ndarray
    odd: np.ndarray
    even: np.ndarray
    edge: np.ndarray
    line: np.ndarray


@dataclass(frozen=True)
class CourseChance:
    """What untrained kernels have: the mean shares; the 1 %, 50 % and 99 % points and the mean of the
    matches."""

    dc: float
    odd: float
    even: float
    edge: Points
    line: Points
    edge_mean: float
    line_mean: float


def course(kernels: np.ndarray, bank: Bank) -> Course:
    """Course of (steps, filters, k, k) kernels."""
    steps, filters, size = kernels.shape[:3]
    flat = kernels.reshape(steps * filters, size, size)
    energy, cosines = shares(flat), order_cosines(flat, bank)
    measured = (energy.dc, energy.odd, energy.even, cosines[1], cosines[2])
    return Course(*(values.reshape(steps, filters) for values in measured))


def course_chance(null: Null, size: int) -> CourseChance:
    """Chance for kernels of an odd size k, null being that of their initialiser.

    The mean shares are exact for independent weights that are as likely negative as positive: DC 1/k²,
    odd and even (k² − 1) / 2k².
    """
    half = (size**2 - 1) / (2 * size**2)
    means = float(null.edge.mean()), float(null.line.mean())
    return CourseChance(1 / size**2, half, half, _points(null.edge), _points(null.line), *means)


def _points(values: np.ndarray) -> Points:
    low, middle, high = np.percentile(values, (1, 50, 99))
    return float(low), float(middle), float(high)
