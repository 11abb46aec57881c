"""What a network loses without a first-layer kernel, or with another one in its place.

Nothing is trained again: these numbers say what this network makes of its kernels, not what another
one could have done without them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from linesexp.config import NetworkConfig
from linesexp.seeing.convolution import ACTIVATIONS, convolve, pool
from linesexp.seeing.forward import forward

BLOCK = 64  # pictures looked at at a time


@dataclass(frozen=True)
class Score:
    """How well pictures are named; correct counts them. A loss that is not a number is None."""

    accuracy: float
    loss: float | None
    correct: int
    pictures: int


@dataclass(frozen=True)
class Effect:
    """The network with one kernel changed: its score, and that score less the whole network's."""

    index: int
    score: Score
    accuracy_change: float
    loss_change: float | None


@dataclass(frozen=True)
class Ablation:
    """The whole network, and what changes without each of its first-layer kernels."""

    whole: Score
    without: list[Effect]


@dataclass(frozen=True)
class Swap:
    """The whole network, with each kernel replaced in turn, and with all of them replaced at once."""

    whole: Score
    one: list[Effect]
    all: Score


def ablate(
    images: np.ndarray, labels: np.ndarray, weights: dict[str, np.ndarray], network: NetworkConfig
) -> Ablation:
    """Leave out each first-layer kernel in turn, its mean response left in.

    Its pooled map, which is what the next layer sees, is the same everywhere and for all pictures: its mean
    over these pictures and all places. So what is lost is what the kernel tells apart, and no offset that
    later layers have come to expect.

    images: float32 (n, H, W, C); labels: (n,); weights: as for `forward`, of one step.
    """
    answers = _answers(images, weights["conv1/kernel"], weights["conv1/bias"], network)
    pooled = pool(answers, network.pool_size, kind=network.pooling)
    means = pooled.mean(axis=(0, 1, 2))  # (filters,)
    whole = _score_from(pooled, labels, weights, network)
    without = []
    for index, mean in enumerate(means):
        changed = pooled.copy()
        changed[..., index] = mean
        without.append(_effect(index, _score_from(changed, labels, weights, network), whole))
    return Ablation(whole, without)


def swap(
    images: np.ndarray,
    labels: np.ndarray,
    weights: dict[str, np.ndarray],
    network: NetworkConfig,
    replacements: np.ndarray,
) -> Swap:
    """Put another kernel in the place of each first-layer kernel in turn, then of all; biases stay.

    replacements: (k, k, channels, filters), such as `kernels.handmade.matched_operators` makes; the
    rest as for `ablate`. Raises ValueError for another shape than the kernels'.
    """
    kernels, bias = weights["conv1/kernel"], weights["conv1/bias"]
    if replacements.shape != kernels.shape:
        raise ValueError(f"replacements must have the kernels' shape {kernels.shape}, got {replacements.shape}")
    pooled, replaced = (
        pool(_answers(images, layer, bias, network), network.pool_size, kind=network.pooling)
        for layer in (kernels, replacements)
    )
    whole = _score_from(pooled, labels, weights, network)
    one = []
    for index in range(len(bias)):
        changed = pooled.copy()
        changed[..., index] = replaced[..., index]
        one.append(_effect(index, _score_from(changed, labels, weights, network), whole))
    return Swap(whole, one, _score_from(replaced, labels, weights, network))


def score(chances: np.ndarray, labels: np.ndarray) -> Score:
    """Accuracy and mean cross-entropy of probabilities (n, classes), none taken as below 1e-7, as in Keras.

    A picture whose probabilities are not numbers is named wrongly.
    """
    correct = int(np.sum((chances.argmax(axis=1) == labels) & np.isfinite(chances).all(axis=1)))
    of_truth = np.clip(chances[np.arange(len(labels)), labels], 1e-7, 1)
    loss = float(-np.log(of_truth).mean())
    return Score(correct / len(labels), loss if np.isfinite(loss) else None, correct, len(labels))


def _answers(images: np.ndarray, kernels: np.ndarray, bias: np.ndarray, network: NetworkConfig) -> np.ndarray:
    """The first layer's maps after activation: (n, H', W', filters)."""
    maps = [convolve(block, kernels, bias, padding=network.padding) for block in _blocks(images)]
    return ACTIVATIONS[network.activation](np.concatenate(maps))


def _score_from(
    pooled: np.ndarray, labels: np.ndarray, weights: dict[str, np.ndarray], network: NetworkConfig
) -> Score:
    """Score of the layers after the first pooling."""
    chances = [forward(block, weights, network, first=2)[-1].values for block in _blocks(pooled)]
    return score(np.concatenate(chances), labels)


def _blocks(values: np.ndarray) -> Iterator[np.ndarray]:
    return (values[start : start + BLOCK] for start in range(0, len(values), BLOCK))


def _effect(index: int, changed: Score, whole: Score) -> Effect:
    known = changed.loss is not None and whole.loss is not None
    loss_change = changed.loss - whole.loss if known else None  # type: ignore[operator]
    return Effect(index, changed, changed.accuracy - whole.accuracy, loss_change)
