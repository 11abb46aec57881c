"""Members of an ensemble: each equal to the network of its own seed, whoever is beside it."""

import numpy as np
import pytest

from linesexp.config import build_config, settings_of
from linesexp.images.dataset import make_dataset
from linesexp.learning.block import train_block
from linesexp.learning.training import Checkpoint, start_network, train
from linesexp.run import first_kernels
from linesexp.runs.steps import WeightsHistory
from linesexp.study.blocks import LOG, Block

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
    """What a run of this seed records: its steps and weights, its log, what it says about the test pictures."""
    config = block(config, (seed,)).config
    model = start_network(config, dataset, first_layer)
    steps, weights = [], []
    done = train(
        model,
        dataset,
        config,
        checkpoint=Checkpoint(),
        record=lambda step, recorded: (steps.append(step), weights.append(recorded)),
        save_checkpoint=lambda checkpoint: None,
        on_epoch=lambda row: None,
    )
    history = {name: np.stack([step[name] for step in weights]) for name in weights[0]}
    log = {name: np.array([row[name] for row in done.history]) for name in LOG}
    return WeightsHistory(np.array(steps), history), log, model.predict(dataset.part("test")[0], verbose=0)


def assert_is_the_network_of_its_seed(config, seeds, member, dataset, first_layer=None):
    result = train_block(block(config, seeds), dataset, first_layer=first_layer)
    history, log, probabilities = alone(config, seeds[member], dataset, first_layer)
    close = {"rtol": 1e-4, "atol": 2e-5}
    assert np.array_equal(result.steps, history.steps)
    assert list(result.trained) == list(result.untrained) == list(history.weights)
    for name, values in history.weights.items():
        assert np.array_equal(result.untrained[name][member], values[0]), name
        np.testing.assert_allclose(result.trained[name][member], values[-1], **close, err_msg=name)
    np.testing.assert_allclose(result.kernels[member], first_kernels(history), **close)
    np.testing.assert_allclose(result.test_probabilities[member], probabilities, **close)
    for name, values in log.items():
        np.testing.assert_allclose(result.log[name][member], values, **close, err_msg=name)


DATASET = make_dataset(build_config(SMALL).images)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"pooling": "average"},
        {"padding": "same"},
        {"pool_size": 3},
        {"pool_size": 1},
        {"weight_decay": 0.05},
        {"dropout": 0.0},
        {"dropout": 0.6},
        {"shuffle_labels": True},
        {"first_layer": "random"},
        {"initializer": "he_normal"},
        {"filters": (3,), "kernel_sizes": (7,)},
        *({"activation": name} for name in ("leaky_relu", "elu", "tanh", "sigmoid", "linear")),
        *({"optimizer": name} for name in ("adamw", "sgd", "rmsprop")),
    ],
    ids=str,
)
def test_a_member_is_the_network_of_its_seed(change):
    assert_is_the_network_of_its_seed(changed(**change), (4, 0, 7), 2, DATASET)
