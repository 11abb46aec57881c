"""Gif: an animation that a notebook shows where it stands."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from linesexp.errors import InputError
from linesexp.report.making import bytes_of, gifs
from linesexp.run import Run
from linesexp.runs.atomic import write_atomically
from linesexp.views.inline import gif_html
from linesexp.views.style import step_name
from linesexp.wording import nearest


@dataclass(frozen=True)
class Gif:
    """A GIF: its bytes, and what it shows in words, for those who cannot see it.

    Ending a notebook's cell, it is shown; with reduced motion asked for, its first frame stands still.
    """

    data: bytes = field(repr=False)
    words: str

    def __bytes__(self) -> bytes:
        return self.data

    def _repr_html_(self) -> str:
        return gif_html(self.data, self.words)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file, and return where it is. Raises StorageError where the disk refuses."""
        write_atomically(Path(path), self.data)
        return Path(path)


def gif_of(run: Run, name: str) -> Gif:
    """The GIF `kernels`, `responses` or `conv2` … of a run: the current one in its folder, or made in memory.

    Raises InputError for another name, MissingFile for a run without recorded steps and log.
    """
    names = {Path(file).stem: file for file in gifs(run)}
    if name not in names:
        raise InputError(f"{name!r}: no GIF of a run{nearest(name, names)}")
    data = bytes_of(run, names[name])
    kernels, steps = run.kernels.shape, run.history.steps
    shown = {
        "kernels": f"{kernels[1]} kernels of {kernels[2]}×{kernels[3]} weights in the first layer",
        "responses": "responses of two kernels of the first layer to two test pictures",
    }.get(name, f"the kernels of {name}, all channels")
    return Gif(data, f"{shown}, {step_name(steps[0])} to {step_name(steps[-1])}")
