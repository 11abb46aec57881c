"""The numbers that a run's page states: frozen records, which analysis.json holds field by field.

None (null in JSON) stands for what cannot be known.
"""

from dataclasses import dataclass

import msgspec
import numpy as np

from linesexp.errors import InputError
from linesexp.images.audit import Audit
from linesexp.images.audit import Score as ScoreWithInterval
from linesexp.kernels.course import Course, CourseChance
from linesexp.kernels.nulls import Null
from linesexp.kernels.quality import Quality
from linesexp.kernels.records import KernelRecord
from linesexp.kernels.verdicts import Judgement
from linesexp.seeing.ablation import Ablation, Score, Swap


@dataclass(frozen=True)
class Chance:
    """What untrained kernels reach: percentiles (1, 50, 99) of the best match with any operator, and
    with those of one direction."""

    initialiser: str
    draws: int
    any: tuple[float, float, float]
    by_direction: dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class CourseRecord:
    """kernels.course.Course as lists (steps, filters)."""

    dc: list[list[float | None]]
    odd: list[list[float | None]]
    even: list[list[float | None]]
    edge: list[list[float | None]]
    line: list[list[float | None]]


@dataclass(frozen=True)
class ControlRecord:
    """What became of a run (name `this run`) or of a control trained beside it.

    On the test pictures. epochs_to_95: the first epoch with 95 % of the validation pictures right, None
    if there was none; matched: kernels whose match has p < 0.05 under the initialiser's null.
    """

    name: str
    accuracy: float
    loss: float | None
    correct: int
    pictures: int
    epochs: int
    epochs_to_95: int | None
    matched: int
    kernels: int


@dataclass(frozen=True)
class DeeperRecord:
    """A convolution after the first, laid back onto pixels (seeing.composition), untrained and trained.

    receptive_px: side of what a filter can see; effective_px: (filters,) side that holds 95 % of its field's
    energy; agreement: (filters,) correlation of the field's answers with what the filter really gives
    before its activation, over the test pictures; change: (filters,) ‖k − k₀‖ / ‖k₀‖ over all channels.
    """

    layer: str
    channels: int
    receptive_px: int
    effective_px_before: list[float | None]
    effective_px: list[float | None]
    agreement_before: list[float | None]
    agreement: list[float | None]
    change: list[float | None]


@dataclass(frozen=True)
class Analysis:
    """Everything that was measured on one run.

    similarity: direction → (steps, filters) largest |cosine|. unseen: accuracy on pictures unlike the
    training ones, by name; left_out: why others could not be drawn. missing: a line for each thing
    that could not be computed, and why.
    """

    steps: list[float]
    preference_classes: tuple[str, str]
    kernels: list[KernelRecord]
    untrained: list[KernelRecord]
    similarity: dict[str, list[list[float | None]]]
    chance: Chance
    course: CourseRecord
    course_chance: CourseChance
    before: Score
    after: Score
    quality_before: Quality
    quality: Quality
    ablation: Ablation
    swap: Swap
    deeper: list[DeeperRecord]
    controls: list[ControlRecord]
    audit: Audit
    unseen: dict[str, ScoreWithInterval]
    left_out: dict[str, str]
    missing: list[str]
    ledger: list[Judgement]


def chance_of(null: Null, initialiser: str) -> Chance:
    """The 1 %, 50 % and 99 % points of a null distribution."""
    by_direction = {name: _points(values) for name, values in null.by_direction.items()}
    return Chance(initialiser, len(null.any), _points(null.any), by_direction)


def course_record(measured: Course) -> CourseRecord:
    """NaN becomes null in JSON."""
    return CourseRecord(*(getattr(measured, name).tolist() for name in CourseRecord.__annotations__))


def analysis_json(analysis: Analysis) -> bytes:
    """Indented JSON with the fields of the records above."""
    return msgspec.json.format(msgspec.json.encode(analysis), indent=2) + b"\n"


def parse_analysis(data: bytes, source: str) -> Analysis:
    """Raises InputError if the JSON does not hold these fields."""
    try:
        return msgspec.json.decode(data, type=Analysis)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{source}: not an analysis ({error})") from None


def _points(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = np.percentile(values, (1, 50, 99))
    return float(low), float(middle), float(high)
