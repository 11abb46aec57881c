"""Which numbers a Keras model takes for black and white, as far as what it does first with a picture tells.

Pictures of one grey are sent in, and looked at when they arrive at the first layer with weights: so flips,
resizing and calculations between layers are seen through, and all rescaling adds up to y = slope · x + offset.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from linesexp.seeing.layers import CONTAINERS, Heard, input_shape, listening, look

SIDE = 64  # px, of pictures for models that take any
GREYS = np.array([0.0, 1.0, 255.0], np.float32)
UNIT, SIGNED, BYTES = (0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)
FLAT = 1 / 16  # a slope below this is one for 0..255: of 0..1 it would leave next to nothing
GUESSED = "a guess: the model does not begin by scaling pictures"


@dataclass(frozen=True)
class Scale:
    """The numbers for black and white, and in words where they come from; guessed: the model does not tell."""

    black: float
    white: float
    source: str
    guessed: bool = False


@dataclass(frozen=True)
class _Line:
    """What became of a grey x on the way: slope · x + offset."""

    slope: float
    offset: float


class _Enough(BaseException):
    """The first layer with weights has been heard. No Exception, which Keras would take for its own."""


def scale_of(model: keras.Model) -> Scale:
    """The scale of a model's pictures: 0..255, 0..1 or −1..1; 0..1, guessed, where nothing tells."""
    normal: list[tuple[_Line, float, float]] = []
    arrived: list[_Line] = []

    def hear(heard: Heard) -> Any:
        told = isinstance(heard.layer, keras.layers.Normalization) and not heard.layer.invert
        if not told and (not heard.layer.weights or isinstance(heard.layer, CONTAINERS)):
            return heard.output
        line = _line(heard.inputs[0]) if heard.inputs else None
        if line is None:
            raise _Enough
        if told:
            mean, variance = (np.asarray(part, np.float64) for part in (heard.layer.mean, heard.layer.variance))
            spread = variance.mean() + mean.var()  # of all the numbers together
            if (mean.mean(), spread) != (0, 1):  # else it was never told of any data
                normal.append((line, float(mean.mean()), float(spread)))
            return heard.output
        arrived.append(line)
        raise _Enough

    try:
        with listening(model, hear):
            look(model, _greys(model))
    except _Enough:
        pass
    except Exception:  # whatever a model of somebody's own raises: then it tells nothing
        return Scale(*UNIT, GUESSED, guessed=True)
    if normal and normal[0][0].slope:
        return Scale(*_of_data(*normal[0]), "the mean and variance in the model's Normalization")
    if not arrived or not arrived[0].slope or arrived[0] == _Line(1.0, 0.0):
        return Scale(*UNIT, GUESSED, guessed=True)
    return Scale(*_of_line(arrived[0]), "how the model rescales pictures before its first layer with weights")


def _of_line(line: _Line) -> tuple[float, float]:
    """The scale that a model is made for which turns it so: what becomes zero is black, or the middle."""
    zero = -line.offset / line.slope
    if abs(line.slope) < FLAT or zero > 2:
        return BYTES
    return SIGNED if zero < -0.25 else UNIT


def _of_data(before: _Line, mean: float, variance: float) -> tuple[float, float]:
    """The narrowest scale on which data can have this mean and variance: within low … high no variance is
    over (mean − low) · (high − mean) (Bhatia and Davis 2000). before: what comes ahead of the normalization."""
    mean, variance = (mean - before.offset) / before.slope, variance / before.slope**2
    for low, high in (UNIT, SIGNED):
        if variance <= (mean - low) * (high - mean) * 1.01:
            return low, high
    return BYTES


def _line(arrived: Any) -> _Line | None:
    """How greys arrive; None where that is no straight line, as after scaling each picture by itself."""
    if not keras.ops.is_tensor(arrived) or len(arrived.shape) < 2 or len(arrived) != len(GREYS):
        return None
    values = keras.ops.convert_to_numpy(keras.ops.cast(arrived, "float32")).reshape(len(GREYS), -1)
    black, one, white = np.median(values.astype(np.float64), axis=1)  # of all places: some may be padded
    slope = (white - black) / 255
    if not np.isfinite(slope) or abs(one - black - slope) > 1e-3 * max(abs(slope), 1e-3 * abs(black)):
        return None
    slope, black = (round(value, 5) for value in (float(slope), float(black)))
    return _Line(slope, black)


def _greys(model: keras.Model) -> np.ndarray:
    """(3, H, W, C): a picture of each grey."""
    height, width, channels = input_shape(model) or (SIDE, SIDE, 3)
    greys = np.broadcast_to(GREYS[:, None, None, None], (3, height or SIDE, width or SIDE, channels))
    return np.ascontiguousarray(greys)
