"""What training does otherwise in a control: frozen first layers, labels in random order."""

import contextlib
import copy

import numpy as np
import pytest

from linesexp.config import build_config, settings_of
from linesexp.errors import ConfigError
from linesexp.images.dataset import Dataset, make_dataset
from linesexp.learning.controls import shuffled
from linesexp.learning.recorder import weights_of
from linesexp.learning.training import Checkpoint, start_network, train

SMALL = build_config(
    {
        "images": {"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 30},
        "network": {"filters": (3, 2), "kernel_sizes": (5, 3)},
        "training": {"epochs": 2, "batch_size": 8},
    }
)
DATASET = make_dataset(SMALL.images)
RNG = np.random.default_rng(0)
GIVEN = {
    "kernel": RNG.standard_normal((5, 5, 1, 3)).astype(np.float32),
    "bias": RNG.standard_normal(3).astype(np.float32),
}
FROZEN = {"random": None, "prewitt": GIVEN, "given": GIVEN}


def changed(**fields):
    sections = settings_of(SMALL)
    for values in sections.values():
        values.update({name: value for name, value in fields.items() if name in values})
    return build_config(sections)


class Killed(Exception):
    """Stands for the end of the process."""


def trained(config, first_layer=None, dataset=DATASET, checkpoint=None, die_after=None):
    """Recorded steps and the last checkpoint; dies after an epoch if asked to."""
    recorded, saved = {}, []

    def save(checkpoint):
        saved.append(copy.deepcopy(checkpoint))
        if checkpoint.epoch == die_after:
            raise Killed

    with contextlib.suppress(Killed):
        train(
            start_network(config, dataset, first_layer),
            dataset,
            config,
            checkpoint=checkpoint or Checkpoint(),
            record=lambda step, weights: recorded.update({step: weights}),
            save_checkpoint=save,
            on_epoch=lambda row: None,
        )
    return recorded, saved[-1]


@pytest.fixture(scope="module")
def usual():
    return trained(SMALL)


@pytest.mark.parametrize(
    "start", ["random", *(pytest.param(start, marks=pytest.mark.slow) for start in ("given", "prewitt"))]
)
def test_a_frozen_layer_is_equal_to_the_bit_in_all_steps_and_the_others_learn(start):
    recorded, _ = trained(changed(first_layer=start), FROZEN[start])
    assert list(recorded)[-1] == 2
    first, last = recorded[0], recorded[2]
    for name in first:
        if name.startswith("conv1/"):
            assert all(np.array_equal(weights[name], first[name]) for weights in recorded.values())
        else:
            assert not np.array_equal(last[name], first[name])
    if FROZEN[start]:
        for name, values in FROZEN[start].items():
            assert np.array_equal(first[f"conv1/{name}"], values)


@pytest.mark.slow
@pytest.mark.parametrize("start", FROZEN)
def test_everything_else_starts_as_it_would_otherwise(start, usual):
    model = start_network(changed(first_layer=start), DATASET, FROZEN[start])
    for name, values in weights_of(model).items():
        if start == "random" or not name.startswith("conv1/"):
            assert np.array_equal(values, usual[0][0][name]), name


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"first_layer": "random"}, {"first_layer": "given"}, {"shuffle_labels": True}]
)
def test_going_on_after_a_kill_gives_the_same_bits(change):
    config = changed(**change)
    first_layer = FROZEN.get(config.network.first_layer)
    undisturbed, _ = trained(config, first_layer)
    before, checkpoint = trained(config, first_layer, die_after=1)
    after, _ = trained(config, first_layer, checkpoint=checkpoint)
    assert max(before) == 1
    np.testing.assert_equal(before | after, undisturbed)


@pytest.mark.parametrize("start", ["prewitt", "given"])
def test_a_layer_that_nobody_hands_over_is_refused(start):
    with pytest.raises(ConfigError, match=f"first_layer = '{start}': needs the kernels"):
        start_network(changed(first_layer=start), DATASET)


def test_kernels_of_another_shape_are_refused():
    other = GIVEN | {"kernel": np.zeros((7, 7, 1, 3), np.float32)}
    with pytest.raises(ConfigError, match=r"\(5, 5, 1, 3\).*got \(7, 7, 1, 3\)"):
        start_network(changed(first_layer="given"), DATASET, other)


def test_shuffled_labels_keep_their_numbers_and_depend_on_the_data_seed_alone():
    labels = np.repeat(np.arange(3), [50, 30, 20])
    found = shuffled(labels, 0)
    assert np.bincount(found).tolist() == [50, 30, 20]
    assert not np.array_equal(found, labels)
    assert np.array_equal(found, shuffled(labels, 0))
    assert not np.array_equal(found, shuffled(labels, 1))


def test_only_the_training_labels_are_shuffled(usual):
    """As training with these labels in the data set, and the others as they were."""
    labels = DATASET.labels.copy()
    training = DATASET.chosen("train")
    labels[training] = shuffled(labels[training], SMALL.images.data_seed)
    by_hand = Dataset(DATASET.pixels, labels, DATASET.split, DATASET.class_names)
    expected, checkpoint = trained(SMALL, dataset=by_hand)
    found, also = trained(changed(shuffle_labels=True))
    np.testing.assert_equal(found, expected)
    assert not np.array_equal(found[2]["conv1/kernel"], usual[0][2]["conv1/kernel"])
    for row, other in zip(also.history, checkpoint.history, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}
