"""How strongly pictures drive the units of any layer of any Keras model.

A unit is a filter, whose answers make a map, or one number of a dense layer. Its drive is its largest
answer at any place of its map; for a layer that ends with softmax or sigmoid, the score before it, since
what comes after cannot grow beyond 1.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from linesexp.learning.recorder import CONVOLUTIONS
from linesexp.seeing.attribution import ENDS, MOST_PIXELS
from linesexp.seeing.gradients import gradient_of
from linesexp.seeing.layers import CONTAINERS, Heard, listening, look

# Layers that end with their `activation`, and layers that are nothing but one.
ACTIVATED = (*CONVOLUTIONS, keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Activation)
ACTIVATIONS = (
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Layer:
    """A layer with units: its name (`block/conv`), Keras' layer, how many units, the shape of a unit's map
    (() for a number)."""

    name: str
    source: keras.layers.Layer
    units: int
    places: tuple[int, ...]

    @property
    def squashed(self) -> bool:
        """Whether it ends with softmax or sigmoid, so that a drive is the score before that."""
        activation = getattr(self.source, "activation", None)
        return isinstance(self.source, keras.layers.Softmax) or getattr(activation, "__name__", "") in ENDS


@dataclass(frozen=True)
class Answer:
    """What a layer gives for n pictures, (n, *places, units) tensors: its output, and what went into its
    activation (the same where it has none)."""

    layer: Layer
    output: Any
    score: Any

    @property
    def drives(self) -> Any:
        """(n, units): the largest answer at any place."""
        return _largest(self.score if self.layer.squashed else self.output)


class _Enough(BaseException):
    """All layers that were asked for have answered. No Exception, which Keras would take for its own."""


def layers_of(model: keras.Model, picture: np.ndarray) -> dict[str, Layer]:
    """name → layer, for all that give units, in the order of computing; named as `layer_outputs` does.

    picture: (H, W, C) of the size that the model takes.
    """
    found: dict[str, Layer] = {}

    def hear(heard: Heard) -> Any:
        shape = tuple(heard.output.shape) if keras.ops.is_tensor(heard.output) else ()
        if len(shape) >= 2 and not isinstance(heard.layer, CONTAINERS):
            found[heard.name] = Layer(heard.name, heard.layer, int(shape[-1]), tuple(shape[1:-1]))
        return heard.output

    _look(model, picture[None], hear)
    return found


def answers(model: keras.Model, pictures: Any, wanted: Sequence[Layer]) -> dict[str, Answer]:
    """name → what each wanted layer makes of pictures (n, H, W, C), an array or a tensor.

    The model is left as soon as the last of them has answered. Raises ValueError for one that it does not call.
    """
    names = {layer.name: layer for layer in wanted}
    found: dict[str, Answer] = {}
    entered: dict[int, Any] = {}

    def hear(heard: Heard) -> Any:
        if heard.name in names:
            found[heard.name] = _answer(names[heard.name], heard, entered)
            if len(found) == len(names):
                raise _Enough
        return heard.output

    with _activations_heard([layer.source for layer in wanted], entered), contextlib.suppress(_Enough):
        _look(model, pictures, hear)
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"the model calls no layer {missing[0]!r}")
    return found


def drives(
    model: keras.Model, pictures: np.ndarray, wanted: Sequence[Layer], progress: Progress = lambda done: None
) -> dict[str, np.ndarray]:
    """layer → float32 (n, units): how strongly each picture (n, H, W, C) drives each unit."""
    parts: dict[str, list[np.ndarray]] = {layer.name: [] for layer in wanted}
    for block in blocks(pictures):
        for name, answer in answers(model, block, wanted).items():
            parts[name].append(keras.ops.convert_to_numpy(answer.drives))
        progress(len(block))
    return {name: np.concatenate(part) for name, part in parts.items()}


def driving_boxes(
    model: keras.Model, pictures: np.ndarray, layer: Layer, units: np.ndarray
) -> list[tuple[int, int, int, int] | None]:
    """(top, left, height, width) in px of the part of each picture that gave its unit's largest answer.

    pictures: (n, H, W, C), units: (n,). The pixels with a gradient, so never more than the receptive field;
    None where there are none.
    """
    found: list[tuple[int, int, int, int] | None] = []
    for start in range(0, len(pictures), at_a_time(pictures)):
        part = slice(start, start + at_a_time(pictures))

        def largest(batch: Any, part: slice = part) -> Any:
            score = answers(model, batch, [layer])[layer.name].score
            own = keras.ops.sum(score * _for_each_place(one_hot(units[part], layer), layer), axis=-1)
            own = keras.ops.reshape(own, (len(batch), -1))  # (n, places)
            # One place alone: the largest may be reached at many, and then each has a share of the gradient.
            there = keras.ops.one_hot(keras.ops.argmax(own, axis=1), own.shape[1], dtype="float32")
            return own * there

        _, slopes = gradient_of(largest, pictures[part])
        found += [box_of(values.any(axis=-1)) for values in slopes != 0]
    return found


def box_of(marked: np.ndarray) -> tuple[int, int, int, int] | None:
    """(top, left, height, width) of what is True in (H, W); None for nothing."""
    rows, columns = (np.flatnonzero(marked.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    top, left = int(rows[0]), int(columns[0])
    return top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1


def one_hot(units: np.ndarray, layer: Layer) -> Any:
    """float32 tensor (n, units of the layer): 1 at each row's unit, 0 elsewhere."""
    return keras.ops.one_hot(units, layer.units, dtype="float32")


def blocks(pictures: np.ndarray) -> Iterator[np.ndarray]:
    """Pictures (n, H, W, C) by so many that memory suffices."""
    count = at_a_time(pictures)
    return (pictures[start : start + count] for start in range(0, len(pictures), count))


def at_a_time(pictures: np.ndarray) -> int:
    """How many pictures (n, H, W, C) are looked at at a time."""
    return max(1, 2 * MOST_PIXELS // (pictures.shape[1] * pictures.shape[2]))


@contextlib.contextmanager
def _activations_heard(sources: Sequence[keras.layers.Layer], entered: dict[int, Any]) -> Iterator[None]:
    """While this lasts, `entered` holds by each layer's id what went into its activation the last time."""

    def heard_by(layer: keras.layers.Layer, activation: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(activation)  # its name tells what it is
        def call(values: Any, *more: Any, **how: Any) -> Any:
            entered[id(layer)] = values
            return activation(values, *more, **how)

        return call

    kept = {
        id(layer): (layer, layer.activation)
        for layer in sources
        # Keras watches attributes that are layers, and lets nobody change them.
        if isinstance(layer, ACTIVATED) and not isinstance(layer.activation, keras.layers.Layer)
    }.values()
    try:
        for layer, activation in kept:
            layer.activation = heard_by(layer, activation)
        yield
    finally:
        for layer, activation in kept:
            layer.activation = activation


def _answer(layer: Layer, heard: Heard, entered: dict[int, Any]) -> Answer:
    score = heard.inputs[0] if isinstance(layer.source, ACTIVATIONS) else entered.get(id(layer.source))
    if score is None or tuple(score.shape) != tuple(heard.output.shape):
        score = heard.output
    return Answer(layer, heard.output, score)


def _look(model: keras.Model, pictures: Any, hear: Callable[[Heard], Any]) -> None:
    if not model.built:  # its first call also calls layers only to learn their shapes
        look(model, pictures)
    with listening(model, hear):
        look(model, pictures)


def _for_each_place(values: Any, layer: Layer) -> Any:
    """(n, units) → (n, 1 …, units), to be multiplied with maps."""
    return keras.ops.reshape(values, (len(values), *(1 for _ in layer.places), layer.units))


def _largest(values: Any) -> Any:
    """(n, …, units) → (n, units)."""
    places = tuple(range(1, len(values.shape) - 1))
    return keras.ops.max(values, axis=places) if places else values
