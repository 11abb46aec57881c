"""Shares of energy and distance from the start: closed forms, chance, and what they ignore."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from linesexp.kernels.operators import DIRECTIONS, get_operator, prewitt
from linesexp.kernels.shape import change_from_start, shares, side_contrast

# Whole numbers: some kernel may be constant or zero, none differs from constant by rounding alone.
kernels = npst.arrays(
    np.float64, st.sampled_from([(3, 3, 3), (2, 5, 5), (2, 7, 7)]), elements=st.integers(-20, 20).map(float)
)


def random_kernels(count, size=7, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, size, size))


def as_rows(found):
    return np.stack([found.dc, found.odd, found.even, found.axis_vertical, found.axis_horizontal], axis=1)


@settings(max_examples=60, deadline=None)
@given(kernels=kernels)
def test_dc_odd_and_even_sum_to_one(kernels):
    found = shares(kernels)
    something = np.any(kernels, axis=(1, 2))
    total = found.dc + found.odd + found.even
    np.testing.assert_allclose(total[something], 1)
    assert np.isnan(total[~something]).all()


@settings(max_examples=60, deadline=None)
@given(kernels=kernels)
def test_the_axis_shares_are_parts_of_one_whole(kernels):
    found = shares(kernels)
    varied = np.ptp(kernels, axis=(1, 2)) > 0
    both = (found.axis_vertical + found.axis_horizontal)[varied]
    assert np.all((found.axis_vertical[varied] >= 0) & (found.axis_horizontal[varied] >= 0))
    assert np.all(both <= 1 + 1e-9)
    assert np.isnan(found.axis_vertical[~varied]).all()


@settings(max_examples=30, deadline=None)
@given(kernels=kernels, gain=st.sampled_from([-3.0, 0.01, 1e4]))
def test_shares_ignore_gain_and_polarity(kernels, gain):
    np.testing.assert_allclose(as_rows(shares(gain * kernels)), as_rows(shares(kernels)), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(kernels=kernels)
def test_transposing_swaps_the_axis_shares_and_nothing_else(kernels):
    upright, lying = shares(kernels), shares(kernels.transpose(0, 2, 1))
    np.testing.assert_allclose(lying.axis_vertical, upright.axis_horizontal)
    np.testing.assert_allclose(lying.axis_horizontal, upright.axis_vertical)
    np.testing.assert_allclose(as_rows(lying)[:, :3], as_rows(upright)[:, :3], atol=1e-12)


def test_prewitt_is_all_edge_and_all_vertical():
    assert as_rows(shares(prewitt(7)[None])).tolist() == [pytest.approx([0, 1, 0, 1, 0])]
    assert as_rows(shares(prewitt(7, "horizontal")[None])).tolist() == [pytest.approx([0, 1, 0, 0, 1])]


def test_a_line_is_all_even():
    found = shares(get_operator("line", 7).kernel[None])
    assert (found.odd[0], found.even[0], found.axis_vertical[0]) == pytest.approx((0, 1, 1))


def test_a_brighter_prewitt_has_a_dc_share_and_the_same_axis():
    # Energy of 7×7 Prewitt is 42; adding 1 everywhere adds 49.
    found = shares(prewitt(7)[None] + 1)
    assert (found.dc[0], found.odd[0], found.axis_vertical[0]) == pytest.approx((49 / 91, 42 / 91, 1))


@pytest.mark.parametrize("value", [1.0, 0.1, -3e-4])
def test_a_constant_kernel_is_all_dc_and_has_no_axis(value):
    found = as_rows(shares(np.full((1, 7, 7), value)))[0]
    assert found[:3] == pytest.approx([1, 0, 0])
    assert np.isnan(found[3:]).all()


def test_a_kernel_of_zeros_has_no_shares():
    assert np.isnan(as_rows(shares(np.zeros((1, 3, 3))))).all()


def test_chance_shares_are_those_of_the_design():
    found = shares(random_kernels(20_000))
    assert found.dc.mean() == pytest.approx(1 / 49, rel=0.05)
    assert found.odd.mean() == pytest.approx(24 / 49, rel=0.01)
    assert found.even.mean() == pytest.approx(24 / 49, rel=0.01)
    larger = np.maximum(found.axis_vertical, found.axis_horizontal)
    assert np.median(larger) == pytest.approx(0.156, abs=0.003)
    assert np.quantile(larger, 0.99) == pytest.approx(0.348, abs=0.012)


def test_shares_of_float32_are_those_of_float64():
    kernels = random_kernels(5)
    np.testing.assert_allclose(as_rows(shares(kernels.astype(np.float32))), as_rows(shares(kernels)), rtol=1e-5)


def test_a_kernel_that_did_not_move_has_changed_by_nothing():
    relative, cosine = change_from_start(random_kernels(4), random_kernels(4))
    np.testing.assert_allclose(relative, 0)
    np.testing.assert_allclose(cosine, 1)


def test_change_is_relative_to_the_start_and_cosine_is_not():
    start = np.zeros((3, 3, 3))
    start[:, 0, 0] = 2.0
    kernels = start.copy()
    kernels[0] *= 3  # longer
    kernels[1] *= -1  # turned round
    kernels[2, 0, 0], kernels[2, 1, 1] = 0.0, 2.0  # turned by 90°
    relative, cosine = change_from_start(kernels, start)
    assert relative.tolist() == pytest.approx([2, 2, np.sqrt(2)])
    assert cosine.tolist() == pytest.approx([1, -1, 0])


def test_a_start_of_zeros_has_no_finite_change():
    relative, cosine = change_from_start(random_kernels(1), np.zeros((1, 7, 7)))
    assert not np.isfinite(relative[0])
    assert np.isnan(cosine[0])


# The sides.


@pytest.mark.parametrize("size", [3, 5, 7, 11])
@pytest.mark.parametrize("detects", DIRECTIONS)
@pytest.mark.parametrize("gain", [1.0, -0.01])
def test_the_sides_of_a_prewitt_operator_differ_by_the_closed_form(size, detects, gain):
    found = side_contrast(gain * prewitt(size, detects)[None])
    assert found[0] == pytest.approx(2 * np.sqrt(size / (size - 1)))


@pytest.mark.parametrize("size", [2, 4, 6])
def test_an_even_step_edge_has_no_middle(size):
    step = np.repeat(np.sign(np.arange(size) - (size - 1) / 2)[None], size, axis=0)  # −1 and +1, spread 1
    assert side_contrast(step[None])[0] == pytest.approx(2)


def test_the_middle_belongs_to_neither_side():
    middle = np.zeros((1, 5, 5))
    middle[0, 2] = middle[0, :, 2] = 1.0
    assert side_contrast(middle)[0] == pytest.approx(0, abs=1e-12)


def test_a_line_in_the_middle_has_equal_sides():
    assert side_contrast(get_operator("line", 7).kernel[None])[0] == pytest.approx(0, abs=1e-12)


def test_the_sides_of_a_kernel_by_hand():
    # Columns have means 0, 1, 5: right less left is 5. Rows 1, 2, 3: below less above is 2.
    kernel = np.array([[0.0, 0, 3], [0, 1, 5], [0, 2, 7]])
    assert side_contrast(kernel[None])[0] == pytest.approx(5 / kernel.std())


@settings(max_examples=40, deadline=None)
@given(kernels=kernels, gain=st.sampled_from([-1.0, 0.01, 1e4]), turns=st.integers(0, 3), mirror=st.booleans())
def test_gain_polarity_offset_and_turns_do_not_change_the_difference_of_sides(kernels, gain, turns, mirror):
    turned = np.rot90(gain * kernels, turns, axes=(1, 2))
    turned = turned[:, :, ::-1] if mirror else turned
    np.testing.assert_allclose(side_contrast(turned), side_contrast(kernels), atol=1e-9)
    varied = np.ptp(kernels, axis=(1, 2)) > 0
    np.testing.assert_allclose(side_contrast(kernels + 3)[varied], side_contrast(kernels)[varied], atol=1e-9)
    assert np.isnan(side_contrast(kernels)).tolist() == (~varied).tolist()


@pytest.mark.parametrize(
    "kernel", [np.zeros((5, 5)), np.full((4, 4), 0.1), np.ones((1, 1)), np.full((3, 3), np.nan)]
)
def test_constant_and_broken_kernels_have_no_sides(kernel):
    assert np.isnan(side_contrast(np.stack([kernel, kernel]))).all()
