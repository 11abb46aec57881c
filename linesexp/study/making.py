"""From a study's results to its tables, analysis, figures and pages; made once and kept.

All of it is current as long as the results, and the code that made it, are the ones that it was made from.
"""

import hashlib
from collections import Counter

import numpy as np

from linesexp.errors import LinesexpError
from linesexp.experiment import Progress, Say
from linesexp.report.making import code_digest
from linesexp.runs.folder import MissingFile
from linesexp.runs.formats import csv_bytes, parse_json
from linesexp.study.analysing import analyse_study
from linesexp.study.analysis import ANALYSIS, study_json
from linesexp.study.blocks import BlockResult
from linesexp.study.figures import FIGURES
from linesexp.study.folder import ENVIRONMENT, FAILURES, SETTINGS
from linesexp.study.gathering import MEMBERS, Members, members_of
from linesexp.study.measuring import Measured
from linesexp.study.page import page_of_study
from linesexp.study.reading import Study
from linesexp.study.sheets import Sheets
from linesexp.study.table import tables
from linesexp.views.style import png_bytes

STAGE = "study-page"
PAGE = "study.html"


def make(
    study: Study,
    *,
    say: Say = lambda words: None,
    progress: Progress = lambda done, total, words: None,
) -> list[str]:
    """Make table.csv (and .parquet), members.csv, study-analysis.json, figures, members/*.html and study.html.

    Returns what was made; nothing if all is current. Raises MissingFile for a study without a result,
    InputError where one is damaged.
    """
    with study.folder.writing():
        made_from = _made_from(study)
        if _current(study, made_from):
            return []
        if not study.done:
            raise MissingFile(f"{study.folder.path}: no member is trained yet; `linesexp study` does")
        made: list[str] = []

        def commit(files: dict[str, bytes]) -> None:
            study.folder.commit(files, STAGE, made_from)
            made.extend(files)

        sheets = Sheets(lambda name, text: commit({name: text.encode()}))
        writers = tables()

        class Tables:
            def add(self, measured: Measured, result: BlockResult) -> None:
                for writer in writers:
                    writer.add(measured)

        conditions = study.settings.conditions
        found = members_of(study, conditions, (Tables(), sheets), progress)
        sheets.close()
        commit({writer.name: writer.content() for writer in writers})
        planned: Counter[str] = Counter()
        for block in study.plan:
            planned[block.condition] += len(block.seeds)
        analysis = analyse_study(found, conditions, planned)
        commit({MEMBERS: members_csv(found), ANALYSIS: study_json(analysis)})
        pictures = {
            name: png_bytes(draw(analysis, found))
            for name, draw in FIGURES.items()
            if name != "differences" or len(found) > 1
        }
        commit({f"figures/{name}.png": png for name, png in pictures.items()})
        source = str(study.folder.path / ENVIRONMENT)
        environment = parse_json(study.folder.read(ENVIRONMENT), source)
        page = page_of_study(analysis, found, pictures, study.settings, environment, study.failed)
        commit({PAGE: page.encode()})  # the last: where it is current, all is
        for line in analysis.missing:
            say(f"note: {line}")
    return made


def members_csv(found: dict[str, Members]) -> bytes:
    """A row for every member: its condition, its seeds, its measures, and its effects of claims."""
    rows = [
        {"condition": name, "data_seed": int(members.data_seeds[index]), "seed": int(members.seeds[index])}
        | {
            column: f"{values[index] + 0.0:.7g}" if np.isfinite(values[index]) else None
            for column, values in members.values.items()
        }
        for name, members in found.items()
        for index in range(len(members))
    ]
    return csv_bytes(rows)


def _current(study: Study, made_from: str) -> bool:
    """Whether everything was made from these results by this code, and is undamaged."""
    manifest = study.folder.manifest()
    if PAGE not in manifest or manifest[PAGE].made_from != made_from:
        return False
    try:
        for name in study.folder.names(stage=STAGE):
            study.folder.read(name)
    except LinesexpError:
        return False
    return True


def _made_from(study: Study) -> str:
    """Digest of the results, the plan, the failures, and the code."""
    digest = hashlib.sha256(code_digest().encode())
    for name, entry in sorted(study.folder.manifest().items()):
        if name in (SETTINGS, FAILURES, ENVIRONMENT) or name.startswith("blocks/"):
            digest.update(f"{name} {entry.sha256}\n".encode())
    return digest.hexdigest()
