"""Intervals of single numbers within a run, all by SciPy, at 95 %."""

from collections.abc import Callable, Sequence

import numpy as np

from linesexp.seeds import rng_for

CONFIDENCE = 0.95
RESAMPLES = 2000

# scipy.stats takes longer to import than everything else here to run, so functions import it.


def share_interval(count: int, of: int) -> tuple[float, float]:
    """Clopper–Pearson interval of a share."""
    from scipy import stats

    interval = stats.binomtest(count, of).proportion_ci(CONFIDENCE)
    return float(interval.low), float(interval.high)


def paired_interval(wins: int, losses: int, of: int) -> tuple[float, float]:
    """Interval of (wins − losses) / of, where each of so many pictures is a win, a loss or neither.

    From the Clopper–Pearson intervals of both shares at half the error each (Bonferroni): rather too
    wide, but not of width 0 where nothing differs, as a bootstrap's would be.
    """
    from scipy import stats

    confidence = 1 - (1 - CONFIDENCE) / 2
    won, lost = (stats.binomtest(count, of).proportion_ci(confidence) for count in (wins, losses))
    return float(won.low - lost.high), float(won.high - lost.low)


def share_p(count: int, of: int, chance: float) -> float:
    """Binomial test: p of so many or more where each has this chance."""
    from scipy import stats

    return float(stats.binomtest(count, of, chance, alternative="greater").pvalue)


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """t interval of the mean of two or more values."""
    from scipy import stats

    half = stats.sem(values) * stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)
    return float(np.mean(values) - half), float(np.mean(values) + half)


def bootstrap_interval(samples: Sequence[np.ndarray], statistic: Callable) -> tuple[float, float] | None:
    """Percentile bootstrap over the rows of each sample (n, values); None for a sample of one row.

    statistic(*samples, axis) takes (values, …, n) arrays and reduces the axis and the values.
    """
    from scipy import stats

    if min(len(sample) for sample in samples) < 2:
        return None
    found = stats.bootstrap(
        [np.moveaxis(sample, 0, -1) for sample in samples],
        statistic,
        n_resamples=RESAMPLES,
        batch=200,
        axis=-1,
        method="percentile",
        confidence_level=CONFIDENCE,
        rng=rng_for(0, "bootstrap"),
    ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (low, high) if np.isfinite([low, high]).all() else None
