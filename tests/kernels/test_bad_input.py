"""Kernels that are no kernels: weights that are no numbers, all alike, of other sizes. No warning, no win."""

import numpy as np
import pytest

from linesexp.kernels.health import nan_where_broken, non_finite
from linesexp.kernels.match import best_match, direction_cosines, operator_bank, order_cosines, p_values
from linesexp.kernels.nulls import null_of, q_values
from linesexp.kernels.operators import prewitt
from linesexp.kernels.shape import change_from_start, shares
from linesexp.kernels.tuning import tune

BANK = operator_bank(7)
BAD = [np.nan, np.inf, -np.inf]


def with_one(bad, count=1, dtype=np.float64):
    """Two sound kernels about one of which the first `count` weights are bad."""
    kernels = np.stack([prewitt(7), prewitt(7), prewitt(7, "horizontal")]).astype(dtype)
    kernels[1].ravel()[:count] = bad
    return kernels


def assert_middle_is_nan(values):
    assert np.isnan(values).tolist() == [False, True, False]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("count", [1, 2, 49])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_that_are_no_numbers_make_nan_of_their_kernel_only(bad, count, dtype):
    kernels = with_one(bad, count, dtype)
    cosine = best_match(kernels, BANK).cosine
    assert_middle_is_nan(cosine)
    assert cosine[[0, 2]] == pytest.approx(1, abs=1e-5)
    measured = [*direction_cosines(kernels, BANK).values(), *order_cosines(kernels, BANK).values()]
    measured += [*vars(shares(kernels)).values(), *change_from_start(kernels, with_one(1.0))]
    measured += change_from_start(with_one(1.0), kernels)
    for values in measured:
        assert_middle_is_nan(values)


def test_infinities_of_both_signs_make_nan():
    kernels = with_one(np.inf)
    kernels[1, 3, 3] = -np.inf
    assert_middle_is_nan(best_match(kernels, BANK).cosine)
    assert_middle_is_nan(shares(kernels).odd)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("activation", ["relu", "tanh", "elu"])
@pytest.mark.parametrize("dark_lines", [False, True])
def test_weights_and_biases_that_are_no_numbers_have_no_tuning(bad, activation, dark_lines):
    sound = tune(with_one(1.0), np.zeros(3), activation, dark_lines=dark_lines)
    bias = np.array([0.0, bad, 0.0])
    for kernels, biases in ((with_one(bad), np.zeros(3)), (with_one(1.0), bias)):
        found = tune(kernels, biases, activation, dark_lines=dark_lines)
        for name, values in vars(found).items():
            assert np.isnan(values[1]).all()
            np.testing.assert_allclose(values[[0, 2]], getattr(sound, name)[[0, 2]])


def test_what_is_broken_neither_enters_a_null_nor_wins_against_one():
    null = null_of(with_one(np.nan), BANK).any
    assert len(null) == 2
    p = p_values(best_match(with_one(np.inf), BANK).cosine, null)
    assert_middle_is_nan(p)
    assert_middle_is_nan(q_values(p))


def test_the_kernels_given_are_left_as_they_are():
    kernels = with_one(np.nan)
    nan_where_broken(kernels)
    best_match(kernels, BANK)
    tune(kernels, np.zeros(3), "relu")
    np.testing.assert_array_equal(kernels, with_one(np.nan))


@pytest.mark.parametrize("value", [0.0, 1.0, -3.7])
def test_constant_kernels_match_nothing_and_are_all_dc(value):
    kernels = np.full((2, 7, 7), value)
    assert np.isnan(best_match(kernels, BANK).cosine).all()
    energy = shares(kernels)
    np.testing.assert_allclose(energy.dc, 1 if value else np.nan)
    np.testing.assert_allclose(energy.odd, 0 if value else np.nan, atol=1e-12)
    assert np.isnan(energy.axis_vertical).all()


def test_a_kernel_of_zeros_answers_to_no_probe():
    found = tune(np.zeros((1, 7, 7)), np.zeros(1), "relu")
    assert not found.bars.any()
    assert not found.edges.any()
    assert np.isnan([found.preferred_angle_deg, found.preferred_edge_deg, found.direction_index]).all()


@pytest.mark.parametrize("size", [1, 2, 4])
def test_kernels_of_sizes_without_operators_have_shares_and_tuning(size):
    kernels = np.random.default_rng(0).normal(size=(3, size, size))
    energy = shares(kernels)
    np.testing.assert_allclose(energy.dc + energy.odd + energy.even, 1)
    assert np.isfinite(tune(np.abs(kernels), np.zeros(3), "relu").bars).all()


@pytest.mark.parametrize("shape", [(2, 1, 1), (2, 6, 6), (2, 9, 9), (2, 3, 7, 7), (7, 7)])
@pytest.mark.parametrize("match", [best_match, direction_cosines, order_cosines])
def test_kernels_of_another_size_than_the_banks_are_refused(match, shape):
    with pytest.raises(ValueError, match=r"must be \(count, 7, 7\), got \(" + str(shape[0])):
        match(np.ones(shape), BANK)


def test_no_kernels_have_no_matches():
    assert best_match(np.empty((0, 7, 7)), BANK).cosine.shape == (0,)
    assert shares(np.empty((0, 7, 7))).odd.shape == (0,)


# Which they are.


def test_units_are_named_with_the_first_step_at_which_they_were_broken():
    steps = np.array([0.0, 0.5, 1.0])
    history = {
        "conv1/kernel": np.zeros((3, 7, 7, 1, 4), np.float32),
        "conv1/bias": np.zeros((3, 4), np.float32),
        "dense/kernel": np.zeros((3, 10, 2), np.float32),
    }
    assert non_finite(history, steps) == []
    history["conv1/kernel"][1:, 2, 3, 0, 1] = np.nan
    history["conv1/kernel"][2, 0, 0, 0, 3] = -np.inf
    history["conv1/bias"][0, 2] = np.inf
    history["dense/kernel"][2, 9, 0] = np.nan
    assert non_finite(history, steps) == [
        ("conv1/kernel", 1, 0.5),
        ("conv1/kernel", 3, 1.0),
        ("conv1/bias", 2, 0.0),
        ("dense/kernel", 0, 1.0),
    ]
