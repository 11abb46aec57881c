"""What was measured on the layers of somebody's own model, as frozen records: `layers` in inspection.json.

None (null in JSON) stands for what cannot be known, such as a match of kernels that no operator has the size
of.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from linesexp.kernels.any_layer import DEFAULT_INITIALIZER, Measured, bank_for, expected_shares
from linesexp.kernels.filter_records import FilterRecord
from linesexp.kernels.nulls import q_values
from linesexp.kernels.records import SIGNIFICANT, SharesRecord

BINS = 50  # of the histogram of |cosine|, from 0 to 1


@dataclass(frozen=True)
class LayerMatch:
    """How a layer's slices, the single kernels, compare with operators, and with `draws` kernels of chance.

    Points of |cosine|. beyond_95, beyond_99: slices beyond chance's 95 % and 99 % points; by_chance_95,
    by_chance_99: how many of as many kernels of chance are. filters_matched: filters with q < 0.05, p being
    that of the best of a filter's channels, and q over all filters that were inspected together. operators:
    operator → slices beyond the 99 % point that resemble it most. histogram, chance_histogram: share of slices
    in 50 equal bins from 0 to 1.
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


def corrected_together(
    layers: Sequence[LayerRecord], records: Sequence[FilterRecord]
) -> tuple[list[LayerRecord], list[FilterRecord]]:
    """The same records with q over all filters of all these layers, and filters_matched by it.

    records: those of the layers' filters, in the layers' order. Corrected layer by layer, one layer in twenty
    that learned nothing would have a filter of q < 0.05, and most models of many layers.
    """
    q = q_values(np.array([each.match.p_initialiser if each.match else np.nan for each in records]))
    filters = [
        replace(each, match=replace(each.match, q_initialiser=float(value))) if each.match else each
        for each, value in zip(records, q, strict=True)
    ]
    corrected, first = [], 0
    for layer in layers:
        matched = sum(
            each.match is not None and each.match.q_initialiser < SIGNIFICANT
            for each in filters[first : first + layer.filters]
        )
        first += layer.filters
        match = layer.match and replace(layer.match, filters_matched=matched)
        corrected.append(replace(layer, match=match))
    return corrected, filters


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


def _notes(measured: Measured) -> list[str]:
    layer = measured.layer
    (height, width), lines = layer.size, [layer.note] if layer.note else []
    if bank_for(layer.size) is None:
        lines.append(
            f"Kernels of {height}×{width} are compared with no operator: those are square, and 3×3 or larger."
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
