"""generate, train and make_report from Python: the same as the commands, to the byte."""

import pytest

import linesexp
import linesexp.stages
from linesexp.errors import ConfigError, InputError
from linesexp.runs.folder import MissingFile, RunFolder

# Keras about NumPy, as it saves a model.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
TINY = {
    **{"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 30},
    **{"filters": (4, 4), "kernel_sizes": (5, 3), "epochs": 2},
}


@pytest.mark.slow
def test_they_make_what_the_commands_make(tmp_path, tiny_run):
    said, done = [], []
    run = linesexp.generate(tmp_path / "run", say=said.append, **TINY)
    assert run.config.training.epochs == 2  # kept for train
    assert linesexp.train(tmp_path / "run", progress=lambda *how: done.append(how[:2])).config == run.config
    run = linesexp.make_report(tmp_path / "run")
    assert done[-1] == (2, 2)
    assert said == []
    expected = linesexp.open_run(tiny_run).folder
    for name in [*expected.names(prefix="kernels/"), "config.json", "dataset.npz", "gifs/kernels.gif"]:
        assert run.folder.read(name) == expected.read(name)
    assert run.folder.names() == expected.names()


def test_progress_is_a_line_an_epoch_of_many_twenty_and_none_if_asked(tmp_path, monkeypatch, capsys):
    def instead(path, config, *, progress, **how):
        for epoch in range(config.training.epochs + 1):
            progress(epoch, config.training.epochs, f"validation accuracy {epoch / 100:.2f}")

    monkeypatch.setattr(linesexp.stages.experiment, "train", instead)
    monkeypatch.setattr(linesexp.stages, "note_after_training", lambda run: "")
    linesexp.train(tmp_path / "run", epochs=3)
    assert capsys.readouterr().out.splitlines() == [
        f"epoch {epoch}/3, validation accuracy 0.0{epoch}" for epoch in range(4)
    ]
    linesexp.train(tmp_path / "run", epochs=1000)
    assert 15 <= len(capsys.readouterr().out.splitlines()) <= 25
    linesexp.train(tmp_path / "run", epochs=3, progress=False)
    assert capsys.readouterr().out == ""


def test_settings_given_later_win_and_the_others_stay(tmp_path):
    linesexp.generate(tmp_path / "run", **TINY)
    assert linesexp.generate(tmp_path / "run", epochs=5).config.training.epochs == 5
    with pytest.raises(InputError, match="drawn with other settings"):
        linesexp.generate(tmp_path / "run", noise=0.5)
    said = []
    run = linesexp.generate(tmp_path / "run", force=True, say=said.append, noise=0.5)
    assert run.config.images.noise == 0.5
    assert run.config.training.epochs == 5
    assert "was kept as" in said[0]


@pytest.mark.parametrize(
    ("call", "settings", "words"),
    [
        (linesexp.generate, {"epoch": 3}, "unknown setting epoch; did you mean epochs"),
        (linesexp.generate, {"epochs": 0}, "epochs = 0"),
        (linesexp.generate, {"folders": None}, "unknown setting folders"),
        (linesexp.train, {"noise": 0.1}, "noise is a setting of pictures: give it to generate"),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path, call, settings, words):
    with pytest.raises(ConfigError, match=words):
        call(tmp_path / "run", **settings)
    assert not list(tmp_path.iterdir())


def test_without_pictures_there_is_nothing_to_train_on(tmp_path):
    with pytest.raises(MissingFile, match="linesexp generate"):
        linesexp.train(tmp_path / "run")
    with pytest.raises(MissingFile, match="linesexp generate"):
        linesexp.make_report(tmp_path / "run")


def test_everything_public_can_be_had():
    assert all(getattr(linesexp, name) for name in linesexp.__all__)
    assert set(dir(linesexp)) == set(linesexp.__all__)


def test_a_folder_that_is_not_there_is_told_from_a_run_without_pictures(tmp_path):
    for name in ("my-run", "other"):
        folder = RunFolder(tmp_path / name)
        with folder.writing():
            folder.commit({"config.json": b"{}"}, "generate")
    with pytest.raises(
        MissingFile, match=r"my-runn: no such folder; did you mean \S*/my-run\? A new run begins"
    ):
        linesexp.open_run(tmp_path / "my-runn")
    with pytest.raises(MissingFile, match="nixda: no such folder; a new run begins with `linesexp generate"):
        linesexp.open_run(tmp_path / "nixda")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFile, match="no data set yet"):
        linesexp.open_run(tmp_path / "empty")
