"""With oneDNN and without it: members convolved in groups and one by one, each equal to the single network."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import tensorflow as tf
from conftest import SCRIPT

from linesexp.config import build_config
from linesexp.environment import ONEDNN, grouped_gradients, versions
from linesexp.images.dataset import make_dataset
from linesexp.learning import block, members
from linesexp.learning.ensemble import build_ensemble, by_member
from linesexp.learning.network import build_network
from linesexp.runs.formats import parse_json
from linesexp.study.engine import train_study
from linesexp.study.local import train_here
from linesexp.study.plan import StudySettings
from linesexp.study.reading import open_study

HERE = Path(__file__).parent
X86_64 = platform.machine().lower() in ("x86_64", "amd64")
OF_ONE_SETTING = (
    "test_each_members_gradient_is_that_of_the_network_of_its_seed",
    "test_members_are_convolved_in_groups_where_onednn_is_on_and_only_there",
    "test_a_tiny_study_trains_the_networks_of_its_seeds_and_says_how",
)
SEEDS = (4, 0, 7)
CONFIG = build_config(
    {
        "images": {"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 20},
        "network": {"filters": (3, 5), "kernel_sizes": (5, 3), "dropout": 0.0},
    }
)


def assert_close(found, expected):
    """Equal within 1e-5, relative to the largest of what is expected."""
    assert np.abs(np.subtract(found, expected)).max() <= 1e-5 * np.abs(expected).max()


def take(way, monkeypatch):
    monkeypatch.setattr(members, "way_of_convolving", lambda: way)


@pytest.mark.parametrize("way", [members.GROUPED, members.ONE_BY_ONE])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_each_members_maps_are_those_of_its_own_convolution(way, padding, monkeypatch):
    take(way, monkeypatch)
    rng = np.random.default_rng(0)
    maps, kernel = (rng.standard_normal(shape).astype(np.float32) for shape in ((2, 6, 6, 6), (3, 3, 2, 9)))
    found = members.convolve(maps, tf.constant(kernel), padding, 3)
    for member in range(3):
        own, filters = maps[..., 2 * member :][..., :2], kernel[..., 3 * member :][..., :3]
        expected = tf.nn.conv2d(own, filters, 1, padding.upper())
        assert_close(found[..., 3 * member :][..., :3], expected)


@pytest.mark.parametrize("way", [members.GROUPED] * grouped_gradients(tf) + [members.ONE_BY_ONE])
def test_each_members_gradient_is_that_of_the_network_of_its_seed(way, monkeypatch):
    take(way, monkeypatch)
    images, labels = make_dataset(CONFIG.images).part("train")
    ensemble = build_ensemble(CONFIG, SEEDS)
    found = by_member(gradients(ensemble, images, labels), len(SEEDS))
    for member, seed in enumerate(SEEDS):
        training = msgspec.structs.replace(CONFIG.training, seed=seed)
        network = build_network(msgspec.structs.replace(CONFIG, training=training))
        for name, expected in gradients(network, images, labels).items():
            assert_close(found[name][member], expected)


def gradients(model, images, labels):
    """`conv1/kernel` … → gradient of the loss, compiled as training is."""

    @tf.function
    def compiled():
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x=images, y=labels, y_pred=model(images, training=True))
        return tape.gradient(loss, model.trainable_variables)

    names = ["/".join(variable.path.split("/")[-2:]) for variable in model.trainable_variables]
    return {name: gradient.numpy() for name, gradient in zip(names, compiled(), strict=True)}


@pytest.mark.skipif(not X86_64, reason="elsewhere TensorFlow may be built otherwise")
def test_members_are_convolved_in_groups_where_onednn_is_on_and_only_there():
    assert (members.way_of_convolving() == members.GROUPED) == (versions()["onednn"] == "on")


def test_a_tiny_study_trains_the_networks_of_its_seeds_and_says_how(tmp_path):
    assert block  # imported, so that the study takes this process as it is, with its threads
    settings = StudySettings.of(CONFIG, {"default": CONFIG}, seeds=range(2), data_seeds=[0], block_size=2)
    done = train_study(
        tmp_path / "study",
        settings,
        lambda blocks, count, on_epoch: train_here(blocks, on_epoch=on_epoch),
        say=lambda words: None,
        progress=lambda done, total, words: None,
    )
    assert not done.failed
    study = open_study(tmp_path / "study")
    ((_, result),) = study
    assert np.all(result.log["loss"][:, -1] < result.log["loss"][:, 0])
    about = parse_json(study.folder.read("environment.json"), "")
    assert about["versions"]["onednn"] == versions()["onednn"]
    assert about["member_convolution"] == [members.way_of_convolving()]


@pytest.mark.slow
def test_the_same_command_gives_the_same_networks_with_onednn_and_without(tmp_path, tiny_toml):
    words = ["--conditions", "default", "--seeds", "2", "--epochs", "1", "--jobs", "1"]
    for onednn in "01":
        command = [SCRIPT, "study", onednn, "--config", tiny_toml, *words]
        subprocess.run(
            command, cwd=tmp_path, env=os.environ | {ONEDNN: onednn}, check=True, capture_output=True
        )
    (without,), (by_onednn,) = ([result for _, result in open_study(tmp_path / onednn)] for onednn in "01")
    for name, untrained in by_onednn.untrained.items():
        assert np.array_equal(untrained, without.untrained[name])  # no convolution made these
        np.testing.assert_allclose(without.trained[name], by_onednn.trained[name], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(
    "tests",
    [
        [f"{__file__}::{name}" for name in OF_ONE_SETTING],
        pytest.param([str(HERE / "test_ensemble.py")], marks=pytest.mark.slow),
    ],
    ids=["both ways", "ensembles"],
)
def test_these_tests_pass_with_the_other_setting_too(tests):
    """In a process of its own, as TensorFlow reads the setting when it is imported."""
    other = "0" if versions()["onednn"] == "on" else "1"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    ended = subprocess.run(command, env=os.environ | {ONEDNN: other}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
    assert "skipped" not in ended.stdout.splitlines()[-1]
