"""The numbers that a study's page states: frozen records, which study-analysis.json holds field by field.

None (null in JSON) stands for what cannot be known.
"""

from dataclasses import dataclass

import msgspec

from linesexp.errors import InputError
from linesexp.kernels.verdicts import Judgement
from linesexp.study.recurring import Recurring

ANALYSIS = "study-analysis.json"


@dataclass(frozen=True)
class Number:
    """A measure's mean over the n members that have it, and its 95 % interval."""

    mean: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Gap:
    """A measure, or a claim's effect, of a condition less that of the reference, over pairs of the same seeds.

    p: two-sided, that there is no difference; p_holm: corrected over all measures, or all claims, of the
    condition; n: pairs.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    p: float | None
    p_holm: float | None


@dataclass(frozen=True)
class Variation:
    """Where a measure's variance comes from: the pictures (data seed), the initialisation (seed), or only from
    both together. Variances; p_data, p_seed: that there is none of these."""

    data: float | None
    seed: float | None
    rest: float | None
    p_data: float | None
    p_seed: float | None


@dataclass(frozen=True)
class Band:
    """A curve over steps: mean over members, and where the middle 95 of 100 members lie."""

    steps: list[float]
    mean: list[float | None]
    low: list[float | None]
    high: list[float | None]


@dataclass(frozen=True)
class Condition:
    """One condition. changes: what it changes, a line each; planned: members that the study asks for.

    chance: mean edge and line likeness of untrained kernels. measures: MEASURES by id. differences: from the
    reference, measures and claims by id, empty for the reference itself. variation: with several data seeds
    only.
    """

    name: str
    changes: list[str]
    control: bool
    members: int
    planned: int
    filters: int
    kernel_size: int
    chance: dict[str, float]
    measures: dict[str, Number]
    ledger: list[Judgement]
    differences: dict[str, Gap]
    curves: dict[str, Band]
    variation: dict[str, Variation]
    recurring: Recurring


@dataclass(frozen=True)
class StudyAnalysis:
    """Everything that a study's page states. reference: the condition that others are compared with.

    method: how intervals and p were found; missing: a line for each thing that could not be computed.
    """

    version: str
    reference: str
    data_seeds: list[int]
    method: str
    conditions: list[Condition]
    missing: list[str]

    def condition(self, name: str) -> Condition:
        """A condition by its name. Raises KeyError."""
        for condition in self.conditions:
            if condition.name == name:
                return condition
        raise KeyError(name)


def study_json(analysis: StudyAnalysis) -> bytes:
    """Indented JSON with the fields of the records above."""
    return msgspec.json.format(msgspec.json.encode(analysis), indent=1) + b"\n"


def parse_study(data: bytes, source: str) -> StudyAnalysis:
    """Raises InputError if the JSON does not hold these fields."""
    try:
        return msgspec.json.decode(data, type=StudyAnalysis)
    except msgspec.MsgspecError as error:
        raise InputError(f"{source}: not a study's analysis ({error})") from None
