"""Statistics over members: means with intervals, p against zero, Holm's correction.

The independent unit is the member, never its kernels. All members learned from the same pictures: the
interval is a bootstrap over members (scipy.stats.bootstrap, BCa), its level expanded for few members as in
Hesterberg 2015, "What Teachers Should Know About the Bootstrap", without which eight members' interval
would hold the truth less often than it says; p is that of random signs.
Several data seeds: members that share a seed or a data seed are not independent, so both are random effects
(`crossed`), and the interval and p are those of a t distribution.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from linesexp.seeds import rng_for
from linesexp.study.crossed import crossed, grids

CONFIDENCE = 0.95
FEWEST = 6  # members that an interval is of; of fewer it would be too narrow
MANY = 2000  # members from which the bootstrap's and the signs' limits are taken, which nobody can tell apart
RESAMPLES = 9999
BATCH = 200  # resamples at a time

BOOTSTRAP = "BCa bootstrap over members, p from random signs"
LIMIT = "t interval over members, p from the normal limit of random signs"
CROSSED = "two-way random effects of seed and data seed, Satterthwaite’s t"


@dataclass(frozen=True)
class Summary:
    """Of each measure, arrays (measures,): mean over the members that have it, its 95 % interval, two-sided p
    that it is what it was tested against, and how many members those are. NaN where there are too few, or no
    test; method: which was used."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    n: np.ndarray
    method: str


def summarise(
    values: np.ndarray,
    seeds: np.ndarray,
    data_seeds: np.ndarray,
    against: np.ndarray | None = None,
) -> Summary:
    """Of values (members, measures), NaN where a member has no such measure; seeds, data_seeds: (members,).

    against: (measures,) means to be tested, none without it. Members without a partner of the same seed under
    every data seed are left out where there are several.
    """
    values = np.asarray(values, dtype=np.float64)
    members, measures = values.shape
    if len(np.unique(data_seeds)) > 1:
        return _crossed(values, seeds, data_seeds, against)
    found = {name: np.full(measures, np.nan) for name in ("mean", "low", "high", "p")}
    known = np.isfinite(values)
    # Measures that the same members have are resampled together.
    for mask in np.unique(known.T, axis=0):
        columns = np.flatnonzero((mask == known.T).all(axis=1))
        of_these = values[mask][:, columns].T  # (measures, members)
        if of_these.shape[1]:
            found["mean"][columns] = of_these.mean(axis=1)
        if of_these.shape[1] >= FEWEST:
            found["low"][columns], found["high"][columns] = interval(of_these)
            if against is not None:
                found["p"][columns] = sign_p(of_these - against[columns, None])
    return Summary(**found, n=known.sum(axis=0), method=LIMIT if members > MANY else BOOTSTRAP)


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of the mean of values (measures, n), n ≥ FEWEST: two arrays (measures,)."""
    from scipy import stats  # takes longer to import than everything else here to run

    n = values.shape[1]
    low, high = values.mean(axis=1), values.mean(axis=1)
    differ = np.ptp(values, axis=1) > 0  # where all are alike, so is every resample
    if not differ.any():
        return low, high
    if n > MANY:
        half = stats.sem(values, axis=1) * stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)
        return low - half, high + half
    found = stats.bootstrap(
        (values[differ],),
        np.mean,
        axis=1,
        n_resamples=RESAMPLES,
        batch=BATCH,
        vectorized=True,
        method="BCa",
        confidence_level=expanded_level(n),
        rng=rng_for(0, "members", n),
    ).confidence_interval
    low[differ], high[differ] = found.low, found.high
    return low, high


def expanded_level(n: int, confidence: float = CONFIDENCE) -> float:
    """The level at which a bootstrap interval of n values holds the mean as often as `confidence` says.

    A resample's variance is n − 1 over n of an honest estimate, and its quantiles are normal, not t.
    """
    from scipy import stats

    quantile = stats.t.ppf((1 + confidence) / 2, n - 1) * np.sqrt(n / (n - 1))
    return float(1 - 2 * stats.norm.sf(quantile))


def sign_p(values: np.ndarray) -> np.ndarray:
    """Two-sided p (measures,) that the mean of values (measures, n) is zero: how often random signs give as
    large a mean. It takes their distribution to be symmetric about the truth.

    As scipy.stats.permutation_test of kind `samples`, all signs of up to 13 values and RESAMPLES draws of more;
    one matrix product takes a hundredth of its time.
    """
    from scipy import stats  # takes longer to import than everything else here to run

    n = values.shape[1]
    if n > MANY:
        with np.errstate(invalid="ignore", divide="ignore"):
            z = np.abs(values.sum(axis=1)) / np.sqrt((values**2).sum(axis=1))
        return np.where(np.isnan(z), 1.0, 2 * stats.norm.sf(z))
    observed = values.sum(axis=1)
    within = (
        100 * np.finfo(float).eps * np.abs(values).sum(axis=1)
    )  # sums that differ by rounding alone are equal
    less, more, drawn = np.zeros(len(values)), np.zeros(len(values)), 0
    for signs in _signs(n):
        sums = signs @ values.T  # (resamples, measures)
        less += (sums <= observed + within).sum(axis=0)
        more += (sums >= observed - within).sum(axis=0)
        drawn += len(signs)
    itself = int(not _all_signs(n))  # what was observed is one of the draws, Phipson and Smyth 2010
    return np.minimum(2 * (np.minimum(less, more) + itself) / (drawn + itself), 1.0)


def _signs(n: int) -> Iterator[np.ndarray]:
    """Signs (resamples, n) for n values, in parts: all there are, or RESAMPLES at random."""
    if _all_signs(n):
        yield 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return
    rng = rng_for(0, "signs", n)
    for start in range(0, RESAMPLES, BATCH):
        yield 1.0 - 2.0 * rng.integers(0, 2, (min(BATCH, RESAMPLES - start), n))


def _all_signs(n: int) -> bool:
    return 2**n <= RESAMPLES


def smallest_p(n: int) -> float:
    """The smallest p that the signs of n values can give: all of them on one side."""
    if n > MANY:
        return 0.0
    return 2.0 ** (1 - n) if _all_signs(n) else 2 / (RESAMPLES + 1)


def holm(p: np.ndarray) -> np.ndarray:
    """p (tests,) corrected for all of them, Holm 1979; NaN stays NaN and is no test.

    The smallest is multiplied by the number of tests, the next by one less …, and none falls below one before.
    """
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    times = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * times), 1.0) if len(order) else []
    return adjusted


def _crossed(
    values: np.ndarray, seeds: np.ndarray, data_seeds: np.ndarray, against: np.ndarray | None
) -> Summary:
    reference = np.zeros(values.shape[1]) if against is None else against
    found = crossed(grids(values - reference, seeds, data_seeds))
    mean, low, high = (part + reference for part in (found.mean, found.low, found.high))
    p = found.p if against is not None else np.full(len(mean), np.nan)
    return Summary(mean, low, high, p, found.n, CROSSED)
