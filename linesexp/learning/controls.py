"""What training does otherwise in a control: a first layer that does not learn, labels that mean nothing."""

import keras
import numpy as np

from linesexp.errors import ConfigError
from linesexp.seeds import rng_for


def freeze_first_layer(layer: keras.layers.Layer, start: str, weights: dict[str, np.ndarray] | None) -> None:
    """Keep a convolution layer, biases too, at what it begins with. Call it before compiling.

    start: network.first_layer, other than trained. weights: {"kernel": …, "bias": …} to begin with, for
    prewitt and given; random keeps what the initialiser drew. Raises ConfigError where weights are
    missing or of another shape than the layer's.
    """
    if start != "random":
        if weights is None:
            raise ConfigError(f"first_layer = {start!r}: needs the kernels and biases to begin with")
        shapes = [variable.shape for variable in layer.weights]
        found = [weights["kernel"].shape, weights["bias"].shape]
        if found != shapes:
            raise ConfigError(
                f"first_layer = {start!r}: the layer's kernels and biases have shapes {shapes[0]} and "
                f"{shapes[1]}, got {found[0]} and {found[1]}"
            )
        layer.set_weights([weights["kernel"], weights["bias"]])
    layer.trainable = False


def shuffled(labels: np.ndarray, data_seed: int) -> np.ndarray:
    """The labels in random order, the same for the same data seed; each class keeps its number.

    A network that learns these learns them by heart: Zhang et al. 2017, "Understanding deep learning
    requires rethinking generalization".
    """
    return rng_for(data_seed, "shuffled labels").permutation(labels)
