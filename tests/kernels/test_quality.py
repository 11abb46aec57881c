"""Quality of a layer: the paper's measures, chance for the layer's own size, and pairs of opposites."""

import msgspec
import numpy as np
import pytest

from linesexp.kernels.match import initializer_kernels
from linesexp.kernels.operators import line, prewitt
from linesexp.kernels.quality import (
    Quality,
    layer_quality,
    opposite_pairs,
    orthogonality,
    quality_chance,
    sparsity,
    variance_entropy,
)

SHAPES = [(8, 7, 7), (3, 5, 5), (12, 3, 3), (4, 3, 5, 5), (60, 3, 3)]


def rng(seed=0):
    return np.random.default_rng(seed)


def layer(shape=(8, 7, 7), seed=0):
    return rng(seed).uniform(-1, 1, shape)


def all_three(kernels):
    return sparsity(kernels), variance_entropy(kernels), orthogonality(kernels)


# The measures, against their definitions written out.


@pytest.mark.parametrize("shape", SHAPES)
def test_variance_entropy_is_that_of_the_singular_values(shape):
    kernels = layer(shape)
    flat = kernels.reshape(-1, shape[-1] ** 2)
    variance = np.linalg.svd(flat - flat.mean(axis=0), compute_uv=False) ** 2
    share = variance[variance > 1e-20] / variance.sum()
    assert variance_entropy(kernels) == pytest.approx(-np.sum(share * np.log10(share)))


@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonality_is_one_less_the_mean_cosine_of_pairs(shape):
    kernels = layer(shape)
    rows = kernels.reshape(shape[0], -1)
    cosines = [
        abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)
        for i, a in enumerate(rows)
        for j, b in enumerate(rows)
        if i != j
    ]
    assert orthogonality(kernels) == pytest.approx(1 - np.mean(cosines))


@pytest.mark.parametrize(("scale", "share"), [(0.0, 0.25), (0.0099, 0.25), (0.0101, 0.0), (1.0, 0.0)])
def test_kernels_below_a_hundredth_of_the_largest_weight_are_sparse(scale, share):
    kernels = np.ones((8, 7, 7))
    kernels[[2, 5]] *= scale
    kernels[0, 3, 3] = -1
    assert sparsity(kernels) == share
    assert sparsity(kernels.reshape(4, 2, 7, 7)) == share


def test_a_single_large_weight_keeps_a_kernel_from_being_sparse():
    kernels = np.zeros((2, 7, 7))
    kernels[0, 0, 0], kernels[1, 6, 6] = 5, -0.06
    assert sparsity(kernels) == 0


@pytest.mark.parametrize("gain", [-3.0, 1e-6, 1e6])
def test_no_measure_sees_the_scale(gain):
    assert all_three(gain * layer()) == pytest.approx(all_three(layer()))


def test_entropy_grows_with_the_number_of_patterns():
    patterns = np.linalg.qr(rng().normal(size=(49, 49)))[0].reshape(49, 7, 7)
    found = []
    for count in (1, 2, 4, 8):
        signed = np.concatenate([patterns[:count], -patterns[:count]])
        found.append(variance_entropy(signed))
    assert found == pytest.approx(np.log10([1, 2, 4, 8]), abs=1e-9)


def test_entropy_ignores_what_all_kernels_share():
    assert variance_entropy(layer() + 40 * prewitt(7)) == pytest.approx(variance_entropy(layer()))


def test_kernels_at_right_angles_are_orthogonal_and_equal_ones_are_not():
    assert orthogonality(np.stack([prewitt(7), prewitt(7, "horizontal"), line(7)])) == pytest.approx(1)
    assert orthogonality(np.stack([prewitt(7), -2 * prewitt(7)])) == pytest.approx(0)


# What cannot be known.


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_layer_with_a_weight_that_is_no_number_has_no_quality(bad):
    kernels = layer()
    kernels[3, 2, 2] = bad
    assert all_three(kernels) == (None, None, None)


@pytest.mark.parametrize(
    ("kernels", "expected"),
    [
        (np.zeros((8, 7, 7)), (1.0, None, None)),
        (np.ones((8, 7, 7)), (0.0, None, 0.0)),
        (0.1 * np.ones((8, 7, 7), dtype=np.float32), (0.0, None, 0.0)),
        (np.tile(prewitt(7), (8, 1, 1)), (0.0, None, 0.0)),
        (prewitt(7)[None], (0.0, None, None)),
        (np.stack([prewitt(7), 0 * prewitt(7)]), (0.5, 0.0, None)),
        (np.array([[[1.0]], [[-2.0]]]), (0.0, 0.0, 0.0)),
        (np.stack([np.diag([1.0, 2.0]), np.eye(2)[::-1]]), (0.0, 0.0, 1.0)),
    ],
    ids=["zeros", "constant", "constant float32", "all alike", "one", "one and zeros", "1×1", "2×2"],
)
def test_layers_that_are_hardly_layers(kernels, expected):
    assert all_three(kernels) == pytest.approx(expected, abs=1e-6)


def test_kernels_of_zeros_have_no_direction_and_are_left_out_of_orthogonality():
    kernels = layer()
    with_zeros = np.concatenate([kernels, np.zeros((3, 7, 7))])
    assert orthogonality(with_zeros) == pytest.approx(orthogonality(kernels))


# Chance.


@pytest.mark.parametrize("shape", [(8, 7, 7), (16, 3, 3), (4, 3, 5, 5)])
@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_normal"])
def test_a_layer_of_chance_lies_within_chance_nineteen_times_in_twenty(shape, initializer):
    chance = quality_chance(initializer, shape, rng(1))
    count = int(np.prod(shape[:-2]))
    fresh = [
        initializer_kernels(initializer, shape[-1], count, rng(seed)).reshape(shape) for seed in range(400)
    ]
    for measure in (variance_entropy, orthogonality):
        low, middle, high = getattr(chance, measure.__name__)
        values = np.array([measure(kernels) for kernels in fresh])
        assert 0.92 < np.mean((low <= values) & (values <= high)) < 0.98
        assert 0.42 < np.mean(values < middle) < 0.58
    assert chance.sparsity == (0, 0, 0)


@pytest.mark.parametrize(
    "shape",
    [
        (8, 7, 7),
        (16, 3, 3),
        pytest.param((16, 7, 7), marks=pytest.mark.slow),
        pytest.param((4, 3, 5, 5), marks=pytest.mark.slow),
    ],
)
def test_one_layer_of_chance_in_a_hundred_has_a_pair_of_opposites_however_many_its_kernels(shape):
    threshold = quality_chance("glorot_uniform", shape, rng(1), layers=8000).opposite_cosine
    found = sum(bool(opposite_pairs(layer(shape, 1000 + seed), threshold)) for seed in range(2000))
    assert 0.005 < found / 2000 < 0.017


@pytest.mark.parametrize("count", [16, 32, 64, 128])
def test_the_lowest_entropy_of_chance_is_the_papers_threshold_where_that_holds(count):
    """T_H(n), fitted by the authors to the lowest entropy of random layers of n 3×3 kernels."""
    threshold = 1.26 / (1 + np.exp(-0.89 * (np.log2(count) - 2.30))) - 0.31
    lowest = min(variance_entropy(rng(seed).normal(size=(count, 3, 3))) for seed in range(1000))
    assert lowest == pytest.approx(threshold, abs=0.025)


def test_chance_depends_on_size_and_count():
    eight, sixteen, small = (
        quality_chance("glorot_uniform", shape, rng()) for shape in ((8, 7, 7), (16, 7, 7), (8, 3, 3))
    )
    assert eight.variance_entropy[2] < sixteen.variance_entropy[0]
    assert small.orthogonality[2] < eight.orthogonality[0]
    assert sixteen.opposite_cosine < eight.opposite_cosine < 0


def test_chance_comes_from_its_generator_and_its_number_of_layers():
    draw = [quality_chance("he_uniform", (8, 7, 7), rng(seed), layers=50) for seed in (0, 0, 1)]
    assert draw[0] == draw[1] != draw[2]
    assert draw[0].layers == 50


def test_large_layers_are_drawn_in_parts_and_measured_alike(monkeypatch):
    shape = (5, 7, 7)
    monkeypatch.setattr("linesexp.kernels.quality.NUMBERS_AT_ONCE", 30 * 5 * 7 * 7)
    whole = initializer_kernels("glorot_uniform", 7, 5 * 100, rng()).reshape(100, *shape)
    values = [orthogonality(kernels) for kernels in whole]
    found = quality_chance("glorot_uniform", shape, rng(), layers=100)
    assert found.orthogonality == pytest.approx(np.percentile(values, (2.5, 50, 97.5)))


def test_a_single_kernel_has_sparsity_only():
    chance = quality_chance("glorot_uniform", (1, 7, 7), rng(), layers=20)
    assert (chance.variance_entropy, chance.orthogonality, chance.opposite_cosine) == (None, None, None)
    found = layer_quality(prewitt(7)[None], chance)
    assert (found.sparsity, found.variance_entropy, found.orthogonality) == (0, None, None)
    assert found.opposite_pairs == []


# Opposites.


def test_pairs_of_opposite_polarity_are_found_and_others_are_not():
    vertical, horizontal = prewitt(7), prewitt(7, "horizontal")
    noise = 0.3 * rng().normal(size=(5, 7, 7))
    kernels = np.stack([vertical, horizontal, -vertical + 9, vertical, -3 * horizontal]) + noise
    found = opposite_pairs(kernels, -0.6)
    assert {(pair.first, pair.second) for pair in found} == {(0, 2), (2, 3), (1, 4)}
    assert [pair.cosine for pair in found] == sorted(pair.cosine for pair in found)
    for pair in found:
        expected = np.corrcoef(kernels[pair.first].ravel(), kernels[pair.second].ravel())[0, 1]
        assert pair.cosine == pytest.approx(expected)


def test_the_threshold_decides():
    kernels = layer()
    cosines = np.corrcoef(kernels.reshape(8, -1))[np.triu_indices(8, 1)]
    for threshold in (-0.05, -0.1, -0.2):
        assert len(opposite_pairs(kernels, threshold)) == np.sum(cosines <= threshold)


def test_kernels_that_are_constant_or_no_numbers_have_no_opposite():
    broken = prewitt(7)
    broken[0, 0] = np.inf
    kernels = np.stack(
        [prewitt(7), np.ones((7, 7)), 0 * prewitt(7), broken, np.full((7, 7), np.nan), -prewitt(7)]
    )
    assert [(pair.first, pair.second) for pair in opposite_pairs(kernels, -0.5)] == [(0, 5)]


@pytest.mark.parametrize("threshold", [0.0, 0.5, np.nan])
def test_a_threshold_that_unrelated_kernels_pass_is_refused(threshold):
    with pytest.raises(ValueError, match=f"below 0.*got {threshold}"):
        opposite_pairs(layer(), threshold)


def test_quality_is_kept_as_json():
    kernels = np.concatenate([layer(), -layer()[:2]])
    quality = layer_quality(kernels, quality_chance("glorot_uniform", kernels.shape, rng(), layers=50))
    assert [(pair.first, pair.second) for pair in quality.opposite_pairs] == [(0, 8), (1, 9)]
    assert msgspec.json.decode(msgspec.json.encode(quality), type=Quality) == quality
