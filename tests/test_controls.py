"""A run's controls: what each is made from, what is kept, gone on with or made anew, and how it ends."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import asdict

import numpy as np
import pytest

from linesexp import open_run
from linesexp.config import ExperimentConfig, build_config, config_json, settings_of
from linesexp.controls import (
    CHANGES,
    Outcome,
    control_config,
    describe_outcome,
    epochs_to,
    outcome,
    train_with_controls,
)
from linesexp.errors import ConfigError, FolderBusy, InputError
from linesexp.evidence import measuring
from linesexp.experiment import generate, verify
from linesexp.kernels.handmade import prewitt_layer
from linesexp.run import CONTROLS
from linesexp.runs import RunFolder
from linesexp.runs.formats import parse_tensors, tensors_bytes

# Keras saves its variables in a way that NumPy 2 frowns upon.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def trains(test):
    """Marks what takes long; one worker imports TensorFlow for all of these."""
    return pytest.mark.slow(pytest.mark.xdist_group("keras")(test))


def train(path, config, force=False, progress=lambda done, total, words: None):
    """(what was done, what was said)"""
    said = []
    done = train_with_controls(path, config, force=force, debug=False, say=said.append, progress=progress)
    return done, said


def contents(path, prefix=""):
    """Committed files, all of them undamaged: name → bytes."""
    folder = RunFolder(path)
    return dict(folder.read_all(folder.names(prefix=prefix)))


def times(path):
    return {name: (path / name).stat().st_mtime_ns for name in RunFolder(path).names()}


def truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


def commit(path, name, data, stage):
    folder = RunFolder(path)
    with folder.writing():
        folder.commit({name: data}, stage)


@pytest.fixture(scope="session")
def made(tiny_run, tiny_config, tmp_path_factory):
    """The tiny run with its controls, to read only; what was said, done, and shown as progress."""
    path = shutil.copytree(tiny_run, tmp_path_factory.mktemp("controls") / "run")
    shown = []
    done, said = train(path, tiny_config, progress=lambda *how: shown.append(how))
    return path, done, said, shown


@pytest.fixture
def run(made, tmp_path):
    """A copy of the run with its controls, to damage."""
    return shutil.copytree(made[0], tmp_path / "run")


def test_each_control_changes_one_setting_and_all_have_a_name():
    assert tuple(CHANGES) == CONTROLS
    for name in CONTROLS:
        before, after = settings_of(ExperimentConfig()), settings_of(control_config(name, ExperimentConfig()))
        assert sum(before[s][field] != after[s][field] for s in before for field in before[s]) == 1


@trains
class TestMade:
    def test_the_run_itself_is_left_alone(self, made, tiny_run):
        assert contents(made[0]) == contents(tiny_run)

    def test_each_control_is_a_whole_run_on_the_same_pictures(self, made):
        path, done, said, _ = made
        run = open_run(path)
        assert not done.made
        assert [facts["made"] for facts in done.facts["controls"].values()] == [True] * len(CONTROLS)
        assert said == []
        assert tuple(run.controls) == CONTROLS
        for name, control in run.controls.items():
            assert control.config == control_config(name, run.config)
            assert verify(control.folder.path)[1] == []
            assert control.history.steps.tolist() == run.history.steps.tolist()
            assert control.folder.read("dataset.npz") == run.folder.read("dataset.npz")

    def test_the_first_layers_are_what_they_are_called(self, made):
        run = open_run(made[0])
        first = {name: control.history.weights["conv1/kernel"] for name, control in run.controls.items()}
        bias = {name: control.history.weights["conv1/bias"] for name, control in run.controls.items()}
        own, own_bias = (run.history.weights[f"conv1/{name}"] for name in ("kernel", "bias"))
        for step in range(len(run.history.steps)):
            assert np.array_equal(first["frozen-random"][step], own[0])
            assert np.array_equal(bias["frozen-random"][step], own_bias[0])
            assert np.array_equal(first["frozen-prewitt"][step], prewitt_layer(4, 5, 1, "glorot_uniform"))
            assert not bias["frozen-prewitt"][step].any()
            assert np.array_equal(first["frozen-learned"][step], own[-1])
            assert np.array_equal(bias["frozen-learned"][step], own_bias[-1])
        assert np.array_equal(first["shuffled-labels"][0], own[0])
        assert not np.array_equal(first["shuffled-labels"][-1], own[-1])

    def test_the_other_layers_start_as_the_runs_did(self, made):
        run = open_run(made[0])
        for control in run.controls.values():
            for name, values in run.history.at(0).items():
                if not name.startswith("conv1/"):
                    assert np.array_equal(control.history.at(0)[name], values)

    def test_progress_counts_the_epochs_of_all_controls(self, made):
        shown = made[3]
        assert {total for _, total, _ in shown} == {2 * len(CONTROLS)}
        done = [done for done, _, _ in shown]
        assert done == sorted(done)
        assert (done[0], done[-1]) == (0, 2 * len(CONTROLS))
        for name in CONTROLS:
            assert any(words.startswith(f"{name}: validation accuracy") for _, _, words in shown)

    def test_the_facts_are_the_outcomes(self, made):
        path, done, _, _ = made
        run = open_run(path)
        assert done.facts["epochs"] == 2
        for name, control in run.controls.items():
            found = outcome(control)
            assert done.facts["controls"][name] == {"made": True} | asdict(found)
            log = control.log
            assert found.epochs == 2
            assert found.epochs_to_95 == epochs_to(log["step"], log["validation_accuracy"])

    def test_an_outcome_is_what_keras_finds(self, made):
        import keras

        control = open_run(made[0]).controls["frozen-prewitt"]
        model = keras.models.load_model(control.folder.path / "model.keras", safe_mode=True)
        loss, accuracy = model.evaluate(*control.dataset.part("test"), verbose=0)
        assert outcome(control).loss == pytest.approx(loss, abs=1e-5)
        assert outcome(control).accuracy == pytest.approx(accuracy)
        assert outcome(control).correct == round(accuracy * outcome(control).pictures)
        assert not model.get_layer("conv1").trainable

    def test_again_changes_nothing(self, made, tiny_config):
        path, before, _, _ = made
        then = {name: times(path / "controls" / name) for name in CONTROLS}
        done, said = train(path, tiny_config)
        assert said == []
        for name, facts in before.facts["controls"].items():
            assert done.facts["controls"][name] == facts | {"made": False}
        assert {name: times(path / "controls" / name) for name in CONTROLS} == then


class Stop(BaseException):
    """As Ctrl-C."""


@trains
def test_a_stop_keeps_what_is_done_and_the_same_call_goes_on_to_the_same_bytes(
    made, tiny_run, tiny_config, tmp_path
):
    name = "frozen-prewitt"

    def stop(done, total, words):
        if words.startswith(f"{name}: validation") and done % 2:
            raise Stop

    path = shutil.copytree(tiny_run, tmp_path / "run")
    with pytest.raises(Stop):
        train(path, tiny_config, progress=stop)
    finished = CONTROLS[: CONTROLS.index(name)]
    assert tuple(open_run(path).controls) == finished
    then = {name: times(path / "controls" / name) for name in finished}
    _, said = train(path, tiny_config)
    assert said == []
    assert {name: times(path / "controls" / name) for name in finished} == then
    for name in CONTROLS:
        folder = f"controls/{name}"
        assert contents(path / folder, "kernels/") == contents(made[0] / folder, "kernels/")
    assert not (path / "controls" / f"{name}.old-1").exists()


@trains
def test_a_control_of_other_kernels_is_kept_aside_and_made_anew(run, tiny_config):
    step = "kernels/00003.safetensors"
    tensors, about = parse_tensors((run / step).read_bytes(), step)
    tensors["conv1/kernel"] = tensors["conv1/kernel"][::-1]
    commit(run, step, tensors_bytes(tensors, about), "train")
    old = contents(run / "controls/frozen-learned")
    others = {name: times(run / "controls" / name) for name in CONTROLS if name != "frozen-learned"}
    done, said = train(run, tiny_config)
    assert [name for name, facts in done.facts["controls"].items() if facts["made"]] == ["frozen-learned"]
    assert len(said) == 1
    assert "frozen-learned was made from another state of the run: kept as" in said[0]
    assert contents(run / "controls/frozen-learned.old-1") == old
    found = open_run(run).controls["frozen-learned"].history.at(-1)["conv1/kernel"]
    assert np.array_equal(found, tensors["conv1/kernel"])
    # What does not depend on the kernels is what it was.
    assert {name: times(run / "controls" / name) for name in others} == others


def other_versions(path, **other):
    """Note in a run folder that it was trained with these."""
    about = json.loads((path / "environment.json").read_bytes())
    about["versions"] |= other
    commit(path, "environment.json", json.dumps(about).encode(), "train")


def test_a_run_that_another_backend_trained_gets_no_controls_of_this_one(tiny_run, tiny_config, tmp_path):
    run = shutil.copytree(tiny_run, tmp_path / "run")
    other_versions(run, backend="elsewhere")
    with pytest.raises(
        InputError, match=r"begun with backend elsewhere \(now \w+\); go on with KERAS_BACKEND="
    ):
        train(run, tiny_config)
    assert not (run / "controls").exists()


@pytest.mark.slow
def test_a_run_whose_controls_are_made_may_be_asked_for_them_with_other_versions(run, tiny_config):
    for folder in (run, *(run / "controls" / name for name in CONTROLS)):
        other_versions(folder, keras="9.9")
    done, said = train(run, tiny_config)
    assert said == []
    assert not any(facts["made"] for facts in done.facts["controls"].values())


@trains
def test_a_control_of_other_versions_is_left_out_until_it_is_made_anew(run, tiny_config):
    other_versions(run / "controls/frozen-random", keras="9.9")
    opened = open_run(run)
    assert opened.controls_unlike == {"frozen-random": ["keras"]}
    assert tuple(opened.controls) == CONTROLS[1:]
    lines = [line for line in measuring._missing(opened) if "frozen-random" in line]
    assert "trained with other versions than the run (keras), so it is left out" in lines[0]
    done, said = train(run, tiny_config)
    assert [name for name, facts in done.facts["controls"].items() if facts["made"]] == ["frozen-random"]
    assert "frozen-random was made from another state of the run: kept as" in said[0]
    assert tuple(open_run(run).controls) == CONTROLS


@trains
def test_a_control_of_other_settings_is_kept_aside_and_made_anew(run, tiny_config):
    name = "frozen-random"
    shorter = build_config(settings_of(control_config(name, tiny_config)), {"training": {"epochs": 1}})
    commit(run / "controls" / name, "config.json", config_json(shorter), "generate")
    _, said = train(run, tiny_config)
    assert len(said) == 1
    assert open_run(run).controls[name].history.steps[-1] == 2
    assert (run / f"controls/{name}.old-1").is_dir()


@trains
def test_settings_that_another_version_wrote_otherwise_are_the_same_settings(run, tiny_config):
    folder = run / "controls/frozen-random"
    settings = json.loads((folder / "config.json").read_bytes())
    del settings["training"]["shuffle_labels"]
    commit(folder, "config.json", json.dumps(settings).encode(), "generate")
    done, said = train(run, tiny_config)
    assert (done.facts["controls"]["frozen-random"]["made"], said) == (False, [])


@trains
@pytest.mark.parametrize("name", ["first_layer.safetensors", "config.json"])
def test_what_is_damaged_in_a_control_is_made_again_with_the_same_bytes(name, run, tiny_config):
    folder = run / "controls/frozen-learned"
    before = contents(folder, "kernels/"), contents(folder, name)
    truncate(folder / name)
    _, said = train(run, tiny_config)
    assert any(f"{folder / name}: damaged" in words for words in said)
    assert (contents(folder, "kernels/"), contents(folder, name)) == before
    assert RunFolder(folder).damaged() == []


@trains
def test_force_takes_the_controls_along_with_the_old_run(run, tiny_config):
    config = build_config(settings_of(tiny_config), {"training": {"epochs": 1}})
    before = contents(run / "controls/frozen-random")
    done, said = train(run, config, force=True)
    assert said == [f"{run} was kept as {run}.old-1"]
    assert contents(run.with_name("run.old-1") / "controls/frozen-random") == before
    assert {found["epochs"] for found in done.facts["controls"].values()} == {1}


@trains
def test_a_control_goes_on_by_itself(made, run):
    """It is a run like any other."""
    from linesexp import experiment

    folder = RunFolder(run / "controls/frozen-learned")
    before = contents(folder.path, "kernels/")
    with folder.writing():
        folder.forget(folder.names(stage="train"))
    config = open_run(folder.path).config
    done = experiment.train(
        folder.path, config, force=False, debug=False, say=print, progress=lambda *how: None
    )
    assert done.made
    assert contents(folder.path, "kernels/") == before


@pytest.mark.parametrize(
    "change", [{"network": {"first_layer": "random"}}, {"training": {"shuffle_labels": True}}]
)
def test_a_control_has_no_controls(change, tiny_run, tiny_config):
    (field,) = next(iter(change.values()))
    with pytest.raises(ConfigError, match=f"{field} = .*: controls are for a run with {field} = "):
        train(tiny_run, build_config(settings_of(tiny_config), change))


def test_kernels_can_be_given_by_the_controls_only(tiny_config, tmp_path):
    config = build_config(settings_of(tiny_config), {"network": {"first_layer": "given"}})
    with pytest.raises(ConfigError, match="only `linesexp train RUN --controls` hands kernels over"):
        generate(tmp_path / "run", config, force=False, say=print)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("busy", [".", "controls/frozen-random"])
def test_a_busy_folder_is_named(busy, tiny_run, tiny_config, tmp_path):
    path = shutil.copytree(tiny_run, tmp_path / "run")
    with RunFolder(path / busy).writing(), pytest.raises(FolderBusy, match=f"process {os.getpid()} "):
        train(path, tiny_config)


@trains
def test_nobody_else_writes_the_run_while_its_controls_are_trained(tiny_run, tiny_config, tmp_path):
    path = shutil.copytree(tiny_run, tmp_path / "run")
    tried = []

    def progress(done, total, words):
        with pytest.raises(FolderBusy), RunFolder(path).writing():
            pass
        tried.append(words)
        raise Stop

    with pytest.raises(Stop):
        train(path, tiny_config, progress=progress)
    assert tried


def test_a_run_has_no_controls_before_they_are_made(tiny_run):
    assert open_run(tiny_run).controls == {}


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ([0.5, 0.94, 0.95, 0.9], 2),
        ([0.95, 1.0], 0),
        ([0.5, 0.94], None),
        ([np.nan, np.nan], None),
    ],
)
def test_epochs_to_95_is_the_first_epoch_that_reaches_it(accuracies, expected):
    assert epochs_to(np.arange(len(accuracies), dtype=float), np.array(accuracies)) == expected


@pytest.mark.parametrize(("epochs", "words"), [(None, "never"), (0, "by epoch 0"), (7, "by epoch 7")])
def test_an_outcome_in_words(epochs, words):
    facts = asdict(Outcome(0.75, 0.5, 6, 8, 20, epochs))
    assert describe_outcome(facts) == f"6 of 8 test pictures named rightly, 95 % of validation {words}"


# The command line, as real processes.


@pytest.mark.slow
def test_the_command_trains_the_run_and_its_controls_and_goes_on_after_ctrl_c(
    linesexp, script, environment, tmp_path, tiny_toml, made
):
    assert linesexp("generate", "run", "--config", tiny_toml, cwd=tmp_path).returncode == 0
    process = subprocess.Popen(
        [script, "train", "run", "--controls"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    end = time.monotonic() + 300
    while not (tmp_path / "run/controls/frozen-prewitt/kernels").exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "linesexp train run --controls" in said.strip().splitlines()[-1]
    assert "frozen-random" in open_run(tmp_path / "run").controls
    ended = linesexp("train", "run", "--controls", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stderr.strip().splitlines()
    assert lines[-1] == "next: linesexp report run"
    assert "run is trained: 2 epochs" in ended.stderr
    for name in CONTROLS:
        assert any(re.match(rf"{name}: \d of 8 test pictures", line) for line in lines)
        folder = f"controls/{name}"
        assert contents(tmp_path / "run" / folder, "kernels/") == contents(made[0] / folder, "kernels/")
    again = linesexp("train", "run", "--controls", "--json", cwd=tmp_path)
    found = json.loads(again.stdout)
    assert found["made"] is False
    assert not any(facts["made"] for facts in found["controls"].values())
    assert list(found["controls"]) == list(CONTROLS)


def test_a_switch_wins_over_the_file_and_says_nothing_where_it_is_not_given(linesexp, tmp_path, tiny_toml):
    (tmp_path / "mine.toml").write_text(tiny_toml.read_text() + "shuffle_labels = true\n")
    (tmp_path / "plain.toml").write_text(tiny_toml.read_text())

    def chosen(name, *arguments, **more):
        ended = linesexp("generate", name, "--config", *arguments, cwd=tmp_path, **more)
        assert ended.returncode == 0, ended.stderr
        return open_run(tmp_path / name).config.training.shuffle_labels

    assert chosen("from-file", "mine.toml")
    assert not chosen("against-file", "mine.toml", "--no-shuffle-labels")
    assert chosen("by-option", "plain.toml", "--shuffle-labels")
    assert chosen("from-environment", "plain.toml", LINESEXP_SHUFFLE_LABELS="1")
    assert not chosen("by-default", "plain.toml")


def test_bad_use_is_an_error_in_one_line(linesexp, tiny):
    for arguments, words in (
        (["train", "run", "--first-layer", "given", "--force"], "only `linesexp train RUN --controls`"),
        (["train", "run", "--shuffle-labels", "--controls"], "shuffle_labels = True"),
        (["train", "none", "--controls"], "linesexp generate none"),
    ):
        ended = linesexp(*arguments, cwd=tiny)
        assert ended.returncode in (2, 3)
        assert words in ended.stderr
        assert len(ended.stderr.strip().splitlines()) == 1
    settings = tiny / "given.toml"
    settings.write_text('[network]\nfirst_layer = "given"\n')
    ended = linesexp("generate", "new", "--config", settings, cwd=tiny)
    settings.unlink()
    assert ended.returncode == 2
    assert "only `linesexp train RUN --controls`" in ended.stderr
    assert not (tiny / "new").exists()
