"""Train the default network once; print the seconds spent in recording and committing, and in all.

Usage: recording_cost.py RUN
"""

import sys
import time
from typing import Any

from linesexp.config import ExperimentConfig
from linesexp.experiment import generate, train
from linesexp.learning.recorder import KernelRecorder
from linesexp.learning.training import _Checkpointer

spent = 0.0
began = 0.0


def count_time(owner: type, name: str) -> None:
    """Add the time of each call of a method to `spent`."""
    inner = getattr(owner, name)

    def outer(*arguments: Any, **named: Any) -> None:
        global spent
        start = time.perf_counter()
        inner(*arguments, **named)
        spent += time.perf_counter() - start

    setattr(owner, name, outer)


def progress(done: int, total: int, words: str) -> None:
    """Start the clock when the untrained network is measured, and print when the last epoch is over."""
    global began, spent
    if done == 0:
        began, spent = time.perf_counter(), 0.0
    if done == total:
        print(spent, time.perf_counter() - began)


if __name__ == "__main__":
    count_time(KernelRecorder, "_record")
    count_time(_Checkpointer, "on_epoch_end")
    generate(sys.argv[1], ExperimentConfig(), force=False, say=print)
    train(sys.argv[1], ExperimentConfig(), force=False, debug=False, say=print, progress=progress)
