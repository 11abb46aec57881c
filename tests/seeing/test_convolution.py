"""Convolution and pooling in NumPy: SciPy and Keras are the oracles."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, special

from linesexp.seeing.convolution import ACTIVATIONS, convolve, pool, relu, softmax

BORDERS = {"reflect": "mirror", "nearest": "nearest"}  # ours: SciPy's
sizes = st.sampled_from([1, 3, 5])
seeds = st.integers(0, 1000)


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    return keras


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def one_channel(picture, kernel, **options):
    """Convolve one grey picture with one kernel."""
    return convolve(picture[None, :, :, None], kernel[:, :, None, None], **options)[0, :, :, 0]


@settings(max_examples=30, deadline=None)
@given(size=sizes, seed=seeds, border=st.sampled_from([0.0, 0.7, "reflect", "nearest"]))
def test_convolve_is_scipys_correlate(size, seed, border):
    picture, kernel = random(9, 11, seed=seed), random(size, size, seed=seed + 1)
    same = one_channel(picture, kernel, padding="same", border=border)
    mode = {"mode": BORDERS[border]} if border in BORDERS else {"mode": "constant", "cval": border}
    np.testing.assert_allclose(same, ndimage.correlate(picture, kernel, **mode), atol=1e-4)
    inner = slice(size // 2, -(size // 2) or None)
    np.testing.assert_allclose(one_channel(picture, kernel), same[inner, inner], atol=1e-4)


def test_convolve_does_not_flip_the_kernel():
    picture, kernel = random(9, 9), random(3, 3, seed=1)
    ours = one_channel(picture, kernel, padding="same")
    flipped = ndimage.convolve(picture, kernel[::-1, ::-1], mode="constant")
    np.testing.assert_allclose(ours, flipped, atol=1e-5)
    assert not np.allclose(ours, ndimage.convolve(picture, kernel, mode="constant"))


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.sampled_from(["valid", "same"]),
    height=st.integers(5, 12),
    seed=seeds,
)
def test_convolve_is_keras_conv(keras, size, stride, padding, height, seed):
    images, kernels = random(2, height, 9, 3, seed=seed), random(size, size, 3, 4, seed=seed + 1)
    bias = random(4, seed=seed + 2)
    ours = convolve(images, kernels, bias, stride=stride, padding=padding)
    theirs = keras.ops.conv(images, kernels, strides=stride, padding=padding) + bias
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(1, 4),
    stride=st.sampled_from([None, 1, 2, 3]),
    padding=st.sampled_from(["valid", "same"]),
    kind=st.sampled_from(["max", "average"]),
    height=st.integers(4, 11),
    seed=seeds,
)
def test_pool_is_keras_pooling(keras, size, stride, padding, kind, height, seed):
    maps = random(2, height, 7, 3, seed=seed)
    ours = pool(maps, size, kind=kind, stride=stride, padding=padding)
    theirs = {"max": keras.ops.max_pool, "average": keras.ops.average_pool}[kind](
        maps, size, strides=stride or size, padding=padding
    )
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_keras(keras, name):
    values = np.array([-1000, -90, -3, -0.5, 0, 0.5, 3, 90, 1000], dtype=np.float32)
    found = ACTIVATIONS[name](values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, keras.activations.get(name)(values), atol=1e-6)


def test_convolve_is_linear_in_picture_and_kernel():
    images, more, kernels = random(1, 8, 8, 1), random(1, 8, 8, 1, seed=1), random(3, 3, 1, 2, seed=2)
    np.testing.assert_allclose(
        convolve(2 * images + more, kernels), 2 * convolve(images, kernels) + convolve(more, kernels), atol=1e-4
    )
    np.testing.assert_allclose(convolve(images, -kernels), -convolve(images, kernels))


def test_moving_the_picture_moves_the_map():
    images, kernels = random(1, 12, 12, 1), random(3, 3, 1, 1, seed=1)
    moved = convolve(np.roll(images, 2, axis=2), kernels)
    np.testing.assert_allclose(moved[:, :, 2:], convolve(images, kernels)[:, :, :-2], atol=1e-5)


def test_bias_is_added_to_every_place():
    images, kernels = random(1, 6, 6, 1), random(3, 3, 1, 2, seed=1)
    difference = convolve(images, kernels, np.float32([5, -1])) - convolve(images, kernels)
    np.testing.assert_allclose(difference, np.broadcast_to([5, -1], (1, 4, 4, 2)), atol=1e-5)


@pytest.mark.parametrize("border", [0.5, "reflect", "nearest"])
def test_whole_number_pictures_have_the_same_maps(border):
    picture, kernel = np.arange(25, dtype=np.uint8).reshape(5, 5), np.ones((3, 3))
    of_floats = one_channel(picture.astype(float), kernel, padding="same", border=border)
    np.testing.assert_allclose(one_channel(picture, kernel, padding="same", border=border), of_floats)


@pytest.mark.parametrize("kind", ["max", "average"])
def test_whole_number_maps_can_be_pooled(kind):
    maps = np.arange(25).reshape(1, 5, 5, 1)
    of_floats = pool(maps.astype(float), 2, kind=kind, padding="same")
    np.testing.assert_allclose(pool(maps, 2, kind=kind, padding="same"), of_floats)


def test_relu_keeps_what_is_positive():
    assert relu(np.array([-2.0, 0.0, 3.0])).tolist() == [0, 0, 3]


@settings(max_examples=20, deadline=None)
@given(scores=st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=5))
def test_softmax_is_scipys(scores):
    np.testing.assert_allclose(softmax(np.array([scores])), special.softmax([scores], axis=1), atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        ((np.zeros((8, 8)), np.zeros((3, 3, 1, 1))), {}, r"\(n, height, width, channels\), got \(8, 8\)"),
        ((np.zeros((1, 8, 8, 3)), np.zeros((3, 3, 1, 1))), {}, "3 channels, the kernels 1"),
        ((np.zeros((1, 4, 4, 1)), np.zeros((5, 5, 1, 1))), {}, "5×5 window does not fit into 4×4"),
        ((np.zeros((1, 8, 8, 1)), np.zeros((3, 3, 1, 1))), {"stride": 0}, "at least 1, got 3 and 0"),
        (
            (np.zeros((1, 8, 8, 1)), np.zeros((3, 3, 1, 1))),
            {"padding": "same", "border": "wrap"},
            "border must be a number, 'reflect' or 'nearest', got 'wrap'",
        ),
        ((np.zeros((1, 8, 8, 1)), np.zeros((3, 3, 1, 1))), {"padding": "SAME"}, "'SAME'"),
    ],
)
def test_convolve_refuses_what_makes_no_sense(arguments, options, text):
    with pytest.raises(ValueError, match=text):
        convolve(*arguments, **options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"size": 9}, "9×9 window does not fit into 8×8"),
        ({"size": 0}, "at least 1, got 0"),
        ({"stride": 0}, "at least 1, got 2 and 0"),
        ({"padding": "full"}, "'full'"),
        ({"kind": "min"}, "'min'"),
    ],
)
def test_pool_refuses_what_makes_no_sense(options, text):
    with pytest.raises(ValueError, match=text):
        pool(np.zeros((1, 8, 8, 1)), **options)


@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling_keeps_what_is_no_number(kind):
    maps = np.full((1, 3, 3, 1), np.nan)
    with np.errstate(invalid="ignore"):
        assert np.isnan(pool(maps, 2, kind=kind, padding="same")).all()
