"""Statistics over members: intervals hold the truth as often as they say; p is uniform where nothing is."""

import numpy as np
import pytest
from scipy import stats

from linesexp.study import statistics
from linesexp.study.crossed import crossed, grids
from linesexp.study.statistics import (
    BOOTSTRAP,
    CROSSED,
    LIMIT,
    expanded_level,
    holm,
    interval,
    sign_p,
    smallest_p,
    summarise,
)

STUDIES = 1000  # simulated at once, as if they were measures of one


def rng(seed=0):
    return np.random.default_rng(seed)


def of_one_data_seed(values, **how):
    return summarise(values, np.arange(len(values)), np.zeros(len(values)), **how)


# Intervals.


@pytest.mark.parametrize(("n", "least"), [(8, 0.915), (40, 0.925)])
def test_95_of_100_intervals_hold_the_mean(n, least, monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 2000)
    low, high = interval(rng().normal(3, 1, (STUDIES, n)))
    assert least <= np.mean((low <= 3) & (high >= 3)) <= 0.98


def test_intervals_of_skewed_values_hold_the_mean_nearly_as_often(monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 2000)
    low, high = interval(rng(1).exponential(size=(STUDIES, 40)))
    assert 0.9 <= np.mean((low <= 1) & (high >= 1)) <= 0.98
    assert np.mean(high < 1) == pytest.approx(np.mean(low > 1), abs=0.05)


def test_without_its_expansion_the_interval_of_eight_would_hold_too_seldom(monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 2000)
    monkeypatch.setattr(statistics, "expanded_level", lambda n: 0.95)
    low, high = interval(rng().normal(3, 1, (STUDIES, 8)))
    assert np.mean((low <= 3) & (high >= 3)) < 0.9


def test_the_expanded_level_is_hesterbergs_and_fades_with_n():
    quantile = stats.t.ppf(0.975, 7) * np.sqrt(8 / 7)
    assert expanded_level(8) == pytest.approx(1 - 2 * stats.norm.sf(quantile))
    assert expanded_level(8) > expanded_level(20) > expanded_level(10_000) > 0.95
    assert expanded_level(10_000) == pytest.approx(0.95, abs=1e-4)


def test_members_that_are_all_alike_have_an_interval_of_one_point():
    found = of_one_data_seed(np.full((8, 1), 0.25))
    assert (found.mean[0], found.low[0], found.high[0]) == (0.25, 0.25, 0.25)


def test_fewer_than_six_members_have_a_mean_and_no_interval():
    found = of_one_data_seed(rng().normal(size=(5, 1)), against=np.zeros(1))
    assert np.isfinite(found.mean[0])
    assert np.isnan([found.low[0], found.high[0], found.p[0]]).all()


def test_members_without_a_measure_do_not_count():
    values = rng().normal(size=(20, 3))
    values[:8, 1] = np.nan
    values[:, 2] = np.nan
    found, known = of_one_data_seed(values), of_one_data_seed(values[8:, 1:2])
    assert found.n.tolist() == [20, 12, 0]
    assert (found.low[1], found.high[1]) == (known.low[0], known.high[0])
    assert np.isnan([found.mean[2], found.low[2]]).all()


def test_of_many_members_the_limit_is_the_bootstraps(monkeypatch):
    values = rng().normal(0.05, 1, (300, 2))
    bootstrap = of_one_data_seed(values, against=np.zeros(2))
    monkeypatch.setattr(statistics, "MANY", 100)
    limit = of_one_data_seed(values, against=np.zeros(2))
    assert (bootstrap.method, limit.method) == (BOOTSTRAP, LIMIT)
    np.testing.assert_allclose(limit.low, bootstrap.low, atol=0.006)
    np.testing.assert_allclose(limit.high, bootstrap.high, atol=0.006)
    np.testing.assert_allclose(limit.p, bootstrap.p, atol=0.02)
    assert smallest_p(300) == 0


# p.


@pytest.mark.parametrize("n", [6, 13, 14, 60])
def test_p_is_that_of_scipys_permutation_test(n):
    values = rng(n).normal(0.2, 1, (4, n))
    values[0], values[1] = 1.0, 0.0
    expected = stats.permutation_test(
        (values,),
        lambda sample, axis: sample.mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        axis=1,
        batch=200,
        rng=rng(),
    ).pvalue
    np.testing.assert_allclose(sign_p(values), expected, atol=1e-12 if n <= 13 else 0.03)
    assert sign_p(values)[0] == pytest.approx(smallest_p(n), abs=6e-4)
    assert sign_p(values)[1] == 1


def test_p_is_uniform_where_there_is_nothing():
    found = sign_p(rng(5).normal(0, 2, (STUDIES, 25)))
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert np.mean(found < 0.05) == pytest.approx(0.05, abs=0.03)


def test_a_planted_effect_is_found():
    values = rng(6).normal((1.5, 0), 1, (30, 2))
    found = of_one_data_seed(values, against=np.zeros(2))
    assert found.p[0] < 0.001 < 0.05 < found.p[1]
    assert found.low[0] > 0


def test_holm_by_hand():
    """Smallest first: 0.01·4, 0.02·3, 0.03·2 (not below the one before), 0.5·1; NaN is no test."""
    found = holm(np.array([0.03, 0.01, np.nan, 0.5, 0.02]))
    np.testing.assert_allclose(found, [0.06, 0.04, np.nan, 0.5, 0.06])
    np.testing.assert_allclose(holm(np.array([0.9, 0.8])), [1, 1])
    assert np.isnan(holm(np.full(3, np.nan))).all()


def test_holm_never_finds_more_than_it_may():
    """Among 10 true nulls the chance of any false find is 5 of 100 at most."""
    p = rng(7).random((2000, 10))
    assert np.mean([np.any(holm(row) < 0.05) for row in p]) == pytest.approx(0.05, abs=0.015)


# Several data seeds.


def effects(data, seed, rest, shape=(5, 16), seed_of=8):
    """Values (data seeds, seeds, STUDIES) with these standard deviations."""
    draw = rng(seed_of)
    return (
        data * draw.normal(size=(shape[0], 1, STUDIES))
        + seed * draw.normal(size=(1, shape[1], STUDIES))
        + rest * draw.normal(size=(*shape, STUDIES))
    )


@pytest.mark.slow
@pytest.mark.parametrize(("data", "seed", "rest"), [(1, 1, 1), (0, 1, 1), (2, 0.5, 0.3), (0, 0, 1)])
def test_variances_and_intervals_are_those_that_were_put_in(data, seed, rest):
    found = crossed(effects(data, seed, rest))
    assert found.data.mean() == pytest.approx(data**2, rel=0.15, abs=0.05)
    assert found.seed.mean() == pytest.approx(seed**2, rel=0.15, abs=0.05)
    assert found.rest.mean() == pytest.approx(rest**2, rel=0.1)
    covered = np.mean((found.low <= 0) & (found.high >= 0))
    assert covered >= 0.92
    assert np.mean(found.p < 0.05) == pytest.approx(1 - covered, abs=1e-9)


@pytest.mark.slow
def test_that_pictures_make_no_difference_has_a_uniform_p():
    found = crossed(effects(0, 1, 1))
    assert stats.kstest(found.p_data, "uniform").pvalue > 0.01
    assert np.mean(crossed(effects(1, 0, 1)).p_data < 0.05) > 0.8
    assert stats.kstest(crossed(effects(1, 0, 1)).p_seed, "uniform").pvalue > 0.01


def test_to_take_such_members_as_independent_would_say_too_much():
    values = effects(1, 0, 1)
    flat = values.reshape(-1, STUDIES)
    half = stats.sem(flat) * stats.t.ppf(0.975, len(flat) - 1)
    assert np.mean(np.abs(flat.mean(axis=0)) < half) < 0.6


def test_members_are_crossed_where_there_are_several_data_seeds():
    grid = effects(1, 1, 1)[..., :2]
    seeds, data_seeds = np.tile(np.arange(16), 5), np.repeat(np.arange(5), 16)
    order = rng().permutation(80)
    found = summarise(grid.reshape(80, 2)[order], seeds[order], data_seeds[order], against=np.array([0.0, 9.0]))
    expected = crossed(grid)
    np.testing.assert_allclose(found.mean, expected.mean)
    np.testing.assert_allclose(found.low, expected.low)
    assert found.method == CROSSED
    assert found.p[0] == pytest.approx(expected.p[0])
    assert found.p[1] < 1e-4


def test_a_seed_that_lacks_a_data_seed_is_left_out():
    grid = effects(1, 1, 1)[..., :1]
    seeds, data_seeds = np.tile(np.arange(16), 5), np.repeat(np.arange(5), 16)
    kept = ~((seeds == 3) & (data_seeds == 1))
    found = summarise(grid.reshape(80, 1)[kept], seeds[kept], data_seeds[kept])
    assert found.n[0] == 75
    assert found.mean[0] == pytest.approx(np.delete(grid, 3, axis=1).mean())


def test_a_grid_puts_members_in_their_places():
    found = grids(np.array([[1.0], [2.0], [3.0]]), np.array([7, 9, 7]), np.array([0, 0, 4]))
    np.testing.assert_array_equal(found[..., 0], [[1, 2], [3, np.nan]])


@pytest.mark.parametrize("shape", [(2, 0), (1, 5), (2, 1)])
def test_too_small_a_grid_has_no_interval(shape):
    found = crossed(np.ones((*shape, 1)))
    assert np.isnan(found.low[0])
    assert np.isnan(found.data[0])


def test_members_that_are_all_alike_under_all_data_seeds():
    """Their p is that of as many seeds on one side of the reference, and no smaller."""
    found = crossed(np.full((2, 8, 1), 0.5))
    assert (found.low[0], found.high[0], found.p[0], found.rest[0]) == (0.5, 0.5, 2**-7, 0)


def test_few_seeds_have_no_interval_however_many_data_seeds():
    found = crossed(np.full((9, 5, 1), 0.5))
    assert np.isnan([found.low[0], found.p[0]]).all()


@pytest.mark.slow
@pytest.mark.parametrize("data", [0.1, 0.15, 0.2, 0.3, 1.0])
def test_two_data_seeds_do_not_say_more_than_they_know(data):
    """With the degrees of freedom that the values themselves suggest, 86 of 100 intervals held the truth."""
    found = crossed(effects(data, 0, 1, (2, 100)))
    assert np.mean((found.low <= 0) & (found.high >= 0)) >= 0.93
    assert np.mean(found.p < 0.003) <= 0.006


def test_pictures_that_cannot_matter_are_not_found_to_matter():
    """A network that is frozen has the same kernels under all pictures, but for rounding."""
    frozen = np.tile(rng().normal(size=(1, 8, 1)), (2, 1, 1))
    rounded = frozen + rng(1).normal(size=frozen.shape) * 1e-16
    for grid in (frozen, rounded):
        found = crossed(grid)
        assert (found.p_data[0], found.p_seed[0], found.data[0]) == (1, 0, 0)
