"""The whole network of a run in NumPy: every layer's output from its settings and its weights."""

from dataclasses import dataclass

import numpy as np

from linesexp.config import NetworkConfig
from linesexp.seeing.convolution import ACTIVATIONS, convolve, pool, softmax


@dataclass(frozen=True)
class LayerOutput:
    """What one layer makes of n pictures: maps (n, H, W, filters), or (n, units) after flatten.

    final: it is what the network gives, or one of several such things."""

    name: str
    values: np.ndarray
    final: bool = False


@np.errstate(invalid="ignore")  # a training that diverges leaves infinite weights; they make NaN
def forward(
    images: np.ndarray, weights: dict[str, np.ndarray], network: NetworkConfig, first: int = 1
) -> list[LayerOutput]:
    """All layers' outputs for float32 (n, H, W, C) pictures; the last one is the probabilities.

    weights: {"conv1/kernel": …, "conv1/bias": …, … "dense/bias": …} of one step. Dropout, which
    does nothing outside training, is left out. first: the block to begin with, for which `images` are
    what the block before it gives (pool1 for block 2).
    """
    outputs = []
    values = images
    for layer in range(first, len(network.filters) + 1):
        kernel, bias = weights[f"conv{layer}/kernel"], weights[f"conv{layer}/bias"]
        values = ACTIVATIONS[network.activation](convolve(values, kernel, bias, padding=network.padding))
        outputs.append(LayerOutput(f"conv{layer}", values))
        values = pool(values, network.pool_size, kind=network.pooling)
        outputs.append(LayerOutput(f"pool{layer}", values))
    flat = values.reshape(len(values), -1)
    outputs.append(LayerOutput("flatten", flat))
    scores = flat @ weights["dense/kernel"] + weights["dense/bias"]
    outputs.append(LayerOutput("dense", softmax(scores), final=True))
    return outputs


def probabilities(
    images: np.ndarray, weights: dict[str, np.ndarray], network: NetworkConfig, block: int = 64
) -> np.ndarray:
    """(n, classes) probabilities of any number of pictures, a block at a time."""
    return np.concatenate(
        [
            forward(images[start : start + block], weights, network)[-1].values
            for start in range(0, len(images), block)
        ]
    )


def strongest_answers(
    images: np.ndarray,
    kernels: np.ndarray,
    bias: np.ndarray,
    network: NetworkConfig,
    block: int = 32,
) -> np.ndarray:
    """(n, filters): each kernel's largest answer to each picture, over all places, after activation.

    kernels: (k, k, channels, filters) and bias: (filters,), not necessarily of one step.
    """
    largest = [
        convolve(images[start : start + block], kernels, bias, padding=network.padding).max(axis=(1, 2))
        for start in range(0, len(images), block)
    ]
    return ACTIVATIONS[network.activation](np.concatenate(largest))


def preference(answers: np.ndarray, labels: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    """(R₁ − R₀) / (R₁ + R₀) for each filter, R the mean strongest answer to a class's pictures.

    answers: (n, filters), those below zero count as none; pair: the two labels. −1: answers only to the
    first class, +1: only to the second, 0: no preference; NaN for a filter that answers to neither.
    """
    first, second = (np.maximum(answers[labels == label], 0).mean(axis=0) for label in pair)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(first + second > 0, (second - first) / (first + second), np.nan)
