"""Steps that are committed behind a training's back: all of them, in order, in bounded memory."""

import threading
import time

import numpy as np
import pytest

from linesexp.errors import FolderBusy, StorageError
from linesexp.runs import behind
from linesexp.runs.atomic import write_atomically
from linesexp.runs.behind import StepsBehind
from linesexp.runs.folder import RunFolder
from linesexp.runs.steps import StepWriter, read_steps


def weights(value, size=3):
    return {"a/kernel": np.full(size, value, np.float32), "a/bias": np.full(1, -value, np.float32)}


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "linesexp recording"]


@pytest.fixture
def gate(monkeypatch):
    """Commits wait until it is set."""
    gate, commit = threading.Event(), RunFolder.commit

    def waiting(*arguments, **named):
        assert gate.wait(20)
        commit(*arguments, **named)

    monkeypatch.setattr(RunFolder, "commit", waiting)
    yield gate
    gate.set()


def test_every_step_arrives_in_its_order(tmp_path):
    steps = StepsBehind(RunFolder(tmp_path / "run"))
    for step in range(20):
        steps.save(step / 2, weights(step))
    steps.finish()
    history = read_steps(RunFolder(tmp_path / "run"))
    assert history.steps.tolist() == [step / 2 for step in range(20)]
    assert history.weights["a/kernel"][:, 0].tolist() == list(range(20))
    assert list(history.weights) == ["a/kernel", "a/bias"]
    assert len(list((tmp_path / "run/kernels").iterdir())) == 20


def test_nobody_waits_for_the_disk_and_what_came_meanwhile_is_committed_at_once(tmp_path, gate, monkeypatch):
    saved, save_all = [], StepWriter.save_all
    monkeypatch.setattr(
        StepWriter, "save_all", lambda self, steps: (saved.append(len(steps)), save_all(self, steps))
    )
    steps = StepsBehind(RunFolder(tmp_path / "run"))
    steps.save(0.0, weights(0))
    while not saved:
        time.sleep(0.01)
    for step in range(1, 5):
        steps.save(float(step), weights(step))
    assert not RunFolder(tmp_path / "run").names()
    gate.set()
    steps.finish()
    assert saved == [1, 4]
    assert read_steps(RunFolder(tmp_path / "run")).steps.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("size", [100, 1000])
def test_a_training_far_ahead_of_the_disk_waits(tmp_path, gate, monkeypatch, size):
    """At most 1,200 bytes wait, or one step, if that is larger."""
    monkeypatch.setattr(behind, "MOST_WAITING", 1200)
    steps = StepsBehind(RunFolder(tmp_path / "run"))
    taken = []

    def train():
        for step in range(12):
            steps.save(float(step), weights(step, size))
            taken.append(step)

    training = threading.Thread(target=train)
    training.start()
    time.sleep(0.5)
    most = 1200 // (4 * size + 4) or 1
    assert most <= len(taken) <= 2 * most  # and those that are being written
    gate.set()
    training.join(20)
    steps.finish()
    assert len(RunFolder(tmp_path / "run").names()) == 12


def test_between_steps_there_is_no_thread_and_no_lock(tmp_path):
    steps = StepsBehind(RunFolder(tmp_path / "run"))
    for step in range(3):
        steps.save(float(step), weights(step))
        steps.finish()
        for thread in threads():
            thread.join(20)
        assert not threads()
        with RunFolder(tmp_path / "run").writing():
            pass


def test_trouble_is_told_once_by_the_next_call(tmp_path):
    steps = StepsBehind(RunFolder(tmp_path / "run"))
    with RunFolder(tmp_path / "run").writing():
        steps.save(0.0, weights(0))
        with pytest.raises(FolderBusy):
            steps.finish()
    steps.finish()
    steps.save(1.0, weights(1))
    steps.finish()
    assert read_steps(RunFolder(tmp_path / "run")).steps.tolist() == [1]


def test_a_disk_that_takes_no_more_keeps_the_steps_that_it_took(tmp_path, gate, monkeypatch):
    """Of steps that are written together, too."""

    def full(path, data):
        if path.name == "00004.safetensors":
            raise StorageError("full")
        write_atomically(path, data)

    monkeypatch.setattr("linesexp.runs.folder.write_atomically", full)
    steps = StepsBehind(RunFolder(tmp_path / "run"))
    for step in range(8):
        steps.save(float(step), weights(step))
    gate.set()
    with pytest.raises(StorageError, match="full"):
        steps.finish()
    assert read_steps(RunFolder(tmp_path / "run")).steps.tolist() == [0, 1, 2, 3]
    assert RunFolder(tmp_path / "run").damaged() == []
