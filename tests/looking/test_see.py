"""`linesexp see` through real processes: runs, models and pictures of all kinds."""

import json
import warnings

import imageio.v3 as iio
import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from linesexp.cli import cli
from linesexp.looking.networks import open_network
from linesexp.looking.see import Options, see
from linesexp.run import open_run
from linesexp.seeing.forward import forward

layers = keras.layers


def save_models(folder):
    """One with a nested part, one without convolutions, one for pictures of any size, one with a Lambda."""
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.Input((10, 14, 4)), layers.DepthwiseConv2D(3, name="depth")], name="inner")
    inputs = keras.Input((12, 16, 3))
    values = layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    flat = layers.GlobalAveragePooling2D(name="mean")(inner(layers.BatchNormalization(name="norm")(values)))
    keras.Model(inputs, layers.Dense(3, activation="softmax", name="classes")(flat)).save(
        folder / "model.keras"
    )
    keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2)]).save(folder / "dense.keras")
    keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 3)]).save(folder / "any.keras")
    doubled = [
        keras.Input((8, 8, 1)),
        layers.Lambda(lambda x: 2 * x, output_shape=(8, 8, 1)),
        layers.Conv2D(1, 3),
    ]
    keras.Sequential(doubled).save(folder / "lambda.keras")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Pictures and models, to read only."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    photo.save(folder / "photo.png")
    photo.convert("L").save(folder / "grey.png")
    photo.convert("P").save(folder / "palette.png")
    photo.convert("CMYK").save(folder / "cmyk.jpg")
    photo.putalpha(128)
    photo.save(folder / "clear.png")
    Image.new("L", (1, 1), 200).save(folder / "dot.png")
    Image.fromarray(rng.integers(0, 65536, (30, 40), dtype=np.uint16)).save(folder / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter
    half = Image.fromarray(np.repeat([[255, 0]], 30, axis=0).repeat(15, axis=1).astype(np.uint8))
    half.save(folder / "turned.jpg", exif=exif, quality=100)
    (folder / "words.png").write_text("no picture")

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # of Keras about NumPy, as it saves
        save_models(folder)
    (folder / "old.h5").write_bytes(b"\x89HDF")
    (folder / "words.keras").write_text("no model")
    return folder


def seen(folder):
    return json.loads((folder / "seen.json").read_text())


def test_a_run_before_and_after_training_in_figures_and_numbers(linesexp, tiny, tmp_path):
    ended = linesexp("see", "run", "run/dataset.png", "--out", tmp_path, cwd=tiny)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.strip().splitlines()[-1] == f"next: open {tmp_path}/dataset/overview.png"
    assert "stretched to 20 wide, 20 high" in ended.stderr
    names = ["1-conv1", "2-pool1", "3-conv2", "4-pool2", "attribution", "overview"]
    assert sorted(path.name for path in (tmp_path / "dataset").iterdir()) == [f"{name}.png" for name in names]
    for path in (tmp_path / "dataset").iterdir():
        assert iio.imread(path).shape[1] > 700
    (record,) = seen(tmp_path)["pictures"]
    assert record["probabilities"].keys() == {"horizontal", "vertical"}
    assert record["before_training"]["probabilities"] != record["probabilities"]
    methods = record["attribution"]["methods"]
    assert list(methods) == ["gradient", "smoothgrad", "occlusion", "grad-cam"]
    assert all(numbers["largest_untrained"] != numbers["largest"] for numbers in methods.values())
    assert ended.stdout.startswith("run/dataset.png: ")


def test_a_runs_keras_models_are_its_network_after_and_before_training(tiny_run):
    network = open_network(str(tiny_run))
    pictures = open_run(tiny_run).dataset.part("test")[0][:4]
    expected = network.outputs(pictures), network.outputs_before(pictures)
    for model, outputs in zip(network.models, expected, strict=True):
        np.testing.assert_allclose(model(pictures), outputs[-1].values, atol=1e-5)


@pytest.mark.slow
def test_weights_that_are_not_numbers_are_drawn_all_the_same(tiny_run, tmp_path):
    network = open_network(str(tiny_run))
    network._history.weights["conv1/kernel"][-1, 0, 0, 0, 0] = np.nan
    with np.errstate(invalid="ignore"):
        (record,) = see(network, [str(tiny_run / "dataset.png")], tmp_path, Options())
    assert len(record["files"]) == 5
    assert (record["class"], record["no_class"]) == (None, "the model's output is not finite")
    assert "conv1/kernel" in record["note"]
    assert json.loads((tmp_path / "seen.json").read_text())


@pytest.mark.slow
def test_a_model_of_ones_own(linesexp, files, tmp_path):
    ended = linesexp("see", "model.keras", "photo.png", "grey.png", "--out", tmp_path, "--json", cwd=files)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    first, second = found["pictures"]
    assert first["probabilities"].keys() == {"0", "1", "2"}
    assert [layer["layer"] for layer in first["layers"]] == ["conv", "norm", "inner/depth", "mean", "classes"]
    assert "grey in all three colour channels" in second["resized"]
    assert "stretched to 16 wide, 12 high" in first["resized"]
    assert "drawn anew, seed 0" in first["attribution"]["untrained"]
    for file in first["files"] + second["files"]:
        assert (tmp_path / file).stat().st_size > 1000
    assert "photo/3-inner-depth.png" in first["files"]


@pytest.mark.slow
def test_every_option_of_attribution_has_an_effect(files, tmp_path):
    def numbers(*options):
        command = ("see", files / "model.keras", files / "photo.png", "--out", tmp_path, "--json", *options)
        ended = CliRunner().invoke(cli, [str(word) for word in command], catch_exceptions=False)
        return json.loads(ended.stdout)["pictures"][0]["attribution"]

    smooth = ("--attribution", "smoothgrad", "--class", "1")
    plain = numbers(*smooth)
    assert numbers(*smooth) == plain
    assert plain["class"] == "1"
    for options in (["--seed", 1], ["--samples", 5], ["--noise", 0.5], ["--pixels", "-1,1"]):
        assert numbers(*smooth, *options) != plain
    assert numbers("--attribution", "smoothgrad", "--class", "2") != plain
    cover = ("--attribution", "occlusion", "--class", "1")
    plain = numbers(*cover)
    for options in (
        ["--occlusion-size", 4],
        ["--occlusion-size", 2, "--occlusion-stride", 2],
        ["--occlusion-fill", 0],
    ):
        assert numbers(*cover, *options) != plain


def test_numbers_alone_are_the_layers_outputs(linesexp, tiny, tmp_path):
    run = open_run(tiny / "run")
    pixels, names = run.dataset.pixels[:5], [f"{index}.png" for index in range(5)]
    for name, picture in zip(names, pixels, strict=True):
        Image.fromarray(picture[..., 0]).save(tmp_path / name)
    run_folder = str(tiny / "run")
    ended = linesexp("see", run_folder, *names, "--no-figures", "--out", "out", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 5
    expected = forward((pixels / 255).astype(np.float32), run.history.at(-1), run.config.network)
    blocks = [np.load(path) for path in sorted((tmp_path / "out").glob("maps-*.npz"))]
    assert np.concatenate([block["pictures"] for block in blocks]).tolist() == names
    for output in expected:
        found = np.concatenate([block[output.name] for block in blocks])
        np.testing.assert_allclose(found, output.values, atol=1e-5)
    assert len(seen(tmp_path / "out")["pictures"]) == 5


@pytest.mark.slow
def test_a_model_of_any_size_sees_the_picture_as_it_is_or_as_asked(linesexp, files, tmp_path):
    command = ("see", "any.keras", "photo.png", "--out", tmp_path, "--json")
    ended = linesexp(*command, cwd=files)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["pictures"][0]["layers"][0]["shape"] == [28, 38, 2]
    assert "no list of numbers" in ended.stderr
    ended = linesexp(*command, "--size", "9,11", cwd=files)
    assert json.loads(ended.stdout)["pictures"][0]["layers"][0]["shape"] == [7, 9, 2]
    ended = linesexp(*command, "--no-figures", cwd=files)
    assert (ended.returncode, "--size" in ended.stderr) == (2, True)


def test_pictures_of_all_kinds_are_seen(linesexp, files, tiny, tmp_path):
    names = ["dot.png", "deep.png", "palette.png", "clear.png", "cmyk.jpg"]
    ended = linesexp("see", tiny / "run", *names, "--no-figures", "--out", tmp_path, "--json", cwd=files)
    assert ended.returncode == 0, ended.stderr
    for name, record in zip(names, json.loads(ended.stdout)["pictures"], strict=True):
        assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert (name == "dot.png") == ("blank" in (record["note"] or ""))


def test_a_picture_is_seen_upright(linesexp, files, tiny, tmp_path):
    ended = linesexp("see", tiny / "run", "turned.jpg", "--no-figures", "--out", tmp_path, cwd=files)
    assert ended.returncode == 0, ended.stderr
    assert "30 px wide" in seen(tmp_path)["pictures"][0]["resized"]
    maps = np.load(tmp_path / "maps-00000.npz")["conv1"][0]
    assert np.ptp(maps, axis=0).max() > 5 * np.ptp(maps, axis=1).max()  # bright above, dark below


RUN = object()
BAD = {
    "not a picture": (3, [RUN, "words.png"], ["words.png", "not a picture"]),
    "a missing picture": (3, [RUN, "none.png"], ["none.png", "No such file"]),
    "too many pixels": (3, [RUN, "photo.png", "--most-pixels", 100], ["40×30", "at most 100"]),
    "no convolution": (3, ["dense.keras", "photo.png"], ["dense.keras", "no two-dimensional convolution"]),
    "a Lambda layer": (3, ["lambda.keras", "photo.png"], ["lambda.keras", "Lambda", "--run-its-code"]),
    "an .h5 file": (3, ["old.h5", "photo.png"], ["old.h5", ".save('old.keras')"]),
    "a missing model": (3, ["none.keras", "photo.png"], ["none.keras", "No such file"]),
    "no model": (3, ["words.keras", "photo.png"], ["words.keras", "not a .keras file"]),
    "a picture for a model": (3, ["photo.png", "photo.png"], ["photo.png", "not a .keras file"]),
    "no run": (3, ["nowhere", "photo.png"], ["nowhere", "linesexp generate nowhere"]),
    "unknown method": (2, ["model.keras", "photo.png", "--attribution", "magic"], ["magic", "grad-cam"]),
    "unknown class": (
        2,
        [RUN, "photo.png", "--class", "horizontl"],
        ["--class horizontl", "horizontal, vertical"],
    ),
    "large patch": (2, [RUN, "photo.png", "--occlusion-size", "21"], ["1..20", "21"]),
    "large stride": (2, [RUN, "photo.png", "--occlusion-stride", "9"], ["stride", "9"]),
    "odd fill": (2, ["model.keras", "photo.png", "--occlusion-fill", "2"], ["--occlusion-fill 2", "mean"]),
    "odd scale": (2, ["model.keras", "photo.png", "--pixels", "1,0"], ["--pixels 1,0", "0,255"]),
    "another size": (3, ["model.keras", "photo.png", "--size", "5,5"], ["12×16", "5×5"]),
    "no picture": (2, ["model.keras"], ["PICTURES"]),
}


@pytest.mark.slow
@pytest.mark.parametrize(("code", "arguments", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_named_in_a_line_or_two(code, arguments, words, linesexp, files, tiny_run, tmp_path):
    arguments = [tiny_run if argument is RUN else argument for argument in arguments]
    ended = linesexp("see", *arguments, "--out", tmp_path / "out", "-q", cwd=files)
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert "bug" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) <= 2
    for word in words:
        assert word in ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_lambda_layer_runs_when_asked_to(linesexp, files, tmp_path):
    command = ("see", "lambda.keras", "photo.png", "--run-its-code", "--out", tmp_path, "--json")
    ended = linesexp(*command, cwd=files)
    assert ended.returncode == 0, ended.stderr
    assert [layer["layer"] for layer in json.loads(ended.stdout)["pictures"][0]["layers"]][-1].startswith(
        "conv2d"
    )


def test_an_unknown_class_is_told_once_which_there_are(linesexp, files, tiny_run, tmp_path):
    command = ("see", tiny_run, "photo.png", "--out", tmp_path / "out", "-q", "--class")
    ended = linesexp(*command, "nope", cwd=files)
    assert ended.stderr == "Error: --class nope: no such class; there are horizontal, vertical\n"
    ended = linesexp(*command, "horizontl", cwd=files)
    assert ended.stderr == (
        "Error: --class horizontl: no such class; did you mean horizontal? There are horizontal, vertical\n"
    )


def test_a_picture_that_is_not_there_is_missed_before_another_is_looked_at(linesexp, tiny, tmp_path):
    ended = linesexp("see", "run", "run/dataset.png", "run/hataset.png", "--out", tmp_path / "out", cwd=tiny)
    assert ended.returncode == 3
    assert "run/hataset.png" in ended.stderr
    assert not (tmp_path / "out").exists()
