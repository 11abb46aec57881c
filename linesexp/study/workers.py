"""The workers of a cluster: whether any is there, and whether they compute what this process would."""

import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import Any

import distributed

from linesexp import stopping
from linesexp.environment import differing, versions
from linesexp.errors import InputError, StudyIncomplete

ANSWER_WITHIN = 10.0  # seconds for the scheduler or a worker to answer a question
SILENT = 30.0  # seconds without any answer, after which the scheduler counts as gone
LOOK_EVERY = 1.0  # seconds
WAIT = 300.0  # seconds without any worker, after which a study stops
Say = Callable[[str], None]


class Workers:
    """Watches a cluster's workers. Those with other versions, or several threads, are refused.

    At the start that is an error; one that joins later is sent away, so that it cannot take any blocks.
    """

    def __init__(self, client: distributed.Client, *, ours: bool, wait: float = WAIT, say: Say) -> None:
        """ours: whether this process started them, from its own installation; wait: seconds without any."""
        self._client, self._ours, self._wait, self._say = client, ours, wait, say
        self.scheduler: Any = client.scheduler
        self._versions = versions()
        self._accepted: set[str] = set()
        self._refused: set[str] = set()
        self._began = False
        self._looked = self._seen = time.monotonic()  # when last; when the last worker was there
        self._silent_since: float | None = None

    @property
    def count(self) -> int:
        """How many there are, refused ones not counted."""
        return len(self._accepted)

    def others(self, than: set[str]) -> list[str]:
        """Addresses of all but these, refused ones left out."""
        return sorted(self._accepted - than)

    def any_of(self, addresses: list[str]) -> bool:
        """Whether one of them is still there."""
        return not self._accepted.isdisjoint(addresses)

    def wait(self) -> None:
        """Return when there is one. Raises as `watch` does."""
        self._look()
        while not self._accepted:
            time.sleep(0.1)
            self._look()
        self._began = True

    def watch(self) -> None:
        """Look at them again, if it is time to.

        Raises InputError for workers with other versions at the start, StudyIncomplete where the scheduler is
        gone or there has been no worker for too long.
        """
        if time.monotonic() - self._looked >= LOOK_EVERY:
            self._look()

    def ask(self, question: Callable[..., Any], within: float = ANSWER_WITHIN, **how: Any) -> Any:
        """The answer to a coroutine function of the client's. Raises TimeoutError after so many seconds."""
        return self._client.sync(question, callback_timeout=within, **how)

    def refuse(self, address: str, why: str) -> None:
        """Send a worker away, which is said once; it ends, and its blocks go to others."""
        self._accepted.discard(address)
        if address not in self._refused:
            self._say(f"{why}: refused")
        self._refused.add(address)
        try:
            self.ask(self.scheduler.retire_workers, workers=[address], close_workers=True)
        except (OSError, TimeoutError):  # what it hands back is refused all the same
            return

    def _look(self) -> None:
        stopping.check()
        self._looked = time.monotonic()
        threads = self._threads()
        self._accepted &= threads.keys()
        found = self._check({address: threads[address] for address in threads.keys() - self._accepted})
        if found and not self._began:
            more = f" (and {len(found) - 1} more like it)" if len(found) > 1 else ""
            raise InputError(f"{min(found.values())}{more}")
        for address, why in found.items():
            self.refuse(address, why)
        if self._accepted:
            self._seen = self._looked
        elif self._looked - self._seen > self._wait:
            remedy = "" if self._ours else f"; `dask worker {self.scheduler.address} --nthreads 1` starts one"
            raise StudyIncomplete(f"no worker for {self._wait:g} s (see --wait-for-workers){remedy}")

    def _threads(self) -> dict[str, int]:
        """address → threads, of all workers that take blocks now: one short of memory may not."""
        if self._client.status not in ("running", "connecting"):
            raise scheduler_gone()
        try:
            threads = self.ask(self.scheduler.ncores_running)
        except (OSError, TimeoutError):
            self._silent_since = self._silent_since or self._looked
            if time.monotonic() - self._silent_since >= SILENT:
                raise scheduler_gone() from None
            return dict.fromkeys(self._accepted, 1)
        self._silent_since = None
        return threads

    def _check(self, fresh: dict[str, int]) -> dict[str, str]:
        """address → what is wrong, for each new worker that is refused; accepts the others.

        One that does not answer is asked again next time.
        """
        if self._ours:
            self._accepted |= fresh.keys()
            return {}
        wrong = {
            address: f"worker {address} has {threads} threads; start it with --nthreads 1, and more of them "
            "with --nworkers"
            for address, threads in fresh.items()
            if threads != 1
        }
        asked = [address for address in fresh if address not in wrong]
        # A function of Python's own first: a worker without linesexp cannot be asked with one of ours.
        theirs = self._each(asked, metadata.version, "linesexp")
        for address, version in theirs.items():
            if version != self._versions["linesexp"]:
                found = version if isinstance(version, str) else "missing"
                wrong[address] = f"worker {address} has linesexp {found} (here {self._versions['linesexp']})"
        for address, all_versions in self._each([a for a in theirs if a not in wrong], versions).items():
            if differing := self.differences(all_versions):
                wrong[address] = f"worker {address} has {differing}"
            else:
                self._accepted.add(address)
        return wrong

    def differences(self, theirs: Any) -> str:
        """What a worker has otherwise than this process, both named; nothing if all is the same."""
        theirs = theirs if isinstance(theirs, dict) else {}
        return ", ".join(
            f"{name} {theirs.get(name, 'missing')} (here {self._versions.get(name, 'missing')})"
            for name in differing(theirs, self._versions)
        )

    def _each(self, addresses: list[str], function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """address → what the function returns there, or the error that it raises."""
        if not addresses:
            return {}
        run = partial(self._client.run, function, *arguments, workers=addresses)
        try:
            return self.ask(partial(run, on_error="return", asynchronous=True))
        except (OSError, TimeoutError, ValueError):  # one of them went away meanwhile
            return {}


def scheduler_gone() -> StudyIncomplete:
    """The error for a scheduler that was there and is not any more."""
    return StudyIncomplete("the scheduler is gone or does not answer any more")
