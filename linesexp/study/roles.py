"""What part a condition plays: the one that others are compared with, a control, or any other."""

from linesexp.study.analysis import Condition, StudyAnalysis

REFERENCE, OTHER, CONTROL = "reference", "other", "control"


def role_of(condition: Condition, analysis: StudyAnalysis) -> str:
    """reference, control or other."""
    if condition.name == analysis.reference:
        return REFERENCE
    return CONTROL if condition.control else OTHER


def roles(analysis: StudyAnalysis) -> dict[str, str]:
    """The same for every condition by its name."""
    return {condition.name: role_of(condition, analysis) for condition in analysis.conditions}
