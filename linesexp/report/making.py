"""From a recorded run to analysis.json, figures, GIFs and the page; each made once and kept.

A file is current as long as the run's files, and the code that made it, are the ones it was made
from; `make` leaves current files alone.
"""

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import linesexp
from linesexp.evidence.measuring import analyse
from linesexp.kernels.analysis import analysis_json
from linesexp.report import figures
from linesexp.report.page import page_of
from linesexp.room import check_room_to_report
from linesexp.run import Run
from linesexp.runs.folder import DamagedFile
from linesexp.views.style import png_bytes

STAGE = "report"
NEEDS = ("config.json", "dataset.npz", "history.csv")
MADE_FROM_PREFIXES = (*NEEDS, "layers.json", "kernels/")
Progress = Callable[[int, int, str], None]
Maker = Callable[[Run], bytes]
Makers = Mapping[str, Maker]


def make(
    run: Run,
    *names: str,
    progress: Progress = lambda done, total, words: None,
    by: Makers | None = None,
    needs: Sequence[str] = NEEDS,
) -> list[str]:
    """Make each of these files (keys of `by`, makers(run) unless given) that is not current, and commit it.

    Returns those made. needs: what the run must have. Raises MissingFile without recorded steps, DamagedFile
    where an input is damaged.
    """
    run.require(*needs)
    with run.folder.writing():
        made_from, known = _made_from(run), makers(run) if by is None else by
        manifest = run.folder.manifest()
        run.check(except_for=STAGE)
        damaged = {error.name for error in run.folder.damaged()}
        stale = [
            name
            for name in names
            if name not in manifest or manifest[name].made_from != made_from or name in damaged
        ]
        if stale and by is None:
            check_room_to_report(run.folder, run.config)
        for index, name in enumerate(stale):
            progress(index, len(stale), name)
            run.folder.commit({name: known[name](run)}, STAGE, made_from)
        progress(len(stale), len(stale), "done")
    return stale


def _png(draw: Callable[[Run], Any]) -> Maker:
    """From a function that draws a run, and returns its Axes, to one that makes the file."""
    return lambda run: png_bytes(draw(run))


ALWAYS: dict[str, Maker] = {
    "analysis.json": lambda run: analysis_json(analyse(run)),
    "figures/training.png": _png(figures.training),
    "figures/kernels_before_after.png": _png(figures.before_after),
    "figures/similarity.png": _png(figures.similarity),
    "figures/operators.png": _png(figures.operators),
    "figures/course.png": _png(figures.course),
    "figures/tuning.png": _png(figures.tuning),
    "figures/responses.png": _png(figures.responses),
    "figures/walkthrough.png": _png(figures.walkthrough),
    "gifs/kernels.gif": figures.kernels_film,
    "gifs/responses.gif": figures.responses_film,
}
MEASURES = ("analysis.json", "figures/similarity.png", "figures/kernels_before_after.png")


def makers(run: Run) -> dict[str, Maker]:
    """What a run's report is made of: each file's name and what makes it, in an order that works."""
    deeper: dict[str, Maker] = {}
    for number in range(2, len(run.config.network.filters) + 1):
        deeper["figures/compositions.png"] = _png(figures.compositions)
        deeper[f"figures/conv{number}.png"] = _png(partial(figures.deeper_sheet, layer=f"conv{number}"))
        deeper[f"gifs/conv{number}.gif"] = partial(figures.deeper_film, layer=f"conv{number}")
    return ALWAYS | deeper | {"report.html": lambda run: page_of(run).encode()}


def gifs(run: Run) -> list[str]:
    """The GIFs among these files."""
    return [name for name in makers(run) if name.endswith(".gif")]


def bytes_of(run: Run, name: str) -> bytes:
    """What a file (a key of makers(run)) holds: read where it is current, else made in memory and not kept.

    For what can be shown without a right to write. Raises MissingFile without recorded steps, InputError
    where an input is damaged.
    """
    run.require(*NEEDS)
    manifest = run.folder.manifest()
    if name in manifest and manifest[name].made_from == _made_from(run):
        with contextlib.suppress(DamagedFile):
            return run.folder.read(name)
    return makers(run)[name](run)


def _made_from(run: Run) -> str:
    """Digest of the files of the run and its controls, and of the code, that everything here is made from."""
    digest = hashlib.sha256(_code_digest().encode())
    for of, each in {"": run, **run.controls}.items():
        for name, entry in sorted(each.folder.manifest().items()):
            if name.startswith(MADE_FROM_PREFIXES):
                digest.update(f"{of} {name} {entry.sha256}\n".encode())
    return digest.hexdigest()


@cache
def _code_digest() -> str:
    package = Path(linesexp.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".html", ".css", ".js"):
            digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
