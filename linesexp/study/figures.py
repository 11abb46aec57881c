"""The figures of a study, one function each: from its analysis and members to Axes."""

from collections.abc import Mapping

import numpy as np

from linesexp.kernels.records import SIGNIFICANT
from linesexp.study.analysis import Band, Condition, StudyAnalysis
from linesexp.study.gathering import Members, partners
from linesexp.study.measuring import MEASURES
from linesexp.study.roles import REFERENCE, roles
from linesexp.views.members import Panel, gaps_figure, strips_figure
from linesexp.views.study_curves import Curve, emergence_figure, groups_figure

BY_NULL = ("matched", "matched_smooth")  # shares that chance gives one in twenty of
COMPARED = ("matched", "edge_like", "cosine", "axis", "odd", "dc", "choosiness", "preference", "epochs_to_95")
SHOWN = ("accuracy", "epochs_to_95", "matched_smooth", "edge_like", "cosine", "emergence", "axis", "odd", "dc")

# Where a panel stands alone, its title must say what the measure's words leave to the one before.
TITLES = {"matched_smooth": "kernels that resemble an operator more than 95 % of kernels as smooth do"}

Study = Mapping[str, Members]


def members(analysis: StudyAnalysis, study: Study) -> np.ndarray:
    """Every member's measures, condition by condition."""
    panels = [
        Panel(
            TITLES.get(measure.id, measure.words),
            {name: each.values[measure.id] for name, each in study.items()},
            {each.name: _interval(each, measure.id) for each in analysis.conditions},
            SIGNIFICANT if measure.id in BY_NULL else None,
            measure.unit == "share",
        )
        for measure in MEASURES
        if measure.id in SHOWN
    ]
    words = "Each dot a member; upright bar: mean, thick line: its 95 % interval. Broken: what luck gives."
    return strips_figure(panels, roles(analysis), words)


def gaps(analysis: StudyAnalysis, study: Study) -> np.ndarray:
    """Differences from the reference, pair by pair of the same seeds."""
    kinds = {name: kind for name, kind in roles(analysis).items() if kind != REFERENCE}
    reference = study[analysis.reference]
    pairs = {name: partners(study[name], reference) for name in kinds}
    panels = [
        Panel(
            measure.words,
            {
                name: study[name].values[measure.id][own] - reference.values[measure.id][theirs]
                for name, (own, theirs) in pairs.items()
            },
            {
                each.name: (gap.mean, gap.low, gap.high)
                for each in analysis.conditions
                for gap in [each.differences.get(measure.id)]
                if gap is not None
            },
            None,
            measure.unit == "share",
        )
        for measure in MEASURES
        if measure.id in COMPARED
    ]
    words = f"Each dot a member less the member of {analysis.reference} with the same seed; bars as above."
    return gaps_figure(panels, kinds, words)


def emergence(analysis: StudyAnalysis, study: Study) -> np.ndarray:
    """Kernels that resemble an operator, over the epochs."""
    matched, accuracy = (
        {each.name: _curve(each.curves[name]) for each in analysis.conditions}
        for name in ("matched", "validation_accuracy")
    )
    return emergence_figure(matched, roles(analysis), accuracy, SIGNIFICANT)


def groups(analysis: StudyAnalysis, study: Study) -> np.ndarray:
    """Kernels that recur."""
    shown, notes = {}, {}
    for condition in analysis.conditions:
        found = condition.recurring
        shown[condition.name] = [
            (
                np.array(group.mean),
                f"{group.count} kernels of\n{group.members} members\n"
                f"{group.operator} {group.size}×{group.size} {abs(group.cosine):.2f}",
            )
            for group in found.groups
        ]
        largest = f", the largest group being of {found.largest_by_chance}" if found.by_chance else ""
        notes[condition.name] = (
            f"{found.grouped or 'none'} of {found.kernels} kernels are in a group; "
            f"of as many random kernels that are as smooth {found.by_chance or 'none'}{largest}"
        )
    return groups_figure(shown, notes)


FIGURES = {"members": members, "emergence": emergence, "differences": gaps, "recurring": groups}


def _interval(condition: Condition, measure: str) -> tuple[float | None, float | None, float | None]:
    number = condition.measures[measure]
    return number.mean, number.low, number.high


def _curve(band: Band) -> Curve:
    return band.steps, band.mean, band.low, band.high
