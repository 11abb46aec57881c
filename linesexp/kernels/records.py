"""What is known of each kernel, as frozen records: one of them is one entry of analysis.json's `kernels`.

None (null in JSON) stands for what cannot be known, such as the polarity of a line detector.
"""

from dataclasses import dataclass

import numpy as np

from linesexp.kernels.match import Bank, best_match, edge_rather_than_line, order_cosines, p_values
from linesexp.kernels.nulls import Null, q_values
from linesexp.kernels.operators import DIRECTIONS
from linesexp.kernels.shape import change_from_start, shares
from linesexp.kernels.tuning import Tuning

SIGNIFICANT = 0.05  # p below which a likeness counts as more than chance


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
    p_step0: float | None
    p_shuffled: float | None
    q_initialiser: float


@dataclass(frozen=True)
class RivalsRecord:
    """Largest |cosine| with any edge (first-derivative) and any line (second-derivative) operator.

    p of the edge match under each null, where edges rather than lines count in both (a kernel more like a
    line has p = 1); None for a constant kernel, or without that null.
    """

    edge: float | None
    line: float | None
    p_edge_initialiser: float | None
    p_edge_covariance: float | None
    p_edge_step0: float | None
    p_edge_shuffled: float | None


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
    rivals: RivalsRecord
    shares: SharesRecord
    tuning: TuningRecord
    change: ChangeRecord
    preference: float | None
    health: str
    died_at: float | None


@dataclass(frozen=True)
class Nulls:
    """The null distributions that kernels of one step are compared with.

    covariance: None for kernels of zeros; shuffled: None without that control.
    """

    initialiser: Null
    covariance: Null | None
    step0: Null
    shuffled: Null | None


@dataclass(frozen=True)
class Behaviour:
    """What kernels of one step do: preference (filters,), tuning, health and step of death of each."""

    preference: np.ndarray
    tuning: Tuning
    health: list[str]
    died_at: list[float | None]


def kernel_records(
    kernels: np.ndarray, start: np.ndarray, behaviour: Behaviour, bank: Bank, nulls: Nulls, layer: str
) -> list[KernelRecord]:
    """Records of (filters, k, k) kernels; start: the same kernels untrained."""
    matches = _match_records(kernels, bank, nulls)
    rivals = _rival_records(kernels, bank, nulls)
    energy, tuning = shares(kernels), behaviour.tuning
    relative, cosine = change_from_start(kernels, start)
    return [
        KernelRecord(
            layer,
            index,
            detects,
            polarity,
            match,
            rivals[index],
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
    p = {name: _p(found.cosine, null and null.any) for name, null in vars(nulls).items()}
    q = q_values(p["initialiser"])
    records: list[tuple[MatchRecord | None, str | None, int | None]] = []
    for index, cosine in enumerate(found.cosine.tolist()):
        if not np.isfinite(cosine):
            records.append((None, None, None))
            continue
        operator, row, column = bank.placed[found.entry[index]]
        record = MatchRecord(
            operator.name,
            operator.order,
            operator.size,
            row,
            column,
            cosine,
            p_initialiser=float(p["initialiser"][index]),
            p_covariance=_number(p["covariance"][index]),
            p_step0=float(p["step0"][index]),
            p_shuffled=_number(p["shuffled"][index]),
            q_initialiser=float(q[index]),
        )
        detects = operator.detects if operator.detects in DIRECTIONS else None
        records.append((record, detects, int(np.sign(cosine)) if operator.order == 1 else None))
    return records


def _rival_records(kernels: np.ndarray, bank: Bank, nulls: Nulls) -> list[RivalsRecord]:
    cosines = order_cosines(kernels, bank)
    edge = edge_rather_than_line(cosines)
    p = [_p(edge, null and null.edge_rather) for null in vars(nulls).values()]
    columns = zip(cosines[1], cosines[2], *p, strict=True)
    return [RivalsRecord(*(_number(value) for value in row)) for row in columns]


def _p(cosine: np.ndarray, null: np.ndarray | None) -> np.ndarray:
    return np.full(len(cosine), np.nan) if null is None else p_values(cosine, null)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
