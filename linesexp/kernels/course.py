"""From edge to line or back: what the kernels are at every recorded step, all steps at once."""

from dataclasses import dataclass

import numpy as np

from linesexp.kernels.match import Bank, initializer_kernels, order_cosines
from linesexp.kernels.shape import shares

DRAWS = 10_000

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
    """What untrained kernels have: the mean shares, and the 1 %, 50 % and 99 % points of the matches."""

    dc: float
    odd: float
    even: float
    edge: Points
    line: Points


def course(kernels: np.ndarray, bank: Bank) -> Course:
    """Course of (steps, filters, k, k) kernels."""
    steps, filters, size = kernels.shape[:3]
    flat = kernels.reshape(steps * filters, size, size)
    energy, cosines = shares(flat), order_cosines(flat, bank)
    measured = (energy.dc, energy.odd, energy.even, cosines[1], cosines[2])
    return Course(*(values.reshape(steps, filters) for values in measured))


def course_chance(initializer: str, bank: Bank, rng: np.random.Generator) -> CourseChance:
    """Chance for kernels of the bank's size.

    The mean shares are exact for independent weights that are as likely negative as positive, any odd
    size k: DC 1/k², odd and even (k² − 1) / 2k². The matches are those of 10,000 drawn kernels.
    """
    weights = bank.size**2
    cosines = order_cosines(initializer_kernels(initializer, bank.size, DRAWS, rng), bank)
    half = (weights - 1) / (2 * weights)
    return CourseChance(1 / weights, half, half, _points(cosines[1]), _points(cosines[2]))


def _points(values: np.ndarray) -> Points:
    low, middle, high = np.percentile(values, (1, 50, 99))
    return float(low), float(middle), float(high)
