"""Layers' outputs are those of Keras' own sub-models, however a model is put together."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from linesexp.errors import InputError
from linesexp.seeing.layers import convolutions, layer_outputs, picture_shape

layers = keras.layers


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).random((2, *shape), dtype=np.float32)


def functional():
    """A branch, a shared layer, batch normalisation with statistics of its own, and a depthwise convolution."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((12, 10, 3))
    shared = layers.Conv2D(3, 3, padding="same", activation="relu", name="shared")
    first = shared(inputs)
    second = shared(first)
    depth = layers.DepthwiseConv2D(3, padding="same", name="depth")(second)
    normed = layers.BatchNormalization(name="norm")(depth)
    joined = layers.Concatenate(name="joined")([first, normed])
    flat = layers.GlobalAveragePooling2D(name="mean")(joined)
    model = keras.Model(inputs, layers.Dense(4, activation="softmax", name="classes")(flat))
    norm = model.get_layer("norm")
    norm.set_weights([np.random.default_rng(index).random(3) + 0.5 for index in range(4)])
    return model


def nested():
    keras.utils.set_random_seed(2)
    inner = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.SeparableConv2D(5, 3, name="separable"),
            layers.MaxPooling2D(name="pool"),
        ],
        name="inner",
    )
    inputs = keras.Input((10, 10, 1))
    start = layers.Conv2D(3, 3, name="start")(inputs)
    return keras.Model(
        inputs, layers.Dense(2, name="classes")(layers.Flatten(name="flat")(inner(start)))
    ), inner


class Block(keras.layers.Layer):
    """A block with a calculation of its own: a residual connection."""

    def __init__(self, **how):
        super().__init__(**how)
        self.conv = layers.Conv2D(2, 3, padding="same", name="conv")

    def call(self, inputs):
        return inputs + self.conv(inputs)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.block = Block(name="block")
        self.dense = layers.Dense(3, name="dense")

    def call(self, inputs):
        return 2 * self.dense(keras.ops.mean(self.block(inputs), axis=(1, 2)))


def by_keras(model, tensor, batch):
    return keras.ops.convert_to_numpy(keras.Model(model.inputs[0], tensor)(batch, training=False))


def outputs_of(model, batch):
    return {output.name: output.values for output in layer_outputs(model, batch)}


def test_a_functional_model_with_a_branch_and_a_shared_layer():
    model, batch = functional(), pictures(12, 10, 3)
    found = outputs_of(model, batch)
    assert list(found) == ["shared", "shared#2", "depth", "norm", "joined", "mean", "classes"]
    shared = model.get_layer("shared")
    for name in list(found)[2:]:
        expected = by_keras(model, model.get_layer(name).output, batch)
        np.testing.assert_allclose(found[name], expected, atol=1e-6, rtol=1e-6)
    nodes = [node.output_tensors[0] for node in shared._inbound_nodes]
    for name, tensor in zip(("shared", "shared#2"), nodes, strict=True):
        np.testing.assert_allclose(found[name], by_keras(model, tensor, batch), atol=1e-6, rtol=1e-6)
    assert not np.allclose(found["shared"], found["shared#2"])


def test_layers_of_a_nested_model_have_its_name_before_theirs():
    (model, inner), batch = nested(), pictures(10, 10, 1)
    found = outputs_of(model, batch)
    assert list(found) == ["start", "inner/separable", "inner/pool", "flat", "classes"]
    start = by_keras(model, model.get_layer("start").output, batch)
    for name in ("separable", "pool"):
        expected = by_keras(inner, inner.get_layer(name).output, start)
        np.testing.assert_allclose(found[f"inner/{name}"], expected, atol=1e-6, rtol=1e-6)
    np.testing.assert_allclose(found["classes"], model(batch), atol=1e-6, rtol=1e-6)


def test_a_sequential_model():
    model = keras.Sequential(
        [
            keras.Input((9, 9, 1)),
            layers.Conv2D(4, 3, name="conv"),
            layers.ReLU(name="relu"),
            layers.Flatten(name="flat"),
        ]
    )
    batch = pictures(9, 9, 1)
    found = outputs_of(model, batch)
    assert list(found) == ["conv", "relu", "flat"]
    for name, values in found.items():
        np.testing.assert_allclose(values, by_keras(model, model.get_layer(name).output, batch), atol=1e-6)


def test_a_subclassed_model_and_a_block_of_ones_own_that_were_never_called():
    model, batch = Subclassed(), pictures(6, 6, 2)
    found = outputs_of(model, batch)
    assert list(found) == ["block/conv", "block", "dense", "output"]
    np.testing.assert_allclose(found["block"], batch + found["block/conv"], atol=1e-6)
    np.testing.assert_allclose(found["output"], 2 * found["dense"], atol=1e-6)


def test_listening_leaves_keras_as_it_was():
    before = keras.layers.Layer.__call__
    model = functional()
    layer_outputs(model, pictures(12, 10, 3))
    assert keras.layers.Layer.__call__ is before
    with pytest.raises(Exception, match=r"shape|incompatible"):
        layer_outputs(model, pictures(3, 3, 1))
    assert keras.layers.Layer.__call__ is before


def test_a_model_that_wants_its_picture_in_a_list_gets_it_without_a_warning():
    inputs = keras.Input((6, 6, 1))
    model = keras.Model([inputs], layers.Conv2D(2, 3, name="conv")(inputs))
    assert list(outputs_of(model, pictures(6, 6, 1))) == ["conv"]


def test_convolutions_are_named_in_order_and_a_model_without_is_refused():
    assert convolutions(functional(), pictures(12, 10, 3)) == ["shared", "shared#2", "depth"]
    assert convolutions(nested()[0], pictures(10, 10, 1)) == ["start", "inner/separable"]
    dense = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    with pytest.raises(InputError, match="no two-dimensional convolution"):
        convolutions(dense, pictures(4, 4, 1))


def test_what_a_model_takes():
    assert picture_shape(functional()) == (12, 10, 3)
    assert picture_shape(keras.Sequential([keras.Input((None, 7, 1)), layers.Conv2D(1, 3)])) == (None, 7, 1)


@pytest.mark.parametrize("shape", [(5,), (8, 8), (8, 8, 2), (3, 8, 8), (4, 8, 8, 1)], ids=str)
def test_a_model_that_takes_no_pictures_is_refused(shape):
    inputs = keras.Input(shape)
    with pytest.raises(InputError, match="it takes"):
        picture_shape(keras.Model(inputs, layers.Flatten()(inputs)))


def test_a_model_with_two_inputs_is_refused():
    inputs = [keras.Input((8, 8, 1)), keras.Input((8, 8, 1))]
    with pytest.raises(InputError, match="one batch of pictures"):
        picture_shape(keras.Model(inputs, layers.Add()(inputs)))


def in_order(data_format, *turn):
    """Every kind of convolution over maps that lie in this order."""
    how = {"data_format": data_format}
    parts = [
        layers.Conv2D(4, 3, padding="same", strides=2, activation="relu", **how),
        layers.Conv2D(4, 3, groups=2, **how),
        layers.DepthwiseConv2D(2, **how),
        layers.Conv2DTranspose(3, 3, strides=2, use_bias=False, **how),
        layers.Conv2D(2, 3, dilation_rate=2, name="last", **how),
    ]
    return keras.Sequential([keras.Input((20, 24, 3)), *turn, *parts])


def test_maps_with_channels_first_hold_the_same_numbers_and_the_layers_stay_as_they_were():
    keras.utils.set_random_seed(0)
    last, first = in_order("channels_last"), in_order("channels_first", layers.Permute((3, 1, 2)))
    first.set_weights(last.get_weights())
    before = keras.layers.Conv2D.call, vars(keras.layers.Conv2D).get("call")
    photos = np.random.default_rng(0).random((2, 20, 24, 3), dtype=np.float32)
    found, expected = layer_outputs(first, photos)[1:], layer_outputs(last, photos)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.values, other.values.transpose(0, 3, 1, 2), rtol=1e-4, atol=1e-5)
    assert {layer.data_format for layer in first.layers[1:]} == {"channels_first"}
    assert (keras.layers.Conv2D.call, vars(keras.layers.Conv2D).get("call")) == before


@pytest.mark.parametrize("activation", ["softmax", layers.PReLU], ids=["softmax", "a layer"])
def test_activations_see_channels_first_maps_as_they_lie(activation):
    keras.utils.set_random_seed(0)
    how = {"data_format": "channels_first", "name": "conv"}
    parts = [layers.Permute((3, 1, 2)), layers.Conv2D(4, 3, **how)]
    photos = np.random.default_rng(0).random((2, 8, 9, 3), dtype=np.float32)
    linear = keras.Sequential([keras.Input((8, 9, 3)), *parts])
    sums = layer_outputs(linear, photos)[1].values
    own = activation if isinstance(activation, str) else activation(alpha_initializer="random_uniform")
    active = keras.Sequential(
        [keras.Input((8, 9, 3)), layers.Permute((3, 1, 2)), layers.Conv2D(4, 3, activation=own, **how)]
    )
    for weight, value in zip(active.get_layer("conv").weights, linear.get_layer("conv").weights, strict=False):
        weight.assign(value)
    expected = keras.activations.get(own)(keras.ops.convert_to_tensor(sums))
    found = next(each.values for each in layer_outputs(active, photos) if each.name == "conv")
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


WITHOUT_ONEDNN = """
import sys, warnings
import numpy as np
from PIL import Image
from linesexp.learning.backend import quiet_import
with quiet_import():
    import keras
from linesexp.cli import cli
from linesexp.seeing.attribution import gradient

layers = keras.layers
parts = [layers.Conv2D(2, 3, data_format="channels_first"), layers.Permute((2, 3, 1)), layers.Conv2D(2, 3)]
parts += [layers.GlobalAveragePooling2D(), layers.Dense(2, "softmax")]
model = keras.Sequential([keras.Input((12, 14, 3)), layers.Permute((3, 1, 2)), *parts])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Keras about NumPy, as it saves
    model.save("model.keras")
photo = np.random.default_rng(0).integers(0, 256, (12, 14, 3), dtype=np.uint8)
Image.fromarray(photo).save("photo.png")
cli.main(["see", "model.keras", "photo.png", "--no-figures", "--out", "seen", "-q"], standalone_mode=False)
cli.main(["inspect", "model.keras", "--no-figures", "--out", "inspected", "-q"], standalone_mode=False)
sys.exit(not gradient(model, photo[None].astype("float32"), 0).any())
"""


@pytest.mark.slow
def test_channels_first_is_seen_and_inspected_without_onednn(tmp_path, environment):
    """TensorFlow itself then convolves with channels last alone."""
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_ONEDNN],
        cwd=tmp_path,
        env=environment | {"TF_ENABLE_ONEDNN_OPTS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    with np.load(tmp_path / "seen/maps-00000.npz") as maps:
        assert maps["conv2d"].shape == (1, 2, 10, 12)
    inspected = json.loads((tmp_path / "inspected/inspection.json").read_text())
    assert inspected["fields"][1]["effective"] is not None
    assert not [note for note in inspected["notes"] if "did not look" in note or "no gradient" in note]
