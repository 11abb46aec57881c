"""Somebody's own pictures: from class folders to a trained run and its page, and all that may be wrong."""

import base64
import hashlib
import html
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from linesexp import open_run
from linesexp.config import ExperimentConfig, build_config, config_json, settings_of
from linesexp.errors import ConfigError
from linesexp.picture_settings import FolderPictures, ImagesConfig
from linesexp.runs import RunFolder

pytestmark = pytest.mark.slow  # each trains a network in a process of its own

SMALL = ("--size", "20", "--filters", "4,4", "--kernel-sizes", "5,3", "--epochs", "2")
KINDS = ("png", "jpg", "bmp", "gif")
HOSTILE = "<img src=x onerror=alert(2)>"  # a folder's name can hold no slash
NAMES = (HOSTILE, "two words $x$ and $", "Äpfel")


def draw(folder, count, rng, kind, colour=True, start=0):
    """Pictures of discs, boxes or crosses (kind 0, 1, 2), of several sizes and formats."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(start, start + count):
        width, height = rng.integers(30, 90, 2).tolist()
        picture = Image.new("RGB" if colour else "L", (width, height))
        ink = tuple(rng.integers(90, 256, 3).tolist()) if colour else int(rng.integers(90, 256))
        box = (index % 9, index % 7, width - 3 - index % 5, height - 4)
        pen = ImageDraw.Draw(picture)
        if kind == 2:
            pen.line(box, fill=ink, width=4)
        else:
            (pen.ellipse if kind == 0 else pen.rectangle)(box, fill=ink)
        picture.save(folder / f"{index:02d}.{KINDS[index % 4]}")


def folders(path, names=("cats", "dogs"), count=12, colour=True):
    rng = np.random.default_rng(0)
    for kind, name in enumerate(names):
        draw(path / name, count, rng, kind % 3, colour)
    return path


def kernels_of(run):
    return dict(RunFolder(run).read_all(RunFolder(run).names(prefix="kernels/")))


def refused(ended, code, *words):
    """Ended with this code and an error of a line or two that holds these words."""
    assert ended.returncode == code, ended.stderr
    error = ended.stderr[ended.stderr.index("Error:") :]
    for word in words:
        assert word in error
    assert "Traceback" not in ended.stderr
    assert "bug" not in error
    assert len(error.strip().splitlines()) <= 2, error


def text_of(page):
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, linesexp):
    """A folder with `pictures`, in three classes with odd names, and `run`, trained and reported on them."""
    folder = tmp_path_factory.mktemp("own")
    folders(folder / "pictures", NAMES)
    for command in (["train", "run", "--data", "pictures", *SMALL], ["report", "run"]):
        ended = linesexp(*command, cwd=folder)
        assert ended.returncode == 0, ended.stderr
        assert "Warning" not in ended.stderr
    return folder


@pytest.fixture
def page(hostile):
    return (hostile / "run" / "report.html").read_text(encoding="utf-8")


# What comes of pictures.


def test_pictures_of_all_sizes_and_formats_become_the_data_set(hostile):
    run = open_run(hostile / "run")
    dataset, known = run.dataset, run.config.images.folders
    assert dataset.class_names == known.classes == tuple(sorted(NAMES))
    assert dataset.pixels.shape == (36, 20, 20, 3)
    assert known.channels == 3
    assert dataset.counts()["test"] == dict.fromkeys(sorted(NAMES), 2)
    assert len(np.unique(dataset.pixels.reshape(36, -1), axis=0)) == 36
    assert str(hostile) not in (hostile / "run" / "config.json").read_text()
    assert run.kernels.shape[1:] == (4, 5, 5)


def test_the_same_command_again_finds_everything_done(hostile, linesexp):
    ended = linesexp("train", "run", "--data", "pictures", "--json", *SMALL, cwd=hostile)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["made"] is False
    assert linesexp("verify", "run", cwd=hostile).returncode == 0
    assert linesexp("generate", "run", cwd=hostile).returncode == 0


@pytest.mark.slow
def test_a_drawn_data_set_comes_back_from_its_folders(tiny_run, tmp_path, linesexp):
    made = linesexp("generate", tiny_run, "--as-folders", tmp_path / "lines", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    ended = linesexp("train", "run", "--data", "lines", *SMALL, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    before, after = open_run(tiny_run), open_run(tmp_path / "run")
    for name in ("pixels", "labels", "split"):
        assert np.array_equal(getattr(before.dataset, name), getattr(after.dataset, name)), name
    assert before.dataset.class_names == after.dataset.class_names
    assert after.config.images.folders.split_given
    # The same pictures and settings: the same kernels.
    assert kernels_of(tiny_run) == kernels_of(tmp_path / "run")


@pytest.mark.slow
def test_stopped_and_begun_again_it_ends_with_the_same_kernels(
    hostile, tmp_path, script, environment, linesexp
):
    command = ["train", "run", "--data", hostile / "pictures", *SMALL[:-1], "40"]
    whole = linesexp(*map(str, command), cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    expected = kernels_of(tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    process = subprocess.Popen(
        [script, *map(str, command)], cwd=tmp_path, env=environment, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while not (tmp_path / "run" / "kernels" / "00004.safetensors").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    said = process.communicate()[1].decode()
    assert process.returncode == 143, said
    assert "--data" in said.splitlines()[-1]
    assert len(kernels_of(tmp_path / "run")) < len(expected)
    assert linesexp(*map(str, command), cwd=tmp_path).returncode == 0
    assert kernels_of(tmp_path / "run") == expected


# The page.


def test_the_page_speaks_of_no_lines(page):
    words = text_of(page)
    for word in (
        "thick",
        "px long",
        "position",
        " lines only",
        "pictures of lines",
        "lines lie",
        "a line of each",
    ):
        assert word not in words.replace("at positions that it never saw", ""), word
    assert "read from class folders" in words
    assert "in colour" in words
    assert f"two of the {len(NAMES)} classes" in words


def test_kernels_over_colours_are_shown_in_colour(hostile, page):
    run = open_run(hostile / "run")
    with Image.open(io.BytesIO(bytes(run.gif("conv1")))) as gif:
        assert gif.n_frames == len(run.history.steps)
        colours = np.asarray(gif.convert("RGB")).reshape(-1, 3).astype(int)
    green = colours[:, 1] - colours[:, [0, 2]].max(axis=1)
    assert green.max() > 40  # which the scale of blue and orange never shows
    sheet, film = (base64.b64encode(run.folder.read(name)) for name in ("figures/conv1.png", "gifs/conv1.gif"))
    assert film.decode() in page
    assert "<h3>In colour</h3>" in page
    assert sheet


def test_hostile_class_names_are_shown_as_text(page):
    assert HOSTILE not in page
    assert html.escape(HOSTILE) in page
    assert HOSTILE in text_of(page.replace("&lt;", "&amp;lt;")).replace("&lt;", "<")


@pytest.mark.slow
def test_the_repeat_command_reads_the_pictures(page, hostile, tmp_path, linesexp):
    commands = html.unescape(re.search(r"<pre[^>]*><code>(.*?)</code>", page, re.DOTALL)[1]).splitlines()
    assert commands[0].startswith("linesexp train repeated --data DIR ")
    words = commands[0].replace("DIR", str(hostile / "pictures")).split()[1:]
    ended = linesexp(*words, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert kernels_of(tmp_path / "repeated") == kernels_of(hostile / "run")


def test_only_what_makes_sense_without_lines_is_claimed(hostile):
    analysis = open_run(hostile / "run").analysis
    ledger = {judgement.id: judgement for judgement in analysis.ledger}
    assert ledger["tells-lines-apart"].effect is None
    assert ledger["tells-lines-apart"].words.startswith("not lines")
    assert ledger["prefers-both"].effect is not None
    for id in ("prefers-both", "untrained-vague", "pooling-steadier"):
        assert "line" not in ledger[id].claim
    first, second = sorted(NAMES)[:2]
    assert f"Compared are {first} and {second}, two of the 3 classes." in ledger["prefers-both"].words
    assert analysis.unseen == analysis.left_out == {}


def test_a_prediction_knows_no_bright_or_dark_ground(hostile, linesexp):
    picture = next((hostile / "pictures" / NAMES[2]).iterdir())
    ended = linesexp("predict", "run", picture, "--json", cwd=hostile)
    (found,) = json.loads(ended.stdout)["predictions"]
    assert found["class"] in NAMES
    assert found["note"] is None


# Pictures that change, or are damaged, or are others.


@pytest.mark.slow
def test_other_pictures_in_the_folder_are_noticed(hostile, tmp_path, linesexp):
    shutil.copytree(hostile / "pictures", tmp_path / "pictures")
    shutil.copytree(hostile / "run", tmp_path / "run")
    draw(tmp_path / "pictures" / "Äpfel", 1, np.random.default_rng(5), 0, start=50)
    again = ("train", "run", "--data", "pictures", *SMALL)
    refused(linesexp(*again, cwd=tmp_path), 3, "made from other pictures", "--force")
    ended = linesexp(*again, "--force", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert len(open_run(tmp_path / "run").dataset.labels) == 37
    assert len(open_run(tmp_path / "run.old-1").dataset.labels) == 36


def test_a_damaged_data_set_is_read_again(hostile, tmp_path, linesexp):
    run = shutil.copytree(hostile / "run", tmp_path / "run")
    before = hashlib.sha256((run / "dataset.npz").read_bytes()).digest()
    (run / "dataset.npz").write_bytes(b"broken")
    for command in (["train", "run"], ["generate", "run"]):
        refused(linesexp(*command, cwd=tmp_path), 3, "dataset.npz", "linesexp train run --data DIR")
    ended = linesexp("verify", "run", cwd=tmp_path)
    assert ended.returncode == 3
    assert "linesexp train run --data DIR" in ended.stderr
    ended = linesexp("train", "run", "--data", hostile / "pictures", *SMALL, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert hashlib.sha256((run / "dataset.npz").read_bytes()).digest() == before


@pytest.mark.slow
def test_training_anew_keeps_the_pictures_without_their_folders(hostile, tmp_path, linesexp):
    shutil.copytree(hostile / "run", tmp_path / "run")
    ended = linesexp("train", "run", "--force", "--epochs", "1", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    anew = open_run(tmp_path / "run")
    assert anew.config.training.epochs == 1
    assert np.array_equal(anew.dataset.pixels, open_run(hostile / "run").dataset.pixels)


@pytest.mark.slow
def test_equal_pictures_are_said_to_be_left_out(tmp_path, linesexp):
    folders(tmp_path / "pictures", colour=False)
    cats, dogs = tmp_path / "pictures" / "cats", tmp_path / "pictures" / "dogs"
    shutil.copy(cats / "00.png", cats / "again.png")
    shutil.copy(cats / "01.jpg", dogs / "01b.jpg")
    ended = linesexp("train", "run", "--data", "pictures", *SMALL, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "1 of 26 pictures equal another one of their class and are left out" in ended.stderr
    assert "2 of 26 pictures lie in several classes and are left out" in ended.stderr
    known = open_run(tmp_path / "run").config.images.folders
    assert (known.channels, known.repeated, known.ambiguous) == (1, 1, 2)


@pytest.mark.slow
def test_broken_files_are_listed_and_left_out_if_asked(tmp_path, linesexp):
    folders(tmp_path / "pictures")
    for number in range(7):
        (tmp_path / "pictures" / "cats" / f"x{number}.png").write_bytes(b"no picture")
    again = ("train", "run", "--data", "pictures", *SMALL)
    ended = linesexp(*again, cwd=tmp_path)
    refused(ended, 3, "7 of 31 files", "cats/x0.png", "cats/x4.png", "and 2 more", "--skip-broken")
    assert "x5.png" not in ended.stderr
    assert not (tmp_path / "run").exists()
    ended = linesexp(*again, "--skip-broken", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "7 of 31 pictures cannot be read" in ended.stderr
    assert open_run(tmp_path / "run").config.images.folders.broken == 7
    assert linesexp(*again, cwd=tmp_path).returncode == 0  # there already: nothing is read


# Bad input.


def one_class(path):
    folders(path, ("cats",))


def an_empty_class(path):
    folders(path)
    (path / "empty").mkdir()
    (path / "empty" / "notes.txt").write_text("no picture")


def few(path):
    folders(path)
    draw(path / "fish", 2, np.random.default_rng(1), 2)


def a_file(path):
    path.write_text("no folder")


def loose(path):
    draw(path, 5, np.random.default_rng(1), 2)


def no_test(path):
    folders(path / "train")
    folders(path / "validation")


def too_large(path):
    folders(path)
    Image.new("1", (10_000, 5_001)).save(path / "cats" / "huge.png")


BAD = [
    (lambda path: None, (), 3, ("pictures: no such folder",)),
    (a_file, (), 3, ("pictures: a file",)),
    (loose, (), 3, ("no class folders", "cats/1.png")),
    (one_class, (), 3, ("one class only (cats)",)),
    (an_empty_class, (), 3, ("no pictures", "in empty;")),
    (few, (), 3, ("too few pictures in fish (2)", "at least 3")),
    (no_test, (), 3, ("there is train, but no test",)),
    (too_large, (), 3, ("cats/huge.png (10000×5001 pixels", "25,000,000", "--most-pixels", "--skip-broken")),
    (folders, ("--most-pixels", "9"), 3, ("at most 9 are read", "--skip-broken")),
    (folders, ("--size", "9"), 2, ("kernel_sizes", "larger than")),
    (folders, ("--size", "4"), 2, ("size",)),
]


@pytest.mark.parametrize(("make", "options", "code", "words"), BAD)
def test_bad_folders_are_refused_with_a_reason(make, options, code, words, tmp_path, linesexp):
    make(tmp_path / "pictures")
    refused(linesexp("train", "run", "--data", "pictures", *options, cwd=tmp_path), code, *words)
    assert not (tmp_path / "run").exists()


def test_a_run_of_lines_is_no_place_for_own_pictures(tiny_run, tmp_path, linesexp):
    folders(tmp_path / "pictures")
    refused(linesexp("train", tiny_run, "--data", "pictures", cwd=tmp_path), 3, "holds drawn lines", "--force")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--size", "30"), "--size"),
        (("--skip-broken",), "--skip-broken"),
        (("--most-pixels", "9"), "--most-pixels"),
    ],
)
def test_options_for_pictures_need_pictures(options, word, run, linesexp):
    refused(linesexp("train", run, *options, cwd=run.parent), 2, word, "--data")


def test_settings_of_lines_are_refused_for_own_pictures(tmp_path, linesexp):
    folders(tmp_path / "pictures")
    (tmp_path / "lines.toml").write_text("[images]\nnoise = 0.1\n")
    ended = linesexp("train", "run", "--data", "pictures", "--config", "lines.toml", cwd=tmp_path)
    refused(ended, 2, "noise = 0.1", "a setting of drawn lines", "data_seed")
    (tmp_path / "lines.toml").write_text("[images.folders]\nchannels = 3\n")
    refused(
        linesexp("generate", "x", "--config", "lines.toml", cwd=tmp_path), 2, "images.folders", "--data DIR"
    )


@pytest.mark.slow
def test_classes_may_differ_in_case_alone_and_hidden_folders_are_none(tmp_path, linesexp):
    folders(tmp_path / "pictures", ("Cats", "cats"))
    (tmp_path / "pictures" / ".hidden").mkdir()
    ended = linesexp("train", "run", "--data", "pictures", *SMALL, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert open_run(tmp_path / "run").dataset.class_names == ("Cats", "cats")


@pytest.mark.skipif(os.name != "posix", reason="names that are no text")
def test_a_class_whose_name_is_no_text_is_refused(tmp_path, linesexp):
    folders(tmp_path / "pictures")
    os.mkdir(os.fsencode(tmp_path / "pictures") + b"/\xff")
    refused(linesexp("train", "run", "--data", "pictures", cwd=tmp_path), 3, "not UTF-8")


# Settings.


def test_settings_from_before_own_pictures_still_open():
    old = settings_of(ExperimentConfig())
    del old["images"]["folders"]
    assert build_config(old) == ExperimentConfig()


def test_a_record_of_folders_survives_its_file():
    known = FolderPictures(classes=("a", "b"), channels=3, sha256="0" * 64, broken=2)
    config = ExperimentConfig(images=ImagesConfig(size=8 * 4, folders=known))
    assert build_config(json.loads(config_json(config))) == config
    assert config.images.class_names == ("a", "b")
    with pytest.raises(ConfigError, match="contrast = 'dark': a setting of drawn lines"):
        ImagesConfig(contrast="dark", folders=known)
