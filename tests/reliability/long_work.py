"""A long training, watched: memory, processor time and open files after every epoch.

    python tests/reliability/long_work.py train|record|study FOLDER EPOCHS

trains a generated run, or somebody's own model with a KernelRecorder into FOLDER ("": with none), or a study of
as many members of one epoch each, in this process. It prints one JSON object of lists with an entry for each
epoch, or for each block of a study: {"megabytes": [resident], "files": [open], "writing": [open in FOLDER, of
which a thread may hold some at any moment], "seconds": [of the processor, in this epoch]}.

To watch other work, add a function to WORK that calls `watch()` regularly.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

BLOCK = 4  # members of a study trained side by side


class Watch:
    """What every call finds."""

    def __init__(self, folder: str) -> None:
        self.found: dict[str, list[float]] = {"megabytes": [], "files": [], "writing": [], "seconds": []}
        self._folder = str(Path(folder).resolve()) if folder else ""
        self._last = time.process_time()

    def __call__(self) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        now = time.process_time()
        self.found["megabytes"].append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
        opened = list(open_files())
        writing = sum(bool(self._folder) and file.startswith(self._folder) for file in opened)
        self.found["files"].append(len(opened) - writing)
        self.found["writing"].append(writing)
        self.found["seconds"].append(now - self._last)
        self._last = now


def open_files() -> Iterator[str]:
    """Names of this process's open files; what is closed while it looks is left out."""
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            yield os.readlink(f"/proc/self/fd/{descriptor}")


def each_once(watch: Watch) -> Callable[[int, int, str], None]:
    """Progress that watches when one more is done, and not when something else is said."""
    last = 0

    def progress(done: int, total: int, words: str) -> None:
        nonlocal last
        if done > last:
            watch()
        last = done

    return progress


def train(folder: str, epochs: int, watch: Watch) -> None:
    from linesexp.stages import train as train_run

    train_run(folder, epochs=epochs, say=lambda words: None, progress=each_once(watch))


def record(folder: str, epochs: int, watch: Watch) -> None:
    from linesexp.learning.backend import quiet_import

    with quiet_import():
        import keras
        import numpy as np

        from linesexp import KernelRecorder

    class Each(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            watch()

    parts = [keras.layers.Conv2D(4, 5), keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((12, 12, 1)), *parts])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    pictures = np.random.default_rng(0).random((32, 12, 12, 1), dtype=np.float32)
    callbacks = [*([KernelRecorder(folder)] if folder else []), Each()]
    model.fit(pictures, np.arange(32) % 2, batch_size=16, epochs=epochs, verbose=0, callbacks=callbacks)


def study(folder: str, members: int, watch: Watch) -> None:
    from linesexp.config import build_config
    from linesexp.study.conditions import chosen_conditions
    from linesexp.study.engine import train_study
    from linesexp.study.local import train_here
    from linesexp.study.plan import StudySettings

    images = {"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 30}
    network = {"filters": (2,), "kernel_sizes": (3,)}
    small = build_config({"images": images, "network": network, "training": {"epochs": 1}})
    conditions = chosen_conditions(["default"], small, {})
    ended = train_study(
        folder,
        StudySettings.of(small, conditions, range(members), [0], BLOCK),
        lambda blocks, count, on_epoch: train_here(blocks, on_epoch=on_epoch),
        say=lambda words: None,
        progress=each_once(watch),
    )
    assert ended.trained_members == members


WORK: dict[str, Callable[[str, int, Watch], None]] = {"train": train, "record": record, "study": study}

if __name__ == "__main__":
    watching = Watch(sys.argv[2])
    WORK[sys.argv[1]](sys.argv[2], int(sys.argv[3]), watching)
    print(json.dumps(watching.found))
