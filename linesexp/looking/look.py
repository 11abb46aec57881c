"""One picture through a network: how it is read, what every layer makes of it, which class that is."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from linesexp.errors import InputError
from linesexp.given import OF_A_PICTURE, read_given
from linesexp.images.pictures import MOST_PIXELS, open_picture, stretch
from linesexp.looking.networks import Network
from linesexp.looking.verdict import classes_of
from linesexp.seeds import rng_for
from linesexp.seeing.forward import LayerOutput

METHODS = ("gradient", "smoothgrad", "occlusion", "grad-cam")
LONGEST = 256  # px, for a model that takes pictures of any size


@dataclass(frozen=True)
class Options:
    """What to make. class_name None: the class that the network names; occlusion_size None: an eighth of the
    picture's shorter side, stride None: half of the size; occlusion_fill, 0 black … 1 white, None: the
    picture's mean; noise: its standard deviation, as a share of black to white."""

    methods: Sequence[str] = METHODS
    class_name: str | None = None
    samples: int = 25
    noise: float = 0.15
    seed: int = 0
    occlusion_size: int | None = None
    occlusion_stride: int | None = None
    occlusion_fill: float | None = None
    most_pixels: int = MOST_PIXELS


@dataclass(frozen=True)
class Picture:
    """A picture file as a network takes it: values (H, W, C) in [0, 1], and in words what was done to it."""

    name: str
    values: np.ndarray
    change: str


@dataclass
class Look:
    """One picture through a network: each layer's output, after and before training, and all that is said."""

    picture: Picture
    after: list[LayerOutput]
    before: list[LayerOutput] | None
    facts: dict[str, Any] = field(default_factory=dict)


def read_picture(name: str, network: Network, most_pixels: int = MOST_PIXELS) -> Picture:
    """A picture file as the network takes it. Raises InputError, naming the file."""
    picture = open_picture(read_given(name, OF_A_PICTURE), name, network.ground, most_pixels)
    height, width, channels = network.shape
    if height is None or width is None:
        height, width = _own_size(picture, height, width)
    pixels = stretch(picture, (height, width), channels)
    grey_before = _is_grey(picture)
    kind = "grey" if channels == 1 else "colour"
    change = "as it is"
    if picture.size != (width, height):
        change = f"{picture.width} px wide, {picture.height} high; stretched to {width} wide, {height} high"
    if grey_before != (channels == 1):
        change += ", made grey" if channels == 1 else ", grey in all three colour channels"
    change += f" ({kind})" if change == "as it is" else ""
    return Picture(name, np.divide(pixels, 255, dtype=np.float32), change)


def look_at(network: Network, picture: Picture) -> Look:
    """A picture through every layer of a network, and the facts about that."""
    batch = to_scale(picture.values, network)[None]
    try:
        after = _first(network.outputs(batch))
    except InputError as error:
        raise InputError(f"{picture.name}: {error}") from None
    before = network.outputs_before(batch)
    look = Look(picture, after, None if before is None else _first(before))
    look.facts = {"picture": picture.name, "resized": picture.change}
    look.facts |= classes_of(after, network)
    if look.before:
        look.facts["before_training"] = classes_of(look.before, network)
    look.facts["layers"] = [
        {
            "layer": output.name,
            "shape": list(output.values.shape),
            "largest": float(np.abs(output.values).max()),
        }
        | (
            {"silent": np.flatnonzero(~output.values.any(axis=(0, 1))).tolist()}
            if output.values.ndim == 3
            else {}
        )
        for output in after
    ]
    return look


def note_on(picture: Picture, network: Network) -> str | None:
    """What is to be known before a picture's results are believed, if anything."""
    notes = network.note(picture.values), network.weights_note
    return "; ".join(note for note in notes if note) or None


def to_scale(values: np.ndarray, network: Network) -> np.ndarray:
    """Pictures in [0, 1] on the scale that the network takes."""
    low, high = network.scale
    return (values * (high - low) + low).astype(np.float32)


def noise_for(options: Options, shape: tuple[int, ...], network: Network) -> np.ndarray:
    """(samples, H, W, C) of SmoothGrad's noise: the same for the same seed."""
    spread = options.noise * (network.scale[1] - network.scale[0])
    draws = rng_for(options.seed, "smoothgrad").standard_normal((options.samples, *shape), dtype=np.float32)
    return draws * np.float32(spread)


def _first(outputs: Iterable[LayerOutput]) -> list[LayerOutput]:
    return [LayerOutput(output.name, output.values[0], output.final) for output in outputs]


def _own_size(picture: Image.Image, height: int | None, width: int | None) -> tuple[int, int]:
    """A picture's own height and width, its longer side LONGEST px at most; a side that is given stays."""
    shrink = min(1.0, LONGEST / max(picture.size))
    sides = (max(1, math.floor(length * shrink)) for length in (picture.height, picture.width))
    tall, wide = (given or own for given, own in zip((height, width), sides, strict=True))
    return tall, wide


def _is_grey(picture: Image.Image) -> bool:
    red, green, blue = picture.split()
    return red.tobytes() == green.tobytes() == blue.tobytes()
