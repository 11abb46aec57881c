"""run.gif: the report's animation where it stands, made in memory if it must be."""

import base64
import re

import numpy as np
import pytest

from linesexp import open_run
from linesexp.errors import InputError, StorageError
from linesexp.inspecting.recording import Recording
from linesexp.notebook.gif import Gif
from linesexp.report import making
from linesexp.runs.folder import MissingFile, RunFolder
from linesexp.runs.steps import StepWriter
from linesexp.views.animation import Panel, animate


@pytest.mark.parametrize("name", ["kernels", "responses", "conv2"])
def test_it_is_that_of_the_report(tiny_run, name, monkeypatch):
    names = dict.fromkeys(making.makers(open_run(tiny_run)))
    monkeypatch.setattr(making, "makers", lambda run: names)  # a current file is read and not made
    gif = open_run(tiny_run).gif(name)
    assert bytes(gif) == (tiny_run / f"gifs/{name}.gif").read_bytes()
    assert gif.words.endswith("untrained to epoch 2")


@pytest.mark.parametrize(
    "harm", ["stale", *(pytest.param(each, marks=pytest.mark.slow) for each in ("gone", "damaged"))]
)
def test_without_a_current_file_it_is_made_and_nothing_is_written(run, harm, monkeypatch):
    expected = (run / "gifs/kernels.gif").read_bytes()
    if harm == "stale":
        folder = RunFolder(run)
        with folder.writing():
            folder.commit({"gifs/kernels.gif": b"old"}, stage="report", made_from="something else")
    elif harm == "damaged":
        (run / "gifs/kernels.gif").write_bytes(b"x" * len(expected))
    else:
        (run / "gifs/kernels.gif").unlink()
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert bytes(open_run(run).gif("kernels")) == expected
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_a_notebook_shows_it_with_its_words():
    animation = animate(np.full((20, 20, 3), 255, np.uint8), [Panel(2, 2, 10, np.eye(2)[None], 1.0)])
    gif = Gif(animation, 'two <kernels> & "more"')
    html = gif._repr_html_()
    moving = re.search(r'<img src="data:image/gif;base64,([^"]+)"', html).group(1)
    assert base64.b64decode(moving) == gif.data
    assert 'alt="two &lt;kernels&gt; &amp; &#34;more&#34;"' in html
    assert 'media="(prefers-reduced-motion: reduce)" srcset="data:image/png;base64,' in html
    assert len(repr(gif)) < 100


def test_it_can_be_saved(tmp_path):
    gif = Gif(b"GIF89a", "")
    assert gif.save(tmp_path / "k.gif").read_bytes() == gif.data
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot be written"):
        gif.save(tmp_path / "file" / "k.gif")


def test_another_name_is_refused_with_those_that_there_are(tiny_run):
    with pytest.raises(InputError, match="did you mean kernels"):
        open_run(tiny_run).gif("kernel")


def test_a_recording_has_one_for_each_convolution(tmp_path):
    folder = RunFolder(tmp_path / "mine")
    rng = np.random.default_rng(0)
    shapes = {"conv2d/kernel": (3, 3, 3, 4), "deep/kernel": (3, 3, 4, 2), "dense/kernel": (5, 2)}
    with folder.writing():
        writer = StepWriter(folder)
        for step in range(3):
            writer.save(step, {name: rng.normal(size=at).astype(np.float32) for name, at in shapes.items()})
    run = open_run(folder.path)
    gif = run.gif("deep")
    assert gif.words == "the kernels of deep, untrained to epoch 2"
    assert not (folder.path / "gifs").exists()
    recording = Recording(run)
    making.make(run, "gifs/01-conv2d.gif", "gifs/02-deep.gif", by=recording.makers, needs=())
    assert bytes(gif) == folder.read("gifs/02-deep.gif")
    assert run.gif("conv2d").data == folder.read("gifs/01-conv2d.gif")
    for name in ("kernels", "dense"):
        with pytest.raises(InputError, match="it has 'conv2d', 'deep'"):
            run.gif(name)


def test_a_run_without_training_names_the_command(run):
    folder = RunFolder(run)
    with folder.writing():
        folder.forget(folder.names(stage="train"))
    with pytest.raises(MissingFile, match=f"linesexp train {run}"):
        open_run(run).gif("kernels")
