"""Matching: what wins and by how much, what matching ignores, and p-values that are fair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import stats

from linesexp.errors import ConfigError
from linesexp.kernels.match import (
    BANK_OPERATORS,
    MOST_NUMBERS,
    SCORES_AT_ONCE,
    best_match,
    direction_cosines,
    initializer_kernels,
    operator_bank,
    p_values,
)
from linesexp.kernels.nulls import initializer_null
from linesexp.kernels.operators import get_operator, prewitt, sobel

BANK = operator_bank(7)
CONSTANT = np.ones((1, 7, 7))
kernels = npst.arrays(np.float64, (3, 7, 7), elements=st.integers(-9, 9).map(float)).filter(
    lambda stack: np.all(np.ptp(stack, axis=(1, 2)) > 0)
)


def random_kernels(count, seed=0, size=7):
    return np.random.default_rng(seed).uniform(-1, 1, (count, size, size))


def padded(operator, row, column, size=7):
    square = np.zeros((size, size))
    square[row : row + len(operator), column : column + len(operator)] = operator
    return square


def cosine(a, b):
    a, b = (part.ravel() - part.mean() for part in (a, b))
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


@settings(max_examples=30, deadline=None)
@given(kernels=kernels)
def test_the_best_match_is_the_largest_cosine_of_all(kernels):
    match = best_match(kernels, BANK)
    for kernel, entry, found in zip(kernels, match.entry, match.cosine, strict=True):
        all_cosines = [cosine(kernel, padded(op.kernel, row, column)) for op, row, column in BANK.placed]
        assert abs(found) == pytest.approx(np.max(np.abs(all_cosines)), abs=1e-5)
        assert found == pytest.approx(all_cosines[entry], abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(kernels=kernels, gain=st.sampled_from([1e-4, 3.0, 1e5]), level=st.sampled_from([-50.0, 0.0, 7.0]))
def test_similarity_ignores_gain_and_level(kernels, gain, level):
    before, after = best_match(kernels, BANK), best_match(gain * (kernels + level), BANK)
    np.testing.assert_allclose(after.cosine, before.cosine, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(kernels=kernels)
def test_turning_a_kernel_negative_turns_the_cosine_only(kernels):
    before, after = best_match(kernels, BANK), best_match(-kernels, BANK)
    assert np.array_equal(after.entry, before.entry)
    np.testing.assert_allclose(after.cosine, -before.cosine)


@pytest.mark.parametrize("index", range(0, len(BANK.placed), 7))
def test_every_operator_at_every_place_finds_itself(index):
    operator, row, column = BANK.placed[index]
    match = best_match(padded(operator.kernel, row, column)[None], BANK)
    assert match.cosine[0] == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(BANK.rows[match.entry[0]], BANK.rows[index], atol=1e-6)


def test_the_bank_holds_every_operator_size_direction_and_place():
    places = 25 + 9 + 1  # of 3×3, 5×5 and 7×7 in 7×7
    per_operator = dict.fromkeys(BANK_OPERATORS, 2 * places) | {"laplacian": places}
    names = [operator.name for operator, _, _ in BANK.placed]
    assert {name: names.count(name) for name in BANK_OPERATORS} == per_operator
    assert BANK.rows.shape == (sum(per_operator.values()), 49)
    np.testing.assert_allclose(np.linalg.norm(BANK.rows, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(BANK.rows.sum(axis=1), 0, atol=1e-5)


def test_a_bank_is_of_its_size():
    small = operator_bank(3)
    assert small.size == 3
    assert small.rows.shape == (9, 9)


@pytest.mark.parametrize("size", [1, 2])
def test_no_bank_for_kernels_into_which_no_operator_fits(size):
    with pytest.raises(ConfigError, match=f"at least 3 to compare it with operators, got {size}"):
        operator_bank(size)


def test_an_operator_is_found_in_kernels_of_an_even_side():
    bank = operator_bank(4)
    assert {operator.size for operator, _, _ in bank.placed} == {3}
    found = best_match(padded(prewitt(3), 0, 1, size=4)[None], bank)
    operator, row, column = bank.placed[found.entry[0]]
    assert (operator.name, row, column) == ("prewitt", 0, 1)
    assert found.cosine[0] == pytest.approx(1, abs=1e-6)
    assert {operator.size for operator, _, _ in operator_bank(256).placed} >= {3, 255}


def test_a_seven_by_seven_prewitt_resembles_a_padded_three_by_three_by_0_378_only():
    seven, three = prewitt(7), prewitt(3)
    best = max(cosine(seven, padded(three, row, column)) for row in range(5) for column in range(5))
    assert best == pytest.approx(0.378, abs=0.0005)
    match = best_match(seven[None], BANK)
    assert match.cosine[0] == pytest.approx(1)
    assert BANK.placed[match.entry[0]][0].size == 7


def test_chance_for_three_by_three_prewitts_at_all_places_has_median_0_337():
    rows = [
        row
        for row, (operator, _, _) in zip(BANK.rows, BANK.placed, strict=True)
        if operator.name == "prewitt" and operator.size == 3
    ]
    flat = random_kernels(5000).reshape(5000, 49)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert np.median(np.max(np.abs(flat @ np.array(rows).T), axis=1)) == pytest.approx(0.337, abs=0.006)


def test_orders_restrict_the_match_to_edges_or_lines():
    kernels = random_kernels(50)
    orders = BANK.orders()
    edges, lines = best_match(kernels, BANK, orders=(1,)), best_match(kernels, BANK, orders=(2,))
    assert set(orders[edges.entry]) == {1}
    assert set(orders[lines.entry]) == {2}
    best = np.abs(best_match(kernels, BANK).cosine)
    np.testing.assert_allclose(np.maximum(np.abs(edges.cosine), np.abs(lines.cosine)), best, rtol=1e-6)


def test_many_kernels_match_as_each_alone():
    block = SCORES_AT_ONCE // len(BANK.rows)
    kernels = random_kernels(block + 3)
    match = best_match(kernels, BANK)
    for index in (0, block - 1, block, block + 2):
        alone = best_match(kernels[index : index + 1], BANK)
        assert alone.entry[0] == match.entry[index]
        assert alone.cosine[0] == pytest.approx(match.cosine[index], abs=1e-5)


def test_directions_are_told_apart():
    upright, lying = sobel(7), sobel(7, "horizontal")
    found = direction_cosines(np.stack([upright, lying, -upright]), BANK)
    assert found["vertical"][[0, 2]] == pytest.approx(1, abs=1e-5)
    assert found["horizontal"][1] == pytest.approx(1, abs=1e-5)
    assert found["horizontal"][0] == pytest.approx(found["vertical"][1], abs=1e-5)
    assert found["horizontal"][0] < 0.5


def test_the_best_of_a_direction_is_never_better_than_the_best_of_all():
    kernels = random_kernels(100)
    best = np.abs(best_match(kernels, BANK).cosine)
    for cosines in direction_cosines(kernels, BANK).values():
        assert np.all(cosines <= best + 1e-5)


def test_a_laplacian_has_no_direction():
    found = direction_cosines(get_operator("laplacian", 7).kernel[None], BANK)
    assert found["vertical"][0] == pytest.approx(found["horizontal"][0], abs=1e-5)
    assert found["vertical"][0] < 0.9


@pytest.mark.parametrize("kernel", [CONSTANT, 0 * CONSTANT, 0.1 * CONSTANT.astype(np.float32)])
def test_a_constant_kernel_matches_nothing(kernel):
    both = np.concatenate([kernel, prewitt(7)[None]])
    assert np.isnan(best_match(both, BANK).cosine).tolist() == [True, False]
    for cosines in direction_cosines(both, BANK).values():
        assert np.isnan(cosines).tolist() == [True, False]


# Chance.


@pytest.mark.parametrize(
    ("initializer", "distribution"),
    [
        ("glorot_uniform", stats.uniform(-1, 2)),
        ("he_uniform", stats.uniform(-1, 2)),
        ("glorot_normal", stats.truncnorm(-2, 2)),
        ("lecun_normal", stats.truncnorm(-2, 2)),
    ],
)
def test_initialisers_draw_from_their_distribution(initializer, distribution):
    kernels = initializer_kernels(initializer, 5, 400, np.random.default_rng(0))
    assert kernels.shape == (400, 5, 5)
    assert stats.kstest(kernels.ravel(), distribution.cdf).pvalue > 0.01


def test_an_unknown_initialiser_is_refused():
    with pytest.raises(ValueError, match="'zeros'"):
        initializer_kernels("zeros", 7, 1, np.random.default_rng(0))


def test_initial_kernels_come_from_the_given_generator():
    draw = [initializer_kernels("glorot_uniform", 7, 2, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert np.array_equal(draw[0], draw[1])
    assert not np.array_equal(draw[0], draw[2])


def test_p_counts_the_null_values_that_reach_the_cosine():
    null = np.array([0.1, 0.2, 0.2, 0.4])
    found = p_values(np.array([0.5, 0.4, -0.2, 0.15, 0.0]), null)
    assert found.tolist() == pytest.approx([1 / 5, 2 / 5, 4 / 5, 4 / 5, 1])


def test_p_of_no_match_is_no_number():
    assert np.isnan(p_values(np.array([np.nan]), np.array([0.1, 0.2]))).all()


def test_p_is_uniform_under_the_null():
    rng = np.random.default_rng(0)
    null = np.sort(np.abs(best_match(initializer_kernels("glorot_uniform", 7, 2000, rng), BANK).cosine))
    fresh = best_match(initializer_kernels("glorot_uniform", 7, 1000, rng), BANK).cosine
    p = p_values(fresh, null)
    assert 0 < p.min() <= p.max() <= 1
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_a_prewitt_kernel_is_beyond_chance():
    null = np.sort(np.abs(best_match(random_kernels(999), BANK).cosine))
    assert p_values(best_match(prewitt(7)[None], BANK).cosine, null) == pytest.approx(1 / 1000)


# Kernels that the bank does not hold whole.


@pytest.mark.parametrize("size", [3, 7, 19])
def test_the_bank_holds_all_sizes_and_places_of_kernels_up_to_nineteen(size):
    bank = operator_bank(size)
    assert bank.whole
    assert len(bank.rows) == 9 * sum((size - inner + 1) ** 2 for inner in range(3, size + 1, 2))


@pytest.mark.parametrize("size", [21, 45, 101, 301])
def test_the_bank_of_larger_kernels_is_thinned_out_and_spans_them(size):
    bank = operator_bank(size)
    assert not bank.whole
    assert bank.rows.size <= MOST_NUMBERS or len(bank.rows) == 9 * 8
    assert np.isfinite(bank.rows).all()
    sizes = {operator.size for operator, _, _ in bank.placed}
    assert {3, min(size, 255)} <= sizes
    for operator, row, column in bank.placed:
        assert 0 <= row <= size - operator.size
        assert 0 <= column <= size - operator.size


@pytest.mark.slow
def test_a_large_prewitt_is_found_in_a_thinned_bank_and_chance_stays_chance():
    bank = operator_bank(21)
    match = best_match(np.stack([prewitt(21), -prewitt(21, "horizontal")]), bank)
    assert [bank.placed[entry][0].size for entry in match.entry] == [21, 21]
    np.testing.assert_allclose(match.cosine, [1, -1], atol=1e-6)
    null = initializer_null("glorot_uniform", 21).any
    p = p_values(best_match(random_kernels(500, size=21), bank).cosine, null)
    assert 0.02 < np.mean(p < 0.05) < 0.09
