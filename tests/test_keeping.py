"""Keeping what a training records: few commits, and nothing lost."""

import numpy as np

from linesexp.keeping import Keeper
from linesexp.runs import RunFolder
from linesexp.runs.steps import read_steps


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
