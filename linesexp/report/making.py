"""From a recorded run to analysis.json, figures, GIFs and the page; each made once and kept.

A file is current as long as the run's files, and the code that made it, are the ones it was made
from; `make` leaves current files alone.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import linesexp
from linesexp.evidence.measuring import analyse
from linesexp.kernels.analysis import analysis_json
from linesexp.report import figures
from linesexp.report.page import page_of
from linesexp.run import Run

STAGE = "report"
NEEDS = ("config.json", "dataset.npz", "history.csv")
MADE_FROM_PREFIXES = (*NEEDS, "layers.json", "kernels/")
Progress = Callable[[int, int, str], None]
Makers = Mapping[str, Callable[[Run], bytes]]


def make(
    run: Run,
    *names: str,
    progress: Progress = lambda done, total, words: None,
    makers: Makers | None = None,
    needs: Sequence[str] = NEEDS,
) -> list[str]:
    """Make each of these files (keys of `makers`, MAKERS unless given) that is not current, and commit it.

    Returns those made. needs: what the run must have. Raises MissingFile without recorded steps, DamagedFile
    where an input is damaged.
    """
    run.require(*needs)
    makers = MAKERS if makers is None else makers
    with run.folder.writing():
        made_from = _made_from(run)
        manifest = run.folder.manifest()
        run.check(except_for=STAGE)
        damaged = {error.name for error in run.folder.damaged()}
        stale = [
            name
            for name in names
            if name not in manifest or manifest[name].made_from != made_from or name in damaged
        ]
        for index, name in enumerate(stale):
            progress(index, len(stale), name)
            run.folder.commit({name: makers[name](run)}, STAGE, made_from)
        progress(len(stale), len(stale), "done")
    return stale


MAKERS: dict[str, Callable[[Run], bytes]] = {
    "analysis.json": lambda run: analysis_json(analyse(run)),
    "figures/training.png": figures.training_png,
    "figures/kernels_before_after.png": figures.before_after_png,
    "figures/similarity.png": figures.similarity_png,
    "figures/operators.png": figures.operators_png,
    "figures/course.png": figures.course_png,
    "figures/tuning.png": figures.tuning_png,
    "figures/responses.png": figures.responses_png,
    "figures/walkthrough.png": figures.walkthrough_png,
    "gifs/kernels.gif": figures.kernels_film,
    "gifs/responses.gif": figures.responses_film,
    "report.html": lambda run: page_of(run).encode(),
}
MEASURES = ("analysis.json", "figures/similarity.png", "figures/kernels_before_after.png")
GIFS = ("gifs/kernels.gif", "gifs/responses.gif")


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
