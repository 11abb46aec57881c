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


def two_classes(*parts, size=(14, 20, 3)):
    """A model with a convolution, `conv`, and two probabilities."""
    parts = parts or (layers.Conv2D(2, 3, name="conv"),)
    end = layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax", name="end")
    return save(keras.Sequential([keras.Input(size), *parts, *end]))


def test_a_pictures_name_never_leads_out_of_the_folder_or_into_anothers(folder):
    two_classes()
    names = ["...png", "preferred.png", "seen.json.png", 'a"<b>.png', "A b.png", "a-b.png", "x" * 240 + ".png"]
    for name in names:
        picture(20, 14).save(folder / name, format="PNG")
    record = ("--out", "out/deep", "--attribution", "none")
    _, facts = seen("model.keras", *names, *record)
    folders = [file.rpartition("/")[0] for record in facts["pictures"] for file in record["files"]]
    assert len(set(folders)) == len(names)
    ended = see("model.keras", *record, "--preferred", "conv:0", "--preferred-steps", 1, "--noise-pictures", 4)
    assert ended.exit_code == 0, ended.stderr
    made = {*folders, "preferred", "preferred.json", "seen.json"}
    assert {path.name for path in (folder / "out/deep").iterdir()} == made
    assert [path.name for path in (folder / "out").iterdir()] == ["deep"]
    assert {path.name for path in (folder / "out/deep/preferred").iterdir()} == {"conv.png", "inputs.npz"}


def test_layers_of_any_name_get_files_of_their_own(folder):
    names = ["x" * 300, "x" * 299 + "y", "a:b", "a b", "..", "<img src=x>"]
    two_classes(*(layers.Conv2D(1, 1, name=name) for name in names))
    wanted = [word for name in names for word in ("--preferred", name)]
    ended = see(*FAST, "photo.png", *wanted, "--preferred-steps", 1, "--noise-pictures", 4)
    assert ended.exit_code == 0, ended.stderr
    record, _ = seen(*FAST)
    assert len(record["files"]) == len(set(record["files"])) == len(names) + 1
    assert len(list((folder / "out/preferred").glob("*.png"))) == len(names)


def test_a_pixel_where_red_speaks_against_blue_is_found(folder):
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(3, 1, use_bias=False), layers.Flatten(), layers.Dense(2)]
    )
    dense = np.zeros((8, 8, 3, 2), np.float32)
    dense[5, 2, :, 1] = 1, 0, -1
    dense[1, 1, :, 1] = 0, -0.5, 0.25
    model.set_weights([np.eye(3)[None, None], dense.reshape(-1, 2), np.zeros(2)])
    save(model)
    record, _ = seen(*PLAIN, "--attribution", "gradient,smoothgrad", "--class", 1, "--samples", 2)
    for numbers in record["attribution"]["methods"].values():
        assert numbers["strongest_at"] == [5, 2]
        assert numbers["largest"] == pytest.approx(1)
        assert numbers["sum"] == pytest.approx(1 - 0.5)  # a colour's slope keeps its sign
    assert "largest" in record["attribution"]["colours"]
