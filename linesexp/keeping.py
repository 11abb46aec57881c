"""Commit what a training records, seldom enough to cost next to nothing and often enough to lose little."""

import json
import time
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from linesexp.errors import InputError
from linesexp.runs.folder import RunFolder
from linesexp.runs.formats import csv_bytes, parse_tensors, tensors_bytes
from linesexp.runs.steps import STAGE, step_bytes, step_name
from linesexp.runs.waiting import forget_waiting, keep_waiting

if TYPE_CHECKING:
    from linesexp.learning.training import Checkpoint

CHECKPOINT = "checkpoint.safetensors"
SPACING = 40.0  # a commit may take a fortieth of the time until the next
MOST_WAITING = 16_000_000  # bytes beyond which nothing waits


class _About(msgspec.Struct):
    """What a checkpoint says beside its tensors."""

    epoch: Annotated[int, msgspec.Meta(ge=1)]
    recorded: Annotated[int, msgspec.Meta(ge=1)]
    history: list[dict[str, int | float | None]]  # int: an epoch is written as it was


def kept_checkpoint(folder: RunFolder) -> tuple[int, int, list[dict[str, float | None]], dict[str, np.ndarray]]:
    """(epoch, recorded, history, tensors) of a run's checkpoint. Raises InputError for something else."""
    path = str(folder.path / CHECKPOINT)
    tensors, about = parse_tensors(folder.read(CHECKPOINT), path)
    try:
        kept = msgspec.convert(about, _About)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: not a checkpoint ({error}); --force trains anew") from None
    if len(kept.history) != kept.epoch + 1 or any(row.keys() != kept.history[0].keys() for row in kept.history):
        raise InputError(f"{path}: its log is not one of {kept.epoch} epochs; --force trains anew")
    return kept.epoch, kept.recorded, kept.history, tensors


class _Log:
    """A training's log as it grows, as CSV and as JSON: each row is written out once."""

    def __init__(self) -> None:
        self._known: list[dict[str, float | None]] = []
        self._table = bytearray()
        self._rows: list[str] = []

    def follow(self, history: list[dict[str, float | None]]) -> None:
        """Take in the rows that have come."""
        for row in history[len(self._known) :]:
            table = csv_bytes([row])
            self._table += table if not self._known else table.partition(b"\n")[2]
            self._rows.append(json.dumps(row))
            self._known.append(row)

    def csv(self) -> bytes:
        """As csv_bytes gives it."""
        return bytes(self._table)

    def json(self) -> str:
        """As json.dumps gives it."""
        return f"[{', '.join(self._rows)}]"


class Keeper:
    """Takes recorded steps and checkpoints, and commits them together once enough time has passed.

    What waits for that is kept after each epoch so that a kill takes away one epoch at most, and a power cut
    what was not committed: it is trained again.
    """

    def __init__(self, folder: RunFolder, recorded: int) -> None:
        self._folder, self._recorded = folder, recorded
        self._files: dict[str, bytes] = {}
        self._log = _Log()
        self._due = 0.0  # on the clock of time.perf_counter

    def record(self, step: float, weights: dict[str, np.ndarray]) -> None:
        """Keep one recorded step; `step` is the number of epochs done."""
        self._files[step_name(self._recorded)] = step_bytes(step, weights)
        self._recorded += 1
        self._commit_if_due()

    def log(self, history: list[dict[str, float | None]]) -> None:
        """Keep the log alone, as of the untrained network."""
        self._log.follow(history)
        self._files["history.csv"] = self._log.csv()
        self._commit_if_due()

    def save(self, checkpoint: "Checkpoint") -> None:
        """Keep the state after an epoch, and its log."""
        self._log.follow(checkpoint.history)
        about = {"epoch": checkpoint.epoch, "recorded": checkpoint.recorded}
        self._files[CHECKPOINT] = tensors_bytes(checkpoint.tensors, about, {"history": self._log.json()})
        self._files["history.csv"] = self._log.csv()
        self._commit_if_due()
        if self._files:
            keep_waiting(self._folder, self._files, STAGE)

    def commit(self) -> None:
        """Commit whatever waits."""
        if not self._files:
            return
        began = time.perf_counter()
        self._folder.commit(self._files, STAGE)
        self._files = {}
        forget_waiting(self._folder)
        ended = time.perf_counter()
        self._due = ended + SPACING * (ended - began)

    def _commit_if_due(self) -> None:
        waiting = sum(len(data) for data in self._files.values())
        if time.perf_counter() >= self._due or waiting > MOST_WAITING:
            self.commit()
