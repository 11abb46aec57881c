"""Recurring kernels: planted ones are found in whatever way they are turned, mirrored or inverted."""

import numpy as np
import pytest

from linesexp.kernels.match import operator_bank
from linesexp.kernels.nulls import Untrained
from linesexp.kernels.operators import prewitt, sobel
from linesexp.study.recurring import ALIKE, recurring, similarities, symmetries

BANK = operator_bank(5)
CORNER = np.array(  # like none of its own symmetries but itself
    [[4, 2, 1, 0, 0], [3, 2, 0, 0, 0], [1, 0, 0, 0, -1], [0, 0, 0, -2, -3], [0, 0, -1, -1, -9]], dtype=float
)


def rng(seed=0):
    return np.random.default_rng(seed)


def scattered(kernel, count, noise=0.15, seed=0):
    """Copies, each turned, mirrored, inverted and scaled at random, with noise and an offset."""
    draw = rng(seed)
    unit = (kernel - kernel.mean()) / np.linalg.norm(kernel - kernel.mean())
    turned = symmetries(unit[None])[:, 0][draw.integers(8, size=count)]
    signs, scales = draw.choice([-1, 1], count), draw.uniform(0.2, 5, count)
    noisy = turned + noise / 5 * draw.normal(size=turned.shape)
    return (signs * scales)[:, None, None] * (noisy + draw.normal(size=(count, 1, 1)))


def found(kernels, of=None):
    of = np.arange(len(kernels)) if of is None else of
    return recurring(np.asarray(kernels, dtype=np.float32), of, BANK, rng(1), Untrained("glorot_uniform"))


def test_planted_kernels_are_found_among_noise_and_nothing_else_is():
    planted = [scattered(prewitt(5), 20), scattered(CORNER, 12, seed=1)]
    result = found(np.concatenate([*planted, rng(2).normal(size=(60, 5, 5))]))
    assert [group.count for group in result.groups[:2]] == [20, 12]
    assert all(group.count <= 4 for group in result.groups[2:])
    assert result.kernels == 92
    assert result.grouped == sum(group.count for group in result.groups)
    assert result.largest_by_chance < 12


def test_the_mean_of_a_group_is_what_was_planted_turned_upright():
    group = found(scattered(-prewitt(5).T, 30)).groups[0]
    mean = np.array(group.mean)
    assert np.sum(mean * prewitt(5)) / np.linalg.norm(mean) / np.linalg.norm(prewitt(5)) > 0.98
    assert (group.operator, group.size) == ("prewitt", 5)
    assert group.cosine > 0.97
    assert group.alike > 0.9


def test_a_group_counts_its_members_once_each():
    kernels = scattered(sobel(5), 12)
    group = found(kernels, np.repeat([4, 7, 9], 4)).groups[0]
    assert (group.count, group.members) == (12, 3)


def test_kernels_of_one_member_alone_do_not_recur():
    kernels = scattered(sobel(5), 12)
    alone = found(kernels, np.zeros(12, dtype=int))
    assert (alone.groups, alone.grouped, alone.kernels, alone.members) == ([], 0, 12, 1)
    assert (alone.by_chance, alone.largest_by_chance) == (0, 0)
    both = found(np.concatenate([kernels, scattered(CORNER, 12)]), np.repeat([0, 1], 12))
    assert both.grouped == 0
    assert found(kernels, np.array([0] * 11 + [1])).groups[0].members == 2


@pytest.mark.parametrize("turn", range(8))
def test_turning_inverting_and_scaling_make_no_difference(turn):
    pair = np.stack([CORNER, -3 * symmetries(CORNER[None])[turn, 0] + 2])
    np.testing.assert_allclose(similarities(pair), 1, atol=1e-5)


def test_likeness_is_the_largest_cosine_by_hand():
    one, other = rng().normal(size=(2, 5, 5))
    best = max(abs(np.corrcoef(one.ravel(), turned.ravel())[0, 1]) for turned in symmetries(other[None])[:, 0])
    assert similarities(np.stack([one, other]))[0, 1] == pytest.approx(best, abs=1e-5)


def test_kernels_less_alike_than_the_limit_are_no_group():
    apart = scattered(prewitt(5), 10, noise=1.5)
    likeness = similarities(apart)[np.triu_indices(10, 1)].mean()
    assert likeness < ALIKE - 0.1
    assert all(group.count < 10 for group in found(apart).groups)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_kernels_have_no_group(count):
    result = found(scattered(CORNER, count).reshape(count, 5, 5))
    assert (result.groups, result.grouped, result.kernels) == ([], 0, count)


def test_smooth_kernels_recur_by_chance_and_it_is_said():
    """Noise of two patterns only has a few likenesses; random kernels as smooth have as many."""
    draw = rng(3)
    ramp = np.arange(5) - 2.0
    kernels = draw.normal(size=(60, 1, 1)) * ramp + draw.normal(size=(60, 1, 1)) * ramp[:, None]
    result = found(kernels)
    assert result.grouped > 50
    assert result.by_chance > 50
