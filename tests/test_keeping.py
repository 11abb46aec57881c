"""Keeping what a training records: few commits, and nothing lost."""

from dataclasses import dataclass

import numpy as np

from linesexp.keeping import Keeper
from linesexp.runs import RunFolder
from linesexp.runs.formats import parse_tensors
from linesexp.runs.steps import read_steps
from linesexp.runs.waiting import WAITING, commit_waiting


@dataclass
class Checkpoint:
    """What a training's has; that one imports Keras."""

    epoch: int
    recorded: int
    history: list
    tensors: dict


def keeper_on(folder, monkeypatch, seconds):
    """A Keeper whose clock goes on by `seconds` each time that it is read."""
    clock = iter(np.arange(1, 10_000) * seconds)
    monkeypatch.setattr("linesexp.keeping.time.perf_counter", lambda: float(next(clock)))
    return Keeper(folder, 0)


def steps_committed(folder):
    return len(folder.names(prefix="kernels/"))


def test_quick_steps_wait_for_each_other_and_none_is_lost(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path / "run")
    with folder.writing():
        keeper = keeper_on(folder, monkeypatch, seconds=1.0)
        counts = []
        for step in range(100):
            keeper.record(float(step), {"conv1/kernel": np.full((3, 3, 1, 2), step, dtype=np.float32)})
            counts.append(steps_committed(folder))
        assert counts[0] == 1  # the untrained network at once
        assert 2 <= len(set(counts)) <= 4  # the clock says that a commit takes a second: one in forty
        keeper.commit()
    np.testing.assert_array_equal(read_steps(folder).steps, np.arange(100.0))


def test_slow_steps_are_committed_one_by_one(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path / "run")
    with folder.writing():
        keeper = keeper_on(folder, monkeypatch, seconds=0.0)
        for step in range(5):
            keeper.record(float(step), {"conv1/kernel": np.zeros((3, 3, 1, 2), dtype=np.float32)})
            assert steps_committed(folder) == step + 1


def test_a_kill_between_two_commits_loses_no_epoch_that_was_done(tmp_path, monkeypatch):
    """And says nothing of it: what waited is committed by the next process."""
    folder = RunFolder(tmp_path / "run")
    with folder.writing():
        keeper = keeper_on(folder, monkeypatch, seconds=1.0)
        for epoch in range(5):
            keeper.record(float(epoch), {"conv1/kernel": np.full((3, 3, 1, 2), epoch, dtype=np.float32)})
            tensors = {"0000/kernel": np.full(3, epoch, dtype=np.float32)}
            keeper.save(Checkpoint(epoch, epoch + 1, [{"step": row} for row in range(epoch + 1)], tensors))
    assert steps_committed(folder) == 1  # the others wait
    with folder.writing():
        commit_waiting(folder)
    np.testing.assert_array_equal(read_steps(folder).steps, np.arange(5.0))
    tensors, about = parse_tensors(folder.read("checkpoint.safetensors"), "checkpoint")
    assert about["epoch"] == 4
    assert tensors["0000/kernel"].tolist() == [4, 4, 4]
    assert folder.read("history.csv").decode().split() == ["step", *"01234"]


def test_nothing_is_left_waiting_at_the_end(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path / "run")
    with folder.writing():
        keeper = keeper_on(folder, monkeypatch, seconds=1.0)
        for epoch in range(3):
            keeper.save(Checkpoint(epoch, 0, [{"step": epoch}], {}))
        assert (folder.path / WAITING).exists()
        keeper.commit()
    assert not (folder.path / WAITING).exists()


def test_large_networks_do_not_wait(tmp_path, monkeypatch):
    """What is kept waiting is written again with each epoch, so it must be little."""
    monkeypatch.setattr("linesexp.keeping.MOST_WAITING", 1000)
    folder = RunFolder(tmp_path / "run")
    with folder.writing():
        keeper = keeper_on(folder, monkeypatch, seconds=1.0)
        for step in range(5):
            keeper.record(float(step), {"conv1/kernel": np.zeros((30, 30, 1, 2), dtype=np.float32)})
            assert steps_committed(folder) == step + 1
