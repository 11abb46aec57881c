"""Recorded steps: one file each, read back in order as one history."""

import numpy as np
import pytest

from linesexp.errors import InputError
from linesexp.runs import RunFolder
from linesexp.runs.folder import DamagedFile, MissingFile
from linesexp.runs.formats import tensors_bytes
from linesexp.runs.steps import StepWriter, read_steps, step_name


def weights_at(index):
    return {
        "conv1/kernel": np.full((3, 3, 1, 2), index, dtype=np.float32),
        "conv1/bias": np.arange(2, dtype=np.float32) + index,
    }


def record(run, steps, recorded=0):
    with run.writing():
        writer = StepWriter(run, recorded)
        for index, step in enumerate(steps, start=recorded):
            writer.save(step, weights_at(index))
    return writer


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def test_a_history_has_every_recorded_step_in_order(run):
    steps = [0.0, 0.25, 0.5, *range(1, 11)]
    assert record(run, steps).recorded == 13
    history = read_steps(run)
    assert history.steps.dtype == np.float64
    assert history.steps.tolist() == steps
    assert history.weights["conv1/kernel"].shape == (13, 3, 3, 1, 2)
    assert history.weights["conv1/kernel"].dtype == np.float32
    for index in (0, 12, -1):
        for name, value in weights_at(index % 13).items():
            np.testing.assert_array_equal(history.at(index)[name], value)


def test_each_step_is_a_committed_file_of_the_training(run):
    record(run, [0.0, 1.0])
    assert run.names(stage="train") == ["kernels/00000.safetensors", "kernels/00001.safetensors"]
    assert step_name(1) == "kernels/00001.safetensors"


def test_a_later_writer_goes_on_after_what_is_recorded(run):
    record(run, [0.0, 1.0])
    record(run, [2.0], recorded=2)
    assert read_steps(run).steps.tolist() == [0, 1, 2]


def test_a_repeated_epoch_replaces_its_steps(run):
    record(run, [0.0, 1.0, 2.0])
    record(run, [1.0], recorded=1)
    assert read_steps(run).steps.tolist() == [0, 1, 2]


def test_weights_are_copied_when_recorded(run):
    weights = weights_at(0)
    with run.writing():
        writer = StepWriter(run)
        for step in (0.0, 1.0):
            writer.save(step, weights)
            weights["conv1/bias"] += 5  # training goes on in place
    assert read_steps(run).weights["conv1/bias"].tolist() == [[0, 1], [5, 6]]


def test_a_run_without_steps_says_so(run):
    with pytest.raises(MissingFile, match="run: no recorded kernels yet"):
        read_steps(run)


def test_a_damaged_step_is_found_before_it_is_parsed(run):
    record(run, [0.0, 1.0])
    (run.path / step_name(1)).write_bytes(b"not tensors")
    with pytest.raises(DamagedFile, match=r"00001\.safetensors: damaged"):
        read_steps(run)


@pytest.mark.parametrize(
    ("weights", "about", "text"),
    [
        ({"conv1/kernel": np.ones((3, 3, 1, 2))}, {"step": 1}, "other layers than in kernels/00000"),
        (weights_at(1) | {"conv1/bias": np.ones(3)}, {"step": 1}, "other layers than in kernels/00000"),
        (weights_at(1), {}, "does not say which step it is"),
        (weights_at(1), {"step": "one"}, "does not say which step it is"),
    ],
    ids=["layer missing", "other shape", "no step", "step in words"],
)
def test_steps_that_do_not_belong_together_are_refused(run, weights, about, text):
    record(run, [0.0])
    with run.writing():
        run.commit({step_name(1): tensors_bytes(weights, about)}, stage="train")
    with pytest.raises(InputError, match=rf"00001\.safetensors: {text}"):
        read_steps(run)


def test_steps_come_back_in_the_order_of_the_model(tmp_path):
    folder = RunFolder(tmp_path / "run")
    names = ["stem/kernel", "block/kernel", "a_last_one/kernel"]
    with folder.writing():
        StepWriter(folder).save(0.0, {name: np.zeros(3, dtype=np.float32) for name in names})
    assert list(read_steps(folder).weights) == names


@pytest.mark.parametrize(("only", "expected"), [((0, -1), [0, 3]), ((2,), [2]), ((0, 0, -4), [0])])
def test_some_steps_are_read_without_the_others(tmp_path, only, expected):
    folder = RunFolder(tmp_path / "run")
    with folder.writing():
        writer = StepWriter(folder)
        for step in range(4):
            writer.save(float(step), {"a": np.full(2, step, np.float32)})
    for index in set(range(4)) - set(expected):
        (tmp_path / "run" / step_name(index)).unlink()
    history = read_steps(folder, only)
    assert history.steps.tolist() == expected
    assert history.weights["a"][:, 0].tolist() == expected


@pytest.mark.parametrize(
    "about", [{}, {"step": "1"}, {"step": True}, {"step": -1}, {"step": float("nan")}, {"step": 10**400}]
)
def test_a_step_that_does_not_say_when_it_was_is_refused(about, run):
    with run.writing():
        run.commit({step_name(0): tensors_bytes(weights_at(0), about)}, stage="train")
    with pytest.raises(InputError, match=r"00000\.safetensors: does not say which step it is"):
        read_steps(run)


@pytest.mark.parametrize(
    "names", [None, 3, [["conv1/kernel"]], ["conv1/kernel", "conv1/kernel"], ["conv1/kernel", 1]]
)
def test_an_order_that_is_none_of_these_weights_is_passed_over(names, run):
    with run.writing():
        run.commit({step_name(0): tensors_bytes(weights_at(0), {"step": 0.0, "names": names})}, stage="train")
    assert list(read_steps(run).weights) == ["conv1/bias", "conv1/kernel"]
