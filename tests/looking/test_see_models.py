"""`see` on models of all kinds that people have: what is fed, and what is said instead of nonsense."""

import json
import warnings

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from linesexp.cli import cli

layers = keras.layers


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, with a picture of 20×14 px."""
    monkeypatch.chdir(tmp_path)
    picture(20, 14).save("photo.png")
    keras.utils.set_random_seed(0)
    return tmp_path


def picture(width, height):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def save(model, name="model.keras"):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # of Keras about NumPy, as it saves
        model.save(name)
    return model


def see(*words):
    return CliRunner().invoke(cli, ["see", *map(str, words)], catch_exceptions=False)


def seen(*words):
    """The record of the first picture, and all facts."""
    ended = see(*words, "--json")
    assert ended.exit_code == 0, ended.stderr
    facts = json.loads(ended.stdout)
    return facts["pictures"][0], facts


PLAIN = ("model.keras", "photo.png", "--out", "out")
FAST = (*PLAIN, "--attribution", "none")


def test_a_tutorial_model_sees_its_pictures_on_its_own_scale(folder):
    augmentation = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])
    parts = [augmentation, layers.Rescaling(1 / 255), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()]
    model = save(keras.Sequential([keras.Input((14, 20, 3)), *parts, layers.Dense(3)]))
    record, facts = seen(*FAST)
    pixels = np.asarray(Image.open("photo.png"), np.float32)[None]
    np.testing.assert_allclose(list(record["scores"].values()), model(pixels, training=False)[0], rtol=1e-4)
    assert facts["scale"] == json.loads((folder / "out/seen.json").read_text())["scale"]
    assert (facts["scale"]["black"], facts["scale"]["white"], facts["scale"]["guessed"]) == (0, 255, False)
    assert "black is" not in see(*FAST).stdout
    _, facts = seen(*FAST, "--pixels", "-1,1")
    assert facts["scale"] == {"black": -1, "white": 1, "source": "--pixels", "guessed": False}


def test_a_scale_that_is_guessed_is_said(folder):
    save(keras.Sequential([keras.Input((14, 20, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)]))
    _, facts = seen(*FAST)
    assert facts["scale"]["guessed"]
    for figures in ("--figures", "--no-figures"):
        lines = see(*FAST, figures).stdout.splitlines()
        assert lines[0].startswith("model.keras: black is 0, white 1 (a guess")
        assert "--pixels" in lines[0]
