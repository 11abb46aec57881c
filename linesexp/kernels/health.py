"""Dead kernels told from silent ones.

A ReLU unit is dead if no input ever lifts it above zero: its gradient is zero and it stays as it is.
One that is silent on some pictures, or on all pictures of a data set, may still answer to others.
"""

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
