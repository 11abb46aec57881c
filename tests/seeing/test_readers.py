"""Kernels count as colour where they read a picture's colours, wherever the model keeps them."""

import keras
import numpy as np
import pytest

from linesexp.kernels.any_layer import measure
from linesexp.kernels.filter_records import filter_records
from linesexp.kernels.layer_records import layer_record
from linesexp.seeing.convolutions import convolutions_of

layers = keras.layers


def kernels_of(model):
    return {layer.name: layer for each in convolutions_of(model) for layer in each.kernels}


def colours(model):
    """Names of the layers whose kernels count as colour."""
    return {name for name, layer in kernels_of(model).items() if layer.colour}


def branches():
    inputs = keras.Input((16, 16, 3))
    sides = [layers.Conv2D(6, size, padding="same", name=f"side{size}")(inputs) for size in (3, 5)]
    values = layers.Conv2D(3, 3, name="three")(layers.Concatenate()(sides))
    return keras.Model(inputs, layers.Conv2D(2, 3, name="last")(values))


class Reversed(keras.Model):
    """Keeps its layers in another order than that of calling."""

    def __init__(self, **how):
        super().__init__(**how)
        self.second, self.first = layers.Conv2D(4, 3, name="second"), layers.Conv2D(3, 3, name="first")

    def call(self, pictures):
        return self.second(self.first(pictures))


def reversed_model(channels):
    model = Reversed()
    model(np.zeros((1, 12, 12, channels), np.float32))
    return model


def through(*parts, size=(16, 16, 3)):
    return keras.Sequential([keras.Input(size), *parts, layers.Conv2D(2, 3, name="conv")])


def calculated(mode):
    inputs = keras.Input((16, 16, 3))
    values = keras.applications.imagenet_utils.preprocess_input(inputs, mode=mode)
    return keras.Model(inputs, layers.Conv2D(2, 3, name="conv")(values))


def adapted():
    return layers.Normalization(mean=[0.5, 0.4, 0.3], variance=[0.1, 0.01, 0.2])


READS = {
    "both of two branches": (branches, {"side3", "side5"}),
    "the first that is called": (lambda: reversed_model(3), {"first"}),
    "none of a grey model": (lambda: reversed_model(1), set()),
    "through rescaling": (lambda: through(layers.Rescaling(1 / 255), adapted(), layers.RandomFlip()), {"conv"}),
    "through resizing and a pool": (lambda: through(layers.Resizing(12, 12), layers.MaxPooling2D()), {"conv"}),
    "through a calculation": (lambda: calculated("tf"), {"conv"}),
    "of any size": (lambda: through(layers.ZeroPadding2D(2), size=(None, None, 3)), {"conv"}),
    "not through a mixture": (lambda: through(layers.Dense(3)), set()),
    "not of groups": (lambda: keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 3, groups=3)]), set()),
}


@pytest.mark.parametrize(("build", "names"), READS.values(), ids=READS)
def test_kernels_are_colour_where_they_read_the_pictures_colours(build, names):
    keras.utils.set_random_seed(0)
    assert colours(build()) == names


def test_blue_first_is_said_and_not_taken_for_red():
    layer = kernels_of(calculated("caffe"))["conv"]
    assert not layer.colour
    assert "blue, green and red" in layer.note


def test_one_colour_for_each_kernel_is_said():
    model = keras.Sequential([keras.Input((9, 9, 3)), layers.SeparableConv2D(2, 3), layers.DepthwiseConv2D(3)])
    start, pointwise, later = kernels_of(model).values()
    assert "red, green and blue" in start.note
    assert (pointwise.note, later.note) == ("", "")
    measured = measure(start)
    assert start.note in layer_record(measured, filter_records(measured)).notes
