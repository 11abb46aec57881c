"""`linesexp report` of what KernelRecorder kept of somebody's own model."""

import html
import io
import json
import shutil
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

import linesexp as package
from linesexp.inspecting.recording import Recording
from linesexp.kernels.operators import get_operator
from linesexp.runs import RunFolder
from linesexp.runs.steps import StepWriter

layers = keras.layers


def somebodys_model():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((20, 20, 3)),
            layers.Conv2D(6, 5, name="first", kernel_initializer="he_normal"),
            layers.SeparableConv2D(4, 3, depth_multiplier=2, name="separable"),
            layers.Conv2D(3, (1, 7), padding="same", name="wide"),
            layers.Conv2DTranspose(2, 3, name="up"),
            layers.DepthwiseConv2D(4, name="depth"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, linesexp):
    """(folder with `mine` as reported, what was said), to read only."""
    folder = tmp_path_factory.mktemp("recording")
    rng = np.random.default_rng(0)
    pictures, labels = rng.random((40, 20, 20, 3), dtype=np.float32), np.arange(40) % 2
    model = somebodys_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        recorder = package.KernelRecorder(folder / "mine")
        model.fit(pictures, labels, epochs=3, verbose=0, callbacks=[recorder])
    ended = linesexp("report", "mine", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    return folder, ended


def kernels_saved(folder, *steps, about=None):
    """A recording of these steps of {name: array}."""
    run = RunFolder(folder)
    with run.writing():
        writer = StepWriter(run)
        for index, weights in enumerate(steps):
            writer.save(float(index), weights)
        if about is not None:
            run.commit({"layers.json": json.dumps({"weights": about}).encode()}, "train")
    return package.open_run(folder)


def random_kernels(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def test_every_layer_has_its_figure_its_gif_and_its_measures(recorded):
    folder, ended = recorded
    run = folder / "mine"
    found = json.loads((run / "inspection.json").read_text())
    names = [layer["name"] for layer in found["layers"]]
    assert names == ["first", "separable/depthwise", "separable/pointwise", "wide", "up", "depth"]
    assert [layer["kind"] for layer in found["layers"]][-2:] == ["Conv2DTranspose", "DepthwiseConv2D"]
    assert [layer["channels"] for layer in found["layers"]] == [3, 1, 12, 4, 3, 1]
    assert found["layers"][0]["match"]["initialiser"] == "he_normal"
    for folder_name, kind in (("figures", "png"), ("gifs", "gif")):
        for number, name in enumerate(names, 1):
            assert (run / folder_name / f"{number:02d}-{name.replace('/', '-')}.{kind}").stat().st_size > 1000
    assert ended.stderr.strip().splitlines()[-1] == "next: open mine/report.html"
    steps = len(package.open_run(run).history.steps)
    with Image.open(run / "gifs/01-first.gif") as gif:
        assert gif.n_frames == steps
    assert all(len(course["distance"]) == steps for course in found["course"])
    assert found["course"][0]["distance"][0] == 0


@pytest.mark.slow
def test_distances_and_changes_are_those_of_the_weights(recorded):
    run = package.open_run(recorded[0] / "mine")
    found = json.loads(run.folder.read("inspection.json"))
    weights = run.history.weights["first/kernel"].astype(np.float64)
    far = np.linalg.norm((weights[-1] - weights[0]).reshape(-1, 6), axis=0)
    far /= np.linalg.norm(weights[0].reshape(-1, 6), axis=0)
    records = [record for record in found["kernels"] if record["layer"] == "first"]
    np.testing.assert_allclose([record["change"]["relative_norm"] for record in records], far, rtol=1e-6)
    np.testing.assert_allclose(found["course"][0]["of_filters"][-1], far, rtol=1e-6)
    assert found["course"][0]["distance"][-1] == pytest.approx(np.median(far))


def test_the_page_is_whole_and_asks_for_nothing(recorded):
    page = (recorded[0] / "mine/report.html").read_text()
    assert len(page) < 2_000_000
    assert "default-src 'none'" in html.unescape(page)
    assert "http://" not in page
    assert "https://" not in page
    assert page.count("data-moving=") == 6
    assert 'id="laboratory-data"' in page
    assert page.count("<img") == page.count('alt="')
    assert "as its initialiser draws them" in page


@pytest.mark.slow
def test_a_second_report_makes_nothing_and_a_damaged_file_is_made_again(recorded, linesexp, tmp_path):
    shutil.copytree(recorded[0] / "mine", tmp_path / "mine", ignore=shutil.ignore_patterns(".*"))
    ended = linesexp("report", "mine", cwd=tmp_path)
    assert "0 of 17 files made" in ended.stderr
    (tmp_path / "mine/gifs/01-first.gif").write_bytes(b"no gif")
    verified = linesexp("verify", "mine", cwd=tmp_path)
    assert verified.returncode == 3
    assert "linesexp report mine" in verified.stderr
    ended = linesexp("report", "mine", "--json", cwd=tmp_path)
    assert json.loads(ended.stdout)["made"] == ["gifs/01-first.gif"]
    assert linesexp("verify", "mine", cwd=tmp_path).returncode == 0
    (tmp_path / "mine/kernels/00000.safetensors").write_bytes(b"no step")
    verified = linesexp("verify", "mine", cwd=tmp_path)
    assert "recording it again" in verified.stderr
    ended = linesexp("report", "mine", cwd=tmp_path)
    assert ended.returncode == 3
    assert "kernels/00000.safetensors" in ended.stderr
    assert "recording it again" in ended.stderr


@pytest.mark.slow
def test_needs_no_keras(tmp_path):
    kernels_saved(
        tmp_path / "mine", *({"a/kernel": random_kernels(3, 3, 1, 2, seed=seed)} for seed in range(2))
    )
    program = (
        "import sys; from linesexp.cli import cli; cli.main(['report', 'mine'], standalone_mode=False)\n"
        "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=False)
    assert (ended.returncode, (tmp_path / "mine/report.html").exists()) == (0, True), ended.stderr


def test_other_commands_say_what_a_recording_is(recorded, linesexp):
    ended = linesexp("predict", "mine", "some.png", cwd=recorded[0])
    assert ended.returncode == 3
    assert "a recording by KernelRecorder" in ended.stderr
    assert "linesexp report mine" in ended.stderr
    assert "next: open mine/report.html" in linesexp("verify", "mine", cwd=recorded[0]).stderr


def test_an_operator_that_a_deeper_layer_learned_is_found_in_its_channel(tmp_path):
    start = {"a/kernel": random_kernels(3, 3, 1, 2), "b/kernel": random_kernels(3, 3, 4, 6, seed=1)}
    last = {name: values.copy() for name, values in start.items()}
    last["b/kernel"][:, :, 2, 5] = get_operator("prewitt", 3, "horizontal").kernel
    found = Recording(kernels_saved(tmp_path / "mine", start, last)).inspect()
    (record,) = [each for each in found.kernels if (each.layer, each.index) == ("b", 5)]
    assert (record.channel, record.detects, record.match.operator) == (2, "horizontal", "prewitt")
    assert found.kernels[0].change.relative_norm == 0
    assert found.course[0].distance == [0, 0]


def test_an_old_recording_does_not_say_its_kinds_and_is_read_by_names(tmp_path):
    weights = {
        "conv/kernel": random_kernels(3, 3, 1, 2),
        "conv/kernel_2": random_kernels(3, 3, 2, 2),
        "s/depthwise_kernel": random_kernels(3, 3, 2, 1),
        "s/pointwise_kernel": random_kernels(1, 1, 2, 3),
        "dense/kernel": random_kernels(4, 2),
    }
    found = Recording(kernels_saved(tmp_path / "mine", weights)).inspect()
    assert [layer.name for layer in found.layers] == ["conv", "conv_2", "s/depthwise", "s/pointwise"]
    assert [layer.channels for layer in found.layers] == [1, 2, 1, 2]
    assert "does not say what kinds" in found.notes[0]
    assert "Only one step" in found.notes[1]


def test_kinds_decide_what_the_axes_of_weights_are(tmp_path):
    weights = {"up/kernel": random_kernels(3, 3, 5, 2), "depth/kernel": random_kernels(3, 3, 4, 2)}
    about = {"up/kernel": {"kind": "Conv2DTranspose"}, "depth/kernel": {"kind": "DepthwiseConv2D"}}
    found = Recording(kernels_saved(tmp_path / "mine", weights, about=about)).inspect()
    assert [(layer.channels, layer.filters) for layer in found.layers] == [(2, 5), (1, 8)]
    assert {record.detects for record in found.kernels[:5]} == {None}


@pytest.mark.slow
def test_a_training_that_diverged_is_reported_all_the_same(tmp_path):
    start = {"conv/kernel": random_kernels(3, 3, 3, 4)}
    broken = {"conv/kernel": np.full((3, 3, 3, 4), np.nan, np.float32)}
    run = kernels_saved(tmp_path / "mine", start, broken)
    recording = Recording(run)
    found = recording.inspect()
    assert found.layers[0].not_finite == [0, 1, 2, 3]
    assert found.course[0].distance == [0, None]
    for name, make in recording.makers.items():
        with run.folder.writing():
            run.folder.commit({name: make(run)}, "report")
    with Image.open(io.BytesIO(run.folder.read("gifs/01-conv.gif"))) as gif:
        assert gif.n_frames == 2


def test_a_recording_without_convolutions_says_so(linesexp, tmp_path):
    kernels_saved(tmp_path / "mine", {"dense/kernel": random_kernels(4, 2)})
    ended = linesexp("report", "mine", cwd=tmp_path)
    assert ended.returncode == 3
    assert "no two-dimensional convolution" in ended.stderr


def test_a_layers_file_that_is_not_ours_is_refused(tmp_path):
    run = kernels_saved(tmp_path / "mine", {"a/kernel": random_kernels(3, 3, 1, 2)}, about=[1])
    with pytest.raises(package.LinesexpError, match="does not say what layers"):
        Recording(run)


def test_large_models_are_measured_at_fewer_steps(tmp_path, monkeypatch):
    steps = [{"a/kernel": random_kernels(3, 3, 2, 8, seed=step)} for step in range(9)]
    run = kernels_saved(tmp_path / "mine", *steps)
    monkeypatch.setattr("linesexp.inspecting.recording.MOST_SLICES", 48)
    found = Recording(run).inspect()
    assert found.steps == [0, 4, 8]
    assert "3 of 9 recorded steps" in found.notes[1]


def test_the_recorder_says_what_kinds_of_layers_it_recorded(recorded):
    about = json.loads((recorded[0] / "mine/layers.json").read_text())["weights"]
    assert about["first/kernel"] == {"kind": "Conv2D", "initializer": "HeNormal", "groups": 1}
    assert about["separable/depthwise_kernel"]["initializer"] == "GlorotUniform"
    assert {entry["kind"] for entry in about.values()} == {
        *("Conv2D", "SeparableConv2D", "Conv2DTranspose", "DepthwiseConv2D"),
    }
    assert len(about) == 6
