"""What was planted is found: known kernels under noise, known angles, known deaths.

Signal to noise is a ratio of energies over the whole square: noise of SNR s has 1/s of the energy
‖kernel‖² of the planted operator, spread over all k² weights. So at SNR 2 a 3×3 operator in a 7×7
square shares its nine weights with a fifth of that noise only, and a 7×7 one with all of it.
"""

import numpy as np
import pytest

from linesexp.images.probes import BAR_ANGLES_DEG, EDGE_ANGLES_DEG, bars, edges
from linesexp.kernels.health import died_at, triage
from linesexp.kernels.match import best_match, operator_bank
from linesexp.kernels.operators import DIRECTIONS, line, prewitt
from linesexp.kernels.shape import shares
from linesexp.kernels.tuning import tune
from linesexp.seeing.convolution import convolve

BANK = operator_bank(7)
ENTRIES = sorted({(op.name, op.size) for op, _, _ in BANK.placed})
# Sobel and Scharr grow by smoothing with binomial weights, which fade to a hundredth towards the corners:
# a 7×7 one is all but a 5×5 one in its middle (cosine 0.96), and noise of SNR 2 may tip the scale.
LOOKALIKES = {("sobel", 7), ("scharr", 7)}


def rng(seed=0):
    return np.random.default_rng(seed)


def noisy(kernels, snr, rng):
    """Kernels with Gaussian noise of exactly ‖kernel‖² / snr."""
    noise = rng.standard_normal(kernels.shape)
    energy, of_noise = (np.sum(part**2, axis=(1, 2), keepdims=True) for part in (kernels, noise))
    return kernels + noise * np.sqrt(energy / of_noise / snr)


def place_and_size_found(entries, snr, rng):
    """Share of noisy copies of these entries whose size, row and column are found."""
    planted = BANK.rows[entries].reshape(-1, 7, 7).astype(float)
    found = best_match(noisy(planted, snr, rng), BANK).entry
    where = np.array([(op.size, row, column) for op, row, column in BANK.placed])
    return np.mean((where[found] == where[entries]).all(axis=1))


def entries_of(name, size):
    return np.array([i for i, (op, _, _) in enumerate(BANK.placed) if (op.name, op.size) == (name, size)])


# Operators under noise.


def test_five_thousand_prewitts_under_noise_of_their_own_energy_keep_direction_and_polarity():
    draw = rng()
    upright, polarity = draw.random(5000) < 0.5, draw.choice([-1, 1], 5000)
    kernels = np.where(upright[:, None, None], prewitt(7), prewitt(7, "horizontal")) * polarity[:, None, None]
    found = best_match(noisy(kernels, 1.0, draw), BANK)
    operators = [BANK.placed[entry][0] for entry in found.entry]
    right = [
        operator.order == 1 and operator.detects == DIRECTIONS[not vertical] and np.sign(cosine) == sign
        for operator, cosine, vertical, sign in zip(operators, found.cosine, upright, polarity, strict=True)
    ]
    assert np.mean(right) >= 0.99


@pytest.mark.parametrize("order", [1, 2])
def test_place_and_size_of_an_operator_anywhere_are_found_at_snr_2(order):
    entries = rng().choice(np.flatnonzero(BANK.orders() == order), 5000)
    assert place_and_size_found(entries, 2.0, rng(1)) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [entry for entry in ENTRIES if entry not in LOOKALIKES])
def test_place_and_size_of_each_operator_are_found_at_snr_2(name, size):
    assert place_and_size_found(rng().choice(entries_of(name, size), 2000), 2.0, rng(1)) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), sorted(LOOKALIKES))
def test_large_sobels_and_scharrs_need_an_snr_of_4(name, size):
    entries = rng().choice(entries_of(name, size), 4000)
    assert 0.88 <= place_and_size_found(entries, 2.0, rng(1)) < 0.95
    assert place_and_size_found(entries, 4.0, rng(1)) >= 0.95


@pytest.mark.slow
def test_every_place_of_every_operator_is_found_at_snr_4():
    """An amplitude twice that of the noise. At SNR 2 the worst is a 5×5 Sobel in the middle: 0.90."""
    found = [place_and_size_found(np.full(2000, entry), 4.0, rng(entry)) for entry in range(len(BANK.placed))]
    assert min(found) >= 0.95


# Edges are edges and lines are lines.


@pytest.mark.parametrize("size", [3, 5, 7, 9])
def test_a_perfect_edge_is_of_first_order_and_a_perfect_line_of_second_at_all_sizes_and_places(size):
    bank = operator_bank(size)
    found = best_match(bank.rows.reshape(-1, size, size), bank)
    assert np.array_equal(bank.orders()[found.entry], bank.orders())
    np.testing.assert_allclose(found.cosine, 1, atol=1e-5)


@pytest.mark.parametrize("size", [3, 5, 7, 9])
@pytest.mark.parametrize("detects", DIRECTIONS)
def test_a_perfect_edge_is_odd_and_a_perfect_line_even(size, detects):
    energy = shares(np.stack([prewitt(size, detects), line(size, detects)]))
    np.testing.assert_allclose(energy.odd, [1, 0], atol=1e-12)
    np.testing.assert_allclose(energy.even, [0, 1], atol=1e-12)


# Angles.


ANGLES_DEG = np.arange(0, 180, 15)


def bar_detectors(thickness_px):
    turned = bars(ANGLES_DEG, 7, thickness_px)
    return turned - turned.mean(axis=(1, 2), keepdims=True)


def assert_prefer_their_angles(found):
    assert np.all(np.abs((found.preferred_angle_deg - ANGLES_DEG + 90) % 180 - 90) <= 5)


@pytest.mark.parametrize("thickness_px", [1.0, 2.0, 3.0])
def test_a_bar_detector_prefers_the_angle_that_it_was_turned_to(thickness_px):
    found = tune(bar_detectors(thickness_px), np.zeros(len(ANGLES_DEG)), "relu")
    assert_prefer_their_angles(found)
    assert np.all(found.one_minus_circular_variance > 0.4)


def test_a_detector_of_dark_bars_is_asked_with_dark_bars():
    found = tune(-bar_detectors(2.0), np.zeros(len(ANGLES_DEG)), "relu", dark_lines=True)
    assert_prefer_their_angles(found)


# Lives and deaths.


def answers(pictures, kernels, bias):
    """(pictures, filters): the largest value before the activation."""
    stacked = kernels.transpose(1, 2, 0)[:, :, None, :]
    return convolve(pictures[..., None], stacked, bias).max(axis=(1, 2))


def words(kernels, bias):
    """Health of kernels that are trained on upright bars only."""
    upright = bars(np.full(4, 90.0), 28, 2.0)
    shown = np.concatenate([bars(BAR_ANGLES_DEG, 28, 2.0), edges(EDGE_ANGLES_DEG, 28)])
    probes = np.concatenate([shown, 1 - shown])
    return triage(answers(upright, kernels, bias), answers(probes, kernels, bias))


def test_live_silent_and_dead_kernels_are_told_apart_by_what_they_answer_to():
    planted = {
        "live": (line(7), -0.1),
        "live by its bias": (0 * line(7), 0.1),
        "silent: looks for lying lines": (line(7, "horizontal"), -0.1),
        "silent: looks for lying edges": (-prewitt(7, "horizontal"), -0.1),
        "dead: no weights": (0 * line(7), -0.1),
        "dead: no weights, no bias": (0 * line(7), 0.0),
        "dead: bias below all that it can reach": (line(7), -np.abs(line(7)).sum()),
        "dead: nothing but negative weights": (-np.ones((7, 7)), 0.0),
    }
    kernels, bias = (np.array(part, dtype=float) for part in zip(*planted.values(), strict=True))
    assert words(kernels, bias) == [name.split(":")[0].split(" ")[0] for name in planted]


@pytest.mark.parametrize("death", [0, 1, 3, None])
def test_a_kernel_whose_bias_sinks_died_at_the_step_at_which_it_sank(death):
    steps = np.array([0.0, 0.5, 1.0, 2.0])
    depth = len(line(7)) ** 2 * np.abs(line(7)).max()
    bias = np.where(np.arange(4) >= (9 if death is None else death), -depth, 0.0)
    alive = np.array([words(line(7)[None], bias[step : step + 1]) != ["dead"] for step in range(4)])
    assert died_at(alive, steps) == (None if death is None else steps[death])
