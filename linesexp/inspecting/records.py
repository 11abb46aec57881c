"""inspection.json: everything that was measured on somebody's own model."""

from dataclasses import dataclass

import msgspec

from linesexp.errors import InputError
from linesexp.kernels.filter_records import FilterRecord
from linesexp.kernels.layer_records import LayerRecord


@dataclass(frozen=True)
class FieldRecord:
    """The receptive field of a layer's units, in px.

    theoretical: height, width; None where `whole` says that it is all of the picture, or where it cannot be
    followed. effective: side of the smallest square that holds 95 %
    of the energy of the gradient on noise of `picture` size. See seeing.receptive."""

    layer: str
    theoretical: tuple[int, int] | None
    whole: bool
    effective: int | None
    picture: tuple[int, int] | None


@dataclass(frozen=True)
class LayerCourse:
    """A layer while it learns: a number for each recorded step, medians over its filters or slices.

    distance: from the untrained filter, ‖k − k₀‖ / ‖k₀‖; cosine: to it. axis_share: of slices. beyond_99: share
    of slices beyond chance's 99 % point. Of filters: (steps, filters) distance.
    """

    layer: str
    distance: list[float | None]
    cosine: list[float | None]
    axis_share: list[float | None]
    beyond_99: list[float | None]
    of_filters: list[list[float | None]]


@dataclass(frozen=True)
class Inspection:
    """What was found. source: the model's file or the recording's folder; kind: `model` or `recording`.

    layers, kernels: of the model, or of the recording's last step; untrained: the layers at its step 0. steps
    and course: of recordings alone. notes: what could not be computed, and why.
    """

    source: str
    kind: str
    layers: list[LayerRecord]
    kernels: list[FilterRecord]
    fields: list[FieldRecord]
    untrained: list[LayerRecord]
    steps: list[float]
    course: list[LayerCourse]
    notes: list[str]


def inspection_json(inspection: Inspection) -> bytes:
    """JSON, a line for each kernel: indented it would be three times as large."""
    return msgspec.json.encode(inspection) + b"\n"


def parse_inspection(data: bytes, source: str) -> Inspection:
    """Raises InputError if the JSON does not hold these fields."""
    try:
        return msgspec.json.decode(data, type=Inspection)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{source}: not an inspection ({error})") from None
