"""What a study's page says: which figures, tables and sentences it holds."""

from collections.abc import Mapping
from typing import Any

from linesexp import __version__
from linesexp.environment import backend_command
from linesexp.report.ledger import ledger_cards
from linesexp.study import sentences
from linesexp.study.analysis import StudyAnalysis
from linesexp.study.dots import dots
from linesexp.study.gathering import Members
from linesexp.study.page_tables import (
    claims_table,
    conditions_table,
    differences_tables,
    measures_tables,
    variation_table,
    verdicts_table,
)
from linesexp.study.plan import StudySettings
from linesexp.study.repeating import FILE, commands_of, own_conditions_of
from linesexp.study.sheets import ON_A_PAGE, page_of_member
from linesexp.study.table import COLUMNS
from linesexp.views.page import data_uri, fewer_colours, render_page


def page_of_study(
    analysis: StudyAnalysis,
    study: Mapping[str, Members],
    figures: Mapping[str, bytes],
    settings: StudySettings,
    environment: Mapping[str, Any],
    failed: Mapping[str, str],
) -> str:
    """The page as HTML. figures: PNG by name, see study.figures; failed: a block's key → why it failed."""
    reference = analysis.condition(analysis.reference)
    pictures = {name: data_uri(fewer_colours(png), "image/png") for name, png in figures.items()}
    failures = [f"Block {key} was given up: {cause}." for key, cause in failed.items()]
    return render_page(
        "study.html",
        version=__version__,
        title=sentences.title(analysis),
        summary=sentences.summary(analysis),
        refuted=[{"id": j.id, "claim": j.claim} for j in sentences.refuted_claims(analysis)],
        reference=reference.name,
        method=sentences.about_method(analysis),
        cards=ledger_cards(reference.ledger),
        claims=claims_table(reference),
        verdicts=verdicts_table(analysis) if len(analysis.conditions) > 1 else None,
        about_controls=sentences.about_controls(analysis),
        conditions=conditions_table(analysis),
        measures=measures_tables(analysis),
        dots=dots(analysis, study),
        pages=_pages(analysis),
        figures=pictures,
        emergence=sentences.about_emergence(analysis),
        differences={
            "words": sentences.about_differences(analysis),
            "tables": differences_tables(analysis),
        },
        recurring=sentences.about_recurring(analysis),
        variation=_variation(analysis),
        missing=[*analysis.missing, *failures],
        columns=COLUMNS,
        repeat=_repeat(settings, environment),
    )


def _pages(analysis: StudyAnalysis) -> list[dict[str, Any]]:
    """Each condition with links to the pages of its members."""
    return [
        {
            "name": condition.name,
            "links": [
                {
                    "file": page_of_member(condition.name, first),
                    "words": f"{first + 1}–{min(first + ON_A_PAGE, condition.members)}",
                }
                for first in range(0, condition.members, ON_A_PAGE)
            ],
        }
        for condition in analysis.conditions
    ]


def _variation(analysis: StudyAnalysis) -> dict[str, Any] | None:
    tables = [variation_table(condition) for condition in analysis.conditions]
    known = [table for table in tables if table is not None]
    return {"words": sentences.about_variation(analysis), "tables": known} if known else None


def _repeat(settings: StudySettings, environment: Mapping[str, Any]) -> dict[str, Any]:
    """The commands that train the same study anew, and where this one was trained."""
    commands, own = commands_of(settings), own_conditions_of(settings)
    words = (
        "The same seeds give the same members, in blocks of any size and on any number of workers, up to the "
    )
    words += "last digits of their weights."
    if len(commands) > 1:
        words += " Some seeds between others are left out: each command makes a part of the study."
    return {
        "words": words,
        "commands": "\n".join([*backend_command(environment.get("versions", {})), *commands]),
        "file": FILE,
        "conditions": own,
        "environment": [
            (str(name), str(value))
            for part in ("versions", "machine")
            for name, value in environment.get(part, {}).items()
        ],
    }
