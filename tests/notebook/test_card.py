"""A run's card: it says what is there and what makes the rest, and never raises, whatever lies there."""

import base64
import html.parser
import io
import re

import numpy as np
import pytest
from PIL import Image

from linesexp import Run, generate, open_run
from linesexp.images.folders import encode_png
from linesexp.notebook import card
from linesexp.own_pictures.taking import for_own_pictures, take_pictures
from linesexp.runs.folder import RunFolder
from linesexp.runs.steps import StepWriter


class Reader(html.parser.HTMLParser):
    """Collects texts and pictures, and fails on tags that do not close or that nobody of ours wrote."""

    def __init__(self, source):
        super().__init__()
        self.open, self.texts, self.images = [], [], []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        assert tag in {"div", "p", "strong", "code", "table", "tbody", "tr", "th", "td", "img"}
        if tag == "img":
            self.images.append(dict(attributes))
        else:
            self.open.append(tag)
            self.texts.append(" " * (tag in ("p", "td")))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(run):
    """(text, images) of a run's card."""
    reader = Reader(run._repr_html_())
    return re.sub(r"\s+", " ", "".join(reader.texts)), reader.images


def forget(path, *names):
    folder = RunFolder(path)
    with folder.writing():
        folder.forget(names)


def record(path, weights, steps=(0.0, 1.0)):
    folder = RunFolder(path)
    with folder.writing():
        writer = StepWriter(folder)
        for step in steps:
            writer.save(step, weights)
    return open_run(path)


def test_a_finished_run_says_what_it_is_and_what_came_out(tiny_run):
    run = open_run(tiny_run)
    text, images = read(run)
    assert "pictures_per_class 30" in text
    assert "epochs 2" in text
    assert "60, drawn, 20×20 px: horizontal, vertical" in text
    assert f"{len(run.history.steps)} steps, untrained to epoch 2" in text
    before, after = run.analysis.before, run.analysis.after
    for score in (before, after):
        assert f"{score.accuracy:.3f} ({score.correct} of {score.pictures})" in text
    assert "data set, training, report" in text
    assert f"linesexp train {tiny_run} --controls" in text
    (image,) = images
    assert image["alt"] == "4 kernels of 5×5 weights in the first layer, untrained and epoch 2"
    with Image.open(io.BytesIO(base64.b64decode(image["src"].removeprefix("data:image/png;base64,")))) as shown:
        assert shown.width > 100


def test_the_picture_shows_the_first_kernels_and_the_last(tiny_run, monkeypatch):
    shown = []
    monkeypatch.setattr(card, "before_after_png", lambda *what: shown.append(what) or b"")
    run = open_run(tiny_run)
    read(run)
    ((before, after, _),) = shown
    np.testing.assert_array_equal(before, run.kernels[0])
    np.testing.assert_array_equal(after, run.kernels[-1])


def test_what_is_missing_stands_beside_the_command_that_makes_it(tmp_path):
    path = tmp_path / "my run"
    text, images = read(
        generate(path, size=20, length_px=(6, 20), filters=(4, 4), kernel_sizes=(5, 3), pictures_per_class=10)
    )
    assert f"training not yet: linesexp train '{path}'" in text
    assert f"report not yet: linesexp report '{path}'" in text
    assert "made data set" in text
    assert not images


def test_a_training_that_was_stopped_is_not_finished(run):
    forget(run, "model.keras", "analysis.json", "report.html")
    text, _ = read(open_run(run))
    assert f"training not finished: linesexp train {run}" in text
    assert "validation accuracy" in text
    assert "test accuracy" not in text


def test_a_recording_has_no_settings_and_no_commands(tmp_path):
    kernels = {"first/kernel": np.random.default_rng(0).normal(size=(3, 3, 3, 6)).astype(np.float32)}
    text, images = read(record(tmp_path / "mine", kernels))
    assert "A recording by KernelRecorder" in text
    assert "2 steps, untrained to epoch 1; 162 weights" in text
    assert "linesexp" not in text.replace(str(tmp_path), "")
    assert images[0]["alt"].startswith("6 kernels of 3×3 weights")


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_kernels_without_a_scale_are_shown(tmp_path, value):
    _, images = read(record(tmp_path / "mine", {"a/kernel": np.full((3, 3, 1, 2), value, np.float32)}))
    assert len(images) == 1


def test_a_model_without_convolution_has_no_picture(tmp_path):
    text, images = read(record(tmp_path / "mine", {"dense/kernel": np.ones((3, 2), np.float32)}))
    assert "6 weights in 1 arrays" in text
    assert not images


def test_own_pictures_in_colour_and_their_names_are_no_markup(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("<b>cats</b>", "dogs & owls"):
        for index in range(6):
            path = tmp_path / "photos" / name.replace("/", "⁄") / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)))
    path = tmp_path / "<i>run"
    said = {"say": lambda words: None, "progress": lambda done, total, words: None}
    take_pictures(path, for_own_pictures(None), tmp_path / "photos", force=False, skip_broken=False, **said)
    text, _ = read(open_run(path))
    assert "12, your own, 50×50 px in colour: <b>cats<⁄b>, dogs & owls" in text
    assert str(path) in text
    (path / "dataset.npz").unlink()
    text, _ = read(open_run(path))
    assert "damaged" in text


FILES = (
    *("manifest.json", "config.json", "dataset.npz", "history.csv", "analysis.json", "model.keras"),
    *("kernels/00000.safetensors", "kernels/00003.safetensors"),
)
DAMAGES = [(name, harm) for name in FILES for harm in ("cut", "gone", "other")]
TELLING = [("manifest.json", "gone"), ("manifest.json", "cut"), *((name, "other") for name in FILES[1:])]


@pytest.mark.parametrize(
    ("name", "harm"),
    [*TELLING, *(pytest.param(*each, marks=pytest.mark.slow) for each in DAMAGES if each not in TELLING)],
)
def test_a_damaged_run_says_what_is_wrong(run, name, harm):
    opened = open_run(run)
    file = run / name
    data = file.read_bytes()
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(data[: len(data) // 2] if harm == "cut" else b"x" * len(data))
    text, _ = read(opened)
    if (name, harm) == ("manifest.json", "gone"):  # without it nothing is there
        assert f"linesexp generate {run}" in text
    else:
        assert name in text
        assert "damaged" in text


@pytest.mark.parametrize("name", ["config.json", "dataset.npz", "history.csv", "analysis.json"])
@pytest.mark.parametrize(
    "content",
    [b"{}", *(pytest.param(each, marks=pytest.mark.slow) for each in (b"[]", b"\xff\x00", b'{"weights": 3}'))],
)
def test_a_file_that_is_whole_but_holds_something_else_does_not_raise(run, content, name):
    folder = RunFolder(run)
    with folder.writing():
        folder.commit({name: content}, stage="train")
        folder.forget({"analysis.json"} - {name})  # it stands in for the log
    text, _ = read(Run(folder))
    assert name in text or (name, content) == ("config.json", b"{}")  # all as by default


def test_a_folder_that_went_away_or_became_a_file_does_not_raise(tmp_path):
    read(Run(RunFolder(tmp_path / "nothing")))
    (tmp_path / "file").write_bytes(b"")
    text, _ = read(Run(RunFolder(tmp_path / "file")))
    assert "is a file" in text


def test_a_mistake_of_ours_does_not_raise_either(tiny_run, monkeypatch):
    monkeypatch.setattr(card, "before_after_png", lambda *what: 1 / 0)
    text, _ = read(open_run(tiny_run))
    assert "ZeroDivisionError" in text


def test_a_large_recording_is_not_read_in_full(tmp_path, monkeypatch):
    monkeypatch.setattr(card, "CHECKED", 100)
    run = record(tmp_path / "mine", {"a/kernel": np.ones((3, 3, 1, 2), np.float32)}, steps=(0.0, 1.0, 2.0))
    (tmp_path / "mine/kernels/00001.safetensors").unlink()  # in the middle
    text, images = read(run)
    assert "3 steps, untrained to epoch 2" in text
    assert images


def test_the_other_repr_stays_short(tiny_run):
    assert repr(open_run(tiny_run)) == f"Run({str(tiny_run)!r})"
