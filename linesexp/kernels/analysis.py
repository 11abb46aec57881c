"""The numbers that a run's page states: frozen records, which analysis.json holds field by field.

None (null in JSON) stands for what cannot be known, such as the polarity of a line detector.
"""

from dataclasses import dataclass

import msgspec
import numpy as np

from linesexp.errors import InputError
from linesexp.kernels.match import Bank, best_match, p_values
from linesexp.kernels.nulls import Null
from linesexp.kernels.operators import DIRECTIONS
from linesexp.kernels.shape import change_from_start, shares


@dataclass(frozen=True)
class MatchRecord:
    """The operator that resembles a kernel most. row, column: the corner of its place in the kernel."""

    operator: str
    order: int
    size: int
    row: int
    column: int
    cosine: float
    p_initialiser: float


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
class KernelRecord:
    """One kernel at one step. polarity is None for line-like kernels, match for constant ones.

    preference: from −1 (answers only to the first of analysis.preference_classes) to +1 (only to the
    second); None for a kernel that answers to neither.
    """

    layer: str
    index: int
    detects: str | None
    polarity: int | None
    match: MatchRecord | None
    shares: SharesRecord
    change: ChangeRecord
    preference: float | None


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
    kernels: np.ndarray, start: np.ndarray, preference: np.ndarray, bank: Bank, null: Null, layer: str
) -> list[KernelRecord]:
    """Records of (filters, k, k) kernels; start: the same kernels untrained; preference: (filters,)."""
    match = best_match(kernels, bank)
    p = p_values(match.cosine, null.any)
    energy = shares(kernels)
    relative, cosine = change_from_start(kernels, start)
    records = []
    for index in range(len(kernels)):
        found = None
        detects, polarity = None, None
        if np.isfinite(match.cosine[index]):
            operator, row, column = bank.placed[match.entry[index]]
            found = MatchRecord(
                operator.name,
                operator.order,
                operator.size,
                row,
                column,
                float(match.cosine[index]),
                float(p[index]),
            )
            detects = operator.detects if operator.detects in DIRECTIONS else None
            polarity = int(np.sign(match.cosine[index])) if operator.order == 1 else None
        records.append(
            KernelRecord(
                layer,
                index,
                detects,
                polarity,
                found,
                SharesRecord(*(_number(getattr(energy, name)[index]) for name in SharesRecord.__annotations__)),
                ChangeRecord(_number(relative[index]), _number(cosine[index])),
                _number(preference[index]),
            )
        )
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
