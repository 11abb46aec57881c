"""The two-dimensional convolutions of any Keras model, and their kernels as arrays."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import keras
import numpy as np

from linesexp.errors import InputError
from linesexp.kernels.any_layer import INITIALIZERS, Layer, depthwise_layer, grouped_layer
from linesexp.kernels.colour import CHANNELS
from linesexp.learning.recorder import CONVOLUTIONS
from linesexp.seeing.readers import RGB, colour_order


@dataclass(frozen=True)
class Convolution:
    """A convolution of a model: name (`block/conv`), the layer, and its kernels: one array, or for a separable
    convolution two, `NAME/depthwise` and `NAME/pointwise`."""

    name: str
    layer: keras.layers.Layer
    kernels: list[Layer]


def convolutions_of(model: keras.Model) -> list[Convolution]:
    """Every convolution of a model once, however it is put together, in the order in which it keeps them.

    A name that comes again gets `_2`. Raises InputError for a model without any, and for one that was never
    built and so has no weights.
    """
    found: list[Convolution] = []
    taken: set[str] = set()
    layers = [(name, layer) for name, layer in _walk(model, "", set()) if isinstance(layer, CONVOLUTIONS)]
    orders = colour_order(model, [layer for _, layer in layers if layer.built and _reads(layer) == len(RGB)])
    for name, layer in layers:
        if not layer.built:
            raise InputError(
                f"layer {name} has no weights yet: call the model once, or build it, and save it again"
            )
        unique, copies = name, 1
        while unique in taken:
            copies += 1
            unique = f"{name}_{copies}"
        taken.add(unique)
        found.append(Convolution(unique, layer, _kernels(unique, layer, orders.get(id(layer)))))
    if not found:
        kinds = ", ".join(kind.__name__ for kind in CONVOLUTIONS)
        raise InputError(f"the model has no two-dimensional convolution ({kinds}), and so no kernels")
    return found


def _walk(layer: keras.layers.Layer, path: str, seen: set[int]) -> Iterator[tuple[str, keras.layers.Layer]]:
    """(path, layer) of all layers inside of one, each once."""
    for child in layer._flatten_layers(include_self=False, recursive=False):  # no public way tells them all
        if id(child) in seen:
            continue
        seen.add(id(child))
        name = f"{path}{child.name}"
        yield name, child
        yield from _walk(child, f"{name}/", seen)


def _reads(layer: keras.layers.Layer) -> int:
    """How many channels a layer's input has; 0 for one whose filters do not all read the same."""
    if isinstance(layer, keras.layers.Conv2DTranspose) or getattr(layer, "groups", 1) != 1:
        return 0
    separable = isinstance(layer, keras.layers.SeparableConv2D)
    return int((layer.depthwise_kernel if separable else layer.kernel).shape[2])


def _kernels(name: str, layer: keras.layers.Layer, order: tuple[int, ...] | None) -> list[Layer]:
    """order: which colour of a picture each of three input channels is; None if they are no colours."""
    kind = next(base.__name__ for base in CONVOLUTIONS if isinstance(layer, base))
    if kind == "SeparableConv2D":
        depthwise, pointwise = _array(layer.depthwise_kernel), _array(layer.pointwise_kernel)
        start = depthwise_layer(f"{name}/depthwise", depthwise, kind, _initializer(layer.depthwise_initializer))
        return [
            replace(start, note=_each_one_colour(order)),
            Layer(f"{name}/pointwise", pointwise, kind, _initializer(layer.pointwise_initializer)),
        ]
    if kind == "DepthwiseConv2D":
        whole = depthwise_layer(name, _array(layer.kernel), kind, _initializer(layer.depthwise_initializer))
        return [replace(whole, note=_each_one_colour(order))]
    kernels = _array(layer.kernel)
    initializer = _initializer(layer.kernel_initializer)
    if kind == "Conv2DTranspose":  # (kh, kw, filters, channels)
        return [Layer(name, kernels.transpose(0, 1, 3, 2), kind, initializer, draws_with=True)]
    whole = grouped_layer(name, kernels, kind, initializer, layer.groups, order == RGB)
    if order in (None, RGB):
        return [whole]
    note = (
        f"Its channels are {_said(order)}, in this order, so that it is measured by channel and not as colour."
    )
    return [replace(whole, note=note)]


def _each_one_colour(order: tuple[int, ...] | None) -> str:
    return "" if order is None else f"Each kernel reads one colour: channels 0, 1 and 2 are {_said(order)}."


def _said(order: tuple[int, ...]) -> str:
    first, second, third = (CHANNELS[colour] for colour in order)
    return f"{first}, {second} and {third}"


def _array(weights: keras.Variable) -> np.ndarray:
    return np.asarray(weights.numpy(), dtype=np.float32)


def _initializer(initializer: keras.initializers.Initializer) -> str | None:
    if type(initializer) is keras.initializers.VarianceScaling:  # what EfficientNet and its like name
        return "scaled_uniform" if initializer.distribution == "uniform" else "scaled_normal"
    return INITIALIZERS.get(type(initializer).__name__)
