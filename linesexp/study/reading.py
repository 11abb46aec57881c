"""Study: what a study's folder holds, read one block at a time."""

import os
from collections.abc import Iterator
from functools import cached_property

from linesexp.errors import InputError
from linesexp.runs.folder import DamagedFile, MissingFile, RunFolder
from linesexp.study.analysis import ANALYSIS, StudyAnalysis, parse_study
from linesexp.study.blocks import Block, BlockResult, parse_result
from linesexp.study.folder import failures_of, is_study, settings_of_study
from linesexp.study.plan import StudySettings, planned
from linesexp.wording import as_argument


def open_study(path: str | os.PathLike[str]) -> "Study":
    """A study that `linesexp study` has begun. Raises MissingFile for other paths."""
    folder = RunFolder(path)
    if not is_study(folder):
        raise MissingFile(f"{folder.path}: no study yet; run `linesexp study {as_argument(folder.path)}` first")
    return Study(folder)


class Study:
    """Typed reading of a study's folder. Iterating gives (Block, BlockResult), one at a time.

    Only the blocks that are done, in the plan's order; every read checks the file first. Raises InputError,
    naming the file and what to do, for what does not hold what it should.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"Study({str(self.folder.path)!r})"

    @cached_property
    def settings(self) -> StudySettings:
        """The conditions' full settings, the seeds, and how they are shared out into blocks."""
        return settings_of_study(self.folder)

    @cached_property
    def plan(self) -> list[Block]:
        """All blocks in their order, done or not."""
        return list(planned(self.settings))

    @cached_property
    def analysis(self) -> StudyAnalysis:
        """What its members say together. Raises MissingFile before `linesexp study` has come to its end."""
        return parse_study(self.folder.read(ANALYSIS), str(self.folder.path / ANALYSIS))

    @property
    def done(self) -> list[Block]:
        """The blocks whose results are there, in the plan's order."""
        names = self.folder.manifest().keys()
        return [block for block in self.plan if block.file in names]

    @property
    def missing(self) -> list[Block]:
        """The blocks that are yet to be trained."""
        names = self.folder.manifest().keys()
        return [block for block in self.plan if block.file not in names]

    @property
    def failed(self) -> dict[str, str]:
        """Block's key → cause, for the blocks that were given up and are not done yet."""
        return failures_of(self.folder)

    def __iter__(self) -> Iterator[tuple[Block, BlockResult]]:
        blocks = self.done
        files = self.folder.read_all(block.file for block in blocks)
        try:
            for block, (name, data) in zip(blocks, files, strict=True):
                yield block, checked_result(block, data, str(self.folder.path / name))
        except DamagedFile as error:
            again = f"`linesexp study {as_argument(self.folder.path)}`"
            raise InputError(f"{error}; {again} makes it again") from None


def checked_result(block: Block, data: bytes, source: str) -> BlockResult:
    """A block's result. Raises InputError, naming the source, if the bytes are not one, or of another block."""
    result = parse_result(data, source)
    if len(result.kernels) != len(block.seeds):
        raise InputError(f"{source}: holds {len(result.kernels)} members instead of {len(block.seeds)}")
    return result
