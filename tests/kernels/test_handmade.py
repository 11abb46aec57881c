"""Prewitt operators to begin with, and operators in learned kernels' places: shapes, norms, what stays."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

from linesexp.kernels.handmade import drawn_norm, matched_operators, prewitt_layer
from linesexp.kernels.match import best_match, operator_bank
from linesexp.kernels.operators import prewitt, sobel

BANK = operator_bank(5)


def layer(channels=1, filters=4, size=5, seed=0):
    return np.random.default_rng(seed).standard_normal((size, size, channels, filters)).astype(np.float32)


def norms_of(kernels):
    """Frobenius norm of each filter of (…, k, k, channels, filters)."""
    return np.sqrt((kernels.astype(float) ** 2).sum(axis=(-4, -3, -2)))


def cosines(kernels, others):
    """Cosine between filters of the same number."""
    products = (kernels * others).sum(axis=(0, 1, 2))
    return products / norms_of(kernels) / norms_of(others)


def test_filters_go_through_directions_and_signs_and_then_smaller_sizes():
    kernels = prewitt_layer(10, 7, 1, "glorot_uniform")[:, :, 0]
    expected = [
        *(prewitt(7), prewitt(7, "horizontal"), -prewitt(7), -prewitt(7, "horizontal")),
        *(sign * np.pad(prewitt(5, detects), 1) for sign in (1, -1) for detects in ("vertical", "horizontal")),
        *(np.pad(prewitt(3), 2), np.pad(prewitt(3, "horizontal"), 2)),
    ]
    for index, operator in enumerate(expected):
        found = kernels[..., index]
        np.testing.assert_allclose(found / found.max(), operator, atol=1e-6)


def test_after_the_smallest_size_the_filters_begin_again():
    kernels = prewitt_layer(5, 3, 1, "glorot_uniform")
    np.testing.assert_array_equal(kernels[..., 4], kernels[..., 0])


@pytest.mark.parametrize(
    "initializer",
    ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_filter_has_the_norm_that_keras_would_draw_on_average(initializer, channels):
    name = "".join(part.capitalize() for part in initializer.split("_"))
    draw = getattr(keras.initializers, name)
    drawn = [np.asarray(draw(seed=seed)((7, 7, channels, 8))) for seed in range(30)]
    norms = norms_of(np.stack(drawn))
    norm = drawn_norm(initializer, 7, channels, 8)
    assert norm == pytest.approx(np.sqrt(np.mean(norms**2)), rel=0.03)
    made = norms_of(prewitt_layer(8, 7, channels, initializer))
    np.testing.assert_allclose(made, norm, rtol=1e-5)


def test_a_prewitt_layer_answers_alike_to_all_channels():
    kernels = prewitt_layer(6, 5, 3, "he_normal")
    assert kernels.shape == (5, 5, 3, 6)
    assert kernels.dtype == np.float32
    np.testing.assert_array_equal(kernels, np.repeat(kernels[:, :, :1], 3, axis=2))


@pytest.mark.parametrize("size", [1, 4])
def test_a_size_without_operators_is_refused(size):
    with pytest.raises(ValueError, match=f"odd and at least 3, got {size}"):
        prewitt_layer(4, size, 1, "glorot_uniform")


def test_an_unknown_initializer_is_refused():
    with pytest.raises(ValueError, match=r"glorot, he, lecun, got 'zeros'"):
        drawn_norm("zeros", 7, 1, 8)


@pytest.mark.parametrize("channels", [1, 3])
def test_means_and_norms_stay(channels):
    kernels = layer(channels) + 0.3
    replaced = matched_operators(kernels, BANK)
    assert replaced.dtype == kernels.dtype
    np.testing.assert_allclose(replaced.mean(axis=(0, 1)), kernels.mean(axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(norms_of(replaced), norms_of(kernels), rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_operator_is_the_best_match_with_its_sign_size_and_place(channels):
    kernels = layer(channels)
    match = best_match(kernels.mean(axis=2).transpose(2, 0, 1), BANK)
    replaced = matched_operators(kernels, BANK)
    free = replaced - replaced.mean(axis=(0, 1), keepdims=True)
    operators = (BANK.rows[match.entry] * np.sign(match.cosine)[:, None]).reshape(4, 5, 5)
    for channel in range(channels):
        found = free[:, :, channel].transpose(2, 0, 1)
        found /= np.linalg.norm(found, axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(found, operators, atol=1e-5)
    if channels == 1:
        plain = kernels - kernels.mean(axis=(0, 1), keepdims=True)
        np.testing.assert_allclose(cosines(plain, free), np.abs(match.cosine), atol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_kernel_that_is_an_operator_already_stays_what_it_is(channels, sign):
    placed = [np.pad(sobel(3), ((0, 2), (1, 1))), prewitt(5, "horizontal")]
    kernels = 0.7 * sign * np.repeat(np.stack(placed, axis=-1)[:, :, None], channels, axis=2) + 0.1
    np.testing.assert_allclose(matched_operators(kernels, BANK), kernels, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.25, np.nan])
def test_a_kernel_without_a_match_is_left_as_it_is(value):
    kernels = layer()
    kernels[..., 1] = value
    replaced = matched_operators(kernels, BANK)
    np.testing.assert_array_equal(replaced[..., 1], kernels[..., 1])
    assert not np.allclose(replaced[..., 0], kernels[..., 0])
