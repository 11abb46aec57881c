"""One run from settings to a report: what is made, what is left alone, and what damage costs."""

import io
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from linesexp import environment, experiment, open_run
from linesexp.config import build_config, settings_of
from linesexp.errors import InputError, LinesexpError
from linesexp.predicting import predict
from linesexp.report.making import make, makers
from linesexp.runs import RunFolder
from linesexp.runs.folder import MissingFile
from linesexp.runs.formats import npz_bytes, parse_npz, parse_tensors, tensors_bytes

KERAS = pytest.mark.xdist_group("keras")  # one worker imports TensorFlow for all of these
# Keras saves its variables in a way that NumPy 2 frowns upon.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FIRST_FIGURES = ("analysis.json", "figures/training.png", "figures/similarity.png")


def generate(path, config, force=False):
    """(what was done, what was said)"""
    said = []
    return experiment.generate(path, config, force=force, say=said.append), said


def train(path, config, force=False, progress=lambda done, total, words: None):
    """(what was done, what was said)"""
    said = []
    done = experiment.train(path, config, force=force, debug=False, say=said.append, progress=progress)
    return done, said


def changed(config, **fields):
    """The settings with these fields changed, whatever section they are in."""
    sections = settings_of(config)
    for values in sections.values():
        values.update({name: value for name, value in fields.items() if name in values})
    return build_config(sections)


def contents(path, prefix="", stage=None):
    """Committed files, all of them undamaged: name → bytes."""
    folder = RunFolder(path)
    return dict(folder.read_all(folder.names(stage, prefix)))


def times(path, stage):
    """When each of a stage's files was written."""
    return {name: (path / name).stat().st_mtime_ns for name in RunFolder(path).names(stage)}


def truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


def commit(path, name, data, stage):
    folder = RunFolder(path)
    with folder.writing():
        folder.commit({name: data}, stage)


def forget(path, *stages, names=()):
    """A run as it was before these stages."""
    folder = RunFolder(path)
    with folder.writing():
        folder.forget([*names, *(name for stage in stages for name in folder.names(stage))])


# Drawing.


def test_generating_twice_changes_nothing(tmp_path, tiny_config):
    first, _ = generate(tmp_path / "run", tiny_config)
    before = times(tmp_path / "run", "generate")
    again, said = generate(tmp_path / "run", tiny_config)
    assert (first.made, again.made) == (True, False)
    assert first.facts == again.facts
    assert times(tmp_path / "run", "generate") == before
    assert said == []


def test_the_facts_count_the_pictures(tmp_path, tiny_config):
    done, _ = generate(tmp_path / "run", tiny_config)
    assert done.facts["pictures"] == 60
    assert sum(sum(counts.values()) for counts in done.facts["splits"].values()) == 60


@pytest.mark.parametrize("name", ["dataset.npz", "dataset.png"])
def test_damaged_data_are_set_aside_and_drawn_again_with_the_same_bytes(name, run, tiny_config):
    before, trained = contents(run), times(run, "train")
    truncate(run / name)
    remains = (run / name).read_bytes()
    done, said = generate(run, tiny_config)
    assert done.made
    assert any(f"{run / name}: damaged" in words for words in said)
    assert contents(run) == before
    assert (run / f"{name}.damaged-1").read_bytes() == remains
    assert times(run, "train") == trained


def test_missing_data_are_drawn_again_with_the_same_bytes(run, tiny_config):
    before = contents(run)
    (run / "dataset.npz").unlink()
    generate(run, tiny_config)
    assert contents(run) == before


def test_a_trained_run_is_still_trained_after_its_data_were_drawn_again(run, tiny_config):
    truncate(run / "dataset.npz")
    generate(run, tiny_config)
    done, said = train(run, tiny_config)
    assert not done.made
    assert said == []


def test_other_pictures_are_refused_with_a_list_of_what_differs(run, tiny_config):
    before = contents(run)
    with pytest.raises(InputError, match=r"images\.noise: 0 → 0\.1; images\.data_seed: 0 → 5.*--force"):
        generate(run, changed(tiny_config, noise=0.1, data_seed=5))
    assert contents(run) == before


def test_settings_for_training_that_come_with_the_data_are_not_lost(run, tiny_config):
    forget(run, "train", "report")
    generate(run, changed(tiny_config, epochs=9))
    assert open_run(run).config.training.epochs == 9


def test_other_settings_for_a_trained_run_are_refused_by_generate_as_by_train(run, tiny_config):
    before = contents(run)
    with pytest.raises(InputError, match=r"training\.epochs: 2 → 9.*--force"):
        generate(run, changed(tiny_config, epochs=9))
    assert contents(run) == before


def test_force_keeps_the_old_folder_whole(run, tiny_config):
    before = contents(run)
    done, said = generate(run, changed(tiny_config, data_seed=5), force=True)
    assert done.made
    assert said == [f"{run} was kept as {run}.old-1"]
    assert contents(run.with_name("run.old-1")) == before
    assert set(contents(run)) == {"config.json", "dataset.npz", "dataset.png"}


def test_force_never_overwrites_what_it_kept_before(run, tiny_config):
    before = contents(run)
    for seed in (5, 6):
        generate(run, changed(tiny_config, data_seed=seed), force=True)
    assert contents(run.with_name("run.old-1")) == before
    assert open_run(run.with_name("run.old-2")).config.images.data_seed == 5


def test_force_with_settings_that_cannot_be_drawn_leaves_the_run_in_its_place(run, tiny_config):
    before = contents(run)
    with pytest.raises(InputError, match="distinct"):
        generate(run, changed(tiny_config, pictures_per_class=100_000), force=True)
    assert contents(run) == before


def test_a_folder_that_holds_other_files_is_refused_and_left_alone(tmp_path, tiny_config):
    (tmp_path / "thesis.txt").write_text("years of work")
    for force in (False, True):
        with pytest.raises(InputError, match=r"thesis\.txt"):
            generate(tmp_path, tiny_config, force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_a_killed_generate_left_is_no_obstacle(tmp_path, tiny_config):
    """Files come before the manifest that names them: what is not in it does not exist."""
    generate(tmp_path / "whole", tiny_config)
    killed = tmp_path / "killed"
    killed.mkdir()
    for name in (".lock", "config.json", "dataset.npz"):
        shutil.copy(tmp_path / "whole" / name, killed / name)
    done, _ = generate(killed, tiny_config)
    assert done.made
    assert contents(killed) == contents(tmp_path / "whole")


class Trap:
    """Opening it as a pickle makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("disguise", ["object array", "pickle for an array"])
def test_a_pickle_in_the_data_set_is_never_run(disguise, run, tiny_config, tmp_path):
    sprung = tmp_path / "sprung"
    trap = np.empty(1, dtype=object)
    trap[0] = Trap(sprung)
    data = io.BytesIO()
    if disguise == "object array":
        arrays = parse_npz((run / "dataset.npz").read_bytes(), "dataset.npz") | {"images": trap}
        np.savez(data, **arrays, allow_pickle=True)
    else:
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("images.npy", pickle.dumps(Trap(sprung)))
    commit(run, "dataset.npz", data.getvalue(), "generate")
    picture = str(run / "dataset.png")
    for read in (
        lambda: generate(run, tiny_config),
        lambda: train(run, tiny_config),
        lambda: predict(run, [picture]),
    ):
        with pytest.raises(InputError, match=r"dataset\.npz"):
            read()
    assert not sprung.exists()


@KERAS
def test_keras_reads_the_class_folders_and_finds_the_same_pixels(run, tmp_path):
    import keras

    assert experiment.write_class_folders(run, tmp_path / "folders") == 60
    dataset = open_run(run).dataset
    for split in ("train", "validation", "test"):
        found = keras.utils.image_dataset_from_directory(
            tmp_path / "folders" / split,
            color_mode="grayscale",
            image_size=(20, 20),
            shuffle=False,
            verbose=False,
        )
        pixels, labels = (
            np.concatenate([part.numpy() for part in parts]) for parts in zip(*found, strict=True)
        )
        assert tuple(found.class_names) == dataset.class_names
        for label in (0, 1):
            expected = dataset.pixels[dataset.chosen(split, label)]
            np.testing.assert_array_equal(pixels[labels == label], expected)


# Training.


def test_training_without_data_names_the_command(tmp_path, tiny_config):
    with pytest.raises(MissingFile, match=f"no data set yet; run `linesexp generate {tmp_path / 'run'}`"):
        train(tmp_path / "run", tiny_config)


def test_training_again_changes_nothing(run, tiny_config):
    before = times(run, "train")
    done, said = train(run, tiny_config)
    assert (done.made, said) == (False, [])
    assert done.facts["epochs"] == 2
    assert times(run, "train") == before


def test_changed_settings_of_a_trained_run_are_listed(run, tiny_config):
    before = contents(run)
    with pytest.raises(InputError, match=r"training\.epochs: 2 → 9; training\.seed: 0 → 4.*--force"):
        train(run, changed(tiny_config, epochs=9, seed=4))
    assert contents(run) == before


def test_pictures_drawn_with_other_settings_are_refused(run, tiny_config):
    forget(run, "train", "report")
    with pytest.raises(InputError, match=r"images\.blur_px: 0 → 1.*--force"):
        train(run, changed(tiny_config, blur_px=1.0))


@KERAS
def test_every_step_is_recorded_for_all_layers(tiny_run, tiny_config):
    from linesexp.learning.network import build_network
    from linesexp.learning.recorder import weights_of

    history = open_run(tiny_run).history
    assert history.steps.tolist() == [0, 0.5, 1, 2]
    expected = {name: values.shape for name, values in weights_of(build_network(tiny_config)).items()}
    assert {name: values.shape[1:] for name, values in history.weights.items()} == expected


class Stop(BaseException):
    """As Ctrl-C."""


@KERAS
@pytest.mark.parametrize("epoch", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_training_that_was_stopped_goes_on_to_the_same_bytes(epoch, tmp_path, tiny_run, tiny_config):
    def stop(done, total, words):
        if done == epoch and "accuracy" in words:
            raise Stop

    run = tmp_path / "run"
    generate(run, tiny_config)
    with pytest.raises(Stop):
        train(run, tiny_config, progress=stop)
    recorded = contents(run, "kernels/")
    assert len(recorded) == (0, 3)[epoch]
    train(run, tiny_config)
    # Another process has made the tiny run: the same seed gives the same bytes.
    assert contents(run, stage="generate") == contents(tiny_run, stage="generate")
    assert contents(run, "kernels/") == contents(tiny_run, "kernels/")
    log, expected = open_run(run).log, open_run(tiny_run).log
    assert list(log) == list(expected)
    for name in set(expected) - {"seconds"}:
        np.testing.assert_array_equal(log[name], expected[name])


@pytest.mark.slow
@KERAS
@pytest.mark.parametrize(
    "name",
    ["kernels/00001.safetensors", pytest.param("checkpoint.safetensors", marks=pytest.mark.slow)],
)
def test_damaged_training_is_named_and_done_again_with_the_same_bytes(name, run, tiny_config):
    before, drawn = contents(run, "kernels/"), times(run, "generate")
    truncate(run / name)
    remains = (run / name).read_bytes()
    done, said = train(run, tiny_config)
    assert done.made
    assert any(f"{run / name}: damaged" in words for words in said)
    assert (run / f"{name}.damaged-1").read_bytes() == remains
    assert contents(run, "kernels/") == before
    assert times(run, "generate") == drawn
    assert RunFolder(run).damaged() == []


@KERAS
def test_a_damaged_model_is_made_again_without_training(run, tiny_config):
    import keras

    from linesexp.learning.recorder import weights_of

    recorded = {name: time for name, time in times(run, "train").items() if name.startswith("kernels/")}
    truncate(run / "model.keras")
    done, said = train(run, tiny_config)
    assert done.made
    assert any(f"{run / 'model.keras'}: damaged" in words for words in said)
    assert {name: times(run, "train")[name] for name in recorded} == recorded
    model = keras.models.load_model(run / "model.keras", safe_mode=True)
    np.testing.assert_equal(weights_of(model), open_run(run).history.at(-1))


@KERAS
def test_a_damaged_log_is_written_again_from_the_checkpoint(run, tiny_config):
    before, recorded = contents(run, stage="train"), times(run, "train")
    truncate(run / "history.csv")
    train(run, tiny_config)
    assert contents(run)["history.csv"] == before["history.csv"]
    assert times(run, "train")["kernels/00003.safetensors"] == recorded["kernels/00003.safetensors"]


@pytest.mark.slow
@KERAS
def test_force_trains_anew_and_keeps_the_old_folder_and_another_seed_gives_other_kernels(run, tiny_config):
    before = contents(run)
    done, said = train(run, changed(tiny_config, epochs=1, seed=1), force=True)
    assert done.facts["epochs"] == 1
    assert said == [f"{run} was kept as {run}.old-1"]
    assert contents(run.with_name("run.old-1")) == before
    after = contents(run)
    assert after["dataset.npz"] == before["dataset.npz"]
    for name in ("kernels/00000.safetensors", "kernels/00002.safetensors"):
        assert after[name] != before[name]


@pytest.fixture
def unfinished(run):
    """A run that was stopped before its model was written."""
    forget(run, names=["model.keras"])
    return run


def test_other_versions_are_refused_and_named(unfinished, tiny_config, monkeypatch):
    before = contents(unfinished)
    versions = environment.versions() | {"keras": "9.9"}
    monkeypatch.setattr(environment, "versions", lambda: versions)
    with pytest.raises(InputError, match=r"begun with keras \S+ \(now 9\.9\).*--force"):
        train(unfinished, tiny_config)
    assert contents(unfinished) == before


def test_a_training_begun_with_onednn_does_not_go_on_without(unfinished, tiny_config, monkeypatch):
    about = json.loads(contents(unfinished)["environment.json"])
    about["versions"] |= {"backend": "tensorflow", "onednn": "on"}
    commit(unfinished, "environment.json", json.dumps(about).encode(), "train")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv(environment.ONEDNN, "0")
    with pytest.raises(InputError, match=r"onednn on \(now off\); go on with TF_ENABLE_ONEDNN_OPTS=1, or"):
        train(unfinished, tiny_config)
    assert "model.keras" not in contents(unfinished)


@KERAS
def test_another_machine_is_worth_a_word_and_no_refusal(unfinished, tiny_config, monkeypatch):
    machine = environment._machine() | {"processor": "abacus"}
    monkeypatch.setattr(environment, "_machine", lambda: machine)
    done, said = train(unfinished, tiny_config)
    assert done.made
    assert any("abacus" in words and "another machine" in words for words in said)


def test_a_finished_run_may_be_used_with_other_versions(run, tiny_config, monkeypatch):
    monkeypatch.setattr(environment, "versions", lambda: {"keras": "9.9"})
    done, _ = train(run, tiny_config)
    assert not done.made


# Predicting and verifying.


@KERAS
def test_predictions_are_those_of_the_saved_model(run, tmp_path):
    import keras

    experiment.write_class_folders(run, tmp_path / "folders")
    names = sorted(str(path) for path in (tmp_path / "folders/test").rglob("*.png"))
    records = predict(run, names)
    pictures = np.stack([iio.imread(name) for name in names])[..., None] / np.float32(255)
    expected = keras.models.load_model(run / "model.keras").predict(pictures, verbose=0)
    found = np.array([list(record["probabilities"].values()) for record in records])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    classes = open_run(run).dataset.class_names
    assert [record["class"] for record in records] == [classes[index] for index in expected.argmax(axis=1)]


def test_a_picture_of_another_size_colour_or_depth_is_brought_to_the_networks(run, tmp_path):
    picture = np.zeros((60, 60), np.uint8)
    picture[28:32, 10:50] = 255
    iio.imwrite(tmp_path / "grey.png", picture)
    iio.imwrite(tmp_path / "colour.png", np.repeat(picture[..., None], 3, axis=2))
    iio.imwrite(tmp_path / "deep.png", picture.astype(np.uint16) * 257)
    names = [str(tmp_path / name) for name in ("grey.png", "colour.png", "deep.png")]
    chances = [record["probability"] for record in predict(run, names)]
    assert chances == pytest.approx([chances[0]] * 3, abs=1e-3)


def test_predicting_before_training_names_the_command(run):
    forget(run, "train", "report")
    with pytest.raises(MissingFile, match=f"run `linesexp train {run}` first"):
        predict(run, [str(run / "dataset.png")])


def test_verify_counts_the_files_and_lists_the_damaged_ones(run):
    assert experiment.verify(run) == (27, [])
    truncate(run / "gifs/kernels.gif")
    (run / "kernels/00000.safetensors").unlink()
    count, damaged = experiment.verify(run)
    assert count == 27
    assert [(error.name, error.stage) for error in damaged] == [
        ("gifs/kernels.gif", "report"),
        ("kernels/00000.safetensors", "train"),
    ]


# Reporting.


def test_reporting_twice_makes_nothing(run):
    before = times(run, "report")
    assert make(open_run(run), *makers(open_run(run))) == []
    assert times(run, "report") == before


@pytest.mark.slow
def test_a_report_makes_the_same_bytes_again(run):
    before = contents(run)
    forget(run, "report")
    assert make(open_run(run), *makers(open_run(run))) == list(makers(open_run(run)))
    assert contents(run) == before


def test_only_what_is_damaged_is_made_again(run):
    before = contents(run)
    truncate(run / "figures/similarity.png")
    (run / "analysis.json").unlink()
    assert make(open_run(run), *makers(open_run(run))) == ["analysis.json", "figures/similarity.png"]
    assert contents(run) == before


def test_a_file_whose_replacement_never_arrived_is_made_again(run):
    """Killed after the manifest named the new figure, and before it took the place of the old one."""
    name, before = "figures/training.png", contents(run)
    folder = RunFolder(run)
    made_from = folder.entry(name).made_from
    with folder.writing():
        folder.commit({name: b"of other kernels"}, "report", "other kernels")
        folder.commit({name: before[name]}, "report", made_from)
    (run / name).write_bytes(b"of other kernels")
    make(open_run(run), *makers(open_run(run)))
    assert (run / name).read_bytes() == before[name]


def new_kernels(run, change):
    """Commit the last recorded step with its first-layer kernels changed."""
    name = "kernels/00003.safetensors"
    tensors, about = parse_tensors((run / name).read_bytes(), name)
    tensors["conv1/kernel"] = change(tensors["conv1/kernel"])
    commit(run, name, tensors_bytes(tensors, about), "train")


def test_what_depends_on_changed_kernels_is_made_again(run):
    before = contents(run)
    new_kernels(run, lambda kernels: np.roll(kernels, 1, axis=0))
    assert make(open_run(run), *FIRST_FIGURES) == list(FIRST_FIGURES)
    after = contents(run)
    assert after["analysis.json"] != before["analysis.json"]
    assert after["figures/similarity.png"] != before["figures/similarity.png"]
    assert after["figures/training.png"] == before["figures/training.png"]


def test_a_figure_of_damaged_kernels_is_not_made(run):
    truncate(run / "kernels/00001.safetensors")
    truncate(run / "gifs/kernels.gif")
    with pytest.raises(InputError, match=rf"{run}/kernels/00001.*linesexp train"):
        make(open_run(run), "gifs/kernels.gif")


def test_reporting_before_training_names_the_command(run):
    forget(run, "train", "report")
    with pytest.raises(MissingFile, match=f"run `linesexp train {run}` first"):
        make(open_run(run), *makers(open_run(run)))


@pytest.mark.slow
@pytest.mark.parametrize("value", [np.nan, 0.0], ids=["diverged", "constant"])
def test_kernels_that_diverged_or_died_can_be_reported(value, run):
    """A step size that is too large is a lesson, too."""
    new_kernels(run, lambda kernels: np.full_like(kernels, value))
    make(open_run(run), *makers(open_run(run)))
    analysis = open_run(run).analysis
    assert [record.match for record in analysis.kernels] == [None] * 4
    assert all(record.match for record in analysis.untrained)


def test_every_error_for_a_missing_run_is_one_that_the_command_line_explains(tmp_path):
    for read in (open_run, experiment.verify, lambda path: predict(path, ["picture.png"])):
        with pytest.raises(LinesexpError, match="linesexp generate"):
            read(tmp_path / "none")
    assert os.listdir(tmp_path) == []


def test_a_data_set_whose_arrays_do_not_fit_together_is_refused(run, tiny_config):
    arrays = parse_npz((run / "dataset.npz").read_bytes(), "dataset.npz")
    commit(run, "dataset.npz", npz_bytes(arrays | {"labels": arrays["labels"][:-1]}), "generate")
    with pytest.raises(InputError, match=r"dataset\.npz: damaged"):
        train(run, tiny_config)
