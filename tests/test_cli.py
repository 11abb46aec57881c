"""The command line through real processes: what it says, how it ends, and that nothing is lost."""

import hashlib
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from linesexp.cli import cli
from linesexp.commands.beginning import WARNINGS_OF_OTHERS, begin
from linesexp.commands.speaking import default_folder
from linesexp.config import SECTIONS
from linesexp.runs import RunFolder
from linesexp.section import settable

COMMANDS = ("generate", "train", "report", "predict", "study", "inspect", "see", "filter", "verify")
HEAVY = {"tensorflow", "keras", "scipy", "matplotlib", "dask", "distributed"}
SETTINGS = [
    ("generate" if section == "images" else "train", field)
    for section, kind in SECTIONS.items()
    for field in settable(kind)
]


def files_in(folder: Path) -> dict[str, bytes]:
    """Everything in a folder but what is there for the lock alone."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (".lock", ".holder.json")
    }


def contents_of(run: Path) -> dict[str, bytes]:
    """Every committed file of a run, all of them undamaged."""
    folder = RunFolder(run)
    return dict(folder.read_all(folder.names()))


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def one_object(text: str) -> dict:
    """The JSON object that is all of this text; NaN and Infinity are not JSON."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is not JSON")

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def assert_clear_error(ended: subprocess.CompletedProcess, code: int, *words: str) -> None:
    """One or two lines on stderr that hold these words, nothing on stdout, and this exit code."""
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ""
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "bug" not in ended.stderr
    assert " at 0x" not in ended.stderr  # an object's address
    assert 1 <= len(ended.stderr.strip().splitlines()) <= 2, ended.stderr


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "edited":  # a byte in the middle, so that only the hash can tell
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    else:
        path.unlink()


# Help, and the options that it describes.


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(command, script, environment):
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", script, *command, "--help"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ended.stderr.splitlines()}
    assert "click" in imported
    assert not imported & HEAVY
    assert ended.stdout.startswith("Usage: linesexp")


@pytest.fixture(scope="module")
def helps(linesexp, tmp_path_factory):
    """command → option → its help on one line."""
    found = {}
    for command in ("generate", "train"):
        text = linesexp(command, "--help", cwd=tmp_path_factory.mktemp("help"), COLUMNS="300").stdout
        entries = re.split(r"\n  (?=-)", text)
        found[command] = {entry.split()[0]: " ".join(entry.split()) for entry in entries}
    return found


@pytest.mark.parametrize(("command", "field"), SETTINGS, ids=[field.name for _, field in SETTINGS])
def test_each_setting_is_an_option_whose_help_shows_its_default(command, field, helps):
    default = field.default
    shown = ",".join(f"{part:g}" for part in default) if isinstance(default, tuple) else str(default)
    entry = helps[command][f"--{field.name.replace('_', '-')}"]
    assert f"[default: {shown}]" in entry
    described = entry.partition(" ")[2].partition("[default")[0]
    assert len(described.split()) > 2


@pytest.mark.parametrize(("command", "field"), SETTINGS, ids=[field.name for _, field in SETTINGS])
def test_each_setting_has_an_environment_variable(command, field):
    (option,) = (option for option in cli.commands[command].params if option.name == field.name)
    assert option.envvar == f"LINESEXP_{field.name.upper()}"


def test_python_m_linesexp_is_the_same_command_line(environment):
    ended = subprocess.run(
        [sys.executable, "-m", "linesexp", "--help"], env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0
    for name in COMMANDS:
        assert f"  {name} " in ended.stdout


def test_options_win_over_environment_over_file_over_defaults(linesexp, tmp_path, tiny_toml):
    text = tiny_toml.read_text().replace("pictures_per_class = 30", "pictures_per_class = 22\ndata_seed = 3")
    (tmp_path / "mine.toml").write_text(text.replace("margin_px = 2", "margin_px = 2\nnoise = 0.5"))
    ended = linesexp(
        *("generate", "new", "--config", "mine.toml", "--data-seed", "1"),
        cwd=tmp_path,
        LINESEXP_DATA_SEED="2",
        LINESEXP_PICTURES_PER_CLASS="21",
    )
    assert ended.returncode == 0, ended.stderr
    chosen = json.loads((tmp_path / "new/config.json").read_bytes())["images"]
    assert chosen["data_seed"] == 1
    assert chosen["pictures_per_class"] == 21
    assert chosen["noise"] == 0.5
    assert chosen["contrast"] == "bright"


def test_a_run_keeps_the_settings_that_it_was_begun_with(tiny_run, said):
    """`generate` got the file, `train` got nothing: not the defaults, but the run's own settings."""
    config = json.loads((tiny_run / "config.json").read_bytes())
    assert config["network"]["filters"] == [4, 4]
    assert "2 epochs" in said["train"]["stderr"]


def test_a_file_wins_over_the_settings_of_the_run(linesexp, run):
    (run.parent / "more.toml").write_text("[training]\nepochs = 7\n")
    ended = linesexp("train", "run", "--config", "more.toml", cwd=run.parent)
    assert "training.epochs: 2 → 7" in ended.stderr


def test_run_and_config_can_come_from_the_environment(linesexp, tmp_path, tiny_toml):
    ended = linesexp("generate", cwd=tmp_path, LINESEXP_RUN="mine", LINESEXP_CONFIG=str(tiny_toml))
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "mine/dataset.npz").exists()


# What a command says, and where.


@pytest.mark.parametrize(
    ("command", "following"),
    [
        ("generate", "next: linesexp train run"),
        ("train", "next: linesexp report run"),
        ("report", "open run/rep"),
    ],
)
def test_the_last_line_names_what_comes_next(command, following, said):
    assert following in last_line(said[command]["stderr"])
    assert said[command]["stdout"] == ""


def test_the_next_command_can_be_pasted_into_a_shell(linesexp, run):
    run.rename(run.with_name("my run"))
    ended = linesexp("train", "my run", cwd=run.parent)
    following = last_line(ended.stderr).removeprefix("next: ")
    assert shlex.split(following) == ["linesexp", "report", "my run"]


def test_a_run_whose_name_looks_like_an_option_can_be_pasted_too(linesexp, run):
    run.rename(run.with_name("-x"))
    expected = {"verify": ["open", "./-x/report.html"], "train": ["linesexp", "report", "./-x"]}
    for command, following in expected.items():
        ended = linesexp(command, "--", "-x", cwd=run.parent)
        assert ended.returncode == 0, ended.stderr
        assert shlex.split(last_line(ended.stderr).removeprefix("next: ")) == following
    ended = linesexp("predict", "-q", "--", "-y", "-x/dataset.png", cwd=run.parent)
    assert_clear_error(ended, 3, "`linesexp generate ./-y`")


def test_training_shows_plain_lines_and_nothing_of_tensorflow(said):
    for line in said["train"]["stderr"].splitlines():
        assert re.match(r"epoch \d+/2, |2 epochs, |note: the network does no better than luck|next: ", line), (
            line
        )


def test_progress_is_a_bar_on_a_terminal(run, script, environment):
    (run / "figures/training.png").unlink()
    ours, theirs = os.openpty()
    plain = {name: value for name, value in environment.items() if name not in ("NO_COLOR", "CI")}
    process = subprocess.Popen([script, "report", run], env=plain | {"TERM": "xterm"}, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the other end was closed
            break
    os.close(ours)
    assert process.wait(60) == 0
    assert b"\x1b[" in shown
    assert b"file 1/1" in shown


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        (["generate", "run"], {"run", "made", "pictures", "splits"}),
        (["train", "run"], {"run", "made", "epochs", "validation_accuracy", "validation_loss"}),
        (["report", "run"], {"run", "made", "page", "analysis"}),
        (["verify", "run"], {"run", "files", "damaged"}),
        (["predict", "run", "run/dataset.png", "run/dataset.png"], {"run", "predictions"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_json_is_one_object_on_stdout(command, keys, linesexp, tiny):
    ended = linesexp(*command, "--json", cwd=tiny)
    assert ended.returncode == 0, ended.stderr
    found = one_object(ended.stdout)
    assert keys <= found.keys()
    assert found["run"] == "run"


def test_json_of_a_training_that_diverged_is_still_json(linesexp, run):
    folder = RunFolder(run)
    rows = folder.read("history.csv").decode().splitlines()
    with folder.writing():
        folder.commit({"history.csv": "\n".join([*rows[:-1], "2,nan,0.5,nan,0.5,1.0\n"]).encode()}, "train")
    ended = linesexp("train", "run", "--json", cwd=run.parent)
    assert ended.returncode == 0, ended.stderr
    assert one_object(ended.stdout)["validation_loss"] is None


@pytest.mark.parametrize("command", ["generate", "report", "verify"])
def test_quiet_says_nothing_unless_something_is_wrong(command, linesexp, tiny):
    ended = linesexp(command, "run", "-q", cwd=tiny)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_what_is_there_already_is_not_made_again(linesexp, run):
    before = files_in(run)
    ended = linesexp("train", "run", cwd=run.parent)
    assert ended.returncode == 0
    assert "run is trained: 2 epochs" in ended.stderr
    assert files_in(run) == before


def test_a_reader_that_goes_away_is_no_error(script, environment, tiny):
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as nobody:
        ended = subprocess.run(
            [script, "verify", "run"], cwd=tiny, env=environment, stdout=nobody, stderr=subprocess.PIPE
        )
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error(closed, script, environment, tiny):
    ended = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", script, "verify", "run"],
        cwd=tiny,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("files, all as they were written\n") is (">&-" not in closed.split())
    assert ended.stderr == ("" if "2>&-" in closed else "next: open run/report.html\n")


def test_warnings_of_others_are_no_errors_and_all_others_are_what_they_were(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "a notebook's")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        begin()
        for words, kind in WARNINGS_OF_OTHERS:
            warnings.warn(f"{words} at all", kind, stacklevel=1)
        with pytest.raises(DeprecationWarning):
            warnings.warn("ours", DeprecationWarning, stacklevel=1)
    assert os.environ["MPLBACKEND"] == "agg"


@pytest.mark.slow
def test_training_works_where_warnings_are_errors(linesexp, run):
    ended = linesexp("train", "run", "--force", cwd=run.parent, PYTHONWARNINGS="error")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("command", ["study", "filter"])
def test_an_encoding_without_our_signs_shows_others_in_their_places(command, linesexp, tmp_path):
    ended = linesexp(command, "--help", cwd=tmp_path, PYTHONIOENCODING="latin-1")
    assert ended.returncode == 0, ended.stderr
    assert "?" in ended.stdout
    assert "  --debug  " in ended.stdout


def test_a_file_whose_name_is_no_text_is_named(linesexp, run):
    shutil.copy(run / "dataset.png", os.fsencode(run) + b"/\xff.png")
    ended = linesexp("predict", "run", os.fsdecode(b"run/\xff.png"), "--json", cwd=run.parent)
    assert_clear_error(ended, 3, r"run/\udcff.png: a name that is no text")


def test_the_command_line_draws_into_memory_whatever_a_notebook_says(linesexp, tiny, tmp_path):
    words = ("filter", tiny / "run/dataset.png", "--out", "out")
    ended = linesexp(*words, cwd=tmp_path, MPLBACKEND="a backend that is not there")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "out/figure.png").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "run", "run/dataset.png"],
        ["report", "run"],
        ["see", "run", "run/dataset.png", "--no-figures"],
        pytest.param(
            ["see", "run", "run/dataset.png", "--attribution", "none"],
            marks=pytest.mark.slow,
            id="see, drawing",
        ),
    ],
    ids=lambda c: c[0],
)
def test_only_training_and_attribution_import_keras(command, script, environment, run):
    (run / "figures/training.png").unlink()
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", script, *command],
        cwd=run.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ended.stderr.splitlines()}
    assert "numpy" in imported
    assert not imported & {"tensorflow", "keras"}


def test_debug_shows_where_an_error_came_from(linesexp, tmp_path):
    ended = linesexp("verify", "none", "--debug", cwd=tmp_path)
    assert ended.returncode == 3
    assert "Traceback" in ended.stderr


# Class folders and predictions.


def test_as_folders_writes_every_picture_into_its_class(linesexp, run):
    ended = linesexp("generate", "run", "--as-folders", "out", "--json", cwd=run.parent)
    assert one_object(ended.stdout)["files"] == 60
    written = [path.relative_to(run.parent / "out").parts for path in run.parent.glob("out/**/*.png")]
    assert len(written) == 60
    assert {part[:2] for part in written} == {
        (split, name) for split in ("train", "validation", "test") for name in ("horizontal", "vertical")
    }


def test_as_folders_leaves_a_folder_alone_that_holds_something(linesexp, run):
    (run.parent / "out").mkdir()
    (run.parent / "out/mine.txt").write_text("mine")
    ended = linesexp("generate", "run", "--as-folders", "out", cwd=run.parent)
    assert_clear_error(ended, 3, "out", "empty")
    assert files_in(run.parent / "out") == {"mine.txt": b"mine"}


def test_predict_names_class_and_probability_of_each_picture(linesexp, run):
    iio.imwrite(run.parent / "colour.png", np.random.default_rng(0).integers(0, 255, (40, 64, 3), np.uint8))
    iio.imwrite(run.parent / "grey.jpg", np.zeros((20, 20), np.uint8))
    ended = linesexp("predict", "run", "colour.png", "grey.jpg", cwd=run.parent)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert len(lines) == 2
    for line, name in zip(lines, ("colour.png", "grey.jpg"), strict=True):
        assert re.fullmatch(rf"{name}: (horizontal|vertical) \((0\.[5-9]\d\d\d|1\.0000)\)", line)
    words = ["grey.jpg: blank: there is nothing to name", "next: open run/report.html"]
    assert ended.stderr.splitlines() == words


def test_predict_with_an_unfinished_network_says_so(linesexp, run):
    folder = RunFolder(run)
    with folder.writing():
        folder.forget(["model.keras"])
    ended = linesexp("predict", "run", "run/dataset.png", cwd=run.parent)
    assert ended.stderr.splitlines()[-2:] == [
        "training has not ended: weights of epoch 2",
        "next: linesexp train run",
    ]
    assert linesexp("predict", "run", "run/dataset.png", "-q", cwd=run.parent).stderr == ""


def test_predict_as_json_gives_all_probabilities(linesexp, tiny):
    (record,) = one_object(linesexp("predict", "run", "run/dataset.png", "--json", cwd=tiny).stdout)[
        "predictions"
    ]
    assert record["picture"] == "run/dataset.png"
    assert set(record["probabilities"]) == {"horizontal", "vertical"}
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert record["probability"] == max(record["probabilities"].values())
    assert record["probabilities"][record["class"]] == record["probability"]


# Bad input: two lines at most, which name the value or the file and what would be accepted.

BAD_INPUT = {
    "thickness 0": (2, ["generate", "new", "--thickness-px", "0,3"], ["thickness_px = 0,3", "1"]),
    "length 80": (2, ["generate", "new", "--length-px", "10,80"], ["length_px = 10,80", "at most 50"]),
    "even kernel": (2, ["train", "run", "--kernel-sizes", "4,3"], ["kernel_sizes = 4,3", "3 or 5"]),
    "kernel too large": (2, ["train", "run", "--kernel-sizes", "5,9"], ["kernel_sizes = 5,9", "8×8 map"]),
    "zero epochs": (2, ["train", "run", "--epochs", "0"], ["epochs = 0", ">= 1"]),
    "no number": (2, ["train", "run", "--epochs", "many"], ["epochs", "many", "integer"]),
    "no numbers": (2, ["generate", "new", "--length-px", "a,b"], ["length-px", "a,b", "whole numbers", "1,3"]),
    "unknown optimizer": (2, ["train", "run", "--optimizer", "adamm"], ["adamm", "adam", "sgd", "rmsprop"]),
    "unknown option": (2, ["train", "run", "--epoch", "3"], ["--epoch", "--epochs"]),
    "unknown command": (2, ["trian", "run"], ["trian", "train"]),
    "no picture": (2, ["predict", "run"], ["PICTURES"]),
    "no data set": (3, ["train", "new"], ["new", "no data set", "linesexp generate new"]),
    "no run to predict with": (3, ["predict", "new", "run/dataset.png"], ["new", "linesexp generate new"]),
    "other pictures": (3, ["generate", "run", "--noise", "0.1"], ["run", "images.noise: 0 → 0.1", "--force"]),
    "changed settings": (3, ["train", "run", "--epochs", "3"], ["run", "training.epochs: 2 → 3", "--force"]),
    "no such file": (3, ["train", "run", "--config", "none.toml"], ["none.toml", "No such file"]),
    "missing picture": (3, ["predict", "run", "none.png"], ["none.png", "No such file"]),
    "no picture at all": (3, ["predict", "run", "run/history.csv"], ["run/history.csv", "not a picture"]),
    "a folder for a picture": (3, ["predict", "run", "run"], ["run", "directory"]),
    "a file for a run": (3, ["generate", "run/config.json"], ["run/config.json", "name a folder"]),
}


@pytest.mark.parametrize(("code", "arguments", "words"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_gets_a_clear_error_and_nothing_is_lost(code, arguments, words, linesexp, run):
    before = files_in(run)
    assert_clear_error(linesexp(*arguments, cwd=run.parent), code, *words)
    assert files_in(run) == before
    assert [path.name for path in run.parent.iterdir()] == ["run"]


BAD_FILES = {
    "unknown key": (2, "[training]\nepoch = 3\n", ["training.epoch", "epochs"]),
    "key in the wrong table": (2, "[images]\nepochs = 3\n", ["epochs belongs under [training]"]),
    "value out of range": (2, "[training]\nepochs = 0\n", ["epochs = 0", ">= 1"]),
    "another data set": (3, "[images]\nnoise = 0.1\n", ["images.noise: 0 → 0.1", "--force"]),
    "no TOML": (3, "epochs: 3\n", ["not a TOML file"]),
}


@pytest.mark.parametrize(("code", "text", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_settings_file_is_named_and_nothing_is_lost(code, text, words, linesexp, run):
    (run.parent / "mine.toml").write_text(text)
    before = files_in(run.parent)
    ended = linesexp("train", "run", "--config", "mine.toml", cwd=run.parent)
    assert_clear_error(ended, code, *words)
    if "--force" not in words:
        assert "mine.toml" in ended.stderr
    assert files_in(run.parent) == before


def test_asking_for_more_pictures_than_exist_says_how_many_there_are(linesexp, tmp_path, tiny_toml):
    # 1×12 lines in 20 pixels, 2 from the border: 16 places across, 9 along.
    ended = linesexp(
        *("generate", "new", "--config", tiny_toml, "--thickness-px", "1,1", "--length-px", "12,12"),
        *("--pictures-per-class", "600"),
        cwd=tmp_path,
    )
    assert_clear_error(ended, 3, "pictures_per_class = 600", "only 144 distinct")


def test_report_before_training_names_the_command(linesexp, run):
    folder = RunFolder(run)
    with folder.writing():
        folder.forget([*folder.names(stage="train"), *folder.names(stage="report")])
    assert_clear_error(linesexp("report", "run", cwd=run.parent), 3, "linesexp train run")


# Damage.


def test_verify_finds_nothing_wrong_with_an_intact_run(linesexp, tiny):
    ended = linesexp("verify", "run", cwd=tiny)
    assert (ended.returncode, ended.stderr) == (0, "next: open run/report.html\n")
    visible = [
        path for path in (tiny / "run").rglob("[!.]*") if path.is_file() and path.name != "manifest.json"
    ]
    assert ended.stdout == f"{len(visible)} files, all as they were written\n"
    assert linesexp("verify", "run", "-q", cwd=tiny).stderr == ""


@pytest.mark.parametrize("how", ["truncated", "edited", "missing"])
def test_verify_names_what_is_damaged_and_the_command_that_makes_it_again(how, linesexp, run):
    damage(run / "kernels/00002.safetensors", how)
    ended = linesexp("verify", "run", cwd=run.parent)
    assert ended.returncode == 3
    assert "run/kernels/00002.safetensors: damaged" in ended.stderr
    assert last_line(ended.stderr).endswith("linesexp train run")
    assert len(ended.stderr.splitlines()) == 2


def test_verify_as_json_lists_what_is_damaged(linesexp, run):
    damage(run / "dataset.npz", "truncated")
    damage(run / "report.html", "missing")
    ended = linesexp("verify", "run", "--json", cwd=run.parent)
    assert ended.returncode == 3
    found = one_object(ended.stdout)
    assert [(each["file"], each["stage"]) for each in found["damaged"]] == [
        ("dataset.npz", "generate"),
        ("report.html", "report"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dataset.npz", "figures/training.png"])
def test_the_command_that_verify_names_makes_the_same_file_again(name, linesexp, run):
    before = contents_of(run)
    damage(run / name, "truncated")
    advice = last_line(linesexp("verify", "run", cwd=run.parent).stderr).partition("again: ")[2]
    ended = linesexp(*shlex.split(advice)[1:], cwd=run.parent)
    assert ended.returncode == 0, ended.stderr
    assert contents_of(run) == before


@pytest.mark.parametrize("file", ["config.json", "manifest.json"])
def test_damaged_settings_or_manifest_are_named_with_a_way_out(file, linesexp, run):
    (run / file).write_text("{")
    before = files_in(run)
    assert_clear_error(linesexp("train", "run", cwd=run.parent), 3, f"run/{file}", "damaged", "--force")
    assert files_in(run) == before


@pytest.mark.parametrize("file", ["config.json", "manifest.json"])
def test_force_begins_anew_whatever_is_damaged_and_keeps_everything(file, linesexp, run, tiny_toml):
    (run / file).write_text("{")
    before = files_in(run)
    ended = linesexp("generate", "run", "--force", "--config", tiny_toml, cwd=run.parent)
    assert ended.returncode == 0, ended.stderr
    assert files_in(run.with_name("run.old-1")) == before
    assert RunFolder(run).damaged() == []


@pytest.mark.parametrize(
    ("name", "command", "remedy"),
    [
        ("dataset.npz", ["train", "run"], "linesexp generate run"),
        ("dataset.npz", ["predict", "run", "picture.png"], "linesexp generate run"),
        ("kernels/00001.safetensors", ["predict", "run", "picture.png"], "linesexp train run"),
    ],
    ids=["train", "predict, data", "predict, kernels"],
)
def test_who_reads_a_damaged_file_names_it_and_the_remedy(name, command, remedy, linesexp, run):
    iio.imwrite(run.parent / "picture.png", np.zeros((20, 20), np.uint8))
    damage(run / name, "edited")
    before = files_in(run)
    ended = linesexp(*command, "-q", cwd=run.parent)
    assert_clear_error(ended, 3, f"run/{name}", "damaged", remedy)
    assert files_in(run) == before


# Storage.


def small_files_only() -> None:
    """To the process that this is called in, the disk is full after 600 bytes of a file."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))


@pytest.mark.slow
def test_a_full_disk_is_named_and_the_same_command_works_when_there_is_room(linesexp, tmp_path, tiny_toml):
    ended = linesexp("generate", "new", "--config", tiny_toml, cwd=tmp_path, limit=small_files_only)
    assert_clear_error(ended, 5, "new/", "cannot be written")
    assert set(files_in(tmp_path)) == set()
    assert linesexp("generate", "new", "--config", tiny_toml, cwd=tmp_path).returncode == 0


def test_a_full_disk_loses_nothing_that_was_there(linesexp, run):
    damage(run / "figures/training.png", "truncated")
    before = files_in(run)
    ended = linesexp("report", "run", "-q", cwd=run.parent, limit=small_files_only)
    assert_clear_error(ended, 5, "run/", "cannot be written")
    assert files_in(run) == before


@pytest.mark.parametrize("place", ["/proc/linesexp", "/sys/linesexp"])
def test_a_place_where_nothing_can_be_written_is_named(place, linesexp, tmp_path, tiny_toml):
    if not Path(place).parent.is_dir():
        pytest.skip(f"this system has no {Path(place).parent}")
    ended = linesexp("generate", f"{place}/run", "--config", tiny_toml, cwd=tmp_path)
    assert_clear_error(ended, 5, place, "cannot be written")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_a_storage_error(linesexp, tiny):
    with open("/dev/full", "w") as full:
        ended = linesexp("verify", "run", "--json", cwd=tiny, stdout=full)
    assert ended.returncode == 5, ended.stderr
    assert "bug" not in ended.stderr


# One writer, and being stopped.


def test_a_busy_folder_names_the_process_that_holds_it(linesexp, run):
    before = files_in(run)
    with RunFolder(run).writing():
        ended = linesexp("train", "run", cwd=run.parent)
    assert_clear_error(ended, 4, "run", f"process {os.getpid()} ")
    assert files_in(run) == before


@dataclass(frozen=True)
class Stop:
    """How a training ended that got a signal, and what was on disk then."""

    pid: int
    code: int
    said: str
    files: dict[str, bytes]


def take_signals() -> None:
    """Even where the tests run in the background, whose processes ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def stopped(linesexp, script, environment, tiny_toml, tmp_path_factory):
    """A long training: asked for a second time while it runs, stopped, gone on with, and stopped again."""
    place = tmp_path_factory.mktemp("stopped")
    assert linesexp("generate", "run", "--config", tiny_toml, cwd=place).returncode == 0
    kernels = place / "run/kernels"

    def train_until(number: signal.Signals, enough: int, meanwhile=lambda: None) -> tuple[Stop, object]:
        process = subprocess.Popen(
            [script, "train", "run", "--epochs", "100000"],
            cwd=place,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=take_signals,
        )
        end = time.monotonic() + 300
        while len(list(kernels.glob("*.safetensors"))) < enough:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.02)
        found = meanwhile()
        process.send_signal(number)
        said = process.communicate(timeout=120)[1]
        return Stop(process.pid, process.returncode, said, files_in(place / "run")), found

    def second_train():
        return linesexp("train", "run", "--epochs", "100000", cwd=place)

    first, busy = train_until(signal.SIGINT, 6, second_train)
    recorded = sum(name.startswith("kernels/") for name in first.files)
    second, _ = train_until(signal.SIGTERM, recorded + 3)
    return first, busy, second


@pytest.mark.slow
@pytest.mark.xdist_group("stopped")
class TestStopped:
    def test_a_second_train_names_the_first(self, stopped):
        first, busy, _ = stopped
        assert_clear_error(busy, 4, "run", f"process {first.pid} ", "linesexp train run")

    @pytest.mark.parametrize(("index", "code"), [(0, 130), (2, 143)], ids=["Ctrl-C", "SIGTERM"])
    def test_a_stop_says_how_to_go_on(self, index, code, stopped):
        stop = stopped[index]
        assert stop.code == code
        assert "Traceback" not in stop.said
        assert "linesexp train run --epochs 100000" in last_line(stop.said)

    @pytest.mark.parametrize("index", [0, 2], ids=["Ctrl-C", "SIGTERM"])
    def test_a_stop_leaves_whole_files_only(self, index, stopped):
        files = stopped[index].files
        manifest = json.loads(files["manifest.json"])
        assert {"checkpoint.safetensors", "history.csv"} <= manifest.keys()
        del manifest["manifest.json"]  # its entry is on the others
        for name, entry in manifest.items():
            assert hashlib.sha256(files[name]).hexdigest() in (entry["sha256"], entry.get("previous"))
        assert not [name for name in files if name.endswith(".part")]

    def test_the_same_command_goes_on_and_changes_nothing_that_was_recorded(self, stopped):
        first, _, second = stopped
        epochs = [row.partition(",")[0] for row in second.files["history.csv"].decode().splitlines()[1:]]
        assert epochs == [str(epoch) for epoch in range(len(epochs))]
        assert second.files["history.csv"].startswith(first.files["history.csv"])
        committed = [name for name in json.loads(first.files["manifest.json"]) if name.startswith("kernels/")]
        assert committed
        assert {name: second.files[name] for name in committed} == {
            name: first.files[name] for name in committed
        }


OPTREE = """
import signal, sys
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:  # its C++ part says the same
    raise ImportError("interrupted while the module was being loaded") from None
sys.path.remove({here!r})
del sys.modules["optree"]
import optree
"""


@pytest.mark.skipif(os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="about TensorFlow")
def test_ctrl_c_while_keras_is_loading_is_a_stop_and_no_bug(linesexp, run, tmp_path):
    """A module with a C++ part turns Ctrl-C into an ImportError while it is loaded; Keras has several."""
    stand_in = tmp_path / "stand-in"
    stand_in.mkdir()
    (stand_in / "optree.py").write_text(OPTREE.format(here=str(stand_in)))
    folder = RunFolder(run)
    with folder.writing():
        folder.forget(["model.keras"])
    ended = linesexp("train", "run", cwd=tmp_path, limit=take_signals, PYTHONPATH=str(stand_in))
    assert ended.returncode == 130, ended.stderr
    assert "linesexp train run" in last_line(ended.stderr)


def test_models_of_one_name_in_two_folders_do_not_write_into_one(tmp_path):
    (tmp_path / "run").mkdir()
    assert default_folder("results/see", str(tmp_path / "run")) == Path("results/see/run")
    folders = [default_folder("results/see", f"{tmp_path}/{name}/model.keras") for name in ("a", "b")]
    assert folders == [Path("results/see/a-model"), Path("results/see/b-model")]
    assert default_folder("results/see", "/") == Path("results/see/root")


@pytest.mark.parametrize(
    "command",
    [
        "train run",
        "train run --controls",
        "study out --seeds 1",
        "see run picture.png",
        "inspect run/model.keras",
    ],
)
def test_a_backend_that_is_not_supported_is_one_line_before_anything_is_done(command, linesexp, run, tmp_path):
    iio.imwrite(tmp_path / "picture.png", np.zeros((20, 20), np.uint8))
    folder = RunFolder(run)
    with folder.writing():
        folder.forget(["history.csv"])
    before = sorted(tmp_path.rglob("*"))
    ended = linesexp(*command.split(), cwd=tmp_path, KERAS_BACKEND="nonsense")
    assert ended.returncode == 3
    assert ended.stderr.splitlines()[-1] == (
        "Error: KERAS_BACKEND: linesexp does not work with Keras' backend 'nonsense'; "
        "set KERAS_BACKEND to tensorflow, jax or torch"
    )
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_what_needs_no_keras_needs_no_backend(linesexp, run, tmp_path):
    iio.imwrite(tmp_path / "picture.png", np.zeros((20, 20), np.uint8))
    for command in (
        "generate run",
        "verify run",
        "predict run picture.png",
        "see run picture.png --attribution none",
    ):
        ended = linesexp(*command.split(), cwd=tmp_path, KERAS_BACKEND="nonsense")
        assert ended.returncode == 0, ended.stderr
