"""Train a study's block: several members side by side, recorded as a run of each would be."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import keras
import msgspec
import numpy as np

from linesexp.config import ExperimentConfig
from linesexp.images.dataset import Dataset
from linesexp.learning.backend import make_repeatable
from linesexp.learning.ensemble import Ensemble, begin, by_member, empty_ensemble
from linesexp.learning.recorder import KernelRecorder, weights_of
from linesexp.learning.training import batches, training_part
from linesexp.study.blocks import LOG, Block, BlockResult

OnEpoch = Callable[[int, int], None]  # epochs done, epochs in all


def train_block(
    block: Block,
    dataset: Dataset,
    on_epoch: OnEpoch | None = None,
    *,
    first_layer: dict[str, np.ndarray] | None = None,
) -> BlockResult:
    """Train the members of a block from their seeds to the last epoch.

    dataset: of block.config.images. first_layer: kernel and bias of one member's conv1 where
    network.first_layer is prewitt or given. The same block gives the same arrays, whatever was trained before
    in this process, as long as the process has the same number of threads. Seeds Keras for the whole process.
    """
    began = time.perf_counter()
    config, members = block.config, len(block.seeds)
    make_repeatable(config.training.seed)
    model = _ensemble(_without_seeds(config), members, dataset.pixels.shape[-1], len(dataset.class_names))
    begin(model, config, block.seeds, first_layer)
    training, validation = training_part(dataset, config), dataset.part("validation")
    log = _Log(on_epoch)
    model.evaluate(*training, verbose=0, callbacks=[log])
    model.evaluate(*validation, verbose=0, callbacks=[log])
    recorded: dict[float, dict[str, np.ndarray]] = {}
    model.fit(
        batches(*training, config, first_epoch=0),
        steps_per_epoch=-(-len(training[1]) // config.training.batch_size),
        epochs=config.training.epochs,
        validation_data=validation,
        shuffle=False,
        verbose=0,
        callbacks=[KernelRecorder(recorded.__setitem__), log],
    )
    probabilities = model.predict(dataset.part("test")[0], verbose=0)  # (pictures, members, classes)
    weights = [by_member(weights, members) for weights in recorded.values()]
    kernels = np.stack([step["conv1/kernel"] for step in weights], axis=1)
    return BlockResult(
        steps=np.array(list(recorded)),
        # (members, steps, k, k, channels, filters) → (members, steps, filters, k, k)
        kernels=kernels.mean(axis=4).transpose(0, 1, 4, 2, 3),
        untrained=weights[0],
        trained=weights[-1],
        log=log.columns(),
        test_probabilities=probabilities.transpose(1, 0, 2),
        seconds=time.perf_counter() - began,
    )


@lru_cache(maxsize=2)  # a worker seldom has blocks of more conditions in turn
def _ensemble(config: ExperimentConfig, members: int, channels: int, classes: int) -> Ensemble:
    """A model to begin with, the one of an earlier block if that was of the same kind.

    Building and tracing one takes as long as some epochs, and Keras never gives all of its memory back.
    """
    return empty_ensemble(config, members, channels, classes)


def _without_seeds(config: ExperimentConfig) -> ExperimentConfig:
    replace = msgspec.structs.replace
    images = replace(config.images, data_seed=0)
    return replace(config, images=images, training=replace(config.training, seed=0))


class _Log(keras.callbacks.Callback):
    """Reads each member's loss and accuracy: of the training pictures and of the validation pictures in turn."""

    def __init__(self, on_epoch: OnEpoch | None) -> None:
        super().__init__()
        self._on_epoch = on_epoch
        self._read: list[
            list[np.ndarray]
        ] = []  # loss and accuracy, (members,), training and validation in turn
        self._fitting = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._fitting = True

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self._fitting:  # validation forgets the epoch's means a moment later
            self._keep()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._keep()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._on_epoch:
            self._on_epoch(epoch + 1, self.params["epochs"])

    def columns(self) -> dict[str, np.ndarray]:
        """loss, accuracy, validation_loss, validation_accuracy → float64 (members, epochs + 1)."""
        rows = np.array(self._read, dtype=np.float64).reshape(-1, len(LOG), self.model.members)
        return {name: np.ascontiguousarray(rows[:, index].T) for index, name in enumerate(LOG)}

    def _keep(self) -> None:
        means = (self.model.member_loss, self.model.member_accuracy)
        self._read.append([keras.ops.convert_to_numpy(mean.each()) for mean in means])
