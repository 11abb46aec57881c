"""Which convolutions of a model read a picture's own colours, whatever order the model keeps its layers in.

Pictures of one colour each are sent in, a plain one and one with more red, more green and more blue. A layer
reads colours if each of the three numbers that arrive at it goes with one of these alone: through rescaling,
augmentation, pools and calculations between layers, but not through filters that mix colours.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from linesexp.seeing.layers import Heard, input_shape, listening, look
from linesexp.seeing.scale import SIDE, scale_of

MIXED = 1e-3  # of the strongest change: more of another colour is a mixture
RGB = (0, 1, 2)


class _Enough(BaseException):
    """All layers that are asked about have been heard. No Exception, which Keras would take for its own."""


def colour_order(model: keras.Model, asked: Sequence[keras.layers.Layer]) -> dict[int, tuple[int, ...]]:
    """{id of a layer: the colour of each of its three input channels}, 0 red, 1 green, 2 blue.

    Of those asked about that read a picture's colours; none of a model that cannot be looked through.
    """
    shape = input_shape(model) if asked else None
    if shape is None or shape[2] != len(RGB):
        return {}
    waiting = {id(layer) for layer in asked}
    found: dict[int, tuple[int, ...]] = {}

    def hear(heard: Heard) -> Any:
        if id(heard.layer) in waiting:
            waiting.discard(id(heard.layer))
            order = _order(heard.inputs[0]) if heard.inputs else None
            if order is not None:
                found[id(heard.layer)] = order
            if not waiting:
                raise _Enough
        return heard.output

    colours = _colours(model, (shape[0] or SIDE, shape[1] or SIDE))
    try:
        with listening(model, hear):
            look(model, colours)
    except (_Enough, Exception):  # whatever a model of somebody's own raises: what was heard before is known
        pass
    return found


def _order(arrived: Any) -> tuple[int, ...] | None:
    """Which colour each of three channels is, of (plain, red, green, blue) as they arrive; None: a mixture."""
    if (
        not keras.ops.is_tensor(arrived)
        or len(arrived.shape) != 4
        or tuple(arrived.shape[::3]) != (4, len(RGB))
    ):
        return None
    values = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(arrived, "float32")), np.float64)
    middle = np.median(values, axis=(1, 2))  # (4 pictures, 3 channels); of all places: some may be padded
    change = np.abs(middle[1:] - middle[0])  # (3 colours, 3 channels)
    largest = change.max(axis=0)
    if not np.isfinite(change).all() or not largest.all():
        return None
    goes_with = change > MIXED * largest
    order = tuple(change.argmax(axis=0).tolist())
    return order if (goes_with.sum(axis=0) == 1).all() and sorted(order) == list(RGB) else None


def _colours(model: keras.Model, size: tuple[int, int]) -> np.ndarray:
    """(4, H, W, 3): a grey picture, and one each with more red, green and blue, on the model's scale."""
    scale = scale_of(model)
    colours = np.full((4, 1, 1, len(RGB)), 0.25) + 0.5 * np.eye(4, 3, k=-1)[:, None, None, :]
    scaled = scale.black + colours * (scale.white - scale.black)
    return np.ascontiguousarray(np.broadcast_to(scaled, (4, *size, len(RGB))), dtype=np.float32)
