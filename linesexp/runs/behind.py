"""Commit recorded steps behind a training's back, so that it does not wait for the disk."""

import threading
import time
from collections.abc import Callable, Mapping

import numpy as np

from linesexp.errors import FolderBusy, StorageError
from linesexp.runs.folder import RunFolder
from linesexp.runs.steps import Step, StepWriter, step_name

PATIENCE_S = 60.0  # for another process that writes into the folder: a report, say
LINGER_S = 60.0  # for the next step: each new thread takes memory of its own, which the C library keeps
LOOK_S = 0.2  # how often a thread that has nothing to do looks whether Python ends
MOST_WAITING = 16_000_000  # bytes of weights, beyond which a training waits after all


class StepsBehind:
    """Commits steps in their order in a thread of its own, as many at once as have come meanwhile.

    The folder's lock is held while something is written. The thread ends with `finish`, some time after the
    last step, or as Python ends, which waits until all is written. Memory is bounded: at most MOST_WAITING
    bytes, or a single step, wait, and as many again are being written.
    """

    def __init__(self, run: RunFolder, beside: Callable[[], Mapping[str, bytes]] = dict) -> None:
        """beside: as for StepWriter."""
        self._run = run
        self._writer = StepWriter(run, beside=beside)
        self._waiting: list[Step] = []
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._finishing = False
        self._changed = threading.Condition()

    def save(self, step: float, weights: dict[str, np.ndarray]) -> None:
        """Take one step; the arrays must be its own. Raises what went wrong with an earlier one, once."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting or self._size(weights) <= MOST_WAITING)
            self._raise()
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="linesexp recording")
                thread.start()  # where it cannot be started, nobody may wait for it
                self._thread = thread
            self._waiting.append((step, weights))
            self._changed.notify_all()

    def finish(self) -> None:
        """Wait until everything is committed. Raises what went wrong, once."""
        with self._changed:
            self._finishing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._thread is None)
            self._finishing = False
            self._raise()

    def _size(self, more: dict[str, np.ndarray]) -> int:
        """Bytes that wait, if these came to them."""
        all_of_them = [more, *(weights for _, weights in self._waiting)]
        return sum(value.nbytes for weights in all_of_them for value in weights.values())

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _work(self) -> None:
        try:
            while steps := self._next():
                with self._run.writing(patience_s=PATIENCE_S):
                    self._commit(steps)
        except BaseException as error:  # whatever it is, the training must hear of it
            with self._changed:
                self._error, self._waiting, self._thread = error, [], None
                self._changed.notify_all()

    def _commit(self, steps: list[Step]) -> None:
        self._refuse_others()
        try:
            self._writer.save_all(steps)
        except StorageError:  # one after the other, as many as the disk still takes
            for step in steps:
                self._writer.save(*step)

    def _refuse_others(self) -> None:
        """Raise FolderBusy where the folder's steps are no more those that were written here."""
        digests = {
            name: entry.sha256 for name, entry in self._run.manifest().items() if name.startswith("kernels/")
        }
        if self._writer.recorded and not digests:
            raise FolderBusy(f"{self._run.path}: was removed, or renamed, while it was recorded into")
        last = digests.get(step_name(self._writer.recorded - 1))
        if len(digests) != self._writer.recorded or (self._writer.recorded and last != self._writer.last):
            raise FolderBusy(f"{self._run.path}: another recording is written there")

    def _next(self) -> list[Step]:
        """All that waits, or will soon; nothing, at which the thread ends."""
        given_up = time.monotonic() + LINGER_S
        with self._changed:
            while not (self._waiting or self._finishing or time.monotonic() > given_up):
                if not threading.main_thread().is_alive():
                    break
                self._changed.wait(LOOK_S)
            steps, self._waiting = self._waiting, []
            if not steps:
                self._thread = None
            self._changed.notify_all()
            return steps
