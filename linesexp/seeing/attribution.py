"""Which pixels of a picture speak for a class: gradient, SmoothGrad, occlusion, Grad-CAM.

    gradient    how much brightening a pixel a little raises the class's score
                (Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034; here with its sign);
    SmoothGrad  the mean of that over noisy copies of the picture (Smilkov et al. 2017, arXiv:1706.03825);
    occlusion   how much the score falls when a patch is covered (Zeiler and Fergus 2014, arXiv:1311.2901);
    Grad-CAM    the last convolution's maps, weighed by their mean gradient (Selvaraju et al. 2017,
                arXiv:1610.02391); coarse, and never below zero.

The score is what goes into a final softmax or sigmoid, where there is one: after it, a sure network has
gradients of nearly zero. All of these can look convincing on random weights (Adebayo et al. 2018,
arXiv:1810.03292), so no map should be shown without that of an untrained network.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from linesexp.errors import InputError
from linesexp.seeing.gradients import gradient_of
from linesexp.seeing.layers import Heard, convolutions, listening, look
from linesexp.seeing.patches import patch_places

MOST, MOST_PIXELS = 32, 2**18  # pictures, and pixels, looked at at a time: memory stays bounded
ENDS = ("softmax", "sigmoid")
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Occlusion:
    """A square patch of `size` px, moved by `stride` px, that covers a picture with `fill` in model units.

    fill None: the picture's own mean colour.
    """

    size: int
    stride: int
    fill: float | None = None


def scores(model: keras.Model, pictures: np.ndarray, label: int) -> np.ndarray:
    """(n,): the score of class `label` for float32 pictures (n, H, W, C), before a final softmax or sigmoid."""
    with before_squashing(model):
        parts = [
            keras.ops.convert_to_numpy(_score(model, keras.ops.convert_to_tensor(block), label))
            for block in _blocks(pictures)
        ]
    return np.concatenate(parts)


def gradient(model: keras.Model, pictures: np.ndarray, label: int) -> np.ndarray:
    """(n, H, W, C): ∂ score / ∂ pixel for float32 pictures of that shape."""
    with before_squashing(model):
        parts = [
            gradient_of(lambda batch: _score(model, batch, label), block)[1] for block in _blocks(pictures)
        ]
    return np.concatenate(parts)


def smooth_gradient(
    model: keras.Model,
    picture: np.ndarray,
    label: int,
    noise: np.ndarray,
    progress: Progress = lambda done: None,
) -> np.ndarray:
    """(H, W, C): mean gradient over copies of a picture (H, W, C) with noise (samples, H, W, C) added."""
    total = np.zeros(picture.shape, np.float64)
    for block in _blocks(noise):
        total += gradient(model, (picture + block).astype(np.float32), label).sum(axis=0, dtype=np.float64)
        progress(len(block))
    return (total / len(noise)).astype(np.float32)


def occlusion(
    model: keras.Model,
    picture: np.ndarray,
    label: int,
    patch: Occlusion,
    progress: Progress = lambda done: None,
) -> np.ndarray:
    """(H, W): score of a picture (H, W, C) less its score with a pixel covered; positive speaks for the class.

    A pixel's value is the mean over all places of the patch that cover it; the last places of a row and a
    column lie at the border, so that all pixels are covered. Raises ValueError for a patch that does not fit.
    """
    places = patch_places(picture.shape, patch.size, patch.stride)
    fill = picture.mean(axis=(0, 1)) if patch.fill is None else patch.fill
    whole = scores(model, picture[None], label)[0]
    falls, counts = np.zeros(picture.shape[:2]), np.zeros(picture.shape[:2])
    count = _at_a_time(picture.shape)
    for start in range(0, len(places), count):
        block = places[start : start + count]
        covered = np.repeat(picture[None], len(block), axis=0)
        for copy, (row, column) in zip(covered, block, strict=True):
            copy[row : row + patch.size, column : column + patch.size] = fill
        for (row, column), score in zip(block, scores(model, covered, label), strict=True):
            falls[row : row + patch.size, column : column + patch.size] += whole - score
            counts[row : row + patch.size, column : column + patch.size] += 1
        progress(len(block))
    return (falls / np.maximum(counts, 1)).astype(np.float32)


def grad_cam(model: keras.Model, picture: np.ndarray, label: int, layer: str | None = None) -> np.ndarray:
    """(h, w): max(0, Σ α_f · map_f) of a convolution, α_f the mean of ∂ score / ∂ map_f; coarse as its maps.

    picture: (H, W, C); layer: a name from `convolutions`, the last of them unless given.
    """
    batch = picture[None].astype(np.float32)
    wanted = layer or convolutions(model, batch)[-1]
    maps: list[Any] = []

    def score_with(added: Any) -> Any:
        def hear(heard: Heard) -> Any:
            if heard.name != wanted:
                return heard.output
            maps.append(heard.output)
            return heard.output if added is None else heard.output + added

        with listening(model, hear):
            return _score(model, keras.ops.convert_to_tensor(batch), label)

    with before_squashing(model):
        score_with(None)
        if not maps:
            raise ValueError(f"the model calls no layer {wanted!r}")
        values = keras.ops.convert_to_numpy(maps[0])
        # The gradient at a map is the gradient at nothing added to it.
        _, slopes = gradient_of(score_with, np.zeros_like(values))
    weights = slopes[0].mean(axis=(0, 1))  # (filters,)
    return np.maximum(values[0] @ weights, 0)


@contextlib.contextmanager
def before_squashing(model: keras.Model) -> Iterator[bool]:
    """While this lasts, a final softmax or sigmoid of the model lets its input through.

    Yields whether there is one to take away; without, the model's output is the score.
    """
    final = _final_layer(model)
    if final is None:
        yield False
    elif getattr(getattr(final, "activation", None), "__name__", "") in ENDS:
        kept = final.activation
        final.activation = keras.activations.linear
        try:
            yield True
        finally:
            final.activation = kept
    elif isinstance(final, keras.layers.Softmax):
        passing = final.call
        final.call = lambda inputs, *more, **how: inputs
        try:
            yield True
        finally:
            final.call = passing
    else:
        yield False


def squashes(model: keras.Model) -> bool | None:
    """Whether a model ends with softmax or sigmoid; None where no graph tells."""
    if _final_layer(model) is None:
        return None
    with before_squashing(model) as taken:
        return taken


def _final_layer(model: keras.Model) -> keras.layers.Layer | None:
    """The layer that gives a model's output, inside of nested models too; None where no graph tells."""
    layer: Any = model
    while isinstance(layer, keras.Model):
        outputs = getattr(layer, "outputs", None)
        if not outputs:
            return None
        layer = outputs[0]._keras_history.operation
    return layer


def _score(model: keras.Model, batch: Any, label: int) -> Any:
    output = look(model, batch)
    if not keras.ops.is_tensor(output) or len(output.shape) != 2:
        raise InputError(
            "the model's output is no list of class scores (n, classes), so no class can be explained"
        )
    if not 0 <= label < output.shape[1]:
        raise ValueError(f"the class must be 0..{output.shape[1] - 1}, got {label}")
    return output[:, label]


def _blocks(pictures: np.ndarray) -> Iterator[np.ndarray]:
    """Pictures (n, H, W, C) by so many that memory suffices."""
    count = _at_a_time(pictures.shape[1:])
    return (pictures[start : start + count] for start in range(0, len(pictures), count))


def _at_a_time(shape: tuple[int, ...]) -> int:
    return max(1, min(MOST, MOST_PIXELS // (shape[0] * shape[1])))
