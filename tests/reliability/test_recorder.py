"""A KernelRecorder never hurts somebody's fit: what goes wrong is a warning, and the weights are the same bits.

A full disk, a killed process, memory and speed are in tests/learning/test_recorder_promises.py.
"""

import shutil
import threading
import warnings
from functools import cache

import keras
import numpy as np
import pytest

from linesexp.learning.backend import make_repeatable
from linesexp.learning.recorder import KernelRecorder
from linesexp.runs import RunFolder
from linesexp.runs.steps import read_steps

layers = keras.layers
RNG = np.random.default_rng(0)
PICTURES, LABELS = RNG.random((24, 12, 12, 1), dtype=np.float32), RNG.integers(0, 3, 24)


def model_of(*parts):
    return keras.Sequential([keras.Input((12, 12, 1)), *parts, layers.Flatten(), layers.Dense(3)])


def plain():
    return model_of(layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Dropout(0.5))


def odd_names():
    names = ["..", ".hidden", "..x", "-", "x" * 300]  # TensorFlow takes no others than these
    return model_of(*(layers.Conv2D(2, 1, name=name) for name in names))


@keras.saving.register_keras_serializable("reliability")
class Loops(layers.Layer):
    """A layer that calls compiled functions within compiled functions, with a loop and a condition."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, shape[-1], 4), name="kernel")

    def call(self, values):
        import tensorflow

        @tensorflow.function
        def inner(values, times):
            for _ in tensorflow.range(times):
                values = tensorflow.where(values > 0, values * 0.9, values)
            return values

        return inner(keras.ops.conv(values, self.kernel), 3)


def loops():
    return model_of(Loops(), Loops())


MODELS = {
    "plain": (plain, {}),
    "run eagerly": (plain, {"run_eagerly": True}),
    "several steps at once": (plain, {"steps_per_execution": 3}),
    "compiled by XLA": (plain, {"jit_compile": True}),
    "compiled functions": (loops, {}),
    "mixed float16": ("mixed_float16", {}),
    # Adam would stand still: its 0.999 becomes 1.
    "bfloat16": ("bfloat16", {"optimizer": keras.optimizers.SGD(0.1)}),
    "odd names": (odd_names, {}),
}


def made(make):
    """The model; by the name of a policy of numbers, a plain one with that."""
    if not isinstance(make, str):
        return make()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(make)
    try:
        return plain()
    finally:
        keras.config.set_dtype_policy(before)


def learn(kind, *callbacks, epochs=2):
    """The bytes of all variables of a model and its optimiser after a fit."""
    make, how = MODELS[kind]
    make_repeatable(5)
    model = made(make)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.get(how.get("optimizer", "adam"))
    model.compile(**{**how, "optimizer": optimizer.__class__.from_config(optimizer.get_config()), "loss": loss})
    model.fit(PICTURES, LABELS, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return [np.array(variable.numpy()).tobytes() for variable in [*model.variables, *model.optimizer.variables]]


@cache
def learned(kind, epochs=2):
    """The same without a recorder; a seed gives the same bytes each time."""
    return learn(kind, epochs=epochs)


def told(warned):
    return [str(warning.message) for warning in warned if "KernelRecorder" in str(warning.message)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_model_ends_with_the_same_bits(kind, tmp_path):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        alone = learned(kind)
        recorded = learn(kind, KernelRecorder(tmp_path / "mine"))
    assert recorded == alone
    folder = RunFolder(tmp_path / "mine")
    assert folder.damaged() == []
    assert told(warned) == []
    steps = read_steps(folder)
    assert steps.steps[-1] == 2
    kernels = [value for name, value in steps.weights.items() if "kernel" in name]
    assert all(value.dtype == np.float32 for value in kernels)
    assert any(not np.array_equal(value[0], value[-1]) for value in kernels)


@pytest.mark.slow
def test_names_that_no_file_can_hold_are_a_warning(tmp_path, monkeypatch):
    alone = learned("plain")
    monkeypatch.setattr("linesexp.learning.recorder.weights_of", lambda model: {"\udc80": np.zeros(3)})
    with pytest.warns(UserWarning, match="stopped recording: UnicodeEncodeError") as warned:
        assert learn("plain", KernelRecorder(tmp_path / "mine")) == alone
    assert len(told(warned)) == 1


class At(keras.callbacks.Callback):
    """Does something at the end of an epoch."""

    def __init__(self, epoch, do):
        super().__init__()
        self._epoch, self._do = epoch, do

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self._epoch:
            self._do()


@pytest.mark.slow
@pytest.mark.parametrize(
    "again",
    [
        pytest.param(False, id="removed", marks=pytest.mark.slow),
        pytest.param(True, id="removed, and a file in its place"),
    ],
)
def test_a_folder_that_is_removed_ends_the_recording_alone(again, tmp_path):
    def remove():
        recorder._behind.finish()
        shutil.rmtree(tmp_path / "mine")
        if again:
            (tmp_path / "mine").write_text("mine")

    alone = learned("plain", epochs=4)
    recorder = KernelRecorder(tmp_path / "mine")
    with pytest.warns(UserWarning, match="stopped recording") as warned:
        assert learn("plain", recorder, At(1, remove), epochs=4) == alone
    assert len(told(warned)) == 1
    if again:
        assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.slow
def test_two_recorders_into_one_folder_make_one_recording(tmp_path):
    alone = learned("plain")
    with pytest.warns(UserWarning, match="another (recording|process)") as warned:
        assert learn("plain", KernelRecorder(tmp_path / "mine"), KernelRecorder(tmp_path / "mine")) == alone
    assert len(told(warned)) == 1
    assert read_steps(RunFolder(tmp_path / "mine")).steps.tolist() == [0, 1 / 3, 2 / 3, 1, 2]
    assert RunFolder(tmp_path / "mine").damaged() == []


@pytest.mark.slow
def test_two_trainings_into_one_folder_do_not_mix(tmp_path):
    """The later one takes the place; the earlier one's steps are kept aside."""

    def second():
        first._behind.finish()
        other = threading.Thread(target=learn, args=("run eagerly", KernelRecorder(tmp_path / "mine")))
        other.start()
        other.join(60)

    first = KernelRecorder(tmp_path / "mine")
    with pytest.warns(UserWarning, match="KernelRecorder stopped|held a recording") as warned:
        learn("plain", first, At(0, second), epochs=3)
    # The other training seeds Keras anew: what is compared are the recordings.
    assert any("removed, or renamed" in words or "another recording" in words for words in told(warned))
    assert read_steps(RunFolder(tmp_path / "mine")).steps.tolist() == [0, 1 / 3, 2 / 3, 1, 2]
    assert read_steps(RunFolder(tmp_path / "mine.old-1")).steps.tolist() == [0, 1 / 3, 2 / 3, 1]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["/proc/mine", "\0", "x" * 300], ids=repr)
def test_a_place_where_nothing_can_be_written_is_a_warning(place, tmp_path):
    alone = learned("plain", epochs=1)
    with pytest.warns(UserWarning, match="stopped recording") as warned:
        assert learn("plain", KernelRecorder(tmp_path / place), epochs=1) == alone
    assert len(told(warned)) == 1
