"""What a block's networks do with pictures, measured by the worker that trained them.

Everything else about a member can be told from its weights, by whoever gathers the results; this needs the
pictures, and a pass through the network for each of them.
"""

import numpy as np

from linesexp.config import NetworkConfig
from linesexp.evidence.behaviour import class_pair, health_of
from linesexp.images.dataset import SPLITS, Dataset
from linesexp.kernels.health import DEAD, LIVE, SILENT
from linesexp.seeing.depth import (
    changes_under_shifts,
    look_through_members,
    side_by_side,
    sights_of,
    steadier_by_pooling,
)
from linesexp.seeing.forward import preference, strongest_answers
from linesexp.study.blocks import Block

HEALTH = (LIVE, SILENT, DEAD)  # by their numbers
OF_EACH_KERNEL = ("preference_before", "preference", "health")
OF_DEPTH = (
    "early-keeps-detail",
    "deeper-selective",
    "pooling-steadier",
)  # effects of the claims of these names
LOOKED_THROUGH = (
    16  # of every hundred seeds, the first: looking through a network takes a tenth of its training
)


def looked_through(seeds: tuple[int, ...]) -> np.ndarray:
    """bool (members,): whose layers are looked through. It depends on the seed alone, not on its study."""
    return np.array(seeds) % 100 < LOOKED_THROUGH


def network_measures(
    block: Block, untrained: dict[str, np.ndarray], trained: dict[str, np.ndarray], dataset: Dataset
) -> dict[str, np.ndarray]:
    """float64 arrays: OF_EACH_KERNEL (members, filters), OF_DEPTH (members,).

    untrained, trained: weights (members, *shape), as in a BlockResult. health counts in HEALTH; NaN is what
    cannot be known, and in OF_DEPTH what was not asked.
    """
    network = block.config.network
    images, labels = dataset.part("test")
    pair = class_pair(dataset)
    members, filters = trained["conv1/bias"].shape
    found = {}
    for name, weights in (("preference_before", untrained), ("preference", trained)):
        kernels, bias = side_by_side(weights)
        answers = strongest_answers(images, kernels, bias, network)
        found[name] = preference(answers, labels, pair).reshape(members, filters).astype(np.float64)
    words = health_of(dataset.part("train")[0], kernels, bias, network)
    found["health"] = np.array([HEALTH.index(word) for word in words], dtype=np.float64).reshape(
        members, filters
    )
    asked = looked_through(block.seeds) & _finite(trained)
    depth = np.full((len(OF_DEPTH), members), np.nan)
    if asked.any():
        chosen = {name: values[asked] for name, values in trained.items()}
        depth[:2, asked] = _depth(dataset, chosen, network)
        depth[2, asked] = _steadiness(images, chosen, network)
    return found | dict(zip(OF_DEPTH, depth, strict=True))


def _finite(weights: dict[str, np.ndarray]) -> np.ndarray:
    """bool (members,): whose weights are all numbers; a training that diverged has nothing to look through."""
    return np.all(
        [np.isfinite(values).all(axis=tuple(range(1, values.ndim))) for values in weights.values()], axis=0
    )


def _depth(dataset: Dataset, weights: dict[str, np.ndarray], network: NetworkConfig) -> np.ndarray:
    """(2, members): detail that the first block keeps and the last does not, and the classes the other way."""
    if len(network.filters) < 2:
        return np.full((2, len(weights["conv1/bias"])), np.nan)
    training, validation, test = (dataset.part(name) for name in SPLITS)
    seen = look_through_members(sights_of(training, validation, test), weights, network)
    return np.array([(depth.detail_lost(), depth.class_gained()) for depth in seen]).T


def _steadiness(images: np.ndarray, weights: dict[str, np.ndarray], network: NetworkConfig) -> np.ndarray:
    """(members,): change of thinned out maps under shifts, less that of pooled ones."""
    if network.pool_size == 1:
        return np.full(len(weights["conv1/bias"]), np.nan)
    changes = changes_under_shifts(images, weights, network)
    return np.array([steadier_by_pooling(change) for change in changes])
