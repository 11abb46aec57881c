"""Train a network so that the same seed gives the same bits, also after an interruption."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from linesexp.config import ExperimentConfig
from linesexp.errors import InputError
from linesexp.images.dataset import Dataset
from linesexp.learning.backend import make_repeatable
from linesexp.learning.controls import shuffled
from linesexp.learning.network import build_network
from linesexp.learning.recorder import KernelRecorder, Save
from linesexp.seeds import rng_for

Row = dict[str, float | None]


@dataclass
class Checkpoint:
    """Everything that going on needs: where training stood, its log, and all of Keras' state.

    tensors: weights, dropout's random state and the optimiser's variables, in Keras' own order.
    """

    epoch: int = 0
    recorded: int = 0
    history: list[Row] = field(default_factory=list)
    tensors: dict[str, np.ndarray] = field(default_factory=dict)


def start_network(
    config: ExperimentConfig, dataset: Dataset, first_layer: dict[str, np.ndarray] | None = None
) -> keras.Sequential:
    """The untrained network for this data set, after seeding Keras for the whole process.

    first_layer: as for `build_network`.
    """
    make_repeatable(config.training.seed)
    return build_network(config, dataset.pixels.shape[-1], len(dataset.class_names), first_layer)


def train(
    model: keras.Model,
    dataset: Dataset,
    config: ExperimentConfig,
    *,
    checkpoint: Checkpoint,
    record: Save,
    save_checkpoint: Callable[[Checkpoint], None],
    on_epoch: Callable[[Row], None],
) -> Checkpoint:
    """Train from the checkpoint (an empty one: from the start) to the last epoch.

    record(step, weights) is called for each recorded step, save_checkpoint and on_epoch after each
    epoch. Returns the last checkpoint; its history has a row for step 0 and one for every epoch.
    """
    pictures, labels = training_part(dataset, config)
    validation = dataset.part("validation")
    if checkpoint.epoch:
        restore(model, checkpoint)
    else:
        checkpoint.history = [_untrained_row(model, (pictures, labels), validation)]
        on_epoch(checkpoint.history[0])

    def keep(step: float, weights: dict[str, np.ndarray]) -> None:
        record(step, weights)
        checkpoint.recorded += 1

    if checkpoint.epoch < config.training.epochs:
        model.fit(
            batches(pictures, labels, config, first_epoch=checkpoint.epoch),
            steps_per_epoch=-(-len(labels) // config.training.batch_size),
            initial_epoch=checkpoint.epoch,
            epochs=config.training.epochs,
            validation_data=validation,
            shuffle=False,
            verbose=0,
            # The recorder comes before the checkpoint: a crash between them repeats an epoch and
            # loses none.
            callbacks=[KernelRecorder(keep), _Checkpointer(checkpoint, save_checkpoint, on_epoch)],
        )
    return checkpoint


def training_part(dataset: Dataset, config: ExperimentConfig) -> tuple[np.ndarray, np.ndarray]:
    """The pictures to learn from and their labels, which training.shuffle_labels puts in random order."""
    pictures, labels = dataset.part("train")
    if config.training.shuffle_labels:
        labels = shuffled(labels, config.images.data_seed)
    return pictures, labels


def batches(
    pictures: np.ndarray, labels: np.ndarray, config: ExperimentConfig, first_epoch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches without end. The order of an epoch derives from (data seed, epoch) alone.

    A generator and not arrays: `fit` would shuffle arrays with a state that a checkpoint cannot hold.
    """
    size = config.training.batch_size
    epoch = first_epoch
    while True:
        order = rng_for(config.images.data_seed, "order", epoch).permutation(len(labels))
        for start in range(0, len(labels), size):
            chosen = order[start : start + size]
            yield pictures[chosen], labels[chosen]
        epoch += 1


def capture(model: keras.Model) -> dict[str, np.ndarray]:
    """Copies of all variables of the model and its optimiser, numbered in Keras' order."""
    variables = [*model.variables, *model.optimizer.variables]
    # The end of the path alone: Keras counts unnamed objects over the whole process in the rest.
    ends = [variable.path.rpartition("/")[2] for variable in variables]
    return {f"{i:04d}/{end}": v.numpy() for i, (end, v) in enumerate(zip(ends, variables, strict=True))}


def restore(model: keras.Model, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's tensors into the model. Raises InputError if they are of another network."""
    model.optimizer.build(model.trainable_variables)
    expected = {name: value.shape for name, value in capture(model).items()}
    found = {name: value.shape for name, value in checkpoint.tensors.items()}
    if expected != found:
        odd = sorted(expected.items() ^ found.items())[0][0]
        raise InputError(f"the checkpoint belongs to another network: they differ at {odd}")
    variables = [*model.variables, *model.optimizer.variables]
    for variable, name in zip(variables, expected, strict=True):
        variable.assign(checkpoint.tensors[name])


def _untrained_row(model: keras.Model, training: tuple, validation: tuple) -> Row:
    before = time.perf_counter()
    loss, accuracy = model.evaluate(*training, verbose=0)
    validation_loss, validation_accuracy = model.evaluate(*validation, verbose=0)
    return _row(0, loss, accuracy, validation_loss, validation_accuracy, time.perf_counter() - before)


def _row(
    step: int,
    loss: float,
    accuracy: float,
    validation_loss: float,
    validation_accuracy: float,
    seconds: float,
) -> Row:
    """One line of the training log. Training loss and accuracy of an epoch are Keras' running means,
    dropout on, while the weights change; those of step 0 are measured with dropout off."""
    return {
        "step": step,
        "loss": loss,
        "accuracy": accuracy,
        "validation_loss": validation_loss,
        "validation_accuracy": validation_accuracy,
        "seconds": round(seconds, 4),
    }


class _Checkpointer(keras.callbacks.Callback):
    """Brings the checkpoint up to date after every epoch and hands it on to be saved."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        save: Callable[[Checkpoint], None],
        on_epoch: Callable[[Row], None],
    ) -> None:
        super().__init__()
        self._checkpoint, self._save, self._on_epoch = checkpoint, save, on_epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        row = _row(
            epoch + 1,
            logs["loss"],
            logs["accuracy"],
            logs["val_loss"],
            logs["val_accuracy"],
            time.perf_counter() - self._began,
        )
        self._checkpoint.epoch = epoch + 1
        self._checkpoint.history.append(row)
        self._checkpoint.tensors = capture(self.model)
        self._save(self._checkpoint)
        self._on_epoch(row)
