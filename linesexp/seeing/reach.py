"""How many pixels a layer's unit can depend on: kernel sizes, strides and dilations added up along the way.

Layer after layer, r' = r + (k − 1)·j and j' = j·s, for a kernel of k (spread by its dilation), a stride of s,
and units that lie j pixels apart (Araujo, Norris and Sim 2019, "Computing receptive fields of convolutional
neural networks"). Followed from tensor to tensor while the model looks, so that branches and nested models
are followed as well; a calculation between layers, which no layer does, ends the trail.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras

from linesexp.seeing.layers import Heard

layers = keras.layers
WINDOWS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
POOLS = (layers.MaxPooling2D, layers.AveragePooling2D)
TOGETHER = (
    *(layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum),
    layers.Concatenate,
)
PLACE_BY_PLACE = (
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Softmax),
    *(layers.BatchNormalization, layers.Rescaling, layers.Normalization, layers.Identity),
    *(layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise, layers.GaussianDropout),
    *(layers.AlphaDropout, layers.ActivityRegularization, layers.ZeroPadding2D, layers.Cropping2D),
)
EVERYWHERE = (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, layers.Flatten)
AFTER_EVERYWHERE = (layers.Dense, layers.Reshape, layers.LayerNormalization)


@dataclass(frozen=True)
class Reach:
    """Pixels (height, width) that a unit can depend on, inf for all of them, and how far apart units lie."""

    size: tuple[float, float]
    apart: tuple[float, float]


@dataclass
class Trail:
    """What is known of each tensor of a model's call. Tell it of the picture first, then of layers heard."""

    _known: dict[int, Reach] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)  # a tensor that is gone would leave its id to another

    def begin(self, picture: Any) -> None:
        """The picture itself: one pixel, one apart."""
        self._remember(picture, Reach((1, 1), (1, 1)))

    def follow(self, heard: Heard) -> Reach | None:
        """What the output of this layer reaches; None where the trail is lost."""
        inputs = [self._known.get(id(tensor)) for tensor in _tensors(heard.inputs)]
        known = [reach for reach in inputs if reach is not None]
        reach = _after(heard.layer, known) if known and len(known) == len(inputs) else None
        if reach is None and keras.ops.is_tensor(heard.output):
            return self._known.get(id(heard.output))  # of a model within the model: that of its last layer
        if reach is not None:
            self._remember(heard.output, reach)
        return reach

    def _remember(self, tensor: Any, reach: Reach) -> None:
        self._known[id(tensor)] = reach
        self._kept.append(tensor)


def _after(layer: keras.layers.Layer, inputs: list[Reach]) -> Reach | None:
    first = inputs[0]
    if isinstance(layer, TOGETHER):
        sizes, apart = ([getattr(each, name) for each in inputs] for name in ("size", "apart"))
        return Reach(_largest(sizes), _largest(apart))
    if len(inputs) > 1:
        return None
    if isinstance(layer, WINDOWS):
        spread = [(k - 1) * d + 1 for k, d in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
        return _window(first, spread, layer.strides)
    if isinstance(layer, POOLS):
        return _window(first, layer.pool_size, layer.strides)
    if isinstance(layer, layers.Conv2DTranspose):
        seen = [math.ceil(k / s) for k, s in zip(layer.kernel_size, layer.strides, strict=True)]
        return _window(first, seen, [1 / s for s in layer.strides])
    if isinstance(layer, layers.UpSampling2D) and layer.interpolation == "nearest":
        return _window(first, (1, 1), [1 / s for s in layer.size])
    if isinstance(layer, EVERYWHERE):
        return Reach((math.inf, math.inf), first.apart)
    if isinstance(layer, PLACE_BY_PLACE) or (isinstance(layer, AFTER_EVERYWHERE) and first.size[0] == math.inf):
        return first
    return None


def _window(before: Reach, window: Any, strides: Any) -> Reach:
    size = [r + (k - 1) * j for r, k, j in zip(before.size, window, before.apart, strict=True)]
    apart = [j * s for j, s in zip(before.apart, strides, strict=True)]
    return Reach((size[0], size[1]), (apart[0], apart[1]))


def _largest(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)


def _tensors(inputs: Any) -> Iterator[Any]:
    if isinstance(inputs, dict):
        inputs = inputs.values()
    elif keras.ops.is_tensor(inputs):
        yield inputs
        return
    elif not isinstance(inputs, list | tuple):
        return
    for each in inputs:
        yield from _tensors(each)
