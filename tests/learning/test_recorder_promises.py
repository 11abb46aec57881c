"""What a KernelRecorder promises to somebody's own fit: not a bit changed, no memory taken, none disturbed."""

import errno
import functools
import json
import os
import signal
import subprocess
import sys
import time
import warnings

import keras
import numpy as np
import pytest

import linesexp
from linesexp.learning.backend import make_repeatable
from linesexp.learning.recorder import KernelRecorder, weights_of
from linesexp.runs import RunFolder
from linesexp.runs.steps import read_steps

RNG = np.random.default_rng(0)
PICTURES, LABELS = RNG.random((60, 12, 12, 3), dtype=np.float32), RNG.integers(0, 3, 60)


@functools.cache
def drawing_model():
    """A model with everything that draws at random, all its variables, and their values before any fit.

    One for all fits, since to trace another takes longer than to train it.
    """
    make_repeatable(5)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.RandomFlip(seed=1),
            layers.Conv2D(6, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    return model, variables, [variable.numpy() for variable in variables]


def learn(*callbacks):
    """(all variables of the model and its optimiser, the log) of a fit from where the model began."""
    model, variables, start = drawing_model()
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    make_repeatable(5)
    log = model.fit(
        PICTURES,
        LABELS,
        batch_size=8,
        epochs=2,
        validation_data=(PICTURES[:20], LABELS[:20]),
        verbose=0,
        callbacks=list(callbacks),
    )
    return [np.array(variable.numpy()) for variable in variables], log.history


def assert_equal_bits(one, other):
    assert one[1] == other[1]
    assert [value.tobytes() for value in one[0]] == [value.tobytes() for value in other[0]]


@pytest.fixture(scope="module")
def alone():
    """The same fit without a recorder."""
    return learn()


@pytest.mark.parametrize("kind", ["folder", "callable"])
def test_a_fit_ends_with_the_same_bits(alone, kind, tmp_path):
    assert_equal_bits(
        learn(KernelRecorder(tmp_path / "mine" if kind == "folder" else lambda *step: None)), alone
    )


@pytest.mark.slow
def test_these_fits_would_show_a_difference(alone):
    class Nosy(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                kernel = self.model.weights[1]
                kernel.assign(np.nextafter(kernel.numpy(), np.float32(9)))

    with pytest.raises(AssertionError):
        assert_equal_bits(learn(Nosy()), alone)


def test_what_is_recorded_are_the_weights_of_that_moment(tmp_path):
    """And not of a later one, at which they are written."""
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append({name: np.array(value) for name, value in weights_of(self.model).items()})

    learn(KernelRecorder(tmp_path / "mine"), Look())
    history = read_steps(RunFolder(tmp_path / "mine"))
    for epoch, weights in enumerate(seen, 1):
        recorded = history.at(history.steps.tolist().index(epoch))
        for name, value in weights.items():
            np.testing.assert_array_equal(recorded[name], value)


def test_a_disk_that_fills_up_within_an_epoch_ends_the_recording_and_not_the_fit(alone, tmp_path, monkeypatch):
    def full(path, data, write=linesexp.runs.folder.write_atomically):
        if path.name == "00003.safetensors":
            raise linesexp.errors.StorageError(f"{path}: cannot be written ({os.strerror(errno.ENOSPC)})")
        write(path, data)

    monkeypatch.setattr("linesexp.runs.folder.write_atomically", full)
    with pytest.warns(UserWarning, match="stopped recording: .*No space left on device") as warned:
        assert_equal_bits(learn(KernelRecorder(tmp_path / "mine")), alone)
    assert len(warned) == 1
    assert read_steps(RunFolder(tmp_path / "mine")).steps.tolist() == [0, 1 / 8, 2 / 8]
    assert linesexp.open_run(tmp_path / "mine").kernels.shape == (3, 6, 3, 3)


@pytest.mark.slow
def test_weights_that_no_file_can_hold_do_not_disturb_the_fit(alone, tmp_path, monkeypatch):
    monkeypatch.setattr("linesexp.runs.steps.tensors_bytes", lambda *what: 1 / 0)
    with pytest.warns(UserWarning, match="stopped recording: ZeroDivisionError") as warned:
        assert_equal_bits(learn(KernelRecorder(tmp_path / "mine")), alone)
    assert len(warned) == 1


# Processes of their own.

MODEL = """
import sys, warnings
import numpy as np
from linesexp.learning.backend import quiet_import
with quiet_import():
    import keras
    from linesexp import KernelRecorder

def model(units):
    layers = [keras.Input((16, 16, 1)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()]
    made = keras.Sequential([*layers, keras.layers.Dense(units), keras.layers.Dense(2, activation="softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy")
    return made

def fit(model, epochs, *callbacks):
    pictures = np.random.default_rng(0).random((8, 16, 16, 1), dtype=np.float32)
    model.fit(pictures, np.arange(8) % 2, batch_size=4, epochs=epochs, verbose=0, callbacks=list(callbacks))
"""
MEMORY = """
import json, tracemalloc
large, found = model(1280), {"weights": 0}
found["weights"] = large.count_params()

def resident_peak():
    # Not resource.getrusage: its ru_maxrss begins at what the process that started this one had reached.
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(status["VmHWM"].split()[0]) * 1024

class Memory(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in (5, 50):
            current, peak = tracemalloc.get_traced_memory()
            resident = resident_peak()
            found[str(epoch + 1)] = {"current": current, "peak": peak, "resident": resident}

tracemalloc.start()
fit(large, 50, KEEP, Memory())
print(json.dumps(found))
"""
FILLING_UP = """
import json, resource
resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, 16_000))  # the manifest grows up to there
small = model(4)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    fit(small, 150, KernelRecorder(sys.argv[1]))
print(json.dumps([str(warning.message) for warning in warned if "KernelRecorder" in str(warning.message)]))
"""
FAILING = """
class Broken(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 6:
            raise ArithmeticError

fit(model(4), 300, KernelRecorder(sys.argv[1]), Broken())
"""


def process(code, *arguments, environment, **how):
    return subprocess.Popen(
        [sys.executable, "-c", MODEL + code, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
    )


def ended(started, code=0):
    out, err = started.communicate(timeout=120)
    assert started.returncode == code, err
    return out


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["KernelRecorder(sys.argv[1])", "KernelRecorder(lambda *s: kept.append(s))"])
def test_the_memory_of_a_large_model_stays_the_same(keep, tmp_path, environment):
    """A million weights are 4 MB: kept copies of 45 epochs, which the callable keeps, would be 180 MB."""
    code = "kept = []" + MEMORY.replace("KEEP", keep)
    found = json.loads(ended(process(code, tmp_path / "mine", environment=environment)))
    assert found["weights"] > 1_000_000
    grown = {name: found["50"][name] - found["5"][name] for name in ("current", "peak", "resident")}
    if "lambda" in keep:
        assert min(grown["current"], grown["peak"]) > 150e6
        assert grown["resident"] > 120e6  # so that the numbers below would show it
        return
    assert grown["current"] < 40e6  # what waits to be written comes and goes
    # 16 MB at most wait, as many are being written, and as many are their bytes as a file.
    assert grown["peak"] < 60e6
    assert grown["resident"] < 90e6
    files = sorted(path.name for path in (tmp_path / "mine/kernels").iterdir())
    assert files == [f"{index:05d}.safetensors" for index in range(52)]  # 0, a half, 1 … 50
    assert max(path.stat().st_size for path in (tmp_path / "mine/kernels").iterdir()) < 4.4e6


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="the system knows no limit of file sizes")
def test_where_the_system_refuses_to_write_more_the_fit_goes_on(tmp_path, environment):
    (warned,) = json.loads(ended(process(FILLING_UP, tmp_path / "mine", environment=environment)))
    assert "stopped recording" in warned
    assert "File too large" in warned
    folder = RunFolder(tmp_path / "mine")
    steps = read_steps(folder).steps
    assert 20 < len(steps) < 150
    assert steps.tolist() == [0, 0.5, *range(1, len(steps) - 1)]
    assert folder.damaged() == []


@pytest.mark.slow
def test_a_fit_that_fails_keeps_everything_recorded_so_far(tmp_path, environment):
    ended(process(FAILING, tmp_path / "mine", environment=environment), code=1)
    assert read_steps(RunFolder(tmp_path / "mine")).steps.tolist() == [0, 0.5, *range(1, 8)]


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_a_recording_that_reads(tmp_path, environment):
    started = process("fit(model(4), 100_000, KernelRecorder(sys.argv[1]))", tmp_path, environment=environment)
    folder, deadline = RunFolder(tmp_path), time.monotonic() + 60
    while len(folder.names(prefix="kernels/")) < 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    started.kill()
    started.communicate()
    steps = read_steps(folder).steps
    assert len(steps) >= 20
    assert steps.tolist() == [0, 0.5, *range(1, len(steps) - 1)]
    assert folder.damaged() == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with folder.writing():
            pass
