"""How many pixels a layer's unit can depend on, followed from tensor to tensor while the model looks.

Each unit's first and last pixel are taken along by kernels, strides, dilations, paddings and crops (spans.py),
so that branches that look at different places and nested models are followed as well. What cannot be followed,
such as a calculation between layers, which no layer does, ends the trail with a reason, and never in a guess.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import keras

from linesexp.seeing.layers import Heard
from linesexp.seeing.spans import Span, TooWide, pixels, together

layers = keras.layers
WINDOWS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D)
POOLS = (layers.MaxPooling2D, layers.AveragePooling2D)
EVERYWHERE = (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, layers.GroupNormalization)
TOGETHER = (
    *(layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum),
    layers.Concatenate,
)
AUGMENTATION = (  # which lets pictures through unchanged, except in training
    *(layers.RandomFlip, layers.RandomRotation, layers.RandomTranslation, layers.RandomZoom),
    *(layers.RandomContrast, layers.RandomBrightness),
)
PLACE_BY_PLACE = (
    *(layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU),
    *(layers.BatchNormalization, layers.Rescaling, layers.Normalization, layers.Identity),
    *(layers.Dropout, layers.SpatialDropout2D, layers.GaussianNoise, layers.GaussianDropout),
    *(layers.AlphaDropout, layers.ActivityRegularization, *AUGMENTATION),
)
OVER_AXES = (layers.Softmax, layers.LayerNormalization, layers.UnitNormalization)
SHIFTS = (layers.Cropping2D, layers.ZeroPadding2D)
KNOWN = (
    *(*WINDOWS, *POOLS, *EVERYWHERE, *TOGETHER, *PLACE_BY_PLACE, *OVER_AXES, *SHIFTS),
    *(layers.Conv2DTranspose, layers.UpSampling2D, layers.Flatten, layers.Dense, layers.Reshape),
)


@dataclass(frozen=True)
class Reach:
    """The pixels that each unit of a layer can depend on, by rows and by columns.

    laid_flat: its units are no map any more, but stand one after the other. everywhere: something on the way
    looked at all places at once."""

    rows: Span
    columns: Span
    laid_flat: bool = False
    everywhere: bool = False

    def size(self, units: tuple[int, int]) -> tuple[int, int]:
        """(height, width) in px of what the middle one of a layer's units spans. Raises TooWide."""
        return self.rows.size(units[0]), self.columns.size(units[1])

    def whole(self, units: tuple[int, int]) -> bool:
        """Whether that is all of the picture because something looked at all places at once."""
        return self.everywhere and self.rows.covers(units[0]) and self.columns.covers(units[1])

    @property
    def alike(self) -> bool:
        """Whether all units see the same."""
        return self.rows.alike and self.columns.alike


@dataclass(frozen=True)
class Lost:
    """Why it is not known what a layer's units see."""

    reason: str


class _Unfollowed(Exception):
    """A layer that cannot be followed, and why."""


@dataclass
class Trail:
    """What is known of each tensor of a model's call. Tell it of the picture first, then of layers heard."""

    _known: dict[int, Reach | Lost] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)  # a tensor that is gone would leave its id to another

    def begin(self, picture: Any) -> None:
        """The picture itself, (n, H, W, C): each unit is a pixel."""
        self._remember(picture, Reach(pixels(picture.shape[1]), pixels(picture.shape[2])))

    def follow(self, heard: Heard) -> Reach | Lost:
        """What the output of this layer reaches, or why that is not known."""
        tensors = list(_tensors(heard.inputs))
        inputs = [self._known.get(id(tensor)) for tensor in tensors]
        lost = [reach for reach in inputs if isinstance(reach, Lost)]
        known = [reach for reach in inputs if isinstance(reach, Reach)]
        reach: Reach | Lost
        if lost:
            reach = lost[0]
        elif not known or len(known) < len(inputs):
            reach = Lost(f"before {heard.name} is a calculation that no layer does")
        elif not keras.ops.is_tensor(heard.output):
            reach = Lost(f"{heard.name} gives several things")
        else:
            reach = _after(heard, known, tensors)
        own = self._known.get(id(heard.output))
        if isinstance(reach, Lost) and own is not None:
            return own  # of a model within the model: that of its last layer
        self._remember(heard.output, reach)
        return reach

    def _remember(self, tensor: Any, reach: Reach | Lost) -> None:
        self._known[id(tensor)] = reach
        self._kept.append(tensor)


def _after(heard: Heard, inputs: list[Reach], tensors: list[Any]) -> Reach | Lost:
    kind = f"{heard.name} ({type(heard.layer).__name__})"
    try:
        return _followed(heard.layer, inputs, tensors, tuple(heard.output.shape))
    except _Unfollowed as error:
        return Lost(f"{kind}: {error}")
    except TooWide:
        return Lost(f"{kind}: fields so large are not followed")


def _followed(layer: Any, inputs: list[Reach], tensors: list[Any], made: tuple[int, ...]) -> Reach:
    if not _is_known(layer):
        raise _Unfollowed("a layer of this kind is not followed")
    if getattr(layer, "data_format", None) == "channels_first":
        raise _Unfollowed("channels first are not followed")
    if not _acts_place_by_place(layer):
        raise _Unfollowed("an activation of one's own is not followed")
    if isinstance(layer, TOGETHER):
        return _joined(layer, inputs, tensors)
    if len(inputs) > 1:
        raise _Unfollowed("several inputs are not followed")
    first, shape = inputs[0], tuple(tensors[0].shape)
    if isinstance(layer, PLACE_BY_PLACE):
        return first
    if first.laid_flat:
        if not isinstance(layer, layers.Dense):
            raise _Unfollowed("after maps are laid in a row it is not followed")
        return replace(first, laid_flat=False)
    if isinstance(layer, layers.Flatten):
        # The hull at once, while it is known how many places there are. It is only right after a dense layer.
        return replace(_everywhere(first, shape), laid_flat=not first.alike)
    if isinstance(layer, layers.Dense):
        return first
    if isinstance(layer, layers.Reshape):
        if not first.alike and made != shape:
            raise _Unfollowed("maps of another shape are not followed")
        return first
    if isinstance(layer, EVERYWHERE):
        return _everywhere(first, shape)
    if isinstance(layer, OVER_AXES):
        return _everywhere(first, shape, _axes(layer.axis, len(shape)))
    return _moved(layer, first, shape)


def _moved(layer: Any, first: Reach, shape: tuple[int, ...]) -> Reach:
    """After a layer that has a kernel, or that moves units."""
    if len(shape) != 4:
        raise _Unfollowed("it reads no maps")
    if isinstance(layer, layers.UpSampling2D):
        if layer.interpolation != "nearest":
            raise _Unfollowed(f"{layer.interpolation} upsampling is not followed")
        return _each(first, lambda span, axis: span.repeated(layer.size[axis]))
    if isinstance(layer, SHIFTS):
        pairs = layer.cropping if isinstance(layer, layers.Cropping2D) else layer.padding
        sign = 1 if isinstance(layer, layers.Cropping2D) else -1
        return _each(first, lambda span, axis: span.shifted(sign * pairs[axis][0]))
    same = layer.padding == "same"
    if layer.padding not in ("same", "valid"):
        raise _Unfollowed(f"padding {layer.padding} is not followed")
    if isinstance(layer, POOLS):
        return _each(
            first,
            lambda span, axis: span.windows(
                shape[1 + axis], layer.pool_size[axis], layer.strides[axis], 1, same
            ),
        )
    kernel, stride, dilation = layer.kernel_size, layer.strides, layer.dilation_rate
    if isinstance(layer, layers.Conv2DTranspose):
        if layer.output_padding is not None:
            raise _Unfollowed("an output padding is not followed")
        return _each(
            first, lambda span, axis: span.transposed(kernel[axis], stride[axis], dilation[axis], same)
        )
    return _each(
        first,
        lambda span, axis: span.windows(shape[1 + axis], kernel[axis], stride[axis], dilation[axis], same),
    )


def _joined(layer: Any, inputs: list[Reach], tensors: list[Any]) -> Reach:
    if len({len(tensor.shape) for tensor in tensors}) > 1:
        raise _Unfollowed("maps and numbers together are not followed")
    maps = len(tensors[0].shape) == 4
    beside = isinstance(layer, layers.Concatenate) and maps and _axes(layer.axis, 4) & {1, 2}
    if beside and not all(reach.alike for reach in inputs):
        raise _Unfollowed("maps beside one another are not followed")
    by_axis = [reach.rows for reach in inputs], [reach.columns for reach in inputs]
    for axis, spans in enumerate(by_axis, 1):
        wide = [tensor for tensor, span in zip(tensors, spans, strict=True) if not span.alike]
        if maps and len({tensor.shape[axis] for tensor in wide}) > 1:  # each place of one gets all of the other
            raise _Unfollowed("maps of different sizes together are not followed")
    return Reach(
        together(by_axis[0]),
        together(by_axis[1]),
        any(reach.laid_flat for reach in inputs),
        any(reach.everywhere for reach in inputs),
    )


def _everywhere(first: Reach, shape: tuple[int, ...], axes: set[int] | None = None) -> Reach:
    """After something that looks along these axes of a tensor at once; None: along rows and columns."""
    axes = {1, 2} if axes is None else axes
    if not axes & {1, 2} or first.alike:
        return first
    rows, columns = first.rows, first.columns
    rows = rows.everything(shape[1]) if 1 in axes else rows
    columns = columns.everything(shape[2]) if 2 in axes else columns
    return replace(first, rows=rows, columns=columns, everywhere=True)


def _each(reach: Reach, change: Callable[[Span, int], Span]) -> Reach:
    return replace(reach, rows=change(reach.rows, 0), columns=change(reach.columns, 1))


def _axes(axis: Any, dimensions: int) -> set[int]:
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return {int(each) % dimensions for each in axes}


def _is_known(layer: Any) -> bool:
    """Whether a layer is of a kind that is followed, and does what Keras' own of that kind does."""
    kind = next((kind for kind in type(layer).__mro__ if kind in KNOWN), None)
    return kind is not None and all(
        getattr(type(layer), name, None) is getattr(kind, name, None) for name in ("call", "convolution_op")
    )


def _acts_place_by_place(layer: Any) -> bool:
    """Whether a layer's activation, if it has one, is one of Keras' own: somebody else's may do anything."""
    activation = getattr(layer, "activation", None)
    if activation is None or isinstance(activation, PLACE_BY_PLACE):
        return True
    return any(activation is own for own in vars(keras.activations).values())


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
