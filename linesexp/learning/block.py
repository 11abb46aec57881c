"""Train a study's block: several members side by side, recorded as a run of each would be."""

import itertools
import time
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from linesexp.config import NetworkConfig
from linesexp.images.dataset import Dataset
from linesexp.learning.backend import make_repeatable
from linesexp.learning.ensemble import Ensemble, begin, by_member, empty_ensemble
from linesexp.learning.recorder import recorded_early, weights_of
from linesexp.learning.training import batches, training_part
from linesexp.study.blocks import LOG, Block, BlockResult

MEASURED_AT_ONCE = 128  # pictures; more of them need memory and save no more time


def train_block(
    block: Block,
    dataset: Dataset,
    on_epoch: Callable[[int, int], None] | None = None,
    *,
    first_layer: dict[str, np.ndarray] | None = None,
) -> BlockResult:
    """Train the members of a block from their seeds to the last epoch.

    dataset: of block.config.images. on_epoch: called with the epochs done and the epochs in all after each.
    first_layer: kernel and bias of one member's conv1 where network.first_layer is prewitt or given. The same
    block gives the same arrays, whatever was trained in this process before, as long as it computes with the
    same number of threads. Seeds Keras for the whole process. Raises ConfigError without a first layer that is
    asked for.
    """
    began = time.perf_counter()
    config, members, epochs = block.config, len(block.seeds), block.config.training.epochs
    make_repeatable(config.training.seed)
    kind = (config.network, config.training.optimizer, config.training.learning_rate)
    model = _ensemble(*kind, members, dataset.pixels.shape[1:], len(dataset.class_names))
    begin(model, config, block.seeds, first_layer)
    training, validation = training_part(dataset, config), dataset.part("validation")
    stream = batches(*training, config, first_epoch=0)
    count = -(-len(training[1]) // config.training.batch_size)
    untrained = weights_of(model)
    kernels = {0.0: untrained["conv1/kernel"]}
    log = [(_measured(model, *training), _measured(model, *validation))]
    for epoch in range(epochs):
        sums = np.zeros((2, members))
        for done, batch in enumerate(itertools.islice(stream, count), 1):
            model.train_on_batch(*batch)
            sums += model.each.read()
            if epoch == 0 and recorded_early(done, count):
                kernels[done / count] = weights_of(model)["conv1/kernel"]
        kernels[epoch + 1.0] = weights_of(model)["conv1/kernel"]
        log.append((sums / len(training[1]), _measured(model, *validation)))
        if on_epoch:
            on_epoch(epoch + 1, epochs)
    probabilities = model.predict(dataset.part("test")[0], batch_size=MEASURED_AT_ONCE, verbose=0)
    rows = np.array(log).reshape(epochs + 1, len(LOG), members)
    taken = by_member({"conv1/kernel": np.stack(list(kernels.values()))}, members)["conv1/kernel"]
    return BlockResult(
        steps=np.array(list(kernels)),
        # (members, steps, k, k, channels, filters) → (members, steps, filters, k, k)
        kernels=taken.mean(axis=4).transpose(0, 1, 4, 2, 3),
        untrained=by_member(untrained, members),
        trained=by_member(weights_of(model), members),
        log={name: rows[:, index].T for index, name in enumerate(LOG)},
        test_probabilities=probabilities.transpose(1, 0, 2),  # (pictures, members, classes) before
        seconds=time.perf_counter() - began,
    )


def _measured(model: Ensemble, pictures: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean loss and accuracy of each member, (2, members), with dropout off."""
    sums = np.zeros((2, model.members))
    for start in range(0, len(labels), MEASURED_AT_ONCE):
        part = slice(start, start + MEASURED_AT_ONCE)
        model.test_on_batch(pictures[part], labels[part])
        sums += model.each.read()
    return sums / len(labels)


@lru_cache(maxsize=2)  # a worker seldom has blocks of more kinds in turn
def _ensemble(
    network: NetworkConfig,
    optimizer: str,
    learning_rate: float,
    members: int,
    shape: tuple[int, ...],
    classes: int,
) -> Ensemble:
    """A model to begin with; that of an earlier block if it was of the same kind, whatever its pictures.

    Building and tracing a model takes as long as some epochs, and Keras never gives all of its memory back.
    """
    return empty_ensemble(network, optimizer, learning_rate, members, shape, classes)
