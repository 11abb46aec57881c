"""`see` on models of all kinds that people have: what is fed, and what is said instead of nonsense."""

import json
import warnings

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from linesexp.cli import cli
from linesexp.errors import ConfigError, InputError

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


@pytest.mark.slow
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


@pytest.mark.slow
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


def heads(as_names=False):
    """A model with two outputs, in a list or by name."""
    inputs = keras.Input((14, 20, 3))
    flat = layers.Flatten()(layers.Conv2D(2, 3, name="conv")(inputs))
    kind = layers.Dense(2, activation="softmax", name="kind")(flat)
    age = layers.Dense(1, name="age")(flat)
    return save(keras.Model(inputs, {"kind": kind, "age": age} if as_names else [kind, age]))


@pytest.mark.slow
@pytest.mark.parametrize("as_names", [False, True])
def test_a_model_with_several_outputs_has_its_maps_and_names_no_class(as_names, folder):
    heads(as_names)
    for options in ((), ("--attribution", "none"), ("--no-figures",)):
        ended = see(*PLAIN, *options)
        assert ended.exit_code == 0, ended.stderr
        line = ended.stdout.splitlines()[-1]
        assert line.startswith("photo.png: no class: the model has 2 outputs: ")
        assert all(name in line for name in ("kind", "age"))
        assert ("explained" in ended.stderr) == (not options)
    record, _ = seen(*PLAIN)
    assert record["class"] is None
    assert [file.rpartition("/")[2] for file in record["files"]] == ["overview.png", "1-conv.png"]


def test_one_output_by_name_is_explained_like_any(folder):
    inputs = keras.Input((14, 20, 3))
    flat = layers.Flatten()(layers.Conv2D(2, 3)(inputs))
    model = keras.Model(inputs, {"kind": layers.Dense(2, activation="softmax")(flat)})
    save(model)
    record, _ = seen(*PLAIN, "--attribution", "gradient", "--pixels", "0,1")
    assert record["probabilities"].keys() == {"0", "1"}
    assert record["attribution"]["explained"].startswith("score before")


def test_weights_or_outputs_that_are_not_finite_name_no_class(folder):
    model = two_classes()
    kernel = model.get_layer("conv").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    save(model)
    record, _ = seen(*PLAIN)
    assert record["class"] is None
    assert "not finite" in record["no_class"]
    assert "conv/kernel" in record["note"]
    assert "attribution" not in record
    for options in ((), ("--no-figures",)):
        assert "photo.png: no class: the model's output is not finite" in see(*PLAIN, *options).stdout


def test_one_sigmoid_is_the_probability_of_class_1(folder):
    parts = layers.Conv2D(2, 3), layers.GlobalAveragePooling2D(), layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([keras.Input((14, 20, 3)), *parts])
    model.layers[-1].bias.assign([-2.0])
    save(model)
    record, _ = seen(*PLAIN, "--attribution", "gradient")
    assert record["class"] == "0"
    assert record["probabilities"]["1"] < 0.5
    assert (
        record["probability"] == record["probabilities"]["0"] == pytest.approx(1 - record["probabilities"]["1"])
    )
    assert record["attribution"]["class"] == "1"
    assert "the probability of class 1" in see(*FAST).stdout
    with pytest.raises(ConfigError, match="one number alone, for class 1"):
        see(*PLAIN, "--class", "0")


def test_one_number_that_is_no_probability_names_no_class(folder):
    parts = layers.Conv2D(2, 3), layers.GlobalAveragePooling2D(), layers.Dense(1, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((14, 20, 3)), *parts])
    model.layers[-1].bias.assign([0.25])  # which lies in 0..1 by chance
    save(model)
    record, _ = seen(*FAST)
    assert (record["class"], record["scores"]) == (None, {"1": 0.25})
    assert "probability" not in record
    assert "one number: the score of class 1, if any" in see(*FAST).stdout


@pytest.mark.parametrize("parts", [[layers.MaxPooling2D(3)], []], ids=["pool", "mean"])
def test_a_picture_that_is_too_small_for_a_model_of_any_size_is_named(parts, folder):
    two_classes(layers.Conv2D(2, 5, name="conv"), *parts, size=(None, None, 3))
    picture(1, 1).save("one.png")
    picture(2000, 3).save("long.png")
    for words, start in (
        (["one.png"], "one.png: 1×1 px"),
        (["long.png"], "long.png: 1×256 px"),
        (["photo.png", "--size", "3,30"], "3×30 px"),
        (["--preferred", "conv", "--size", "3,30"], "3×30 px"),
    ):
        with pytest.raises(InputError) as raised:
            see("model.keras", *words, "--out", "out")
        sentence = str(raised.value)
        assert sentence.startswith(start)
        assert "too small for the model model.keras; --size " in sentence
    assert not (folder / "out").exists()
    asked = sentence.rpartition("--size ")[2].split()[0]
    assert see("model.keras", "one.png", *FAST[2:], "--size", asked).exit_code == 0
