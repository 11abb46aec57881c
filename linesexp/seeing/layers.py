"""Every layer's output of any Keras model, by listening to the layers while the model looks.

So it is not asked how a model was put together: sequential, functional and nested models, layers that are
shared, and subclassed ones are all heard, as long as they call their layers in the ordinary way. Not heard:
mathematics between layers (`x + y`, `keras.ops`), since no layer does it; what happens inside of compiled
functions and of recurrent loops; and dropout and its like do nothing here, as always outside training.
"""

import contextlib
import math
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from linesexp.errors import InputError
from linesexp.seeing.forward import LayerOutput

CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv2DTranspose,
)
MOST_NUMBERS = 2**27  # of one picture in one layer: half a gigabyte
MOST_PIXELS = 25_000_000  # of the pictures that a model takes
CONTAINERS = (keras.Sequential, keras.models.Model)


@dataclass(frozen=True)
class Heard:
    """One call of a layer: name (`block/conv`, `conv#2` the second time), the layer, its inputs, its output."""

    name: str
    layer: keras.layers.Layer
    inputs: tuple[Any, ...]
    output: Any


@contextlib.contextmanager
def listening(model: keras.Model, hear: Callable[[Heard], Any]) -> Iterator[None]:
    """While this lasts, `hear` is told of every layer called inside of `model`; what it returns goes on.

    It returns `heard.output` to change nothing. Calls by other threads, and outside of the model, are left
    alone.
    """
    original = keras.layers.Layer.__call__
    thread = threading.get_ident()
    around: list[str] = []  # names of the layers that are being called; the first is the model
    times: Counter[str] = Counter()
    refused: list[InputError] = []

    def call(layer: keras.layers.Layer, *inputs: Any, **how: Any) -> Any:
        if threading.get_ident() != thread or (not around and layer is not model):
            return original(layer, *inputs, **how)
        if layer is model:
            times.clear()
        around.append(layer.name)
        try:
            if words := _too_much(layer, inputs, around):
                refused.append(InputError(words))
                raise refused[0]
            output = original(layer, *inputs, **how)
        except Exception:
            if refused:  # Keras makes errors of its own of whatever a layer raises
                raise refused[0] from None
            raise
        finally:
            path = "/".join(around[1:])
            around.pop()
        if layer is model:
            return output
        times[path] += 1
        name = path if times[path] == 1 else f"{path}#{times[path]}"
        return hear(Heard(name, layer, inputs, output))

    keras.layers.Layer.__call__ = call
    try:
        yield
    finally:
        keras.layers.Layer.__call__ = original


def _too_much(layer: keras.layers.Layer, inputs: tuple[Any, ...], around: list[str]) -> str:
    """A complaint on a layer of Keras that would make more numbers of one picture than are held in memory."""
    ours = not isinstance(layer, CONTAINERS) and type(layer).__module__.startswith("keras.")
    if not ours or len(inputs) != 1 or not hasattr(inputs[0], "shape"):
        return ""
    try:
        shape = layer.compute_output_shape(tuple(inputs[0].shape))
    except Exception:  # a layer that cannot tell
        return ""
    if not isinstance(shape, tuple) or not all(isinstance(side, int) for side in shape[1:]):
        return ""
    if (count := math.prod(shape[1:])) <= MOST_NUMBERS:
        return ""
    name = "/".join(around[1:]) or layer.name
    return f"layer {name} makes {count:,} numbers of one picture; at most {MOST_NUMBERS:,} are held"


def layer_outputs(model: keras.Model, pictures: np.ndarray) -> list[LayerOutput]:
    """What each layer of a model makes of float32 (n, H, W, C) pictures, in the order of computing.

    Equal to what Keras' own sub-model up to that layer gives. Parts of nested models are named
    `model/layer`; a layer that is called again is `layer#2`. A model within the model has no entry of its
    own, since it ends with that of a layer; a block with a calculation of its own has one after its parts.
    The last entry is the model's output, named `output` where no layer gave it.
    """
    found: list[LayerOutput] = []
    last: list[Any] = [None]

    def hear(heard: Heard) -> Any:
        if _is_values(heard.output) and not (isinstance(heard.layer, CONTAINERS) and heard.output is last[0]):
            found.append(LayerOutput(heard.name, keras.ops.convert_to_numpy(heard.output)))
            last[0] = heard.output
        return heard.output

    output = _look(model, pictures, hear)
    if _is_values(output) and output is not last[0]:
        found.append(LayerOutput("output", keras.ops.convert_to_numpy(output)))
    return found


def look(model: keras.Model, pictures: Any) -> Any:
    """What a model gives for pictures (n, H, W, C), as a tensor (or several)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The structure of `inputs`")  # it may want a list of one
        return model(keras.ops.convert_to_tensor(pictures), training=False)


def convolutions(model: keras.Model, pictures: np.ndarray) -> list[str]:
    """Names of the two-dimensional convolutions that a model calls, in order. Raises InputError for none."""
    found = []

    def hear(heard: Heard) -> Any:
        if isinstance(heard.layer, CONVOLUTIONS):
            found.append(heard.name)
        return heard.output

    _look(model, pictures, hear)
    if not found:
        kinds = ", ".join(kind.__name__ for kind in CONVOLUTIONS)
        raise InputError(f"the model has no two-dimensional convolution ({kinds}), and so no maps to see")
    return found


def picture_shape(model: keras.Model) -> tuple[int | None, int | None, int]:
    """(height, width, channels) of the pictures that a model takes; None for a side of any length.

    Raises InputError for a model that takes something else than one batch of grey or colour pictures.
    """
    try:
        shape = model.input_shape
    except (AttributeError, ValueError):  # a subclassed model that was never called
        shape = None
    if isinstance(shape, dict | list) and len(shape) == 1:
        shape = next(iter(shape.values() if isinstance(shape, dict) else shape))
    if not isinstance(shape, tuple):
        raise InputError(
            f"the model must take one batch of pictures, (n, height, width, channels); it takes {_said(shape)}"
        )
    if len(shape) != 4 or shape[-1] not in (1, 3):
        raise InputError(
            "the model must take pictures (n, height, width, channels) of 1 (grey) or 3 (colour) channels, "
            f"channels last; it takes {_said(shape)}"
        )
    if (shape[1] or 1) * (shape[2] or 1) > MOST_PIXELS:
        raise InputError(
            f"the model takes pictures of {_said(shape)}; at most {MOST_PIXELS:,} pixels are looked at"
        )
    return shape[1:]


def takes_bytes(model: keras.Model) -> bool:
    """Whether a model begins by scaling its pictures itself, so that it wants 0..255 and not 0..1."""
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    while layers and isinstance(layers[0], keras.Model):
        layers = [layer for layer in layers[0].layers if not isinstance(layer, keras.layers.InputLayer)]
    return bool(layers) and isinstance(layers[0], keras.layers.Rescaling | keras.layers.Normalization)


def _look(model: keras.Model, pictures: np.ndarray, hear: Callable[[Heard], Any]) -> Any:
    if not model.built:  # its first call also calls layers only to learn their shapes
        look(model, pictures)
    with listening(model, hear):
        return look(model, pictures)


def _is_values(output: Any) -> bool:
    """One tensor with values (and not symbols of a compiled function), a picture's in each row."""
    if not keras.ops.is_tensor(output) or len(output.shape) < 2:
        return False
    try:
        keras.ops.convert_to_numpy(output)
    except (NotImplementedError, TypeError, ValueError):
        return False
    return True


def _said(shape: Any) -> str:
    return "inputs that it does not name" if shape is None else str(shape)
