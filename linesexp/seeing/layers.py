"""Every layer's output of any Keras model, by listening to the layers while the model looks.

So it is not asked how a model was put together: sequential, functional and nested models, layers that are
shared, and subclassed ones are all heard, as long as they call their layers in the ordinary way. Not heard:
mathematics between layers (`x + y`, `keras.ops`), since no layer does it; what happens inside of compiled
functions and of recurrent loops; and dropout and its like do nothing here, as always outside training.
"""

import contextlib
import functools
import math
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from linesexp.errors import InputError
from linesexp.images.pictures import MOST_PIXELS
from linesexp.learning.recorder import CONVOLUTIONS
from linesexp.seeing.forward import LayerOutput

MOST_NUMBERS = 2**27  # of one picture in one layer: half a gigabyte
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
    The last entry is the model's output, named `output` where no layer gave it; of a model with several
    outputs, they are those that are marked `final`.
    """
    found: list[LayerOutput] = []
    tensors: list[Any] = [None]

    def hear(heard: Heard) -> Any:
        if _is_values(heard.output) and not (
            isinstance(heard.layer, CONTAINERS) and heard.output is tensors[-1]
        ):
            found.append(LayerOutput(heard.name, keras.ops.convert_to_numpy(heard.output)))
            tensors.append(heard.output)
        return heard.output

    heads = [head for head in keras.tree.flatten(_look(model, pictures, hear)) if _is_values(head)]
    given = tensors[1:] if len(heads) > 1 else [*(None for _ in tensors[2:]), tensors[-1]]
    for number, head in enumerate(heads, 1):
        places = [place for place, tensor in enumerate(given) if tensor is head]
        if places:
            found[places[-1]] = replace(found[places[-1]], final=True)
        else:
            name = "output" if len(heads) == 1 else f"output#{number}"
            found.append(LayerOutput(name, keras.ops.convert_to_numpy(head), final=True))
    return found


def look(model: keras.Model, pictures: Any) -> Any:
    """What a model gives for pictures (n, H, W, C): a tensor, or several as it puts them together."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The structure of `inputs`")  # it may want a list of one
        with _channels_last_inside():
            output = model(keras.ops.convert_to_tensor(pictures), training=False)
    parts = keras.tree.flatten(output)
    return parts[0] if len(parts) == 1 else output


@contextlib.contextmanager
def _channels_last_inside() -> Iterator[None]:
    """While this lasts, convolutions of channels-first maps compute channels last, and turn what comes of it.

    On a CPU without oneDNN TensorFlow convolves in no other order. Keras turns the maps of all other layers.
    """
    kinds = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
    own = {kind: vars(kind).get("call") for kind in kinds}
    for kind in kinds:
        kind.call = _turned(kind.call)
    try:
        yield
    finally:
        for kind, call in own.items():
            if call is None:  # it inherits the one that it has
                del kind.call
            else:
                kind.call = call


def _turned(original: Callable[[keras.layers.Layer, Any], Any]) -> Callable[[keras.layers.Layer, Any], Any]:
    @functools.wraps(original)
    def call(layer: keras.layers.Layer, maps: Any) -> Any:
        if layer.data_format != "channels_first":
            return original(layer, maps)
        settings, activation = vars(layer), layer.activation  # Keras would count what is set as a change
        settings["data_format"], settings["activation"] = "channels_last", None
        try:
            output = original(layer, keras.ops.transpose(maps, (0, 2, 3, 1)))
        finally:
            settings["data_format"], settings["activation"] = "channels_first", activation
        output = keras.ops.transpose(output, (0, 3, 1, 2))
        return output if activation is None else activation(output)  # which may look along the channels

    return call


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


def finite_weights(model: keras.Model) -> dict[str, bool]:
    """{path of a weight: whether all of its numbers are finite}."""
    return {
        weight.path: bool(keras.ops.all(keras.ops.isfinite(weight)))
        for weight in model.weights
        if keras.backend.is_float_dtype(weight.dtype)
    }


def picture_shape(model: keras.Model) -> tuple[int | None, int | None, int]:
    """(height, width, channels) of the pictures that a model takes; None for a side of any length.

    Raises InputError for a model that takes something else than one batch of grey or colour pictures.
    """
    shape = _shape(model)
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


def input_shape(model: keras.Model) -> tuple[int | None, int | None, int] | None:
    """(height, width, channels) of what a model takes, if it is one batch of pictures, channels last.

    Of a subclassed model: what it was built with.
    """
    shape = _shape(model)
    if shape is None and model.built:
        shape = (model.get_build_config() or {}).get("input_shape")
        shape = None if shape is None else tuple(shape)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] is None:
        return None
    if shape[1] in (1, 3) and shape[3] not in (1, 3):  # (n, channels, height, width)
        return None
    if (shape[1] or 1) * (shape[2] or 1) * shape[3] > MOST_NUMBERS:  # one picture would fill the memory
        return None
    return None if keras.config.image_data_format() != "channels_last" else shape[1:]


def _shape(model: keras.Model) -> Any:
    """What a model says that it takes: a shape, several, or None."""
    try:
        shape = model.input_shape
    except (AttributeError, ValueError):  # a subclassed model
        return None
    if isinstance(shape, dict | list) and len(shape) == 1:
        shape = next(iter(shape.values() if isinstance(shape, dict) else shape))
    return shape


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
