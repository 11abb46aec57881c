"""Kernels left out or replaced: what Keras finds with the same weights changed, and what changes nothing."""

import functools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import msgspec
import numpy as np
import pytest

from linesexp.config import ExperimentConfig, ImagesConfig, NetworkConfig
from linesexp.learning.network import build_network
from linesexp.learning.recorder import weights_of
from linesexp.seeing.ablation import Ablation, Swap, ablate, score, swap

NETWORKS = {
    "relu": NetworkConfig(filters=(3, 4), kernel_sizes=(5, 3)),
    "one layer": NetworkConfig(
        filters=(4,), kernel_sizes=(7,), activation="elu", pooling="average", pool_size=3
    ),
    "tanh": NetworkConfig(filters=(2, 3, 2), kernel_sizes=(3, 3, 1), activation="tanh", padding="same"),
}
CHANNELS = 2
IMAGES = np.random.default_rng(9).random((70, 20, 20, CHANNELS), dtype=np.float32)  # more than a block
LABELS = np.random.default_rng(8).integers(3, size=70)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@functools.cache
def built(name):
    settings = NETWORKS[name]
    images = ImagesConfig(size=20, length_px=(6, 10), angles_deg=(0.0, 60.0, 120.0))
    return settings, build_network(ExperimentConfig(images=images, network=settings), channels=CHANNELS)


def random_network(name):
    """(settings, Keras model) of a small network with random weights and biases."""
    settings, model = built(name)
    for index, weight in enumerate(model.weights):
        weight.assign(0.3 * random(*weight.shape, seed=index))
    return settings, model


@pytest.fixture(params=NETWORKS)
def each_network(request):
    return random_network(request.param)


@pytest.fixture
def network():
    return random_network("relu")


def keras_score(model):
    """(loss, accuracy) as Keras measures them."""
    return model.evaluate(IMAGES, LABELS, verbose=0)


def assert_score(found, model):
    loss, accuracy = keras_score(model)
    assert (found.loss, found.accuracy) == (pytest.approx(loss, abs=1e-5), pytest.approx(accuracy))
    assert found.correct == round(accuracy * 70)
    assert found.pictures == 70


def assert_effects(effects, whole, after):
    """Each effect's score is the one that Keras finds with a kernel changed, and so is its change."""
    assert [effect.index for effect in effects] == list(range(len(after)))
    for effect, (loss, accuracy) in zip(effects, after, strict=True):
        assert effect.score.loss == pytest.approx(loss, abs=1e-5)
        assert effect.score.accuracy == pytest.approx(accuracy)
        assert effect.loss_change == pytest.approx(loss - whole[0], abs=2e-5)
        assert effect.accuracy_change == pytest.approx(accuracy - whole[1], abs=1e-6)


def first_layer(model):
    return model.get_layer("conv1").get_weights()


def changed(model, index, kernels):
    """Keras' (loss, accuracy) with one filter of the first layer replaced, and then put back."""
    kernel, bias = first_layer(model)
    new = kernel.copy()
    new[..., index] = kernels[..., index]
    model.get_layer("conv1").set_weights([new, bias])
    found = keras_score(model)
    model.get_layer("conv1").set_weights([kernel, bias])
    return found


def constant(model, index):
    """Keras' (loss, accuracy) where one filter's pooled map is its mean, always and everywhere."""
    maps = keras.Model(model.inputs[0], model.get_layer("pool1").output)(IMAGES).numpy()
    maps[..., index] = maps[..., index].mean()
    values = maps
    for layer in model.layers[2:]:
        values = layer(values, training=False)
    chances = np.clip(np.asarray(values), 1e-7, 1)
    loss = -np.log(chances[np.arange(len(LABELS)), LABELS]).mean()
    return loss, np.mean(chances.argmax(axis=1) == LABELS)


def test_without_a_kernel_the_score_is_that_of_keras_with_a_constant_map(each_network):
    settings, model = each_network
    found = ablate(IMAGES, LABELS, weights_of(model), settings)
    assert_score(found.whole, model)
    after = [constant(model, index) for index in range(settings.filters[0])]
    assert_effects(found.without, keras_score(model), after)
    assert any(abs(effect.loss_change) > 1e-3 for effect in found.without)


def test_leaving_out_a_kernel_that_nobody_listens_to_changes_nothing(network):
    settings, model = network
    weights = weights_of(model)
    weights["conv2/kernel"][:, :, 1] = 0
    without = ablate(IMAGES, LABELS, weights, settings).without
    assert (without[1].loss_change, without[1].accuracy_change) == (0, 0)
    assert without[0].loss_change != 0


def test_leaving_out_a_kernel_that_answers_the_same_everywhere_changes_nothing(each_network):
    settings, model = each_network
    weights = weights_of(model)
    weights["conv1/kernel"][..., 0] = 0
    found = ablate(IMAGES, LABELS, weights, settings)
    without = found.without
    # Probabilities are float32: the last bits of a sum depend on how a processor groups its terms.
    assert without[0].loss_change == pytest.approx(
        0, abs=4 * np.finfo(np.float32).eps * max(1, found.whole.loss) * 4
    )
    assert without[0].accuracy_change == 0


def test_with_other_kernels_the_score_is_that_of_keras_with_these_weights(each_network):
    settings, model = each_network
    kernels, bias = first_layer(model)
    others = 0.5 * random(*kernels.shape, seed=77)
    found = swap(IMAGES, LABELS, weights_of(model), settings, others)
    assert_score(found.whole, model)
    after = [changed(model, index, others) for index in range(settings.filters[0])]
    assert_effects(found.one, keras_score(model), after)
    assert any(abs(effect.loss_change) > 1e-3 for effect in found.one)
    model.get_layer("conv1").set_weights([others, bias])
    assert_score(found.all, model)


def test_swapping_a_kernel_for_itself_changes_nothing(network):
    settings, model = network
    weights = weights_of(model)
    others = 0.5 * random(*weights["conv1/kernel"].shape, seed=77)
    others[..., 0] = weights["conv1/kernel"][..., 0]
    one = swap(IMAGES, LABELS, weights, settings, others).one
    assert one[0].loss_change == pytest.approx(0, abs=1e-6)
    assert one[0].accuracy_change == 0


def test_nothing_that_is_handed_over_is_changed(network):
    settings, model = network
    weights, images = weights_of(model), IMAGES.copy()
    ablate(images, LABELS, weights, settings)
    swap(images, LABELS, weights, settings, -weights["conv1/kernel"])
    np.testing.assert_equal(weights, weights_of(model))
    np.testing.assert_array_equal(images, IMAGES)


def test_replacements_of_another_shape_are_refused(network):
    settings, model = network
    with pytest.raises(ValueError, match=r"must have the kernels' shape \(\d, \d, 2, \d\), got \(3, 3, 1, 2\)"):
        swap(IMAGES, LABELS, weights_of(model), settings, np.zeros((3, 3, 1, 2)))


def test_the_score_counts_and_measures():
    chances = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0], [0.0, 1.0]])
    found = score(chances, np.array([1, 1, 0, 0]))
    assert (found.correct, found.pictures, found.accuracy) == (2, 4, 0.5)
    assert found.loss == pytest.approx(-np.log([0.5, 0.75, 1, 1e-7]).mean())


def test_a_network_that_diverged_has_no_loss_and_no_change_of_it(network):
    settings, model = network
    weights = {name: np.full_like(values, np.nan) for name, values in weights_of(model).items()}
    found = ablate(IMAGES, LABELS, weights, settings)
    assert found.whole.loss is None
    assert [effect.loss_change for effect in found.without] == [None] * settings.filters[0]


def test_the_records_survive_json(network):
    settings, model = network
    weights = weights_of(model)
    for found, kind in (
        (ablate(IMAGES, LABELS, weights, settings), Ablation),
        (swap(IMAGES, LABELS, weights, settings, -weights["conv1/kernel"]), Swap),
    ):
        assert msgspec.json.decode(msgspec.json.encode(found), type=kind) == found
