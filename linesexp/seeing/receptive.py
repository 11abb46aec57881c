"""Receptive fields: the pixels that a layer's unit can depend on, and those that it does depend on.

Effective fields after Luo, Li, Urtasun and Zemel 2016, "Understanding the effective receptive field in deep
convolutional neural networks", arXiv:1701.04128: the gradient of central units with respect to the picture,
as its root mean square over pictures of noise and over units. A random sign for each unit gives the mean over
all of a layer's units in one pass: E[(Σ ±gᵢ)²] = Σ gᵢ².
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from linesexp.seeds import rng_for
from linesexp.seeing.convolutions import Convolution
from linesexp.seeing.layers import MOST_NUMBERS, Heard, listening, look, takes_bytes
from linesexp.seeing.reach import Trail

ENERGY = 0.95
MOST_LAYERS = 24  # that are measured; of more, evenly taken ones
MOST_PRODUCTS = 2**38  # multiplications of all passes together; of costlier models fewer layers are measured
PIXELS = 2**16  # of all noise pictures together
MOST_PICTURES = 16
PROBE, SMALLEST, LARGEST = 128, 64, 256  # sides of pictures for models that take any
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Field:
    """The receptive field of a layer's units, for the layer's first call.

    theoretical: (height, width) in px, None where it cannot be followed; whole: it is all of the picture.
    effective: side in px of the smallest square that holds 95 % of the energy of the gradient. energy: (H, W),
    the mean squared gradient, summing to 1. picture: (H, W) of the noise pictures, which cut what is larger.
    """

    theoretical: tuple[int, int] | None = None
    whole: bool = False
    effective: int | None = None
    energy: np.ndarray | None = None
    picture: tuple[int, int] | None = None


@dataclass(frozen=True)
class _Heard:
    """What a first look at a model tells: each convolution's field so far, and what it costs to get there."""

    fields: dict[int, Field]
    products: dict[int, int]  # multiplications for a picture, up to this layer and with it


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
    shape = _input_shape(model)
    if shape is None:
        return {}, ["Receptive fields: the model does not take one batch of pictures, channels last."]
    try:
        shape, heard = _first_look(model, shape, by_id)
    except Exception as error:  # whatever a model of somebody's own raises
        return {}, [f"Receptive fields: the model did not look at noise ({_gist(error)})."]
    fields = {by_id[key]: field for key, field in heard.fields.items()}
    notes = []
    if keras.backend.backend() != "tensorflow":
        return fields, ["Effective receptive fields need Keras' tensorflow backend."]
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
            fields[by_id[key]] = Field(of.theoretical, of.whole, extent(share), share, of.picture)
    if len(chosen) < len(heard.fields):
        notes.append(
            f"Effective receptive fields: measured for {len(chosen)} of {len(heard.fields)} layers, evenly "
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


def _input_shape(model: keras.Model) -> tuple[int | None, int | None, int] | None:
    """(height, width, channels) of what a model takes, if it is one batch of pictures."""
    try:
        shape = model.input_shape
    except (AttributeError, ValueError):  # a subclassed model that was never called
        return None
    if isinstance(shape, dict | list) and len(shape) == 1:
        shape = next(iter(shape.values() if isinstance(shape, dict) else shape))
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] is None:
        return None
    if (shape[1] or 1) * (shape[2] or 1) * shape[3] > MOST_NUMBERS:
        return None
    return None if keras.config.image_data_format() != "channels_last" else shape[1:]


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
            whole = reach is not None and reach.size[0] == math.inf
            size = None if reach is None or whole else (math.ceil(reach.size[0]), math.ceil(reach.size[1]))
            heard.fields[key] = Field(size, whole, picture=shape[:2])
            heard.products[key] = products
        return call.output

    if not model.built:
        look(model, picture)
    with listening(model, hear):
        look(model, picture)
    return heard


def _affordable(heard: _Heard, pictures: int) -> list[int]:
    """Layers to measure: all, or evenly taken ones, the first and the last among them."""
    keys = list(heard.fields)
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
    import tensorflow

    rng = rng_for(seed, "receptive fields")
    at = tensorflow.convert_to_tensor(_noise(model, shape, pictures, seed))
    answers: dict[int, Any] = {}

    def hear(call: Heard) -> Any:
        key = id(call.layer)
        if key in chosen and key not in answers:
            middle = call.output[:, call.output.shape[1] // 2, call.output.shape[2] // 2, :]
            signs = rng.choice(np.array([-1.0, 1.0]), tuple(middle.shape))
            answers[key] = keras.ops.sum(keras.ops.cast(middle, "float32") * signs.astype(np.float32))
        return call.output

    # Weights are left alone: their gradients would take as long again.
    with tensorflow.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(at)
        with listening(model, hear):
            look(model, at)
    energies = {}
    for done, (key, answer) in enumerate(answers.items()):
        progress(done, len(answers), "receptive fields")
        slopes = tape.gradient(answer, at)
        if slopes is not None:
            energies[key] = np.square(slopes.numpy().astype(np.float64)).sum(axis=(0, 3))
    return energies


def _noise(model: keras.Model, shape: tuple[int, int, int], count: int, seed: int) -> np.ndarray:
    """float32 (count, H, W, C): normal about 0; even in 0..255 for a model that scales its pictures itself."""
    rng = rng_for(seed, "noise pictures")
    size = (count, *shape)
    bytes_wanted = takes_bytes(model)
    return (rng.uniform(0, 255, size) if bytes_wanted else rng.standard_normal(size)).astype(np.float32)


def _gist(error: Exception) -> str:
    words = " ".join(str(error).split())
    return words if len(words) <= 120 else words[:120].rpartition(" ")[0] + " …"
