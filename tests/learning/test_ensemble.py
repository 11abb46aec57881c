"""Members of an ensemble: each equal to the network of its own seed, whoever is beside it."""

import itertools
import sys
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from linesexp.config import build_config, settings_of
from linesexp.errors import ConfigError
from linesexp.images.dataset import Dataset, make_dataset
from linesexp.learning import members
from linesexp.learning.block import _ensemble, train_block
from linesexp.learning.ensemble import begin, build_ensemble, by_member
from linesexp.learning.network import build_network
from linesexp.learning.recorder import weights_of
from linesexp.learning.training import Checkpoint, start_network, train
from linesexp.run import first_kernels
from linesexp.runs.steps import WeightsHistory
from linesexp.seeing.forward import probabilities
from linesexp.study.blocks import LOG, Block, parse_result, result_bytes

SMALL = {
    "images": {"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 30},
    "network": {"filters": (3, 5), "kernel_sizes": (5, 3)},
    "training": {"epochs": 2, "batch_size": 8},
}
RNG = np.random.default_rng(0)
GIVEN = {
    "kernel": RNG.standard_normal((5, 5, 1, 3)).astype(np.float32) / 5,
    "bias": RNG.standard_normal(3).astype(np.float32) / 5,
}


def changed(**fields):
    """Small settings with some changed, wherever they belong."""
    sections = settings_of(build_config(SMALL))
    for values in sections.values():
        values.update({name: value for name, value in fields.items() if name in values})
    return build_config(sections)


def block(config, seeds):
    training = settings_of(config)["training"] | {"seed": seeds[0]}
    return Block("any", build_config(settings_of(config), {"training": training}), seeds)


def alone(config, seed, dataset, first_layer=None):
    """What a run of this seed records: its steps and weights, and its log."""
    config = block(config, (seed,)).config
    steps, weights = [], []
    done = train(
        start_network(config, dataset, first_layer),
        dataset,
        config,
        checkpoint=Checkpoint(),
        record=lambda step, recorded: (steps.append(step), weights.append(recorded)),
        save_checkpoint=lambda checkpoint: None,
        on_epoch=lambda row: None,
    )
    history = {name: np.stack([step[name] for step in weights]) for name in weights[0]}
    log = {name: np.array([row[name] for row in done.history]) for name in LOG}
    return WeightsHistory(np.array(steps), history), log


def frozen_in_time(result):
    """A result's bytes but for the seconds that it took."""
    return result_bytes(replace(result, seconds=0.0))


def in_colour(angles_deg):
    """A data set of three classes with three channels, which differ."""
    config = build_config(SMALL, {"images": {"angles_deg": angles_deg}})
    drawn = make_dataset(config.images)
    pixels = np.concatenate([drawn.pixels, drawn.pixels // 2, 255 - drawn.pixels], axis=-1)
    return Dataset(pixels, drawn.labels, drawn.split, drawn.class_names)


DATASET = make_dataset(build_config(SMALL).images)
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
COLOURS = {
    **{"pooling": "average", "padding": "same", "activation": "tanh", "initializer": "he_normal"},
    **{"optimizer": "sgd", "learning_rate": 0.05, "weight_decay": 0.05, "shuffle_labels": True},
    **{"angles_deg": (0.0, 45.0, 90.0), "epochs": 1},
}
MORE = [
    {"pool_size": 3, "activation": "elu", "optimizer": "rmsprop", "dropout": 0.0, "first_layer": "random"},
    {"pool_size": 1, "activation": "sigmoid", "optimizer": "adamw", "dropout": 0.6, "first_layer": "given"},
    {"filters": (3,), "kernel_sizes": (7,), "activation": "leaky_relu", "batch_size": 42},
]


def assert_is_the_network_of_its_seed(result, member, config, seed, dataset=DATASET):
    first_layer = GIVEN if config.network.first_layer == "given" else None
    history, log = alone(config, seed, dataset, first_layer)
    assert np.array_equal(result.steps, history.steps)
    assert list(result.trained) == list(result.untrained) == list(history.weights)
    for name, values in history.weights.items():
        assert np.array_equal(result.untrained[name][member], values[0]), name
        np.testing.assert_allclose(result.trained[name][member], values[-1], **CLOSE, err_msg=name)
    np.testing.assert_allclose(result.kernels[member], first_kernels(history), **CLOSE)
    chances = probabilities(dataset.part("test")[0], history.at(-1), config.network)
    np.testing.assert_allclose(result.test_probabilities[member], chances, **CLOSE)
    for name, values in log.items():
        np.testing.assert_allclose(result.log[name][member], values, **CLOSE, err_msg=name)


@pytest.fixture(scope="module")
def said():
    """What the training of `three` said after each epoch."""
    return []


@pytest.fixture(scope="module")
def three(said):
    return train_block(block(changed(), (4, 0, 7)), DATASET, lambda *done: said.append(done))


def model_of_three():
    """The model in which `three` was trained, unless two others came between."""
    network, training = changed().network, changed().training
    return _ensemble(network, training.optimizer, training.learning_rate, 3, DATASET.pixels.shape[1:], 2)


def test_a_member_is_the_network_of_its_seed(three):
    assert_is_the_network_of_its_seed(three, 2, changed(), 7)


def test_other_seeds_beside_it_change_nothing_in_a_member(three):
    found = train_block(block(changed(), (5, 0, 8)), DATASET)
    for part in ("untrained", "trained", "log"):
        for name, values in getattr(three, part).items():
            assert np.array_equal(getattr(found, part)[name][1], values[1]), name
    for name in ("conv1/kernel", "conv2/kernel", "dense/kernel", "conv2/bias"):
        assert not np.array_equal(found.trained[name][0], three.trained[name][0])


def test_a_member_that_diverged_leaves_the_others_alone():
    config, parts = changed(), [part[:8] for part in DATASET.part("train")]
    model, after = model_of_three(), []
    for value in (0.5, np.nan):
        begin(model, config, (4, 0, 7))
        kernel = model.get_layer("dense").kernel.numpy()
        kernel[0] = value
        model.get_layer("dense").kernel.assign(kernel)
        for _ in range(2):
            model.train_on_batch(*parts)
        after.append((by_member(weights_of(model), 3), model.each.read()))
    (usual, sums), (diverged, others) = after
    assert np.isnan(diverged["conv1/kernel"][0]).any()
    assert np.array_equal(sums[:, 1:], others[:, 1:])
    for name, values in usual.items():
        assert np.array_equal(diverged[name][1:], values[1:]), name


def test_a_model_serves_blocks_of_other_pictures_and_labels_and_shows_nothing_of_them(three):
    other = changed(shuffle_labels=True, thickness_px=(1, 1), batch_size=6, epochs=1)
    model_of_three()
    made = _ensemble.cache_info().misses
    train_block(block(other, (9, 1, 2)), make_dataset(other.images))
    assert frozen_in_time(train_block(block(changed(), (4, 0, 7)), DATASET)) == frozen_in_time(three)
    assert _ensemble.cache_info().misses == made


@pytest.mark.slow
def test_the_same_block_gives_the_same_bytes_in_a_new_model(three):
    _ensemble.cache_clear()
    assert frozen_in_time(train_block(block(changed(), (4, 0, 7)), DATASET)) == frozen_in_time(three)


def test_colours_and_more_classes():
    config, dataset = changed(**COLOURS), in_colour((0.0, 45.0, 90.0))
    result = train_block(block(config, (1, 2)), dataset)
    assert result.trained["conv1/kernel"].shape == (2, 5, 5, 3, 3)
    assert result.test_probabilities.shape[2] == 3
    assert_is_the_network_of_its_seed(result, 1, config, 2, dataset)


@pytest.mark.slow
@pytest.mark.parametrize("change", MORE, ids=lambda change: change["activation"])
def test_a_member_with_other_settings_is_the_network_of_its_seed(change):
    config = changed(**change)
    first_layer = GIVEN if config.network.first_layer == "given" else None
    result = train_block(block(config, (4, 0, 7)), DATASET, first_layer=first_layer)
    assert_is_the_network_of_its_seed(result, 2, config, 7)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [(7,), pytest.param((7, 3), marks=pytest.mark.slow)])
def test_a_member_is_the_same_in_a_block_of_any_size(three, seeds):
    found = train_block(block(changed(), seeds), DATASET)
    for name, values in three.trained.items():
        np.testing.assert_allclose(found.trained[name][0], values[2], **CLOSE, err_msg=name)
    for name, values in three.log.items():
        np.testing.assert_allclose(found.log[name][0], values[2], **CLOSE, err_msg=name)


def test_a_result_goes_through_bytes(three):
    np.testing.assert_equal(vars(parse_result(result_bytes(three), "here")), vars(three))


def test_members_differ_and_learn(three):
    for one, other in itertools.combinations(range(3), 2):
        assert not np.allclose(three.kernels[one], three.kernels[other])
    assert np.all(three.log["loss"][:, -1] < three.log["loss"][:, 0])


def test_it_says_after_each_epoch_how_many_are_done(three, said):
    assert said == [(1, 2), (2, 2)]


def test_an_ensemble_begins_as_the_networks_of_its_seeds():
    pictures = DATASET.part("test")[0]
    model = build_ensemble(changed(), (4, 0))
    drawn = by_member(weights_of(model), 2)
    for member, seed in enumerate((4, 0)):
        network = build_network(block(changed(), (seed,)).config)
        for name, values in weights_of(network).items():
            assert np.array_equal(drawn[name][member], values)
        np.testing.assert_allclose(model(pictures)[:, member], network(pictures), **CLOSE)


def test_prewitt_operators_that_nobody_hands_over_are_refused():
    with pytest.raises(ConfigError, match="first_layer = 'prewitt': needs the kernels"):
        train_block(block(changed(first_layer="prewitt"), (4, 0, 7)), DATASET)


@pytest.mark.parametrize(
    ("backend", "computes_on", "way"),
    [
        ("jax", "cpu", members.ONE_BY_ONE),
        ("jax", "gpu", members.GROUPED),
        ("torch", "", members.GROUPED),
        ("tensorflow", True, members.GROUPED),
        ("tensorflow", False, members.ONE_BY_ONE),
    ],
)
def test_members_are_convolved_by_the_way_that_is_quick(backend, computes_on, way, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(default_backend=lambda: computes_on))
    monkeypatch.setattr(members, "grouped_gradients", lambda tensorflow: computes_on)
    assert members.way_of_convolving.__wrapped__() == way
