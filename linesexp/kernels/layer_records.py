"""What was measured on the layers of somebody's own model, as frozen records: inspection.json.

None (null in JSON) stands for what cannot be known, such as a match of kernels that no operator has the size
of.
"""

import math
from dataclasses import dataclass

import numpy as np

from linesexp.kernels.any_layer import DEFAULT_INITIALIZER, Measured, bank_for, expected_shares
from linesexp.kernels.colour import CHANNELS
from linesexp.kernels.match import p_values
from linesexp.kernels.nulls import q_values
from linesexp.kernels.operators import DIRECTIONS, Operator
from linesexp.kernels.records import SIGNIFICANT, ChangeRecord, MatchRecord, SharesRecord
from linesexp.kernels.shape import change_from_start

BINS = 50  # of the histogram of |cosine|, from 0 to 1


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


@dataclass(frozen=True)
class LayerMatch:
    """How a layer's slices, the single kernels, compare with operators, and with `draws` kernels of chance.

    Points of |cosine|. beyond_95, beyond_99: slices beyond chance's 95 % and 99 % points; by_chance_95,
    by_chance_99: how many of as many kernels of chance are. filters_matched: filters of which the best slice
    has q < 0.05, p being that of the best of its channels. operators: operator → slices beyond the 99 % point
    that resemble it most. histogram, chance_histogram: share of slices in 50 equal bins from 0 to 1.
    """

    initialiser: str
    initialiser_known: bool
    draws: int
    slices: int
    median: float | None
    chance_median: float
    chance_95: float
    chance_99: float
    beyond_95: int
    beyond_99: int
    by_chance_95: float
    by_chance_99: float
    filters_matched: int
    operators: dict[str, int]
    histogram: list[float]
    chance_histogram: list[float]


@dataclass(frozen=True)
class LayerRecord:
    """One layer of kernels. size: height, width; slices: channels × filters; not_finite: filters with weights
    that are no numbers, which count for nothing here; zeros: slices of nothing but zeros.

    shares: means over slices; chance_shares: the same for independent weights (DC, odd, even). axis_share:
    median over slices of the larger axis share; None for kernels of one row or column. notes: what cannot be
    known.
    """

    name: str
    kind: str
    size: tuple[int, int]
    channels: int
    filters: int
    slices: int
    not_finite: list[int]
    zeros: int
    shares: SharesRecord
    chance_shares: tuple[float, float, float]
    axis_share: float | None
    chance_axis_share: float | None
    match: LayerMatch | None
    not_grey: float | None
    luminance_beyond_95: int | None
    effective_channels: float | None
    notes: list[str]


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


def layer_record(measured: Measured, records: list[FilterRecord]) -> LayerRecord:
    """A layer as a whole. records: those of its filters."""
    layer, slices = measured.layer, measured.slices
    channels, filters = layer.kernels.shape[2:]
    larger = np.fmax(slices.axis_vertical, slices.axis_horizontal)
    effective = [each.effective_channels for each in records if each.effective_channels is not None]
    colour, grey = measured.colour, None
    if colour is not None and colour.luminance.null is not None:
        point = np.percentile(colour.luminance.null.cosine, 95)
        grey = int(np.sum(np.abs(colour.luminance.slices.cosine) > point))
    return LayerRecord(
        *(layer.name, layer.kind, layer.size, channels, filters, channels * filters),
        not_finite=np.flatnonzero(~measured.finite).tolist(),
        zeros=int(np.sum(slices.energy == 0)),
        shares=SharesRecord(*(_mean(getattr(slices, name)) for name in SharesRecord.__annotations__)),
        chance_shares=expected_shares(layer.size),
        axis_share=_middle(larger),
        chance_axis_share=measured.null.axis_share if measured.null else None,
        match=_layer_match(measured, records),
        not_grey=None if colour is None else _middle(colour.share),
        luminance_beyond_95=grey,
        effective_channels=float(np.median(effective)) if effective else None,
        notes=_notes(measured),
    )


def _layer_match(measured: Measured, records: list[FilterRecord]) -> LayerMatch | None:
    bank, null, layer = measured.bank, measured.null, measured.layer
    if bank is None or null is None:
        return None
    cosine = np.abs(measured.slices.cosine)
    known = np.isfinite(cosine)
    points = [float(point) for point in np.percentile(null.cosine, (50, 95, 99))]
    beyond = [int(np.sum(cosine[known] > point)) for point in points]
    entries = np.bincount(measured.slices.entry[known & (cosine > points[2])], minlength=len(bank.placed))
    operators: dict[str, int] = {}
    for count, (operator, _, _) in zip(entries.tolist(), bank.placed, strict=True):
        operators[operator.name] = operators.get(operator.name, 0) + count
    matched = [each.match for each in records if each.match]
    return LayerMatch(
        initialiser=layer.initializer or DEFAULT_INITIALIZER,
        initialiser_known=layer.initializer is not None,
        draws=len(null.cosine),
        slices=int(known.sum()),
        median=_middle(cosine),
        chance_median=points[0],
        chance_95=points[1],
        chance_99=points[2],
        beyond_95=beyond[1],
        beyond_99=beyond[2],
        by_chance_95=0.05 * int(known.sum()),
        by_chance_99=0.01 * int(known.sum()),
        filters_matched=sum(each.q_initialiser < SIGNIFICANT for each in matched),
        operators=operators,
        histogram=_histogram(cosine[known]),
        chance_histogram=_histogram(null.cosine),
    )


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


def _notes(measured: Measured) -> list[str]:
    layer = measured.layer
    (height, width), lines = layer.size, []
    if bank_for(layer.size) is None:
        lines.append(
            f"Kernels of {height}×{width} are compared with no operator: those are square, with an "
            "odd side of 3 or more."
        )
    elif measured.bank is not None and not measured.bank.whole:
        lines.append("So large kernels are compared with operators of some sizes at some places only.")
    if layer.draws_with:
        lines.append(
            "A transposed convolution lays its kernels on what it makes: a match says what it draws with, and "
            "nothing that it detects."
        )
    if layer.initializer is None and measured.null is not None:
        lines.append(
            f"Its initialiser is not known or of no common kind; chance is {DEFAULT_INITIALIZER} here."
        )
    if broken := int(np.sum(~measured.finite)):
        lines.append(
            f"{broken} of {len(measured.finite)} filters have weights that are not finite: not measured."
        )
    return lines


def _histogram(values: np.ndarray) -> list[float]:
    counts = np.histogram(values, bins=BINS, range=(0, 1))[0]
    return (counts / max(len(values), 1)).tolist()


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else None


def _middle(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
