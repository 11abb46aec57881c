"""The input that a unit likes best: its answer is raised by changing pixels (activation maximisation).

Erhan, Bengio, Courville and Vincent 2009, "Visualizing higher-layer features of a deep network"; with a mild
pull towards smooth grey, as in Mahendran and Vedaldi 2015, arXiv:1412.0035. What is raised is what goes into
the layer's activation, at the middle place of a unit's map: it has a slope where ReLU has none, and the
pattern lies in the middle of the picture. Pixels never leave what a picture can hold, so that the result
can be compared with pictures. It is one strong input, and not the only one.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from linesexp.seeing.drives import Layer, answers, at_a_time, blocks, box_of, one_hot
from linesexp.seeing.gradients import gradient_of

Progress = Callable[[int], None]
GREY = 0.5
FIRST_STEP = 0.1  # of black to white, Adam's step length at the start; it falls to zero
MOMENTUM, SCALING, SMALLEST = 0.9, 0.99, 1e-12  # Adam's (Kingma and Ba 2015, arXiv:1412.6980)


@dataclass(frozen=True)
class Ascent:
    """How a preferred input is found. steps: of gradient ascent. pull: towards smooth grey, in units of the
    range of the unit's answers to the pictures to begin from (strongest less weakest): so much of it counts
    against black and white in turn from pixel to pixel, half of that against black or white all over
    (`roughness`); 0 leaves pixels alone.
    """

    steps: int = 50
    pull: float = 0.2


@dataclass(frozen=True)
class Preferred:
    """pictures: float32 (units, H, W, C) in [0, 1]; box: (top, left, height, width) in px of all that the
    middle place of the layer's maps depends on, None where it depends on nothing."""

    pictures: np.ndarray
    box: tuple[int, int, int, int] | None


def preferred_inputs(
    model: keras.Model,
    layer: Layer,
    units: np.ndarray,
    pools: np.ndarray,
    scale: tuple[float, float],
    ascent: Ascent,
    progress: Progress = lambda done: None,
) -> Preferred:
    """The preferred input of each unit (n,) of a layer, all units side by side.

    pools: float32 (starts, m, H, W, C) in [0, 1], pictures to begin from: each unit begins from the one that it
    likes best in each pool, and of what comes of them the best stays.
    scale: the numbers for black and white that the model takes. progress hears how many unit-steps were made,
    of len(units) · starts · (steps + 1). With zero steps these are the pools' pictures, grey but for the box.
    """
    low, high = scale

    def in_middle(batch: Any) -> Any:
        """What goes into the activation at the middle place: (n, units of the layer)."""
        score = answers(model, low + batch * (high - low), [layer])[layer.name].score
        return score[(slice(None), *(length // 2 for length in layer.places))]

    starts, count = pools.shape[:2]
    pool = pools.reshape(-1, *pools.shape[2:])
    liked = np.concatenate([keras.ops.convert_to_numpy(in_middle(block)) for block in blocks(pool)])[:, units]
    liked = np.nan_to_num(liked)  # weights may be infinite
    best = liked.reshape(starts, count, -1).argmax(axis=1).T + np.arange(starts) * count  # (units, starts)
    spread = np.ptp(liked, axis=0)
    pictures, each = pool[best.reshape(-1)], np.repeat(units, starts)
    worth = np.repeat(np.where(spread > 0, spread, 1), starts).astype(np.float32)

    def climb(values: np.ndarray, part: slice) -> tuple[np.ndarray, np.ndarray]:
        """Scores (n,) of this part of the pictures in units of `worth`, and their gradients."""

        def chosen(batch: Any) -> Any:
            own = keras.ops.sum(in_middle(batch) * one_hot(each[part], layer), axis=-1)
            return own / keras.ops.convert_to_tensor(worth[part])

        scores, slopes = gradient_of(chosen, values)
        return np.nan_to_num(scores), np.nan_to_num(slopes)

    size = at_a_time(pool)
    parts = [slice(start, start + size) for start in range(0, len(pictures), size)]
    seen = np.zeros(pool.shape[1:3], bool)
    for part in parts:
        seen |= (climb(pictures[part], part)[1] != 0).any(axis=(0, -1))
        progress(len(pictures[part]))
    box = box_of(seen)
    pictures = _grey_outside(pictures, box)
    area = box[2] * box[3] if box else seen.size
    ends = np.empty(len(pictures), np.float32)
    for part in parts:
        pictures[part], ends[part] = _ascend(
            pictures[part], functools.partial(climb, part=part), ascent, area, progress
        )
    winner = np.arange(len(units)) * starts + ends.reshape(-1, starts).argmax(axis=1)
    return Preferred(pictures[winner], box)


def _grey_outside(pictures: np.ndarray, box: tuple[int, int, int, int] | None) -> np.ndarray:
    grey = np.full_like(pictures, GREY)
    if box:
        top, left, height, width = box
        inside = np.s_[:, top : top + height, left : left + width]
        grey[inside] = pictures[inside]
    return grey


def _ascend(
    pictures: np.ndarray,
    climb: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    ascent: Ascent,
    area: int,
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Pictures after all steps of Adam, and what each reached, (n,): its score less what roughness costs."""
    mean, square = np.zeros_like(pictures), np.zeros_like(pictures)
    for step in range(1, ascent.steps + 1):
        slopes = climb(pictures)[1] - ascent.pull * roughness(pictures, area)[1]
        mean = MOMENTUM * mean + (1 - MOMENTUM) * slopes
        square = SCALING * square + (1 - SCALING) * slopes**2
        way = mean / (1 - MOMENTUM**step) / (np.sqrt(square / (1 - SCALING**step)) + SMALLEST)
        length = FIRST_STEP * (1 - (step - 1) / ascent.steps)
        pictures = np.clip(pictures + length * way, 0, 1).astype(np.float32)
        progress(len(pictures))
    return pictures, climb(pictures)[0] - ascent.pull * roughness(pictures, area)[0]


def roughness(pictures: np.ndarray, area: int) -> tuple[np.ndarray, np.ndarray]:
    """(n,): how far pictures (n, H, W, C) in [0, 1] are from smooth grey; and its gradient, of their shape.

    Sums over pixels, divided by `area` pixels and by channels: ¼ of the squared differences between neighbours
    (down and right) + 2 · the squared distance from grey, ½. About 1 for black and white in turn from pixel
    to pixel, ½ for black all over, 0 for grey, where `area` is all pixels.
    """
    down, right, away = np.diff(pictures, axis=1), np.diff(pictures, axis=2), pictures - np.float32(GREY)
    weight = np.float32(1 / (area * pictures.shape[-1]))
    steps = (down**2).sum(axis=(1, 2, 3)) + (right**2).sum(axis=(1, 2, 3))
    value = steps / 4 + 2 * (away**2).sum(axis=(1, 2, 3))
    slope = 4 * away
    slope[:, 1:] += down / 2
    slope[:, :-1] -= down / 2
    slope[:, :, 1:] += right / 2
    slope[:, :, :-1] -= right / 2
    return value * weight, slope * weight
