"""What the first layer of a recorded run does: which pictures it answers to, and whether it answers at all."""

import msgspec
import numpy as np

from linesexp.config import NetworkConfig
from linesexp.images.dataset import Dataset
from linesexp.images.probes import BAR_ANGLES_DEG, EDGE_ANGLES_DEG, bars, edges, probe_size
from linesexp.kernels.health import DEAD, died_at, triage
from linesexp.kernels.records import Behaviour
from linesexp.kernels.tuning import BAR_THICKNESS_PX, Tuning, tune
from linesexp.run import Run
from linesexp.seeing.forward import preference, strongest_answers

BLOCK = 32  # pictures looked at before asking whether more are needed
FILTERS_TIMES_PICTURES = 2048  # convolved at a time


def behaviour(run: Run, step: int) -> Behaviour:
    """What the first layer does with the run's pictures and with probes at a recorded step (0 or −1)."""
    network, images = run.config.network, run.dataset.part("test")
    weights = run.history.at(step)
    kernel, bias = weights["conv1/kernel"], weights["conv1/bias"]
    health = health_of(run.dataset.part("train")[0], kernel, bias, network)
    died = _died_at(run, [index for index, word in enumerate(health) if word == DEAD])
    return Behaviour(
        preference(strongest_answers(images[0], kernel, bias, network), images[1], class_pair(run.dataset)),
        tuning_at(run, step),
        health,
        [died.get(index) for index in range(len(health))],
    )


def tuning_at(run: Run, step: int) -> Tuning:
    """Tuning of the first layer at a recorded step, to grey probes: every colour channel shows the same."""
    weights, dark = run.history.at(step), run.config.images.contrast == "dark"
    kernels = weights["conv1/kernel"].sum(axis=2).transpose(2, 0, 1)  # (filters, k, k)
    return tune(kernels, weights["conv1/bias"], run.config.network.activation, dark_lines=dark)


def _died_at(run: Run, dead: list[int]) -> dict[int, float | None]:
    """The step from which each of these first-layer kernels stayed dead."""
    weights, steps = run.history.weights, run.history.steps
    # Steps and kernels take the place of the filters: all of them in one convolution a picture.
    kernels = np.moveaxis(weights["conv1/kernel"][..., dead], 0, -2)  # (k, k, channels, steps, dead)
    kernels = kernels.reshape(*kernels.shape[:3], -1)
    bias = weights["conv1/bias"][:, dead].ravel()
    alive = np.zeros((len(steps), len(dead)), dtype=bool)
    if dead:
        block = max(1, FILTERS_TIMES_PICTURES // len(bias))
        linear = msgspec.structs.replace(run.config.network, activation="linear")
        images = run.dataset.part("train")[0]
        for shown in (images, probe_pictures(kernels.shape[0], images.shape[-1])):
            answers = strongest_answers(shown, kernels, bias, linear, block)
            alive |= (answers > 0).any(axis=0).reshape(alive.shape)
    return {index: died_at(alive[:, place], steps) for place, index in enumerate(dead)}


def health_of(training: np.ndarray, kernels: np.ndarray, bias: np.ndarray, network: NetworkConfig) -> list[str]:
    """live, silent or dead for each first-layer kernel, see kernels.health.

    training: float32 (n, H, W, C); kernels: (k, k, C, filters), of one network or of many; bias: (filters,).
    """
    probes = probe_pictures(kernels.shape[0], training.shape[-1])
    on_training, on_probes = (_lifted(images, kernels, bias, network) for images in (training, probes))
    return triage(on_training[None], on_probes[None])


def _lifted(images: np.ndarray, kernels: np.ndarray, bias: np.ndarray, network: NetworkConfig) -> np.ndarray:
    """bool (filters,): which kernels some picture lifts above zero before the activation.

    The few that the first pictures leave silent are asked with more, until there are none of either.
    """
    linear = msgspec.structs.replace(network, activation="linear")
    lifted = np.zeros(len(bias), dtype=bool)
    for start in range(0, len(images), BLOCK):
        silent = np.flatnonzero(~lifted)
        if len(silent) == 0:
            break
        block = images[start : start + BLOCK]
        answers = strongest_answers(block, kernels[..., silent], bias[silent], linear)
        lifted[silent] = (answers > 0).any(axis=0)
    return lifted


def probe_pictures(kernel_size: int, channels: int) -> np.ndarray:
    """float32 (n, H, W, channels): all bars and edges, bright and dark."""
    size = probe_size(kernel_size)
    shown = np.concatenate([bars(BAR_ANGLES_DEG, size, BAR_THICKNESS_PX), edges(EDGE_ANGLES_DEG, size)])
    return np.repeat(np.concatenate([shown, 1 - shown])[..., None], channels, axis=3)


def class_pair(dataset: Dataset) -> tuple[int, int]:
    """The labels of horizontal and vertical, or the first two labels where there are no such classes."""
    names = dataset.class_names
    if "horizontal" in names and "vertical" in names:
        return names.index("horizontal"), names.index("vertical")
    return 0, 1
