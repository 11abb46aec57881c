"""Layers and sums of an ensemble: the same arithmetic for several networks side by side, none seeing another.

Maps hold the members one after the other along the channels: (n, height, width, members · filters).
"""

from functools import cache
from typing import Any

import keras
import numpy as np
from keras import ops

from linesexp.environment import grouped_gradients

GROUPED, ONE_BY_ONE = "grouped", "one by one"  # how members are convolved


class MemberConvolution(keras.layers.Layer):
    """Convolution, activation and pooling of one block of each member's network.

    Takes the picture that all share (shared=True), or the members' maps. Max-pooling comes before bias and
    activation here: all activations rise, so neither changes which of several numbers is the largest, and
    after it there are a quarter as many.
    """

    def __init__(
        self,
        members: int,
        filters: int,
        size: int,
        *,
        shared: bool,
        padding: str,
        activation: str,
        pooling: str,
        pool_size: int,
        **named: Any,
    ) -> None:
        super().__init__(**named)
        self._members, self._groups = members, 1 if shared else members
        self._filters, self._size, self._padding = filters, size, padding
        self._activation = keras.activations.get(activation)
        self._pooling, self._window = pooling, (pool_size, pool_size)

    def build(self, shape: tuple[int, ...]) -> None:
        self.member_shape = (self._size, self._size, shape[-1] // self._groups, self._filters)
        *kernel, filters = self.member_shape
        outputs = self._members * filters
        self.kernel = self.add_weight(shape=(*kernel, outputs), initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias")

    def begin(self, kernels: list[Any]) -> None:
        """Begin with these kernels, one member's after the other's, and biases of zero."""
        self.kernel.assign(ops.concatenate(kernels, axis=-1))
        self.bias.assign(np.zeros(self.bias.shape))

    def call(self, maps: Any) -> Any:
        maps = convolve(maps, self.kernel, self._padding, self._groups)
        if self._pooling == "max":
            return self._activation(ops.max_pool(maps, self._window, self._window) + self.bias)
        return ops.average_pool(self._activation(maps + self.bias), self._window, self._window)


class MemberDropout(keras.layers.Layer):
    """Dropout of each member's maps, drawn as Keras' Dropout draws with that member's seed."""

    def __init__(self, members: int, rate: float, **named: Any) -> None:
        super().__init__(**named)
        self._members, self._rate = members, rate
        self.streams = [keras.random.SeedGenerator(0) for _ in range(members if rate else 0)]

    def call(self, maps: Any, training: bool = False) -> Any:
        """(n, height, width, members · filters) → (members, n, features)."""
        rows = ops.split(maps, self._members, axis=-1)
        if training and self._rate:
            rows = [
                keras.random.dropout(row, self._rate, seed=stream)
                for row, stream in zip(rows, self.streams, strict=True)
            ]
        features = maps.shape[1] * maps.shape[2] * maps.shape[3] // self._members
        return ops.reshape(ops.stack(rows), (self._members, -1, features))


class MemberDense(keras.layers.Layer):
    """A dense softmax layer for each member: (members, n, features) → (n, members, classes)."""

    def __init__(self, classes: int, **named: Any) -> None:
        super().__init__(**named)
        self._classes = classes

    def build(self, shape: tuple[int, ...]) -> None:
        members, _, features = shape
        self.member_shape = (features, self._classes)
        self.kernel = self.add_weight(shape=(members, *self.member_shape), initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=(members, self._classes), initializer="zeros", name="bias")

    def begin(self, kernels: list[Any]) -> None:
        """Begin with these weights, one array a member, and biases of zero."""
        self.kernel.assign(ops.stack(kernels))
        self.bias.assign(np.zeros(self.bias.shape))

    def call(self, features: Any) -> Any:
        logits = ops.matmul(features, self.kernel) + ops.expand_dims(self.bias, 1)
        return keras.activations.softmax(ops.transpose(logits, (1, 0, 2)))


class MemberSums(keras.metrics.Metric):
    """Loss and accuracy of each member, summed over the pictures since the last reset: `sums`, (2, members)."""

    def __init__(self, members: int, **named: Any) -> None:
        super().__init__(**named)
        self.sums = self.add_variable((2, members), initializer="zeros", name="sums")

    def update_state(self, losses: Any, right: Any) -> None:
        """losses: (members,), means over the pictures. right: (n, members), 1 for a picture named rightly."""
        count = ops.cast(ops.shape(right)[0], self.dtype)
        self.sums.assign_add(ops.stack([losses * count, ops.sum(right, axis=0)]))

    def read(self) -> np.ndarray:
        """Both as they stand, (2, members)."""
        return self.sums.numpy()

    def result(self) -> Any:
        """Both sums over all members, as Keras' logs show them."""
        loss, right = ops.unstack(ops.sum(self.sums, axis=1))
        return {"summed_loss": loss, "named_rightly": right}


def convolve(maps: Any, kernel: Any, padding: str, groups: int) -> Any:
    """Cross-correlation, the maps in so many groups."""
    if groups == 1:
        return ops.conv(maps, kernel, padding=padding)
    if way_of_convolving() == ONE_BY_ONE:
        parts = zip(ops.split(maps, groups, axis=-1), ops.split(kernel, groups, axis=-1), strict=True)
        return ops.concatenate([ops.conv(part, of, padding=padding) for part, of in parts], axis=-1)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        # Keras hands a grouped one to XLA, which takes many times as long as TensorFlow itself.
        return tensorflow.nn.conv2d(maps, kernel, 1, padding.upper())
    return ops.conv(maps, kernel, padding=padding)


@cache
def way_of_convolving() -> str:
    """GROUPED, or ONE_BY_ONE where that is slow or has no gradient.

    JAX on a CPU takes 20 times as long for a grouped convolution of eight members and its gradients as for
    eight convolutions; TensorFlow there may have no gradient of it.
    """
    backend, well = keras.backend.backend(), True
    if backend == "tensorflow":
        import tensorflow

        well = grouped_gradients(tensorflow)
    elif backend == "jax":
        import jax

        well = jax.default_backend() != "cpu"
    return GROUPED if well else ONE_BY_ONE
