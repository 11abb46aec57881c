"""The engine of `--jobs 1`: all blocks in this process, one after the other, without Dask."""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from linesexp import stopping
from linesexp.study.blocks import Block
from linesexp.study.work import Work, said, train_members

ATTEMPTS = 3  # after which a block is given up


@dataclass(frozen=True)
class Ended:
    """A block that is done, with the bytes of its result, or given up: data is None, and there is a cause."""

    block: Block
    data: bytes | None
    cause: str = ""
    trace: str = ""  # the traceback of the last attempt, where there is one


def train_here(
    blocks: Iterator[Block],
    work: Work = train_members,
    on_epoch: Callable[[Block, int, int], None] = lambda block, done, total: None,
) -> Iterator[Ended]:
    """Each block's end. A block that raises is tried again, and given up after the third time."""
    for block in blocks:
        yield _ended(block, work, on_epoch)


def _ended(block: Block, work: Work, on_epoch: Callable[[Block, int, int], None]) -> Ended:
    cause = trace = ""

    def checked(done: int, total: int) -> None:
        stopping.check()
        on_epoch(block, done, total)

    for _ in range(ATTEMPTS):
        try:
            return Ended(block, work(block, checked))
        except Exception as error:  # whatever it is, the other blocks go on
            stopping.check()  # libraries may turn a signal's exception into one of theirs
            cause, trace = said(error), traceback.format_exc()
    return Ended(block, None, cause, trace)
