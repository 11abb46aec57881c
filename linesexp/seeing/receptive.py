"""Receptive fields: the pixels that a layer's unit can depend on, and those that it does depend on.

Effective fields after Luo, Li, Urtasun and Zemel 2016, "Understanding the effective receptive field in deep
convolutional neural networks", arXiv:1701.04128: the gradient of central units with respect to the picture,
as its root mean square over pictures of noise and over units. A random sign for each unit gives the mean over
all of a layer's units in one pass: E[(Σ ±gᵢ)²] = Σ gᵢ².
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from linesexp.seeds import rng_for
from linesexp.seeing.convolutions import Convolution
from linesexp.seeing.gradients import gradients_of
from linesexp.seeing.layers import Heard, input_shape, listening, look
from linesexp.seeing.reach import Lost, Reach, Trail
from linesexp.seeing.scale import scale_of
from linesexp.seeing.spans import TooWide

ENERGY = 0.95
MOST_LAYERS = 24  # that are measured; of more, evenly taken ones
MOST_PRODUCTS = 2**38  # multiplications of all passes together; of costlier models fewer layers are measured
PIXELS = 2**16  # of all noise pictures together
MOST_PICTURES = 16
PROBE, SMALLEST, LARGEST = 128, 64, 256  # sides of pictures for models that take any
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Field:
    """The receptive field of the unit in the middle of a layer, for the layer's first call.

    theoretical: (height, width) in px, None where it cannot be followed, which `lost` gives the reason for;
    whole: it is all of the picture.
    effective: side in px of the smallest square that holds 95 % of the energy of the gradient. energy: (H, W),
    the mean squared gradient, summing to 1. picture: (H, W) of the noise pictures, which cut what is larger.
    """

    theoretical: tuple[int, int] | None = None
    whole: bool = False
    effective: int | None = None
    energy: np.ndarray | None = None
    picture: tuple[int, int] | None = None
    lost: str | None = None


@dataclass(frozen=True)
class _Heard:
    """What a first look at a model tells: each convolution's field so far, and what it costs to get there."""

    fields: dict[int, Field]
    products: dict[int, int]  # multiplications for a picture, up to this layer and with it; of measurable ones


def receptive_fields(
    model: keras.Model,
    convolutions: Sequence[Convolution],
    seed: int = 0,
    progress: Progress = lambda done, total, words: None,
) -> tuple[dict[str, Field], list[str]]:
    """{name: field} of a model's convolutions, and a line for each thing that could not be found out.

    Never raises for a model that does not do as it is asked: fields are then empty, and a line says why.
    """
    by_id = {id(each.layer): each.name for each in convolutions}
    shape = input_shape(model)
    if shape is None:
        return {}, ["Receptive fields: the model does not take one batch of pictures, channels last."]
    try:
        shape, heard = _first_look(model, shape, by_id)
    except Exception as error:  # whatever a model of somebody's own raises
        return {}, [f"Receptive fields: the model did not look at noise ({_gist(error)})."]
    fields = {by_id[key]: field for key, field in heard.fields.items()}
    notes = _lost_notes(fields)
    count = max(1, min(MOST_PICTURES, PIXELS // (shape[0] * shape[1])))
    chosen = _affordable(heard, count)
    try:
        energies = _energies(model, shape, count, chosen, seed, progress)
    except Exception as error:
        return fields, [f"Effective receptive fields: no gradient ({_gist(error)})."]
    for key, energy in energies.items():
        total = energy.sum()
        if total > 0 and np.isfinite(total):
            of, share = fields[by_id[key]], (energy / total).astype(np.float32)
            fields[by_id[key]] = replace(of, effective=extent(share), energy=share)
    if len(chosen) < len(heard.products):
        notes.append(
            f"Effective receptive fields: measured for {len(chosen)} of {len(heard.products)} layers, evenly "
            "taken; all would take too long."
        )
    if any(key in energies and fields[by_id[key]].effective is None for key in chosen):
        notes.append(
            "Effective receptive fields: some layers have none, their central units answer to no noise picture."
        )
    if len(heard.fields) < len(convolutions):
        notes.append("Receptive fields: layers that the model does not call have none.")
    return fields, notes


def extent(energy: np.ndarray, share: float = ENERGY) -> int:
    """Side of the smallest square, anywhere, that holds this share of energy (H, W); cut at the edges."""
    height, width = energy.shape
    summed = np.zeros((height + 1, width + 1))
    summed[1:, 1:] = energy.astype(np.float64).cumsum(axis=0).cumsum(axis=1)
    low, high = 1, max(height, width)
    while low < high:
        side = (low + high) // 2
        down, across = min(side, height), min(side, width)
        held = summed[down:, across:] - summed[:-down, across:] - summed[down:, :-across]
        held = held + summed[:-down, :-across]
        low, high = (low, side) if held.max() >= share * summed[-1, -1] * (1 - 1e-9) else (side + 1, high)
    return low


def _first_look(
    model: keras.Model, shape: tuple[int | None, int | None, int], by_id: dict[int, str]
) -> tuple[tuple[int, int, int], _Heard]:
    """The sizes of pictures to look with, and what is heard at that size."""
    if shape[0] is not None and shape[1] is not None:
        fixed = (shape[0], shape[1], shape[2])
        return fixed, _hear(model, fixed, by_id)
    heard = _hear(model, (shape[0] or PROBE, shape[1] or PROBE, shape[2]), by_id)
    known = [max(field.theoretical) for field in heard.fields.values() if field.theoretical]
    side = min(LARGEST, max(SMALLEST, 32 * math.ceil((max(known, default=PROBE) + 1) / 32)))
    chosen = (shape[0] or side, shape[1] or side, shape[2])
    return chosen, _hear(model, chosen, by_id)


def _hear(model: keras.Model, shape: tuple[int, int, int], by_id: dict[int, str]) -> _Heard:
    trail, heard = Trail(), _Heard({}, {})
    picture = keras.ops.convert_to_tensor(_noise(model, shape, 1, 0))
    trail.begin(picture)
    products = 0

    def hear(call: Heard) -> Any:
        nonlocal products
        reach = trail.follow(call)
        key = id(call.layer)
        if key in by_id:
            weights = [weight.shape for weight in call.layer.weights if len(weight.shape) == 4]
            products += math.prod(call.output.shape[1:3]) * sum(math.prod(shape) for shape in weights)
        if key in by_id and key not in heard.fields and len(call.output.shape) == 4:
            heard.fields[key] = _field(reach, call, shape[:2])
            if call.layer.data_format == "channels_last":  # else its middle unit lies elsewhere
                heard.products[key] = products
        return call.output

    if not model.built:
        look(model, picture)
    with listening(model, hear):
        look(model, picture)
    return heard


def _field(reach: Reach | Lost, call: Heard, picture: tuple[int, int]) -> Field:
    units = call.output.shape[1], call.output.shape[2]
    if isinstance(reach, Lost):
        return Field(picture=picture, lost=reach.reason)
    try:
        whole = reach.whole(units)
        return Field(None if whole else reach.size(units), whole, picture=picture)
    except TooWide:
        return Field(picture=picture, lost=f"{call.name}: fields so large are not followed")


def _lost_notes(fields: dict[str, Field]) -> list[str]:
    """A line for each reason why fields are not known: `of 3 layers from NAME on`."""
    layers: dict[str, list[str]] = {}
    for name, field in fields.items():
        if field.lost:
            layers.setdefault(field.lost, []).append(name)
    return [
        f"Receptive fields by kernel sizes: not known of {names[0]}"
        + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        + f": {reason}."
        for reason, names in layers.items()
    ]


def _affordable(heard: _Heard, pictures: int) -> list[int]:
    """Layers to measure: all, or evenly taken ones, the first and the last among them."""
    keys = list(heard.products)
    for count in range(min(MOST_LAYERS, len(keys)), 0, -1):
        places = np.unique(np.linspace(0, len(keys) - 1, count).round().astype(int))
        chosen = [keys[place] for place in places]
        if pictures * sum(heard.products[key] for key in chosen) <= MOST_PRODUCTS:
            break
    return chosen if keys else []


def _energies(
    model: keras.Model,
    shape: tuple[int, int, int],
    pictures: int,
    chosen: list[int],
    seed: int,
    progress: Progress,
) -> dict[int, np.ndarray]:
    """{layer: (H, W) squared gradients of its central units, summed over units, channels and pictures}."""
    rng = rng_for(seed, "receptive fields")
    answers: dict[int, Any] = {}

    def hear(call: Heard) -> Any:
        key = id(call.layer)
        if key in chosen and key not in answers:
            middle = call.output[:, call.output.shape[1] // 2, call.output.shape[2] // 2, :]
            signs = rng.choice(np.array([-1.0, 1.0], np.float32), tuple(middle.shape))
            answers[key] = keras.ops.sum(keras.ops.cast(middle, "float32") * keras.ops.convert_to_tensor(signs))
        return call.output

    def summed(at: Any) -> list[Any]:
        with listening(model, hear):
            look(model, at)
        return list(answers.values())

    _, gradients = gradients_of(summed, _noise(model, shape, pictures, seed))
    energies = {}
    for done, (key, slopes) in enumerate(zip(answers, gradients, strict=True)):
        progress(done, len(answers), "receptive fields")
        energies[key] = np.square(slopes.astype(np.float64)).sum(axis=(0, 3))
    return energies


def _noise(model: keras.Model, shape: tuple[int, int, int], count: int, seed: int) -> np.ndarray:
    """float32 (count, H, W, C): normal about 0; even from black to white for a model that tells these."""
    rng = rng_for(seed, "noise pictures")
    size, scale = (count, *shape), scale_of(model)
    if scale.guessed:
        return rng.standard_normal(size).astype(np.float32)
    return rng.uniform(scale.black, scale.white, size).astype(np.float32)


def _gist(error: Exception) -> str:
    words = " ".join(str(error).split())
    return words if len(words) <= 120 else words[:120].rpartition(" ")[0] + " …"
