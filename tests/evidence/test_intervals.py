"""Intervals against closed forms, and how often they hold what they should."""

import numpy as np
import pytest
from scipy import stats

from linesexp.evidence.intervals import (
    bootstrap_interval,
    mean_interval,
    paired_interval,
    share_interval,
    share_p,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def of_mean(values, axis):
    return values.mean(axis=axis)[0]


def coverage(interval, draws, truth):
    """Share of these samples whose interval holds the truth."""
    found = [interval(sample) for sample in draws]
    return np.mean([low <= truth <= high for low, high in found])


# Shares.


@pytest.mark.parametrize(("count", "of"), [(0, 8), (3, 8), (8, 8), (171, 180)])
def test_the_interval_of_a_share_is_clopper_and_pearsons(count, of):
    low = stats.beta.ppf(0.025, count, of - count + 1) if count else 0
    high = stats.beta.ppf(0.975, count + 1, of - count) if count < of else 1
    assert share_interval(count, of) == pytest.approx((low, high))


def test_p_of_a_share_is_the_chance_of_so_many_or_more():
    assert share_p(0, 8, 0.05) == 1
    assert share_p(1, 8, 0.05) == pytest.approx(1 - 0.95**8)
    assert share_p(8, 8, 0.05) == pytest.approx(0.05**8)


def test_the_interval_of_paired_shares_is_bonett_and_prices():
    # 3 pairs first only, 1 second only, of 20: (4 − 2)/22 ± 1.96 √((4/22 + 2/22 − (2/22)²) / 22)
    differences = np.repeat([1.0, -1.0, 0.0], [3, 1, 16])
    half = stats.norm.ppf(0.975) * np.sqrt((6 / 22 - (2 / 22) ** 2) / 22)
    assert paired_interval(differences) == pytest.approx((2 / 22 - half, 2 / 22 + half))
    assert paired_interval(-differences) == pytest.approx((-2 / 22 - half, -2 / 22 + half))


@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0])
def test_pairs_that_are_all_alike_leave_room_for_others(value):
    low, high = paired_interval(np.full(20, value))
    assert -1 <= low < high <= 1
    assert high - low > 0.1
    wide = paired_interval(np.full(2000, value))
    assert wide[1] - wide[0] < 0.01


@pytest.mark.parametrize("chances", [(0.03, 0.02, 0.95), (0.2, 0.1, 0.7), (0.0, 0.02, 0.98)])
def test_the_interval_of_paired_shares_holds_the_truth_at_least_as_often_as_it_says(chances):
    draws = rng().choice([1.0, -1.0, 0.0], size=(1000, 180), p=chances)
    assert coverage(paired_interval, draws, chances[0] - chances[1]) >= 0.935


# Means and medians.


def test_the_interval_of_a_mean_is_students():
    values = rng().normal(3, 2, 8)
    oracle = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean_interval(values) == pytest.approx(tuple(oracle))
    assert mean_interval(np.array([1.0, 3.0])) == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-4)
    assert mean_interval(np.full(4, 0.25)) == (0.25, 0.25)


# Bootstrap.


@pytest.mark.slow
def test_the_bootstrap_of_normal_data_holds_the_mean_in_about_95_of_100():
    draws = rng().normal(1.0, 2.0, size=(300, 60, 1))
    assert coverage(lambda rows: bootstrap_interval([rows], of_mean), draws, 1.0) == pytest.approx(
        0.95, abs=0.03
    )


def test_the_bootstrap_of_many_values_is_the_normal_interval():
    values = rng().normal(size=(2000, 1))
    half = 1.96 * values.std() / np.sqrt(2000)
    expected = (values.mean() - half, values.mean() + half)
    assert bootstrap_interval([values], of_mean) == pytest.approx(expected, abs=0.1 * half)


def test_columns_of_a_row_stay_together():
    first = rng().normal(size=200)
    together = np.stack([first, first + 1], axis=1)
    difference = bootstrap_interval([together], lambda values, axis: np.subtract(*values.mean(axis=axis)))
    assert difference == pytest.approx((-1, -1))


def test_samples_are_drawn_apart_from_each_other():
    first = rng().normal(size=(200, 1))
    low, high = bootstrap_interval(
        [first, first + 1], lambda one, other, axis: of_mean(one, axis) - of_mean(other, axis)
    )
    half = 1.96 * first.std() * np.sqrt(2 / 200)
    assert (low, high) == pytest.approx((-1 - half, -1 + half), abs=0.15 * half)


def test_the_same_rows_have_the_same_interval():
    rows = rng().normal(size=(30, 1))
    assert bootstrap_interval([rows], of_mean) == bootstrap_interval([rows.copy()], of_mean)


def test_rows_that_are_all_alike_have_an_interval_of_width_zero():
    assert bootstrap_interval([np.full((20, 1), 0.5)], of_mean) == (0.5, 0.5)


def test_too_few_rows_have_no_interval():
    assert bootstrap_interval([np.ones((1, 1))], of_mean) is None
    assert bootstrap_interval([np.ones((9, 1)), np.ones((1, 1))], lambda a, b, axis: a[0].mean(axis)) is None


def test_a_sample_with_resamples_that_say_nothing_has_no_interval():
    """One row of three holds all there is: resamples without it have no statistic."""

    def of_known(values, axis):
        total = values.sum(axis=axis)[0]
        return np.where(total > 0, 1.0, np.nan)

    assert bootstrap_interval([np.array([[1.0], [0.0], [0.0]])], of_known) is None
    assert bootstrap_interval([np.ones((3, 1))], of_known) == (1, 1)
    assert bootstrap_interval([np.full((3, 1), np.nan)], of_mean) is None
