"""Deeper kernels laid back onto pixels: against Keras' own gradients, and against fields known by hand."""

import keras
import numpy as np
import pytest
import tensorflow

from linesexp.config import ExperimentConfig, NetworkConfig
from linesexp.learning.network import build_network
from linesexp.learning.recorder import weights_of
from linesexp.seeing.composition import compositions, effective_sides, pixel_fields


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def network_of(**changed):
    return NetworkConfig(**({"filters": (3, 4, 5), "kernel_sizes": (5, 3, 3)} | changed))


def weights_for(network, channels, rng):
    weights, before = {}, channels
    for layer, (filters, size) in enumerate(zip(network.filters, network.kernel_sizes, strict=True), start=1):
        weights[f"conv{layer}/kernel"] = rng.normal(size=(size, size, before, filters)).astype(np.float32)
        weights[f"conv{layer}/bias"] = rng.normal(size=filters).astype(np.float32)
        before = filters
    return weights


@pytest.mark.parametrize("pool", [2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_fields_are_the_gradients_of_a_network_that_cuts_nothing_off(rng, channels, pool):
    network = network_of(pool_size=pool)
    weights = weights_for(network, channels, rng)
    side = 60
    model = keras.Sequential([keras.Input((side, side, channels))])
    for layer in (1, 2, 3):
        model.add(keras.layers.Conv2D(network.filters[layer - 1], network.kernel_sizes[layer - 1]))
        model.layers[-1].set_weights([weights[f"conv{layer}/kernel"], weights[f"conv{layer}/bias"]])
        if layer < 3:
            model.add(keras.layers.AveragePooling2D(pool))
    picture = tensorflow.zeros((1, side, side, channels))
    fields = pixel_fields(weights, network, 3)
    size = fields.shape[1]
    assert size == 5 - 1 + pool * (3 - 1 + pool * 3)
    for index in range(network.filters[-1]):
        with tensorflow.GradientTape() as tape:
            tape.watch(picture)
            answer = model(picture)[0, 1, 1, index]
        gradient = tape.gradient(answer, picture)[0].numpy()
        first = pool * pool  # the map's second place begins that many pixels into the picture
        inside = gradient[first : first + size, first : first + size]
        np.testing.assert_allclose(inside, fields[index], atol=1e-4)
        assert np.abs(gradient).sum() == pytest.approx(np.abs(inside).sum(), rel=1e-5)  # and nothing beyond


def test_the_first_layers_fields_are_its_kernels(rng):
    network = network_of()
    weights = weights_for(network, 1, rng)
    fields = pixel_fields(weights, network, 1)
    np.testing.assert_array_equal(fields, np.moveaxis(weights["conv1/kernel"], -1, 0))


def test_all_input_channels_count(rng):
    network = network_of()
    weights = weights_for(network, 1, rng)
    changed = {name: values.copy() for name, values in weights.items()}
    changed["conv2/kernel"][:, :, -1] = 0
    before, after = (pixel_fields(each, network, 2) for each in (weights, changed))
    assert not np.allclose(before, after)


def test_a_network_that_cuts_nothing_off_agrees_with_its_fields_wholly(rng):
    network = network_of(activation="linear", pooling="average")
    found = compositions(rng.random((6, 40, 40, 1), dtype=np.float32), weights_for_all(network, rng), network)
    assert [each.layer for each in found] == ["conv2", "conv3"]
    for each in found:
        np.testing.assert_allclose(each.agreement, 1, atol=1e-5)


def test_a_network_with_relu_agrees_less(rng):
    network = network_of()
    found = compositions(rng.random((6, 40, 40, 1), dtype=np.float32), weights_for_all(network, rng), network)
    assert all(np.all(each.agreement < 0.999) for each in found)
    assert all(np.all(np.abs(each.agreement) <= 1) for each in found)


def test_agreement_is_pearsons_correlation(rng):
    """Against NumPy's own, on answers computed by Keras."""
    config = ExperimentConfig(network=network_of())
    model = build_network(config, 1, 2)
    weights = weights_of(model)
    images = rng.random((5, 50, 50, 1), dtype=np.float32)
    found = compositions(images, weights, config.network)[0]
    pooled = keras.Model(model.inputs[0], model.get_layer("pool1").output)(images)
    kernel = weights["conv2/kernel"]
    real = keras.ops.convert_to_numpy(keras.ops.conv(pooled, kernel))
    straight = keras.ops.average_pool(keras.ops.conv(images, weights["conv1/kernel"]), 2)
    linear = keras.ops.convert_to_numpy(keras.ops.conv(straight, kernel))
    for index, agreement in enumerate(found.agreement):
        expected = np.corrcoef(real[..., index].ravel(), linear[..., index].ravel())[0, 1]
        assert agreement == pytest.approx(expected, abs=1e-4)


def test_a_filter_that_never_varies_agrees_with_nothing(rng):
    network = network_of()
    weights = weights_for_all(network, rng)
    weights["conv2/kernel"][..., 1] = 0
    found = compositions(rng.random((3, 40, 40, 1), dtype=np.float32), weights, network)[0]
    assert np.isnan(found.agreement[1])
    assert np.isnan(found.effective_px[1])
    assert np.isfinite(np.delete(found.agreement, 1)).all()


@pytest.mark.parametrize(("size", "expected"), [(9, 3), (10, 4)])
def test_the_effective_side_holds_95_percent(size, expected):
    field = np.zeros((1, size, size, 1))
    first = (size - expected) // 2
    field[0, first : first + expected, first : first + expected] = 1
    field[0, 0, 0] = 0.1
    assert effective_sides(field) == expected
    assert effective_sides(np.ones((1, size, size, 1))) == size
    assert effective_sides(field, held=1) == size


def test_one_layer_has_no_deeper_ones(rng):
    network = NetworkConfig(filters=(3,), kernel_sizes=(5,))
    weights = weights_for_all(network, rng)
    assert compositions(rng.random((3, 20, 20, 1), dtype=np.float32), weights, network) == []


def weights_for_all(network, rng, side=40):
    """With a dense layer that fits pictures of 40×40."""
    weights = weights_for(network, 1, rng)
    sides = network.map_sizes(side if len(network.filters) > 1 else 20)[-1][1]
    weights["dense/kernel"] = rng.normal(size=(sides**2 * network.filters[-1], 2)).astype(np.float32)
    weights["dense/bias"] = np.zeros(2, np.float32)
    return weights
