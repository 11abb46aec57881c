"""How much slower `fit` is with a KernelRecorder: the same fits with and without, in turn, in one process.

Usage: recorder_cost.py [ROUNDS]. Prints, for the default network and for one of a million weights, medians
over the rounds: the ratio of the times, with its quartiles, which wander with the machine; and two parts of
the fit's time that wander less: what it waits in the callback, and what the processor works for recording,
in the callback and behind it, which is what a machine pays whose cores are all busy.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from linesexp.config import ExperimentConfig
from linesexp.images.dataset import make_dataset
from linesexp.learning.backend import quiet_import
from linesexp.runs.behind import StepsBehind

with quiet_import():
    import keras

    from linesexp.learning.network import build_network
    from linesexp.learning.recorder import KernelRecorder

HOOKS = ("on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end", "on_train_end")
Fit = Callable[[list], None]


class Timed(KernelRecorder):
    """A recorder that adds up the time that fit spends in it."""

    spent = 0.0


worked = 0.0  # seconds of the processor, in the callback and in the threads behind it


def _timed(name: str) -> Callable:
    inner = getattr(KernelRecorder, name)

    def hook(self: Timed, *arguments: Any, **named: Any) -> None:
        global worked
        began, work_began = time.perf_counter(), time.thread_time()
        inner(self, *arguments, **named)
        self.spent += time.perf_counter() - began
        worked += time.thread_time() - work_began

    return hook


def _counted(work: Callable) -> Callable:
    def counted(self: StepsBehind) -> None:
        global worked
        work(self)
        worked += time.thread_time()

    return counted


for hook_name in HOOKS:
    setattr(Timed, hook_name, _timed(hook_name))
StepsBehind._work = _counted(StepsBehind._work)


def default_fit() -> Fit:
    """The default network on its data, 20 epochs."""
    config = ExperimentConfig()
    dataset = make_dataset(config.images)
    pictures, labels = dataset.part("train")
    how = {"batch_size": 32, "epochs": 20, "validation_data": dataset.part("validation")}
    return _fit(build_network(config, 1, 2), pictures, labels, how)


def large_fit() -> Fit:
    """About a million weights, 2,000 colour pictures of 32×32, 3 epochs."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(128, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(196, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    print(f"large: {model.count_params():,} weights")
    rng = np.random.default_rng(0)
    pictures = rng.random((2000, 32, 32, 3), dtype=np.float32)
    return _fit(model, pictures, rng.integers(0, 10, 2000), {"batch_size": 32, "epochs": 3})


def _fit(model: "keras.Model", pictures: np.ndarray, labels: np.ndarray, how: dict[str, Any]) -> Fit:
    start = model.get_weights()

    def fit(callbacks: list) -> None:
        model.set_weights(start)
        model.fit(pictures, labels, verbose=0, callbacks=callbacks, **how)

    return fit


def measure(fit: Fit, rounds: int, folder: Path) -> tuple[list[float], ...]:
    """For each round: ratio of the times with / without; shares of the time without that fit waited in the
    recorder, and of the processor's time that went into recording; seconds without."""
    global worked
    found = []
    fit([])  # traces the graph
    for number in range(rounds):
        recorder, worked = Timed(folder / str(number)), 0.0
        times, processor = {}, {}
        # Whichever comes first changes from round to round: machines warm up, and cool down.
        for name in ("without", "with") if number % 2 else ("with", "without"):
            began, processor_began = time.perf_counter(), time.process_time()
            fit([recorder] if name == "with" else [])
            times[name] = time.perf_counter() - began
            processor[name] = time.process_time() - processor_began
        found.append(
            (
                times["with"] / times["without"],
                recorder.spent / times["without"],
                worked / processor["without"],
                times["without"],
            )
        )
    return tuple(map(list, zip(*found, strict=True)))


def main(rounds: int) -> None:
    keras.utils.set_random_seed(0)
    for name, fit in (("default", default_fit()), ("large", large_fit())):
        with tempfile.TemporaryDirectory() as folder:
            ratios, waited, processor, seconds = measure(fit, rounds, Path(folder))
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"{name}: fit {statistics.median(seconds):.1f} s, with the recorder {middle - 1:+.1%} "
            f"(quartiles {low - 1:+.1%} and {high - 1:+.1%} of {rounds} rounds), "
            f"of it waiting in the callback {statistics.median(waited):.2%}, "
            f"working for it {statistics.median(processor):.2%} of the processor's time",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
