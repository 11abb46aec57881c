"""From a recorded run to its Analysis: every measure of its kernels, and how well it does before and after."""

import msgspec
import numpy as np

from linesexp.images.probes import BAR_ANGLES_DEG, EDGE_ANGLES_DEG, bars, edges
from linesexp.kernels.analysis import Analysis, Behaviour, Nulls, Performance, chance_of, kernel_records
from linesexp.kernels.health import DEAD, died_at, triage
from linesexp.kernels.match import direction_cosines, operator_bank
from linesexp.kernels.nulls import covariance_null, initializer_null, shuffled_weights_null
from linesexp.kernels.tuning import BAR_THICKNESS_PX, tune
from linesexp.run import Run
from linesexp.seeds import rng_for
from linesexp.seeing.forward import preference, probabilities, strongest_answers

BLOCK = 32  # pictures looked at before asking whether more are needed


def analyse(run: Run) -> Analysis:
    """Measure a run: kernels against operators and chance, preferences, accuracy before and after."""
    kernels, history = run.kernels, run.history
    bank = operator_bank(kernels.shape[-1])
    network = run.config.network
    # Streams of their own and not the run's seed: chance does not depend on what it is compared with.
    luck = initializer_null(network.initializer, bank, rng_for(0, "null", network.initializer))
    start = shuffled_weights_null(kernels[0], bank, rng_for(0, "null", "step0"))
    records = []
    for step in (0, -1):
        smooth = covariance_null(kernels[step], bank, rng_for(0, "null", "covariance"))
        nulls = Nulls(luck, smooth, start)
        records.append(kernel_records(kernels[step], kernels[0], _behaviour(run, step), bank, nulls, "conv1"))
    pair = class_pair(run)
    steps, filters, size = kernels.shape[:3]
    similarity = direction_cosines(kernels.reshape(-1, size, size), bank)
    names = run.dataset.class_names
    return Analysis(
        steps=history.steps.tolist(),
        preference_classes=(names[pair[0]], names[pair[1]]),
        kernels=records[1],
        untrained=records[0],
        similarity={name: values.reshape(steps, filters).tolist() for name, values in similarity.items()},
        chance=chance_of(luck, network.initializer),
        before=_performance(run, 0),
        after=_performance(run, -1),
    )


def _behaviour(run: Run, step: int) -> Behaviour:
    """What the first layer does with the run's pictures and with probes at a recorded step (0 or −1)."""
    network, images = run.config.network, run.dataset.part("test")
    weights = run.history.at(step)
    kernel, bias = weights["conv1/kernel"], weights["conv1/bias"]
    dark = run.config.images.contrast == "dark"
    health = triage(_before_activation(run, "train", step), _before_activation(run, "probes", step))
    died: list[float | None] = []
    for index, word in enumerate(health):
        if word != DEAD:
            died.append(None)
            continue
        recorded = range(len(run.history.steps))
        parts = ("train", "probes")
        alive = [any((_before_activation(run, p, s)[:, index] > 0).any() for p in parts) for s in recorded]
        died.append(died_at(np.array(alive), run.history.steps))
    return Behaviour(
        preference(strongest_answers(images[0], kernel, bias, network), images[1], class_pair(run)),
        tune(kernel.mean(axis=2).transpose(2, 0, 1), bias, network.activation, dark_lines=dark),
        health,
        died,
    )


def _before_activation(run: Run, pictures: str, step: int) -> np.ndarray:
    """(pictures, filters): largest value of each first-layer kernel before its activation.

    Over training pictures or probes; stops at the pictures that have lifted every kernel above zero.
    """
    weights = run.history.at(step)
    kernel, bias = weights["conv1/kernel"], weights["conv1/bias"]
    linear = msgspec.structs.replace(run.config.network, activation="linear")
    if pictures == "probes":
        size = 4 * kernel.shape[0]
        shown = np.concatenate([bars(BAR_ANGLES_DEG, size, BAR_THICKNESS_PX), edges(EDGE_ANGLES_DEG, size)])
        images = np.repeat(np.concatenate([shown, 1 - shown])[..., None], kernel.shape[2], axis=3)
    else:
        images, _ = run.dataset.part(pictures)
    answers = np.empty((0, len(bias)), dtype=np.float32)
    for start in range(0, len(images), BLOCK):
        answers = np.concatenate(
            [answers, strongest_answers(images[start : start + BLOCK], kernel, bias, linear)]
        )
        if np.all(answers.max(axis=0) > 0):
            break
    return answers


def class_pair(run: Run) -> tuple[int, int]:
    """The labels of horizontal and vertical, or the first two labels where there are no such classes."""
    names = run.dataset.class_names
    if "horizontal" in names and "vertical" in names:
        return names.index("horizontal"), names.index("vertical")
    return 0, 1


def _performance(run: Run, step: int) -> Performance:
    images, labels = run.dataset.part("test")
    chances = probabilities(images, run.history.at(step), run.config.network)
    correct = int(np.sum(chances.argmax(axis=1) == labels))
    of_truth = np.clip(chances[np.arange(len(labels)), labels], 1e-7, 1)  # as Keras clips
    loss = float(-np.log(of_truth).mean())
    return Performance(correct / len(labels), loss if np.isfinite(loss) else None, correct, len(labels))
