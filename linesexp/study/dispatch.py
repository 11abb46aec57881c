"""Blocks out to the workers of a cluster and their results back, whatever becomes of single workers."""

import contextlib
import queue
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import distributed
from distributed.scheduler import KilledWorker

from linesexp import stopping
from linesexp.causes import cause_of
from linesexp.environment import versions
from linesexp.study.blocks import Block
from linesexp.study.local import Attempts, Ended
from linesexp.study.work import Work, block_text, outcome, train_members
from linesexp.study.workers import WAIT, Say, Workers, scheduler_gone

POLL = 0.25  # seconds to wait for a block's end before looking at the workers
GATHER_WITHIN = 60.0  # seconds for results to come in
LONGEST_BLOCK = 3600.0  # seconds on one worker, after which a block counts as stuck
LOOK_FOR_STUCK_EVERY = 5.0  # seconds


@dataclass(frozen=True)
class Limits:
    """Where waiting ends, in seconds: without any worker, and for one block on one worker."""

    workers: float = WAIT
    block: float = LONGEST_BLOCK


@dataclass
class _Flying:
    """A block that is out; only_at: workers it may go to, none for any; since: worker → when first seen there.

    Workers are told by their addresses.
    """

    block: Block
    future: distributed.Future
    only_at: list[str]
    since: dict[str, float] = field(default_factory=dict)


def train_on(
    client: distributed.Client,
    blocks: Iterator[Block],
    *,
    study: str,
    ours: bool,
    say: Say,
    limits: Limits | None = None,
    work: Work = train_members,
) -> Iterator[Ended]:
    """Each block's end, in the order in which they come.

    study: what its settings digest to; blocks of other studies on the same scheduler have other keys. ours:
    whether the workers are this process' own. Blocks of a worker that dies go to another. One that raises, or
    is stuck, is tried again, on another worker if there is one, as Attempts says; given up is also one
    whose worker died three times (as often as a running scheduler's allowed-failures say). Only about twice as
    many blocks as there are workers are out at any time. Raises InputError for workers that are refused at the
    start, StudyIncomplete where the scheduler goes away or there is no worker for too long.
    """
    yield from _Dispatch(client, blocks, study, ours, say, limits or Limits(), work).run()


class _Dispatch:
    def __init__(
        self,
        client: distributed.Client,
        blocks: Iterator[Block],
        study: str,
        ours: bool,
        say: Say,
        limits: Limits,
        work: Work,
    ) -> None:
        self._client, self._limits, self._work = client, limits, work
        self._group = f"linesexp-{study}"
        self._versions = versions()
        self._workers = Workers(client, ours=ours, wait=limits.workers, say=say)
        fewer = "fewer --jobs or " if ours else ""
        self._less_memory = f"{fewer}a smaller --block-size needs less"
        self._blocks = blocks
        self._again: deque[Block] = deque()
        self._attempts = Attempts()
        self._failed_at: dict[str, set[str]] = {}  # block's key → workers' addresses
        self._tries: Counter[str] = Counter()  # block's key → how often it was handed out
        self._flying: dict[str, _Flying] = {}
        self._landed: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._looked = time.monotonic()

    def run(self) -> Iterator[Ended]:
        self._workers.wait()
        while True:
            self._fill()
            if not self._flying:
                return
            yield from self._collect(self._landings())
            self._workers.watch()
            self._take_back()
            yield from self._stuck()

    def _take_back(self) -> None:
        """Blocks that wait for workers that are gone; they are handed out anew."""
        for name, flying in list(self._flying.items()):
            if flying.only_at and not self._workers.any_of(flying.only_at):
                del self._flying[name]
                flying.future.release()
                self._again.append(flying.block)

    def _fill(self) -> None:
        """Hand out as many blocks as keep all workers busy, and no more: results that wait take memory."""
        most = 2 * max(self._workers.count, 1) + 1
        for _ in range(most - len(self._flying)):
            block = self._again.popleft() if self._again else next(self._blocks, None)
            if block is None:
                return
            self._hand_out(block)

    def _hand_out(self, block: Block) -> None:
        self._tries[block.key] += 1
        tries = self._tries[block.key]
        # Dask may still be forgetting an earlier try: it gets a name of its own.
        name = block.key if tries == 1 else f"{block.key}#{tries}"
        # Under one name for all, so that Dask sees a large group: those wait at the scheduler, not on a worker.
        key = (self._group, name)
        failed_at = self._failed_at.get(block.key)
        # Dask's allow_other_workers would let a worker on which everything fails at once steal it.
        only_at = self._workers.others(failed_at) if failed_at else []
        where = {"workers": only_at} if only_at else {}
        future = self._client.submit(
            _on_worker, self._work, block_text(block), self._versions, key=key, pure=False, **where
        )
        self._flying[name] = _Flying(block, future, only_at)
        self._listen(name)

    def _listen(self, name: str) -> None:
        self._flying[name].future.add_done_callback(lambda future: self._landed.put(name))

    def _landings(self) -> list[str]:
        """Names of all that has ended; waits a moment for the first."""
        stopping.check()
        found = []
        try:
            found.append(self._landed.get(timeout=POLL))
            while len(found) < len(self._flying):
                found.append(self._landed.get_nowait())
        except queue.Empty:
            pass
        return [name for name in dict.fromkeys(found) if name in self._flying]

    def _collect(self, names: list[str]) -> Iterator[Ended]:
        done = {name: self._flying[name].future for name in names}
        if any(future.status == "cancelled" for future in done.values()):
            raise scheduler_gone()
        finished = {name: future for name, future in done.items() if future.status == "finished"}
        try:
            found = self._gather(finished) if finished else {}
        except (OSError, TimeoutError):  # a worker died with them: they are made anew
            found = {}
        for name, future in done.items():
            if found.get(name) is not None:
                yield from self._ended(self._flying.pop(name).block, found[name])
            elif future.status == "error":
                error = future.exception(timeout=GATHER_WITHIN)
                yield from self._erred(self._flying.pop(name).block, error)
            else:
                self._listen(name)

    def _gather(self, futures: dict[str, distributed.Future]) -> dict[str, Any]:
        gather = partial(self._client.gather, futures, errors="skip", asynchronous=True)
        return self._workers.ask(gather, GATHER_WITHIN)

    def _ended(self, block: Block, found: dict[str, Any]) -> Iterator[Ended]:
        if "data" in found:
            yield Ended(block, found["data"], found["convolution"])
        elif "versions" in found:  # one that joined a moment ago
            wrong = self._workers.differences(found["versions"])
            self._workers.refuse(found["worker"], f"worker {found['worker']} has {wrong}")
            self._again.append(block)
        else:
            worker, failed_at = found.pop("worker"), self._failed_at.setdefault(block.key, set())
            if worker in failed_at and self._workers.others(failed_at):
                found["deterministic"] = False  # another worker, which has joined meanwhile, may do better
            failed_at.add(worker)
            yield self._failed(block, **found)

    def _erred(self, block: Block, error: BaseException) -> Iterator[Ended]:
        """A block that Dask itself could not run."""
        if isinstance(error, KilledWorker):
            yield Ended(block, None, cause=self._cause_of_death(error))
        else:
            self._workers.watch()
            yield self._failed(block, cause_of(error))

    def _failed(self, block: Block, cause: str, trace: str = "", deterministic: bool = False) -> Ended:
        ended = self._attempts.failed(block, cause, trace, deterministic)
        if ended.again:
            self._again.append(block)
        return ended

    def _cause_of_death(self, error: KilledWorker) -> str:
        """Why a block's worker died each time: what is known of it, and what it most likely was."""
        address, times = error.last_worker.address, error.allowed_failures + 1
        try:
            events = self._workers.ask(self._workers.scheduler.events, topic="worker-restart-memory")
        except (OSError, TimeoutError):
            events = ()
        for _, event in events or ():
            if event.get("worker") == address:
                return (
                    f"its worker was killed {times} times; the last one needed more memory than a worker may "
                    f"take ({event.get('rss', 0) / 1e6:.0f} MB, see --memory-limit); {self._less_memory}"
                )
        return (
            f"its worker died {times} times, the last one at {address}, most likely for want of memory; "
            f"{self._less_memory}"
        )

    def _stuck(self) -> Iterator[Ended]:
        """Restart the workers of blocks that take too long."""
        now = time.monotonic()
        if now - self._looked < min(LOOK_FOR_STUCK_EVERY, self._limits.block):
            return
        self._looked = now
        try:
            processing = self._workers.ask(self._workers.scheduler.processing)
        except (OSError, TimeoutError):
            return
        for address, keys in processing.items():
            for group, name in (key for key in keys if isinstance(key, tuple) and len(key) == 2):
                if group != self._group or name not in self._flying:
                    continue
                flying = self._flying[name]
                if now - flying.since.setdefault(address, now) > self._limits.block:
                    del self._flying[name]
                    flying.future.release()
                    with contextlib.suppress(OSError, TimeoutError, ValueError):  # it may be gone by now
                        self._client.restart_workers([address], timeout=20, raise_for_error=False)
                    cause = f"took longer than {self._limits.block:g} s (see --block-limit)"
                    yield self._failed(flying.block, cause)


def _on_worker(work: Work, text: str, wanted: dict[str, str]) -> dict[str, Any]:
    return outcome(work, text, wanted) | {"worker": distributed.get_worker().address}
