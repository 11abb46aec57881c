"""Dead kernels told from silent ones, and those whose weights are no numbers from both.

A ReLU unit is dead if no input ever lifts it above zero: its gradient is zero and it stays as it is.
One that is silent on some pictures, or on all pictures of a data set, may still answer to others.
A training that diverges leaves weights that are infinite or not numbers: such a kernel is compared
with nothing, and measures of it are NaN.
"""

from collections.abc import Mapping

import numpy as np

LIVE, SILENT, DEAD = "live", "silent", "dead"


def triage(on_training: np.ndarray, on_probes: np.ndarray) -> list[str]:
    """live, silent or dead for each kernel.

    on_training, on_probes: (pictures, filters), each kernel's largest value before the activation.
    live: above zero on a training picture; silent: on none of them, but on a probe; dead: on neither.
    """
    answers_training = np.any(on_training > 0, axis=0).tolist()
    answers_probes = np.any(on_probes > 0, axis=0).tolist()
    return [
        LIVE if training else SILENT if probes else DEAD
        for training, probes in zip(answers_training, answers_probes, strict=True)
    ]


def died_at(alive: np.ndarray, steps: np.ndarray) -> float | None:
    """First step from which a kernel stayed dead to the end; None for one that lives at the end.

    alive: bool (steps,), whether it was above zero anywhere at each recorded step.
    """
    if alive[-1]:
        return None
    last_alive = np.flatnonzero(alive)
    return float(steps[last_alive[-1] + 1 if len(last_alive) else 0])


def non_finite(history: Mapping[str, np.ndarray], steps: np.ndarray) -> list[tuple[str, int, float]]:
    """(name, index, step) of every unit that has a NaN or infinite weight, and the first step at which.

    history: name → (steps, *weight shape), units (filters) on the last axis, as Keras stores weights;
    steps: (steps,) in epochs. In the order of history, then of the units.
    """
    found = []
    for name, weights in history.items():
        broken = ~np.isfinite(weights).all(axis=tuple(range(1, weights.ndim - 1)))  # (steps, units)
        first = broken.argmax(axis=0)
        found += [(name, int(unit), float(steps[first[unit]])) for unit in np.flatnonzero(broken.any(axis=0))]
    return found


def nan_where_broken(kernels: np.ndarray) -> np.ndarray:
    """float64 copy of (filters, …) kernels, all NaN for those of which a weight is not finite.

    NaN passes through arithmetic without a warning; infinity less infinity does not.
    """
    kernels = np.array(kernels, dtype=np.float64)
    kernels[~np.isfinite(kernels).all(axis=tuple(range(1, kernels.ndim)))] = np.nan
    return kernels
