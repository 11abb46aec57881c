"""Train a study: whatever of it is missing, by an engine of choice, every result committed as it comes."""

import contextlib
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Container, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace

from linesexp.environment import BACKENDS, check_backend, versions
from linesexp.errors import StorageError, StudyIncomplete
from linesexp.images.dataset import make_dataset
from linesexp.runs.folder import RunFolder
from linesexp.study.blocks import Block
from linesexp.study.folder import (
    ResultKeeper,
    Say,
    begin,
    failures_of,
    has_blocks,
    is_study,
    refuse_other_folder,
)
from linesexp.study.local import Ended
from linesexp.study.plan import StudySettings, planned
from linesexp.wording import counted

Progress = Callable[[int, int, str], None]  # blocks done, blocks in all, a few words on how it stands
# Called with the blocks, their number, and what an engine in this process tells of epochs: block, done, of all.
Engine = Callable[[Iterator[Block], int, Callable[[Block, int, int], None]], Generator[Ended]]


@dataclass
class Trained:
    """What came of it: members and blocks in all, blocks that are done by now, and what this call trained.

    failed: block's key → cause.
    """

    members: int
    blocks: int
    done_blocks: int = 0
    trained_members: int = 0
    trained_blocks: int = 0
    seconds: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def members_a_minute(self) -> float | None:
        """How fast; None if nothing was trained."""
        return 60 * self.trained_members / self.seconds if self.trained_members else None


def train_study(
    path: str | os.PathLike[str],
    settings: StudySettings,
    engine: Engine,
    *,
    say: Say,
    progress: Progress,
    force: bool = False,
    debug: bool = False,
) -> Trained:
    """Train what a study's folder lacks; goes on where an earlier call was stopped, by whatever means.

    engine: called with the missing blocks, if there are any. progress: called with the blocks
    done, the blocks in all, and a few words. force: keep a study that is there under another name and begin
    anew. Raises what `begin` raises, InputError where pictures cannot be drawn, StorageError, and what the
    engine raises; what is done by then is kept.
    """
    check_backend()
    folder = RunFolder(path)
    if not (force and is_study(folder)):
        refuse_other_folder(folder)
    if force or not has_blocks(folder):
        _check_pictures(settings)  # before anything is moved or made
    if force and folder.exists():
        with folder.writing():
            say(f"{folder.path} was kept as {folder.move_aside()}")
    with folder.writing():
        settings = begin(folder, settings, say)
        return _train(folder, settings, engine, say, progress, debug)


def _train(
    folder: RunFolder, settings: StudySettings, engine: Engine, say: Say, progress: Progress, debug: bool
) -> Trained:
    trained = Trained(settings.members, settings.blocks)
    names = folder.manifest().keys()
    there = trained.done_blocks = sum(block.file in names for block in planned(settings))
    if there == settings.blocks:
        return trained
    if (backend := versions()["backend"]) != BACKENDS[0]:
        say(f"Keras' backend is {backend}; {BACKENDS[0]} is the quick one for studies")
    keeper, began, done = ResultKeeper(folder), time.perf_counter(), there
    progress(there, settings.blocks, "starting")
    missing = _missing(settings, names, failures_of(folder))

    def on_epoch(block: Block, epoch: int, epochs: int) -> None:
        progress(done, settings.blocks, f"{block.key}: epoch {epoch} of {epochs}")

    failures = _Failures(say, debug)
    try:
        with contextlib.closing(engine(missing, settings.blocks - there, on_epoch)) as ends:
            for ended in ends:
                if ended.data is None:
                    failures.tell(ended)
                    if ended.again:
                        continue
                    failures.given_up(ended)
                    keeper.give_up(ended.block, ended.cause)
                    trained.failed[ended.block.key] = ended.cause
                    if ended.deterministic:
                        again = "it failed twice, and would again, so the study stops here"
                        raise StudyIncomplete(f"{ended.block.key}: {ended.cause}; {again}")
                    continue
                failures.tell_of_a_try_before(ended.block)
                keeper.keep(ended.block, ended.data, ended.convolution)
                if debug and ended.convolution:
                    say(f"{ended.block.key}: members convolved {ended.convolution}")
                done += 1
                trained.done_blocks = done
                trained.trained_blocks += 1
                trained.trained_members += len(ended.block.seeds)
                trained.seconds = time.perf_counter() - began
                progress(done, settings.blocks, f"{trained.members_a_minute:.3g} members a minute")
    except StorageError:
        raise
    except StudyIncomplete as error:
        keeper.commit()
        failures.count()
        left = f"{done} of {settings.blocks} blocks are done, and the same command goes on from there"
        raise StudyIncomplete(f"{error}; {left}") from None
    except BaseException:  # stopped: what waits is whole
        keeper.commit()
        raise
    keeper.commit()
    failures.count()
    return trained


class _Failures:
    """Says why blocks fail, each cause once, and at the end how many more failed for it."""

    def __init__(self, say: Say, debug: bool) -> None:
        self._say, self._debug = say, debug
        self._first: dict[str, str] = {}  # a cause, its numbers left out → the block that it was said of
        self._more: Counter[str] = Counter()  # the same → how many other blocks were given up
        self._waiting: dict[str, Ended] = {}  # block's key → a failure that its second try may confirm

    def tell(self, ended: Ended) -> None:
        """Of a failure; of a deterministic one only once it is known that it is not its worker's."""
        key, cause = ended.block.key, _without_numbers(ended.cause)
        if ended.deterministic:
            if ended.again:
                self._waiting[key] = ended
            elif self._debug:
                self._say(ended.trace)
        elif cause not in self._first:
            self._first[cause] = key
            self._say(f"{key}: {ended.cause}; tried again" if ended.again else f"{key} failed: {ended.cause}")
            if self._debug and ended.trace:
                self._say(ended.trace)
        elif not ended.again:
            if self._first[cause] == key:
                self._say(f"{key} failed again and is given up")
            else:
                self._more[cause] += 1

    def tell_of_a_try_before(self, block: Block) -> None:
        """That a block, which is done now, failed on another worker, or by chance."""
        if failure := self._waiting.pop(block.key, None):
            self.tell(replace(failure, deterministic=False))

    def given_up(self, ended: Ended) -> None:
        """A block's last try says why, for those that wait with the same cause too."""
        cause = _without_numbers(ended.cause)
        self._waiting = {
            key: failure
            for key, failure in self._waiting.items()
            if key != ended.block.key and _without_numbers(failure.cause) != cause
        }

    def count(self) -> None:
        """Say what waits to be confirmed, and how many more blocks each cause took."""
        for failure in list(self._waiting.values()):
            self.tell_of_a_try_before(failure.block)
        for cause, count in self._more.items():
            self._say(f"{counted(count, 'more block')} failed with the cause given for {self._first[cause]}")


def _without_numbers(cause: str) -> str:
    """Two causes that differ in numbers alone are one."""
    return re.sub(r"\d+", "#", cause)


def _missing(settings: StudySettings, names: Container[str], failed: Iterable[str]) -> Iterator[Block]:
    """Blocks without a result; last those of conditions in which one failed, as one more may end it all."""
    doubtful = {key.rsplit("/", 2)[0] for key in failed}
    for last in (False, True):
        yield from (
            block
            for block in planned(settings)
            if block.file not in names and (block.condition in doubtful) is last
        )


def _check_pictures(settings: StudySettings) -> None:
    """Raise InputError for a condition whose pictures cannot be drawn, before many workers find that out."""
    for images in {config.images for config in settings.conditions.values()}:
        make_dataset(images)
