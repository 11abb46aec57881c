"""How far something is and how long it will take: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

SECONDS_BETWEEN_LINES = 2.0


class ProgressLines:
    """Called with (done, total, words); writes to stderr. Use as a context manager."""

    def __init__(self, unit: str, quiet: bool) -> None:
        self._unit, self._quiet = unit, quiet
        self._began: tuple[float, int] | None = None  # when the first unit was done, and how many were
        self._last_line = 0.0
        self._bar: Progress | None = None

    def __enter__(self) -> "ProgressLines":
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self._bar = bar = Progress(
                TextColumn("{task.fields[place]}"),
                BarColumn(),
                TextColumn("{task.fields[left]}"),
                TimeElapsedColumn(),
                TextColumn("{task.description}"),
                console=Console(stderr=True),
            )
            bar.start()
            self._task = bar.add_task("", total=None, place=self._unit, left="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int, words: str) -> None:
        now = time.monotonic()
        if self._began is None or done == 0:
            self._began = (now, done)
        began, before = self._began
        left = ""
        if before < done < total:
            left = f"{_duration((now - began) / (done - before) * (total - done))} left"
        place = f"{self._unit} {done}/{total}"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, description=words, place=place, left=left)
        elif not self._quiet and (done == total or now - self._last_line >= SECONDS_BETWEEN_LINES):
            self._last_line = now
            print(", ".join(part for part in (place, words, left) if part), file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
