"""What was measured on each filter of somebody's own model, as frozen records: `kernels` in inspection.json.

None (null in JSON) stands for what cannot be known, such as a match of kernels that no operator has the size
of.
"""

import math
from dataclasses import dataclass

import numpy as np

from linesexp.kernels.any_layer import Measured
from linesexp.kernels.colour import CHANNELS
from linesexp.kernels.match import p_values
from linesexp.kernels.nulls import q_values
from linesexp.kernels.operators import DIRECTIONS, Operator
from linesexp.kernels.records import ChangeRecord, MatchRecord, SharesRecord
from linesexp.kernels.shape import change_from_start


@dataclass(frozen=True)
class PlaneRecord:
    """Best match of one plane of a filter over colour: red, green, blue, luminance. p: of this plane alone."""

    detects: str | None
    polarity: int | None
    operator: str
    size: int
    row: int
    column: int
    cosine: float
    p_initialiser: float


@dataclass(frozen=True)
class ColourRecord:
    """A filter over a colour picture, plane by plane. not_grey: share of its energy that a grey picture never
    meets, kernels.colour.colour_share; None for planes that are constant or of no operator's size."""

    not_grey: float | None
    luminance: PlaneRecord | None
    red: PlaneRecord | None
    green: PlaneRecord | None
    blue: PlaneRecord | None


@dataclass(frozen=True)
class FilterRecord:
    """One filter: all its channels together, and the slice that resembles an operator most.

    channel: which of the layer's input channels that slice looks at. match.p_initialiser: p of the best of
    channels_compared slices; q_initialiser: the same corrected over the filters of the layer. shares: means
    over the channels, each weighted by its energy. strongest_channel: the one of most energy, and its share
    of it; effective_channels: (Σe)² / Σe² of the channels' energies e, from 1 to all. tuning, health: null,
    as a model's file does not know its pictures. change: from the untrained filter, where there is one.
    """

    layer: str
    index: int
    detects: str | None
    polarity: int | None
    match: MatchRecord | None
    channel: int | None
    channels: int
    channels_compared: int
    shares: SharesRecord
    tuning: None
    change: ChangeRecord | None
    health: None
    finite: bool
    norm: float | None
    strongest_channel: int | None
    strongest_share: float | None
    effective_channels: float | None
    colour: ColourRecord | None


def filter_records(measured: Measured, start: np.ndarray | None = None) -> list[FilterRecord]:
    """A record for each filter of a layer. start: its kernels untrained, of the same shape."""
    layer, slices = measured.layer, measured.slices
    filters = layer.kernels.shape[3]
    offset = np.zeros(filters, dtype=int) if layer.first_channel is None else layer.first_channel
    energy = np.nan_to_num(slices.energy.astype(np.float64))  # (channels, filters)
    total = energy.sum(axis=0)
    sure = np.where(total > 0, total, np.nan)
    weighted = {
        name: np.nansum(energy * np.nan_to_num(getattr(slices, name)), axis=0) / sure
        if np.isfinite(getattr(slices, name)).any()
        else np.full(filters, np.nan)
        for name in SharesRecord.__annotations__
    }
    strongest = energy.argmax(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = sure**2 / np.sum(energy**2, axis=0)
    changes = [None] * filters if start is None else _changes(layer.kernels, start)
    q = q_values(measured.p_best)
    records = []
    for index in range(filters):
        channel = int(measured.best[index])
        match, detects, polarity = None, None, None
        if channel >= 0:
            operator, detects, polarity, place, cosine = _found(measured, channel, index)
            match = MatchRecord(
                operator.name,
                operator.order,
                operator.size,
                place[0],
                place[1],
                cosine,
                p_initialiser=float(measured.p_best[index]),
                p_covariance=None,
                p_step0=None,
                p_shuffled=None,
                q_initialiser=float(q[index]),
            )
        has_energy = bool(total[index] > 0)
        records.append(
            FilterRecord(
                *(layer.name, index, detects, polarity, match),
                channel=channel + int(offset[index]) if channel >= 0 else None,
                channels=layer.kernels.shape[2],
                channels_compared=int(np.isfinite(slices.cosine[:, index]).sum()),
                shares=SharesRecord(*(_number(values[index]) for values in weighted.values())),
                tuning=None,
                change=changes[index],
                health=None,
                finite=bool(measured.finite[index]),
                norm=float(np.sqrt(total[index])) if measured.finite[index] else None,
                strongest_channel=int(strongest[index] + offset[index]) if has_energy else None,
                strongest_share=_number(energy[strongest[index], index] / sure[index]),
                effective_channels=_number(spread[index]),
                colour=_colour(measured, index),
            )
        )
    return records


def _found(
    measured: Measured, channel: int, index: int
) -> tuple[Operator, str | None, int | None, tuple[int, int], float]:
    """(operator, detects, polarity, (row, column), cosine) of a slice that has a match."""
    bank = measured.bank
    if bank is None:
        raise ValueError("without operators there is no match")
    operator, row, column = bank.placed[measured.slices.entry[channel, index]]
    cosine = float(measured.slices.cosine[channel, index])
    finds = not measured.layer.draws_with
    detects = operator.detects if finds and operator.detects in DIRECTIONS else None
    polarity = int(np.sign(cosine)) if finds and operator.order == 1 else None
    return operator, detects, polarity, (row, column), cosine


def _colour(measured: Measured, index: int) -> ColourRecord | None:
    colour = measured.colour
    if colour is None:
        return None
    planes = [_plane(colour.luminance, 0, index)]
    planes += [_plane(measured, channel, index) for channel in range(len(CHANNELS))]
    return ColourRecord(_number(colour.share[index]), *planes)


def _plane(measured: Measured, channel: int, index: int) -> PlaneRecord | None:
    if not np.isfinite(measured.slices.cosine[channel, index]):
        return None
    operator, detects, polarity, place, cosine = _found(measured, channel, index)
    null = measured.null
    p = float(p_values(np.array([cosine]), null.cosine)[0]) if null else math.nan
    return PlaneRecord(detects, polarity, operator.name, operator.size, place[0], place[1], cosine, p)


def _changes(kernels: np.ndarray, start: np.ndarray) -> list[ChangeRecord | None]:
    now, before = (np.moveaxis(each, 3, 0) for each in (kernels, start))  # (filters, kh, kw, channels)
    relative, cosine = change_from_start(now, before)
    return [ChangeRecord(_number(far), _number(alike)) for far, alike in zip(relative, cosine, strict=True)]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
