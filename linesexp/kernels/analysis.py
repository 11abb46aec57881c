"""The numbers that a run's page states: frozen records, which analysis.json holds field by field.

None (null in JSON) stands for what cannot be known, such as the polarity of a line detector.
"""

from dataclasses import dataclass

import msgspec
import numpy as np

from linesexp.errors import InputError
from linesexp.kernels.match import Bank, best_match, p_values
from linesexp.kernels.nulls import Null, q_values
from linesexp.kernels.operators import DIRECTIONS
from linesexp.kernels.shape import change_from_start, shares
from linesexp.kernels.tuning import Tuning


@dataclass(frozen=True)
class MatchRecord:
    """The operator that resembles a kernel most. row, column: the corner of its place in the kernel.

    p under each null of kernels.nulls (None where a null does not exist), and the first of them
    corrected over the run's kernels by Benjamini and Hochberg: q.
    """

    operator: str
    order: int
    size: int
    row: int
    column: int
    cosine: float
    p_initialiser: float
    p_covariance: float | None
    p_step0: float
    q_initialiser: float


@dataclass(frozen=True)
class SharesRecord:
    """Shares of energy, see kernels.shape."""

    dc: float | None
    odd: float | None
    even: float | None
    axis_vertical: float | None
    axis_horizontal: float | None


@dataclass(frozen=True)
class ChangeRecord:
    """Distance from the untrained kernel, see kernels.shape."""

    relative_norm: float | None
    cosine: float | None


@dataclass(frozen=True)
class TuningRecord:
    """Which directions a kernel answers to, see kernels.tuning; None for one that answers to no probe."""

    preferred_angle_deg: float | None
    one_minus_circular_variance: float | None
    preferred_edge_deg: float | None
    direction_index: float | None


@dataclass(frozen=True)
class KernelRecord:
    """One kernel at one step. polarity is None for line-like kernels, match for constant ones.

    preference: from −1 (answers only to the first of analysis.preference_classes) to +1 (only to the
    second); None for a kernel that answers to neither. health: live, silent or dead; died_at: the step
    from which a dead one stayed so.
    """

    layer: str
    index: int
    detects: str | None
    polarity: int | None
    match: MatchRecord | None
    shares: SharesRecord
    tuning: TuningRecord
    change: ChangeRecord
    preference: float | None
    health: str
    died_at: float | None


@dataclass(frozen=True)
class Nulls:
    """The null distributions that kernels of one step are compared with; covariance: None for zeros."""

    initialiser: Null
    covariance: Null | None
    step0: Null


@dataclass(frozen=True)
class Behaviour:
    """What kernels of one step do: preference (filters,), tuning, health and step of death of each."""

    preference: np.ndarray
    tuning: Tuning
    health: list[str]
    died_at: list[float | None]


@dataclass(frozen=True)
class Chance:
    """What untrained kernels reach: percentiles (1, 50, 99) of the best match with any operator, and
    with those of one direction."""

    initialiser: str
    draws: int
    any: tuple[float, float, float]
    by_direction: dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Performance:
    """On the test pictures; correct counts them. The loss of a network that diverged is None."""

    accuracy: float
    loss: float | None
    correct: int
    pictures: int


@dataclass(frozen=True)
class Analysis:
    """Everything that was measured on one run."""

    steps: list[float]
    preference_classes: tuple[str, str]
    kernels: list[KernelRecord]
    untrained: list[KernelRecord]
    similarity: dict[str, list[list[float | None]]]  # direction → (steps, filters) largest |cosine|
    chance: Chance
    before: Performance
    after: Performance


def chance_of(null: Null, initialiser: str) -> Chance:
    """The 1 %, 50 % and 99 % points of a null distribution."""
    by_direction = {name: _points(values) for name, values in null.by_direction.items()}
    return Chance(initialiser, len(null.any), _points(null.any), by_direction)


def kernel_records(
    kernels: np.ndarray, start: np.ndarray, behaviour: Behaviour, bank: Bank, nulls: Nulls, layer: str
) -> list[KernelRecord]:
    """Records of (filters, k, k) kernels; start: the same kernels untrained."""
    matches = _match_records(kernels, bank, nulls)
    energy, tuning = shares(kernels), behaviour.tuning
    relative, cosine = change_from_start(kernels, start)
    return [
        KernelRecord(
            layer,
            index,
            detects,
            polarity,
            match,
            SharesRecord(*(_number(getattr(energy, name)[index]) for name in SharesRecord.__annotations__)),
            TuningRecord(*(_number(getattr(tuning, name)[index]) for name in TuningRecord.__annotations__)),
            ChangeRecord(_number(relative[index]), _number(cosine[index])),
            _number(behaviour.preference[index]),
            behaviour.health[index],
            behaviour.died_at[index],
        )
        for index, (match, detects, polarity) in enumerate(matches)
    ]


def _match_records(
    kernels: np.ndarray, bank: Bank, nulls: Nulls
) -> list[tuple[MatchRecord | None, str | None, int | None]]:
    """(record, direction detected, polarity) for each kernel; all None for a constant one."""
    found = best_match(kernels, bank)
    luck = p_values(found.cosine, nulls.initialiser.any)
    q = q_values(luck)
    start = p_values(found.cosine, nulls.step0.any)
    unknown = np.full(len(kernels), np.nan)
    smooth = unknown if nulls.covariance is None else p_values(found.cosine, nulls.covariance.any)
    records: list[tuple[MatchRecord | None, str | None, int | None]] = []
    for index, cosine in enumerate(found.cosine.tolist()):
        if not np.isfinite(cosine):
            records.append((None, None, None))
            continue
        operator, row, column = bank.placed[found.entry[index]]
        chances = (float(luck[index]), _number(smooth[index]), float(start[index]), float(q[index]))
        record = MatchRecord(operator.name, operator.order, operator.size, row, column, cosine, *chances)
        detects = operator.detects if operator.detects in DIRECTIONS else None
        records.append((record, detects, int(np.sign(cosine)) if operator.order == 1 else None))
    return records


def analysis_json(analysis: Analysis) -> bytes:
    """Indented JSON with the fields of the records above."""
    return msgspec.json.format(msgspec.json.encode(analysis), indent=2) + b"\n"


def parse_analysis(data: bytes, source: str) -> Analysis:
    """Raises InputError if the JSON does not hold these fields."""
    try:
        return msgspec.json.decode(data, type=Analysis)
    except msgspec.MsgspecError as error:
        raise InputError(f"{source}: not an analysis ({error})") from None


def _points(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = np.percentile(values, (1, 50, 99))
    return float(low), float(middle), float(high)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
