"""The whole network in NumPy: every layer agrees with Keras."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

from linesexp.config import ExperimentConfig, ImagesConfig, NetworkConfig
from linesexp.learning.network import build_network
from linesexp.learning.recorder import weights_of
from linesexp.seeing.convolution import ACTIVATIONS
from linesexp.seeing.forward import forward, preference, probabilities, strongest_answers

NETWORKS = {
    "relu": NetworkConfig(filters=(3, 4), kernel_sizes=(5, 3)),
    "leaky_relu": NetworkConfig(
        filters=(4,), kernel_sizes=(7,), activation="leaky_relu", pooling="average", padding="same", pool_size=3
    ),
    "tanh": NetworkConfig(filters=(2, 3, 2), kernel_sizes=(3, 3, 1), activation="tanh", padding="same"),
}


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.fixture(scope="module", params=NETWORKS)
def trained(request):
    """(settings, Keras model, its weights) of a small network with random biases."""
    network = NETWORKS[request.param]
    images = ImagesConfig(size=20, length_px=(6, 10), angles_deg=(0.0, 60.0, 120.0))
    model = build_network(ExperimentConfig(images=images, network=network), channels=2)
    for index, weight in enumerate(model.weights):
        weight.assign(0.3 * random(*weight.shape, seed=index))
    return network, model, weights_of(model)


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(9).random((5, 20, 20, 2), dtype=np.float32)


def test_every_layer_is_keras(trained, pictures):
    network, model, weights = trained
    outputs = forward(pictures, weights, network)
    layers = [layer.name for layer in model.layers if layer.name != "dropout"]
    assert [output.name for output in outputs] == layers
    tap = keras.Model(model.inputs[0], [model.get_layer(name).output for name in layers])
    for output, expected in zip(outputs, tap(pictures, training=False), strict=True):
        np.testing.assert_allclose(output.values, expected, atol=1e-5, err_msg=output.name)


def test_probabilities_are_keras_predictions_whatever_the_block(trained, pictures):
    network, model, weights = trained
    for block in (1, 2, 64):
        found = probabilities(pictures, weights, network, block)
        np.testing.assert_allclose(found, model(pictures, training=False), atol=1e-5)
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_strongest_answers_are_the_peaks_of_the_maps_whatever_the_block(trained, pictures):
    network, _, weights = trained
    expected = forward(pictures, weights, network)[0].values.max(axis=(1, 2))
    for block in (2, 32):
        kernels, bias = weights["conv1/kernel"], weights["conv1/bias"]
        found = strongest_answers(pictures, kernels, bias, network, block)
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_taking_the_peak_before_the_activation_is_the_same(activation):
    # Holds for every activation that never falls, which `strongest_answers` counts on.
    values = np.linspace(-5, 5, 101, dtype=np.float32)
    assert np.all(np.diff(ACTIVATIONS[activation](values)) >= 0)


def test_preference_runs_from_the_first_class_to_the_second():
    answers = np.array([[2.0, 0.0, 1.0, 0.0, 1.0], [0.0, 3.0, 1.0, 0.0, 3.0]])
    found = preference(answers, np.array([0, 1]), (0, 1))
    assert found[:3].tolist() == [-1, 1, 0]
    assert np.isnan(found[3])
    assert found[4] == pytest.approx((3 - 1) / (3 + 1))


def test_preference_compares_means_of_the_two_classes_asked_for():
    answers = np.array([[1.0], [3.0], [6.0], [100.0]])
    labels = np.array([0, 0, 2, 1])
    assert preference(answers, labels, (0, 2)) == pytest.approx([(6 - 2) / (6 + 2)])
    assert preference(answers, labels, (2, 0)) == pytest.approx([(2 - 6) / (6 + 2)])
    assert preference(5 * answers, labels, (0, 2)) == pytest.approx([0.5])


def test_preference_counts_answers_below_zero_as_none():
    answers = np.array([[-0.9, 3.0], [2.0, -5.0]])
    assert preference(answers, np.array([0, 1]), (0, 1)).tolist() == [1, -1]
