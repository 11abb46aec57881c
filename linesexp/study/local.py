"""The engine of `--jobs 1`: all blocks in this process, one after the other, without Dask."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from linesexp import stopping
from linesexp.study.blocks import Block
from linesexp.study.work import Work, convolution_of, failure, train_members

ATTEMPTS = 3  # after which a block is given up
CONFIRMED = 2  # deterministic failures of a block, after which no block is worth trying


@dataclass(frozen=True)
class Ended:
    """A block that is done, with the bytes of its result, or that failed: data is None, and there is a cause.

    convolution: how its members were convolved, if that is known. trace: the traceback, where there is one.
    again: whether it will be tried again. deterministic: whether it should fail like this wherever it is tried;
    of one that is given up, whether it did.
    """

    block: Block
    data: bytes | None
    convolution: str = ""
    cause: str = ""
    trace: str = ""
    again: bool = False
    deterministic: bool = False


class Attempts:
    """Counts how often each block failed, by its key."""

    def __init__(self) -> None:
        self._all: Counter[str] = Counter()
        self._deterministic: Counter[str] = Counter()

    def failed(self, block: Block, cause: str, trace: str = "", deterministic: bool = False) -> Ended:
        """Note that a block failed; whether it is tried again."""
        self._all[block.key] += 1
        self._deterministic[block.key] += deterministic
        confirmed = self._deterministic[block.key] >= CONFIRMED
        again = not confirmed and self._all[block.key] < ATTEMPTS
        return Ended(block, None, "", cause, trace, again, deterministic if again else confirmed)


def train_here(
    blocks: Iterator[Block],
    work: Work = train_members,
    on_epoch: Callable[[Block, int, int], None] = lambda block, done, total: None,
) -> Iterator[Ended]:
    """Each block's end, and each failure before it. A block that raises is tried again, as Attempts says."""
    attempts = Attempts()
    for block in blocks:
        ended = _attempt(block, work, on_epoch, attempts)
        while ended.again:
            yield ended
            ended = _attempt(block, work, on_epoch, attempts)
        yield ended


def _attempt(
    block: Block, work: Work, on_epoch: Callable[[Block, int, int], None], attempts: Attempts
) -> Ended:
    def checked(done: int, total: int) -> None:
        stopping.check()
        on_epoch(block, done, total)

    try:
        return Ended(block, work(block, checked), convolution_of(block))
    except Exception as error:  # whatever it is, the study must hear of it
        stopping.check()  # libraries may turn a signal's exception into one of theirs
        return attempts.failed(block, **failure(error))
