"""Intervals of single numbers within a run, all by SciPy, at 95 %."""

from collections.abc import Callable, Sequence

import numpy as np

from linesexp.seeds import rng_for

CONFIDENCE = 0.95
RESAMPLES = 2000

# scipy.stats takes longer to import than everything else here to run, so functions import it.


def share_interval(count: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper–Pearson interval of a share."""
    from scipy import stats

    interval = stats.binomtest(count, of).proportion_ci(confidence)
    return float(interval.low), float(interval.high)


def share_by_chance(of: int, chance: float) -> tuple[float, float]:
    """Between which shares 95 of 100 counts of so many lie where each has this chance."""
    from scipy import stats

    low, high = stats.binom.interval(CONFIDENCE, of, chance)
    return float(low) / of, float(high) / of


def share_p(count: int, of: int, chance: float) -> float:
    """Binomial test: p of so many or more where each has this chance."""
    from scipy import stats

    return float(stats.binomtest(count, of, chance, alternative="greater").pvalue)


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """t interval of the mean of two or more values."""
    from scipy import stats

    half = stats.sem(values) * stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
    return float(np.mean(values) - half), float(np.mean(values) + half)


def paired_interval(differences: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of the difference of two shares from pairs (n,): 1 first only, −1 second only, 0 both or none.

    Bonett and Price 2012, "Adjusted Wald confidence interval for a difference of binomial proportions
    based on paired data". Unlike a bootstrap it is not of width 0 where no pair differs.
    """
    from scipy import stats

    count = len(differences) + 2
    first, second = ((np.sum(differences == sign) + 1) / count for sign in (1, -1))
    middle = first - second
    half = stats.norm.ppf((1 + confidence) / 2) * np.sqrt((first + second - middle**2) / count)
    return float(max(middle - half, -1)), float(min(middle + half, 1))


def bootstrap_interval(samples: Sequence[np.ndarray], statistic: Callable) -> tuple[float, float] | None:
    """Percentile bootstrap over the rows of each sample (n, values).

    statistic(*samples, axis) takes (values, …, n) arrays and reduces the axis and the values. None for a
    sample of one row, and if a resample has no statistic (NaN): such a sample is too small to tell.
    """
    from scipy import stats

    if min(len(sample) for sample in samples) < 2:
        return None
    known = []

    def watched(*resampled: np.ndarray, axis: int) -> np.ndarray:
        found = statistic(*resampled, axis=axis)
        known.append(np.isfinite(found).all())
        return np.nan_to_num(found)  # SciPy would warn

    low, high = stats.bootstrap(
        [np.moveaxis(sample, 0, -1) for sample in samples],
        watched,
        n_resamples=RESAMPLES,
        batch=200,
        axis=-1,
        vectorized=True,
        method="percentile",
        confidence_level=CONFIDENCE,
        rng=rng_for(0, "bootstrap"),
    ).confidence_interval
    return (float(low), float(high)) if all(known) else None
