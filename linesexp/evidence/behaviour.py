"""What the first layer of a recorded run does: which pictures it answers to, and whether it answers at all."""

import msgspec
import numpy as np

from linesexp.config import NetworkConfig
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
    health = triage(_before_activation(run, "train", step), _before_activation(run, "probes", step))
    died = _died_at(run, [index for index, word in enumerate(health) if word == DEAD])
    return Behaviour(
        preference(strongest_answers(images[0], kernel, bias, network), images[1], class_pair(run)),
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
        for part in ("train", "probes"):
            answers = strongest_answers(_pictures(run, part), kernels, bias, _linear(run), block)
            alive |= (answers > 0).any(axis=0).reshape(alive.shape)
    return {index: died_at(alive[:, place], steps) for place, index in enumerate(dead)}


def _before_activation(run: Run, part: str, step: int) -> np.ndarray:
    """(pictures, filters): largest value of each first-layer kernel before its activation.

    Over training pictures or probes; stops at the pictures that have lifted every kernel above zero.
    """
    weights = run.history.at(step)
    kernel, bias = weights["conv1/kernel"], weights["conv1/bias"]
    images = _pictures(run, part)
    answers = np.empty((0, len(bias)), dtype=np.float32)
    for start in range(0, len(images), BLOCK):
        fresh = strongest_answers(images[start : start + BLOCK], kernel, bias, _linear(run))
        answers = np.concatenate([answers, fresh])
        if np.all(answers.max(axis=0) > 0):
            break
    return answers


def _pictures(run: Run, part: str) -> np.ndarray:
    """float32 (n, H, W, C) of a split, or of all bars and edges, bright and dark: `probes`."""
    if part != "probes":
        return run.dataset.part(part)[0]
    size = probe_size(run.config.network.kernel_sizes[0])
    shown = np.concatenate([bars(BAR_ANGLES_DEG, size, BAR_THICKNESS_PX), edges(EDGE_ANGLES_DEG, size)])
    channels = run.dataset.pixels.shape[-1]
    return np.repeat(np.concatenate([shown, 1 - shown])[..., None], channels, axis=3)


def _linear(run: Run) -> NetworkConfig:
    return msgspec.structs.replace(run.config.network, activation="linear")


def class_pair(run: Run) -> tuple[int, int]:
    """The labels of horizontal and vertical, or the first two labels where there are no such classes."""
    names = run.dataset.class_names
    if "horizontal" in names and "vertical" in names:
        return names.index("horizontal"), names.index("vertical")
    return 0, 1
