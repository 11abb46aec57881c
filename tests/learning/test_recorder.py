import json
import threading
import time

import keras
import numpy as np
import pytest

import linesexp
from linesexp.config import ExperimentConfig
from linesexp.errors import InputError, StorageError
from linesexp.experiment import generate
from linesexp.learning.recorder import KernelRecorder, weights_of
from linesexp.runs import RunFolder
from linesexp.runs.steps import StepWriter, read_steps

PICTURES = np.random.default_rng(0).random((40, 8, 8, 1), dtype=np.float32)
LABELS = np.arange(40) % 2


def somebodys_model():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(2, 3, activation="relu", name="first"),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(2, activation="softmax", name="last"),
        ]
    )
    # Traced into a graph, as Keras does by itself, it takes longer than all of these few batches.
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    return model


def fit(model, *callbacks, epochs=2, **how):
    model.fit(PICTURES, LABELS, batch_size=4, epochs=epochs, verbose=0, callbacks=list(callbacks), **how)
    return model


def test_records_the_untrained_network_some_batches_of_epoch_one_and_every_epoch():
    steps = []
    fit(somebodys_model(), KernelRecorder(lambda step, weights: steps.append(step)), epochs=3)
    assert steps == [0, 0.1, 0.2, 0.4, 0.8, 1, 2, 3]  # ten batches an epoch


def test_step_0_holds_the_untrained_weights_and_the_last_step_the_trained_ones():
    model = somebodys_model()
    untrained = weights_of(model)
    recorded = []
    fit(model, KernelRecorder(lambda step, weights: recorded.append(weights)))
    for name, value in untrained.items():
        assert np.array_equal(recorded[0][name], value)
    for name, value in weights_of(model).items():
        assert np.array_equal(recorded[-1][name], value)
        assert not np.array_equal(recorded[0][name], value)


def test_records_weights_and_biases_of_all_layers():
    assert list(weights_of(somebodys_model())) == ["first/kernel", "first/bias", "last/kernel", "last/bias"]


def test_names_stay_unique_where_layers_share_theirs():
    class Twins(keras.Model):
        def __init__(self):
            super().__init__()
            self.one, self.other = (keras.layers.Dense(2, name="same") for _ in range(2))

        def call(self, values):
            return self.other(self.one(values))

    model = Twins()
    model(np.zeros((1, 2)))
    assert list(weights_of(model)) == ["same/kernel", "same/bias", "same/kernel_2", "same/bias_2"]


@pytest.mark.slow
def test_a_second_fit_continues_the_count():
    steps = []
    recorder = KernelRecorder(lambda step, weights: steps.append(step))
    model = fit(somebodys_model(), recorder, epochs=2)
    fit(model, recorder, epochs=1)
    assert steps == [0, 0.1, 0.2, 0.4, 0.8, 1, 2, 3]


@pytest.mark.slow
def test_goes_on_from_a_later_epoch_without_a_new_step_0():
    steps = []
    recorder = KernelRecorder(lambda step, weights: steps.append(step))
    fit(somebodys_model(), recorder, epochs=6, initial_epoch=4)
    assert steps == [5, 6]


@pytest.mark.slow
def test_a_folders_recording_begins_with_what_its_fit_began_with(tmp_path):
    recorder = KernelRecorder(tmp_path / "mine")
    model = fit(somebodys_model(), recorder, epochs=3, initial_epoch=1)
    assert read_steps(RunFolder(tmp_path / "mine")).steps.tolist() == [1, 2, 3]
    start = model.layers[0].get_weights()[0]
    with pytest.warns(UserWarning, match="held a recording; it is now"):
        fit(model, recorder, epochs=1)
    history = read_steps(RunFolder(tmp_path / "mine"))
    assert history.steps.tolist() == [3, 4]
    assert np.array_equal(history.at(0)["first/kernel"], start)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Conv2D(2, 3, name="first")
        self.flat, self.last = keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax", name="last")

    def call(self, pictures):
        return self.last(self.flat(self.first(pictures)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "form", [Subclassed, pytest.param(lambda: keras.Sequential(Subclassed().layers), marks=pytest.mark.slow)]
)
def test_a_model_without_weights_before_its_first_batch_is_recorded_from_there_on(form, tmp_path):
    model = form()
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    with pytest.warns(UserWarning, match="its untrained ones cannot be recorded; give it an Input"):
        fit(model, KernelRecorder(tmp_path / "mine"), epochs=1)
    run = linesexp.open_run(tmp_path / "mine")
    assert run.history.steps.tolist() == [0.1, 0.2, 0.4, 0.8, 1]
    assert run.kernels.shape == (5, 2, 3, 3)
    about = json.loads((tmp_path / "mine/layers.json").read_text())["weights"]
    assert [each["kind"] for each in about.values()] == ["Conv2D"]
    linesexp.make_report(tmp_path / "mine")
    page = (tmp_path / "mine/report.html").read_text()
    assert "The recording begins at epoch 0.10" in page
    assert "Untrained it was" not in page
    assert "epoch 0.10 and epoch 1, filter by filter" in page


@pytest.mark.slow
def test_bfloat16_is_kept_as_float32(tmp_path):
    with keras.device("cpu:0"):
        keras.config.set_dtype_policy("bfloat16")
        try:
            model = fit(somebodys_model(), KernelRecorder(tmp_path / "mine"), epochs=1)
        finally:
            keras.config.set_dtype_policy("float32")
    kernels = read_steps(RunFolder(tmp_path / "mine")).at(-1)["first/kernel"]
    assert kernels.dtype == np.float32
    assert np.array_equal(kernels, np.asarray(model.layers[0].kernel.numpy(), np.float32))


@pytest.mark.slow
def test_a_report_made_meanwhile_does_not_end_the_recording(tmp_path, monkeypatch):
    """It holds the folder's lock, for which the recording waits."""
    locked = threading.Event()

    def report():
        with RunFolder(tmp_path / "mine").writing(patience_s=5):
            locked.set()
            time.sleep(0.5)

    def begin(epoch, logs):
        if epoch == 1:
            thread.start()
            assert locked.wait(10)

    thread = threading.Thread(target=report)
    fit(
        somebodys_model(),
        keras.callbacks.LambdaCallback(on_epoch_begin=begin),
        KernelRecorder(tmp_path / "mine"),
        epochs=4,
    )
    thread.join()
    assert read_steps(RunFolder(tmp_path / "mine")).steps.tolist() == [0, 0.1, 0.2, 0.4, 0.8, 1, 2, 3, 4]


def test_where_no_thread_can_be_started_the_fit_ends_all_the_same(tmp_path, monkeypatch):
    start = threading.Thread.start

    def refuse(thread):
        if thread.name == "linesexp recording":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.warns(UserWarning, match="stopped recording: RuntimeError: can't start new thread"):
        fit(somebodys_model(), KernelRecorder(tmp_path / "mine"), epochs=1)


def test_a_folder_becomes_a_run_folder_with_one_file_a_step(tmp_path):
    model = fit(somebodys_model(), linesexp.KernelRecorder(tmp_path / "mine"))
    history = read_steps(RunFolder(tmp_path / "mine"))
    assert history.steps.tolist() == [0, 0.1, 0.2, 0.4, 0.8, 1, 2]
    assert np.array_equal(history.at(-1)["first/kernel"], model.layers[0].get_weights()[0])
    with RunFolder(tmp_path / "mine").writing():
        pass  # the lock is free again


@pytest.mark.slow
def test_an_earlier_recording_is_renamed_and_not_overwritten(tmp_path):
    fit(somebodys_model(), KernelRecorder(tmp_path / "mine"), epochs=1)
    with pytest.warns(UserWarning, match="held a recording; it is now"):
        fit(somebodys_model(), KernelRecorder(tmp_path / "mine"), epochs=2)
    assert read_steps(RunFolder(tmp_path / "mine.old-1")).steps[-1] == 1
    assert read_steps(RunFolder(tmp_path / "mine")).steps[-1] == 2


@pytest.mark.slow
def test_a_fit_that_fails_leaves_no_lock_behind(tmp_path):
    class Broken(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ArithmeticError

    recorder = KernelRecorder(tmp_path / "mine")
    with pytest.raises(ArithmeticError):
        fit(somebodys_model(), recorder, Broken())
    for thread in threading.enumerate():
        if thread.name == "linesexp recording":
            thread.join(20)
    with RunFolder(tmp_path / "mine").writing():
        pass
    assert read_steps(RunFolder(tmp_path / "mine")).steps.tolist() == [0, 0.1, 0.2, 0.4, 0.8, 1]


def test_what_a_callable_raises_goes_through():
    def full(step, weights):
        raise StorageError("no space left")

    with pytest.raises(StorageError):
        fit(somebodys_model(), KernelRecorder(full))


def test_a_recording_is_not_drawn_over(tmp_path):
    folder = RunFolder(tmp_path / "mine")
    with folder.writing():
        StepWriter(folder).save(0.0, {"first/kernel": np.ones((3, 3, 1, 2), np.float32)})
    with pytest.raises(InputError, match="recording of another model"):
        generate(folder.path, ExperimentConfig(), force=False, say=lambda words: None)
    assert linesexp.open_run(folder.path).history.steps.tolist() == [0.0]
