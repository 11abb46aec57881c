"""`linesexp see --preferred`: facts, figures, and a network that was really trained."""

import json
import warnings

import imageio.v3 as iio
import keras
import numpy as np
import pytest
from PIL import Image

from linesexp.errors import ConfigError
from linesexp.looking.networks import open_network
from linesexp.looking.opponents import Group, Opponents
from linesexp.looking.preferring import PreferredOptions, prefer
from linesexp.looking.wanted import wanted_units
from linesexp.run import open_run
from linesexp.seeing.drives import Layer
from linesexp.seeing.forward import forward

layers = keras.layers
QUICK = {"noise_pictures": 40, "steps": 10}


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A model in which filter 1 of `conv` is dead and 2 is the same everywhere; and one with 70 filters."""
    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((12, 16, 3)),
            layers.Conv2D(3, 3, activation="relu", name="conv"),
            layers.Flatten(name="flat"),
            layers.Dense(2, activation="softmax", name="classes"),
        ]
    )
    kernel, bias = model.get_layer("conv").get_weights()
    kernel[..., 1:], bias[1:] = 0, (-1, 1)
    model.get_layer("conv").set_weights([kernel, bias])
    wide = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(70, 3, name="conv")])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # of Keras about NumPy, as it saves
        model.save(folder / "model.keras")
        wide.save(folder / "wide.keras")
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def all_units(tiny_run, tmp_path_factory):
    """Every unit of a small network that was trained, with the usual settings."""
    out = tmp_path_factory.mktemp("all")
    return prefer(open_network(str(tiny_run)), PreferredOptions(["conv1", "conv2", "dense"]), out), out


@pytest.mark.slow
def test_preferred_inputs_win_for_at_least_95_percent_of_the_live_units_of_a_trained_network(all_units):
    facts, _ = all_units
    assert facts["noise_pictures"] == 1000
    assert len(facts["units"]) == 10
    assert facts["live"] >= 6
    assert facts["wins"] >= 0.95 * facts["live"]


def test_what_is_said_of_the_data_set_and_of_the_inputs_is_what_the_network_does(all_units, tiny_run):
    facts, out = all_units
    run = open_run(tiny_run)
    weights, network = run.history.at(-1), run.config.network
    inputs = np.load(out / "preferred/inputs.npz")
    images = run.dataset.part("train")[0]
    assert facts["training_pictures"] == len(images)
    for unit in facts["units"]:
        layer, at = unit["layer"], unit["unit"]

        def drive(pictures, layer=layer, at=at):
            outputs = {output.name: output.values for output in forward(pictures, weights, network)}
            if layer == "dense":
                return (outputs["flatten"] @ weights["dense/kernel"] + weights["dense/bias"])[:, at]
            return outputs[layer][..., at].max(axis=(1, 2))

        answers = drive(images)
        assert unit["best_training"]["value"] == pytest.approx(answers.max(), abs=1e-4)
        named = [picture["picture"] for picture in unit["most_driving"]]
        assert drive(run.dataset.images[named]) == pytest.approx(np.sort(answers)[::-1][:5], abs=1e-4)
        assert all((run.dataset.split[named] == 0).tolist())
        assert drive(inputs[layer][[at]])[0] == pytest.approx(unit["drive"], abs=1e-4)
        strongest = max(unit["best_training"]["value"], unit["best_noise"]["value"])
        assert unit["wins"] == (unit["drive"] > strongest)


def test_the_figures_are_there_and_a_json_file_holds_the_facts(all_units):
    facts, out = all_units
    names = ["preferred/conv1.png", "preferred/conv2.png", "preferred/dense.png", "preferred/inputs.npz"]
    assert facts["files"] == names
    for name in names[:3]:
        assert iio.imread(out / name).shape[1] == 1240
    written = json.loads((out / "preferred.json").read_text())
    assert {name: written[name] for name in facts} == facts


@pytest.mark.slow
def test_zero_steps_lose_and_that_is_said(linesexp, tiny, tmp_path):
    ended = linesexp(
        "see", "run", "--preferred", "conv2", "--preferred-steps", 0, "--out", tmp_path, "-q", cwd=tiny
    )
    assert ended.returncode == 0, ended.stderr
    facts = json.loads((tmp_path / "preferred.json").read_text())
    lost = [unit for unit in facts["units"] if unit["live"] and not unit["wins"]]
    assert lost
    assert facts["wins"] == facts["live"] - len(lost)
    assert ended.stdout.count("DOES NOT WIN") == len(lost)
    last = (
        f"preferred inputs win against all training pictures and noise for {facts['wins']} of {facts['live']} "
    )
    assert ended.stdout.splitlines()[-1] == f"{last}live units"


@pytest.mark.slow
def test_the_same_command_gives_the_same_bytes_and_another_seed_does_not(linesexp, tiny, tmp_path):
    def made(folder, *more):
        options = ("--preferred", "conv2:1", "--preferred-steps", 8, "--noise-pictures", 20, *more)
        ended = linesexp("see", "run", *options, "--out", tmp_path / folder, "--json", cwd=tiny)
        assert ended.returncode == 0, ended.stderr
        assert len(json.loads(ended.stdout)["preferred"]["units"]) == 1
        return [path.read_bytes() for path in sorted((tmp_path / folder / "preferred").iterdir())]

    first = made("a")
    assert first == made("b")
    assert first != made("c", "--seed", 1)
    assert first != made("d", "--preferred-pull", 3)


@pytest.mark.slow
def test_a_runs_pictures_are_looked_at_as_ever(linesexp, tiny, tmp_path):
    options = ("--preferred", "dense:vertical", "--noise-pictures", 8, "--preferred-steps", 2, "--no-figures")
    ended = linesexp("see", "run", "run/dataset.png", *options, "--out", tmp_path, cwd=tiny)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[0].startswith("run/dataset.png: ")
    assert ended.stdout.splitlines()[1].startswith("dense:vertical: preferred ")
    preferred = json.loads((tmp_path / "preferred.json").read_text())
    assert len(preferred["units"]) == 1
    assert preferred["files"] == ["preferred/inputs.npz"]
    assert len(json.loads((tmp_path / "seen.json").read_text())["pictures"]) == 1


def test_a_models_pictures_are_its_data_set_and_dead_units_are_not_counted(model_file, tmp_path):
    network = open_network(str(model_file / "model.keras"))
    names = [str(model_file / f"{name}.png") for name in "abc"]
    facts = prefer(network, PreferredOptions(["conv", "classes"], **QUICK), tmp_path, names)
    assert facts["training_pictures"] == 3
    conv = facts["units"][:3]
    assert [unit["live"] for unit in conv] == [True, False, True]
    assert conv[1]["drive"] == 0
    assert not conv[2]["wins"]  # the same everywhere: nothing is better than anything else
    assert {picture["picture"] for picture in conv[0]["most_driving"]} == set(names)
    assert facts["live"] == sum(unit["live"] for unit in facts["units"])
    assert iio.imread(tmp_path / "preferred/conv.png").shape[1] == 1240


@pytest.mark.slow
def test_without_pictures_a_model_is_compared_with_noise_alone_and_hears_so(linesexp, model_file, tmp_path):
    options = ("--preferred", "conv", "--noise-pictures", 8, "--preferred-steps", 3)
    ended = linesexp("see", "model.keras", *options, "--out", tmp_path, cwd=model_file)
    assert ended.returncode == 0, ended.stderr
    assert "noise alone" in ended.stderr
    assert "conv:1: preferred 0;" in ended.stdout
    assert "not live" in ended.stdout
    assert "win against noise for" in ended.stdout
    unit = json.loads((tmp_path / "preferred.json").read_text())["units"][0]
    assert unit["best_training"] is None
    assert unit["most_driving"] == []


@pytest.mark.slow
def test_of_a_wide_layer_the_first_64_units_are_taken_and_that_is_said(model_file, tmp_path):
    network, said = open_network(str(model_file / "wide.keras")), []
    options = PreferredOptions(["conv", "conv:69"], noise_pictures=8, steps=1)
    facts = prefer(network, options, tmp_path, say=said.append)
    assert [unit["unit"] for unit in facts["units"]] == [*range(64), 69]
    assert "conv: 65 of 70 units" in said[0]
    assert [name for name in facts["files"] if name.endswith(".png")] == [
        f"preferred/conv-{start}.png" for start in (0, 16, 32, 48, 69)
    ]


def planted(training, noise, squashed=False):
    """Opponents with planted drives, (n,), of the one unit of a layer."""
    activation = "softmax" if squashed else "relu"
    layer = Layer("layer", layers.Dense(1, activation=activation), 1, ())
    groups = [
        Group(np.zeros((len(values), 2, 2, 1)), range(len(values)), (), {"layer": np.array(values)[:, None]})
        for values in (training, noise, [0.0])
    ]
    return Opponents(*groups), layer


@pytest.mark.parametrize(
    ("drive", "training", "noise", "squashed", "wins", "live"),
    [
        (2.0, [1.0, 0.0], [1.5], False, True, True),
        (2.0, [2.5, 0.0], [1.5], False, False, True),
        (2.0, [1.0, 0.0], [2.0], False, False, True),
        (0.0, [0.0, 0.0], [0.0], False, False, False),
        (-1.0, [-3.0, -2.0], [-4.0], False, True, False),
        (-1.0, [-3.0, -2.0], [-4.0], True, True, True),
        (np.nan, [np.nan, 1.0], [0.0], False, False, False),
    ],
)
def test_a_win_is_above_all_pictures_and_all_noise(drive, training, noise, squashed, wins, live):
    opponents, layer = planted(training, noise, squashed)
    facts = opponents.facts(layer, 0, drive)
    assert (facts["wins"], facts["live"]) == (wins, live)


KNOWN = {"conv1": Layer("conv1", None, 8, (4, 4)), "dense": Layer("dense", None, 2, ())}


def test_units_are_named_by_number_or_class_in_the_networks_order():
    found = wanted_units(["dense:no", "conv1:7", "conv1:2", "dense:0"], KNOWN, ["yes", "no"])
    assert [(asked_for.layer.name, asked_for.units, asked_for.names) for asked_for in found] == [
        ("conv1", [2, 7], ["2", "7"]),
        ("dense", [0, 1], ["yes", "no"]),
    ]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("conv", "layer; did you mean conv1"),
        ("zzz:1", "there are conv1, dense"),
        ("conv1:8", "conv1 has 0..7"),
        ("conv1:-1", "conv1 has 0..7"),
        ("dense:maybe", "0..1, or yes, no"),
    ],
)
def test_an_unknown_layer_or_unit_is_named_with_what_there_is(wanted, words):
    with pytest.raises(ConfigError, match=f"--preferred {wanted}: no such .*{words}"):
        wanted_units([wanted], KNOWN, ["yes", "no"])


@pytest.mark.slow
def test_nothing_is_written_after_a_mistake(linesexp, tiny, tmp_path):
    ended = linesexp("see", "run", "--preferred", "conv9", "--out", tmp_path / "out", "-q", cwd=tiny)
    assert (ended.returncode, len(ended.stderr.strip().splitlines())) == (2, 1)
    assert "conv1, pool1, conv2" in ended.stderr
    assert not (tmp_path / "out").exists()
