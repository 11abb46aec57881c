"""What black and white are to a model: read from what it does first with a picture, else a guess."""

import keras
import numpy as np
import pytest

from linesexp.seeing.scale import scale_of

layers = keras.layers


def model_of(*parts, side=16, channels=3):
    parts = [
        keras.Input((side, side, channels)),
        *parts,
        layers.Conv2D(2, 3),
        layers.Flatten(),
        layers.Dense(2),
    ]
    return keras.Sequential(parts)


def adapted(low, high, **how):
    """A Normalization that was told of data between low and high."""
    layer = layers.Normalization(**how)
    layer.adapt(np.random.default_rng(0).uniform(low, high, (50, 16, 16, 3)))
    return layer


def nested():
    start = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)], name="augmentation")
    inner = keras.Sequential([keras.Input((16, 16, 3)), layers.Rescaling(1 / 255), layers.Conv2D(2, 3)])
    return keras.Sequential([keras.Input((16, 16, 3)), start, inner])


def calculating(mode):
    inputs = keras.Input((16, 16, 3))
    values = keras.applications.imagenet_utils.preprocess_input(inputs, mode=mode)
    return keras.Model(inputs, layers.Conv2D(2, 3)(values))


class ByItself(layers.Layer):
    """Scales each picture by its own range, so that no scale can be told."""

    def call(self, values):
        low = keras.ops.min(values, axis=(1, 2, 3), keepdims=True)
        return (values - low) / (keras.ops.max(values, axis=(1, 2, 3), keepdims=True) - low + 1)


BYTES, UNIT, SIGNED = (0, 255), (0, 1), (-1, 1)
TOLD = {
    "rescaling": (lambda: model_of(layers.Rescaling(1 / 255)), BYTES),
    "to -1 … 1": (lambda: model_of(layers.Rescaling(1 / 127.5, offset=-1)), BYTES),
    "after augmentation, in a model within": (nested, BYTES),
    "after resizing": (lambda: model_of(layers.Resizing(8, 8), layers.Rescaling(1 / 255)), BYTES),
    "after crop and padding": (
        lambda: model_of(layers.CenterCrop(12, 12), layers.ZeroPadding2D(1), layers.Rescaling(1 / 255)),
        BYTES,
    ),
    "from 0 … 1": (lambda: model_of(layers.Rescaling(2.0, offset=-1)), UNIT),
    "from -1 … 1": (lambda: model_of(layers.Rescaling(0.5, offset=0.5)), SIGNED),
    "up to 0 … 255": (lambda: model_of(layers.Rescaling(255.0)), UNIT),
    "calculated": (lambda: calculating("tf"), BYTES),
    "less a mean, blue first": (lambda: calculating("caffe"), BYTES),
    "data in 0 … 1": (lambda: model_of(adapted(0, 1)), UNIT),
    "data in 0 … 255": (lambda: model_of(adapted(0, 255)), BYTES),
    "data in -1 … 1": (lambda: model_of(adapted(-1, 1)), SIGNED),
    "data of each pixel": (lambda: model_of(adapted(0, 1, axis=(1, 2, 3))), UNIT),
    "dark data in 0 … 255": (lambda: model_of(adapted(0, 30)), BYTES),
    "data after rescaling": (lambda: model_of(layers.Rescaling(1 / 255), adapted(0, 1)), BYTES),
    "a mean and variance that are given": (
        lambda: model_of(layers.Normalization(mean=[120.0] * 3, variance=[3600.0] * 3)),
        BYTES,
    ),
}
GUESSED = {
    "nothing": lambda: model_of(),
    "augmentation alone": lambda: model_of(layers.RandomFlip()),
    "each picture by itself": lambda: model_of(ByItself()),
    "a normalization that knows no data": lambda: model_of(
        layers.Normalization(mean=[0.0] * 3, variance=[1.0] * 3)
    ),
    "a model without weights": lambda: keras.Sequential([keras.Input((8, 8, 1)), layers.MaxPooling2D()]),
}


@pytest.mark.parametrize(("build", "scale"), TOLD.values(), ids=TOLD)
def test_a_model_that_scales_its_pictures_tells_what_it_wants(build, scale):
    found = scale_of(build())
    assert (found.black, found.white) == scale
    assert not found.guessed


@pytest.mark.parametrize("build", GUESSED.values(), ids=GUESSED)
def test_where_nothing_tells_it_is_a_guess(build):
    found = scale_of(build())
    assert (found.black, found.white, found.guessed) == (0, 1, True)
    assert "guess" in found.source


def test_pictures_of_any_size_are_no_hindrance():
    parts = [keras.Input((None, None, 1)), layers.Rescaling(1 / 255), layers.Conv2D(2, 3)]
    assert scale_of(keras.Sequential(parts)).white == 255
