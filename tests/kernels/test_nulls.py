import numpy as np
import pytest
from scipy import stats

from linesexp.kernels.match import (
    best_match,
    edge_rather_than_line,
    initializer_kernels,
    operator_bank,
    order_cosines,
    p_values,
    unit_rows,
)
from linesexp.kernels.nulls import (
    Untrained,
    covariance_null,
    initializer_null,
    kernels_as_smooth,
    largest_of,
    null_of,
    q_values,
    shuffled_weights_null,
    smoothed,
    symmetric_covariance,
)
from linesexp.kernels.operators import line, prewitt

BANK = operator_bank(7)
UNIFORM = Untrained("glorot_uniform")


def rng(seed=0):
    return np.random.default_rng(seed)


def smooth_kernels(seed=0, count=8):
    rough = rng(seed).normal(size=(count, 9, 9))
    return sum(rough[:, i : i + 7, j : j + 7] for i in range(3) for j in range(3)).astype(np.float32)


def assert_uniform(p):
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert 0.04 < np.mean(p < 0.05) < 0.06


@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_normal"])
def test_untrained_kernels_have_uniform_p_values_under_the_initialisers_null(initializer):
    kernels = initializer_kernels(initializer, 7, 5000, rng(5))
    null = initializer_null(initializer, 7)
    assert_uniform(p_values(best_match(kernels, BANK).cosine, null.any))


@pytest.mark.parametrize("channels", [1, 3])
def test_kernels_averaged_over_colour_channels_have_a_null_of_their_own(channels):
    """Under that of one channel 9 % of averages of three have p < 0.05."""
    drawn = initializer_kernels("glorot_uniform", 7, 5000 * channels, rng(5))
    kernels = drawn.reshape(5000, channels, 7, 7).mean(axis=1)
    null = initializer_null("glorot_uniform", 7, channels)
    assert_uniform(p_values(order_cosines(kernels, BANK)[1], null.edge))


def test_kernels_of_the_covariance_null_have_uniform_p_values_under_it():
    trained = smooth_kernels()
    kernels = kernels_as_smooth(trained, 5000, rng(4), UNIFORM)
    null = covariance_null(trained, BANK, rng(2), UNIFORM)
    cosine = best_match(kernels, BANK).cosine
    assert stats.ks_2samp(np.abs(cosine), null.any).pvalue > 0.01  # the null is drawn as they are
    assert 0.04 < np.mean(p_values(cosine, null.any) < 0.05) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_normal"])
def test_kernels_that_learned_nothing_have_uniform_p_values_under_the_covariance_null(initializer):
    """Against Gaussian kernels as smooth, 1 % of uniform ones had p < 0.05."""
    kernels = initializer_kernels(initializer, 7, 5000, rng(5))
    null = covariance_null(kernels, BANK, rng(2), Untrained(initializer))
    assert_uniform(p_values(best_match(kernels, BANK).cosine, null.any))


def test_shuffled_kernels_have_uniform_p_values_under_the_null_of_shuffled_weights():
    start = initializer_kernels("glorot_uniform", 7, 8, rng(7))
    drawn = rng(4).permuted(start[rng(3).integers(8, size=5000)].reshape(5000, 49), axis=1)
    null = shuffled_weights_null(start, BANK, rng(2))
    assert_uniform(p_values(best_match(drawn.reshape(5000, 7, 7), BANK).cosine, null.any))


def test_smooth_kernels_look_like_operators_unless_compared_with_smooth_kernels():
    """The choice of null decides the answer."""
    cosine = best_match(smooth_kernels(seed=3, count=400), BANK).cosine
    luck = initializer_null("glorot_uniform", 7).any
    smoothness = covariance_null(smooth_kernels(count=400), BANK, rng(2), UNIFORM).any
    assert np.mean(p_values(cosine, luck) < 0.05) > 0.5
    assert np.mean(p_values(cosine, smoothness) < 0.05) < 0.1


def test_the_covariance_has_the_symmetries_of_the_square():
    covariance = symmetric_covariance(smooth_kernels())
    places = np.arange(49).reshape(7, 7)
    for turned in (np.rot90(places), places[::-1], places.T):
        order = turned.ravel()
        np.testing.assert_allclose(covariance[np.ix_(order, order)], covariance, rtol=1e-4, atol=1e-6)


def test_drawn_kernels_have_the_covariance_asked_for():
    covariance = symmetric_covariance(smooth_kernels())
    drawn = smoothed(covariance, UNIFORM.kernels(7, 20_000, rng(1))).reshape(20_000, -1)
    np.testing.assert_allclose(drawn.T @ drawn / len(drawn), covariance, atol=0.05 * covariance.max())


def test_kernels_of_zeros_have_no_covariance_null():
    assert covariance_null(np.zeros((8, 7, 7)), BANK, rng(), UNIFORM) is None


def test_the_shuffled_null_keeps_the_weights_and_loses_their_order():
    prewitt_like = np.tile(np.sign(np.arange(7) - 3.0), (1, 7, 1))
    null = shuffled_weights_null(prewitt_like, BANK, rng())
    cosine = best_match(prewitt_like, BANK).cosine
    assert p_values(cosine, null.any)[0] == 1 / (len(null.any) + 1)


def test_constant_kernels_are_left_out_of_a_null():
    kernels = np.concatenate([np.ones((3, 7, 7)), smooth_kernels()])
    assert len(null_of(kernels, BANK).any) == 8


def test_a_direction_alone_never_matches_better_than_any():
    null = null_of(smooth_kernels(), BANK)
    assert null.by_direction["vertical"].max() <= null.any.max() + 1e-6  # cosines are sums of float32


def test_q_values_are_benjamini_hochbergs_and_skip_what_is_unknown():
    q = q_values(np.array([0.01, np.nan, 0.04, 0.03]))
    np.testing.assert_allclose(q[[0, 2, 3]], [0.03, 0.04, 0.04])
    assert np.isnan(q[1])
    assert np.isnan(q_values(np.array([np.nan]))).all()


def test_the_largest_of_several_is_as_often_below_as_all_of_them_are():
    values = rng(0).permutation(1000) / 1000
    largest = values[largest_of(values, 8, rng(1))]
    for point in (0.5, 0.8, 0.95):
        assert np.mean(largest < point) == pytest.approx(point**8, abs=0.02)


def test_the_largest_of_one_is_any_of_them():
    found = largest_of(np.array([3.0, 1.0, 2.0]), 1, rng())
    np.testing.assert_allclose(np.bincount(found) / len(found), 1 / 3, atol=0.02)


def test_what_is_unknown_is_never_the_largest():
    found = largest_of(np.array([np.nan, 1.0, np.nan, 2.0]), 3, rng())
    assert set(found.tolist()) == {1, 3}
    assert np.mean(found == 3) == pytest.approx(7 / 8, abs=0.02)


def test_edges_rather_than_lines_are_as_rare_among_chance_as_their_p_says():
    kernels = initializer_kernels("glorot_uniform", 7, 5000, rng(5))
    null = initializer_null("glorot_uniform", 7)
    p = p_values(edge_rather_than_line(order_cosines(kernels, BANK)), null.edge_rather)
    for level in (0.01, 0.05, 0.3):
        assert np.mean(p <= level) == pytest.approx(level, rel=0.2)


def test_a_perfect_line_is_no_edge_though_its_flank_is_like_one():
    kernels = np.stack([line(7), line(7, "horizontal"), prewitt(7)])
    cosines = order_cosines(kernels, BANK)
    assert cosines[1][0] > 0.5
    assert edge_rather_than_line(cosines)[:2].tolist() == [0, 0]
    assert edge_rather_than_line(cosines)[2] == cosines[1][2]


def test_kernels_of_large_norm_do_not_decide_what_smooth_means():
    smooth = smooth_kernels(count=4)
    loud = rng(8).normal(size=(4, 7, 7)) * 10
    alike = rng(8).normal(size=(4, 7, 7))
    nulls = [
        covariance_null(np.concatenate([smooth, other]), BANK, rng(2), UNIFORM).any for other in (loud, alike)
    ]
    points = [np.quantile(null, (0.05, 0.5, 0.95)) for null in nulls]
    np.testing.assert_allclose(points[0], points[1], atol=0.01)


def test_kernels_of_chance_have_the_shares_of_those_that_they_stand_for_at_norm_one():
    trained = smooth_kernels(count=400)
    drawn = kernels_as_smooth(trained, 5_000, rng(1), UNIFORM)
    one, other = (
        symmetric_covariance(unit_rows(k.reshape(len(k), -1)).reshape(k.shape)) for k in (trained, drawn)
    )
    np.testing.assert_allclose(np.linalg.eigvalsh(one), np.linalg.eigvalsh(other), atol=0.02)
