"""Linear readouts: what the best weighted sum of a layer's numbers tells of pictures, or of their classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PENALTIES = np.logspace(-4, 2, 7)  # relative to the features' mean squared length
NOTHING = 1e-10  # share of the targets' variance that rounding leaves

Parts = Sequence[np.ndarray]  # rows of training, validation and test pictures


@dataclass(frozen=True)
class Targets:
    """What readouts are to tell, in as few numbers as training pictures can span.

    A readout never tells anything that no weighted sum of training targets is: there are fewer training
    pictures than pixels. told: (n, t) of training, validation and test pictures, relative to the training
    mean; beyond: (n,) squared length of what no readout reaches, of the same; mean_error: (n,) squared
    error of the training mean on test pictures.
    """

    told: tuple[np.ndarray, ...]
    beyond: tuple[np.ndarray, ...]
    mean_error: np.ndarray


def targets_of(parts: Parts) -> Targets:
    """From (n, t) numbers of training, validation and test pictures."""
    free = [(part - parts[0].mean(axis=0)).astype(np.float64) for part in parts]
    values, vectors = np.linalg.eigh(free[0] @ free[0].T)
    kept = values > NOTHING * max(values[-1], np.finfo(float).tiny)
    axes = free[0].T @ (vectors[:, kept] / np.sqrt(values[kept]))  # (t, kept), at right angles, of length 1
    told = tuple((part @ axes).astype(np.float32) for part in free)
    squared = [(part**2).sum(axis=1) for part in free]
    beyond = [
        np.maximum(whole - (part.astype(np.float64) ** 2).sum(axis=1), 0)
        for whole, part in zip(squared, told, strict=True)
    ]
    return Targets(told, tuple(beyond), squared[-1])


def readout_errors(features: Parts, targets: Sequence[Targets]) -> list[np.ndarray]:
    """Squared errors (m,) of a ridge regression on test pictures, one array for each of the targets.

    features: (n, d) arrays of training, validation and test pictures. The penalty is the one of PENALTIES
    with the least error on the validation pictures. Solved in the space of the training pictures, which are
    fewer than the features.
    """
    centre = features[0].mean(axis=0)
    learned, *others = (values - centre for values in features)
    values, vectors = np.linalg.eigh((learned @ learned.T).astype(np.float64))
    values = np.maximum(values, 0)
    penalties = PENALTIES * (values.mean() or 1.0)  # features that never change explain nothing
    along = vectors.astype(np.float32)
    seen = [(part @ learned.T) @ along for part in others]
    return [_squared_errors(values, along, seen, penalties, wanted) for wanted in targets]


def _squared_errors(
    values: np.ndarray, vectors: np.ndarray, seen: list[np.ndarray], penalties: np.ndarray, wanted: Targets
) -> np.ndarray:
    along = vectors.T @ wanted.told[0]

    def squared(part: int, penalty: float) -> np.ndarray:
        told = (seen[part] / (values + penalty)).astype(np.float32) @ along
        return ((told - wanted.told[part + 1]) ** 2).sum(axis=1) + wanted.beyond[part + 1]

    best = min(penalties, key=lambda penalty: squared(0, penalty).sum())
    return squared(1, best)
