"""Ensemble: several independent networks, the members, trained side by side in one Keras model."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from linesexp.config import ExperimentConfig, NetworkConfig
from linesexp.learning.controls import freeze_first_layer
from linesexp.learning.members import MemberConvolution, MemberDense, MemberDropout, MemberSums
from linesexp.learning.network import INITIALIZERS, OPTIMIZERS
from linesexp.seeds import int_seed_for


class Ensemble(keras.Model):
    """The model of `build_ensemble`: (n, size, size, channels) → probabilities (n, members, classes).

    Members see the same pictures in the same order. Their losses are added up, and the optimisers work on
    each weight alone, so that no member knows of another. `each` has the loss and accuracy of each.
    """

    def __init__(self, picture: Any, probabilities: Any, members: int, weight_decay: float) -> None:
        super().__init__(picture, probabilities, name="members")
        self.members, self._weight_decay = members, weight_decay
        self.each = MemberSums(members, name="each")

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Sum over the members of what each would compute alone, weight decay included."""
        labels = ops.repeat(ops.expand_dims(y, 1), self.members, axis=1)  # (n, members)
        losses = ops.mean(ops.sparse_categorical_crossentropy(labels, y_pred), axis=0)
        if self._weight_decay:
            kernel = self.get_layer("conv1").kernel
            squares = ops.reshape(ops.square(kernel), (-1, self.members, kernel.shape[-1] // self.members))
            losses += self._weight_decay * ops.sum(squares, axis=(0, 2))
        right = ops.equal(ops.argmax(y_pred, axis=-1), ops.cast(labels, "int32"))
        self.each.update_state(losses, ops.cast(right, "float32"))
        return ops.sum(losses)


def build_ensemble(
    config: ExperimentConfig,
    seeds: Sequence[int],
    channels: int = 1,
    classes: int | None = None,
    first_layer: dict[str, np.ndarray] | None = None,
) -> Ensemble:
    """One network for each seed, as `build_network` makes it with that training.seed, in one model. Compiled.

    Layers have that network's names, and weights its names and shapes once `by_member` has taken the members
    apart. first_layer: one member's, as for `build_network`.
    """
    training, shape = config.training, (config.images.size, config.images.size, channels)
    classes = classes or len(config.images.angles_deg)
    model = empty_ensemble(
        config.network, training.optimizer, training.learning_rate, len(seeds), shape, classes
    )
    begin(model, config, seeds, first_layer)
    return model


def empty_ensemble(
    network: NetworkConfig,
    optimizer: str,
    learning_rate: float,
    members: int,
    shape: tuple[int, ...],
    classes: int,
) -> Ensemble:
    """The model of `build_ensemble` before it knows its seeds: without weights, to `begin` with.

    shape: (height, width, channels) of a picture.
    """
    picture = keras.Input(shape, name="picture")
    maps = picture
    for number, (filters, size) in enumerate(zip(network.filters, network.kernel_sizes, strict=True), 1):
        maps = MemberConvolution(
            members,
            filters,
            size,
            shared=number == 1,
            padding=network.padding,
            activation=network.activation,
            pooling=network.pooling,
            pool_size=network.pool_size,
            trainable=number > 1 or network.first_layer == "trained",
            name=f"conv{number}",
        )(maps)
    features = MemberDropout(members, network.dropout, name="dropout")(maps)
    probabilities = MemberDense(classes, name="dense")(features)
    model = Ensemble(picture, probabilities, members, network.weight_decay)
    model.compile(OPTIMIZERS[optimizer](learning_rate))
    model.optimizer.build(model.trainable_variables)
    model.optimizer_start = [variable.numpy() for variable in model.optimizer.variables]
    return model


def begin(
    model: Ensemble,
    config: ExperimentConfig,
    seeds: Sequence[int],
    first_layer: dict[str, np.ndarray] | None = None,
) -> None:
    """Put a new ensemble, or one that was trained, to where members of these seeds begin."""
    for layer in model.layers:
        if isinstance(layer, MemberConvolution | MemberDense):
            initializer = INITIALIZERS[config.network.initializer]
            streams = [int_seed_for(seed, "weights", layer.name) for seed in seeds]
            layer.begin([initializer(stream)(layer.member_shape) for stream in streams])
    for stream, seed in zip(model.get_layer("dropout").streams, seeds, strict=False):
        stream.state.assign([int_seed_for(seed, "dropout"), 0])
    if config.network.first_layer != "trained":
        tiled = first_layer and {name: np.tile(values, len(seeds)) for name, values in first_layer.items()}
        freeze_first_layer(model.get_layer("conv1"), config.network.first_layer, tiled)
    for variable, value in zip(model.optimizer.variables, model.optimizer_start, strict=True):
        variable.assign(value)


def by_member(weights: dict[str, np.ndarray], members: int) -> dict[str, np.ndarray]:
    """An ensemble's weights → {name: (members, *shape)}, names and shapes as a network's of its own."""
    found = {}
    for name, values in weights.items():
        if not name.startswith("dense"):  # members lie side by side along the last axis
            values = np.moveaxis(values.reshape(*values.shape[:-1], members, -1), -2, 0)
        found[name] = np.ascontiguousarray(values)
    return found
