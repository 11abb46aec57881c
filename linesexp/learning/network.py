"""The network that the settings describe, as a Keras model."""

import keras
import numpy as np

from linesexp.config import ExperimentConfig
from linesexp.learning.controls import freeze_first_layer
from linesexp.seeds import int_seed_for

INITIALIZERS = {
    "glorot_uniform": keras.initializers.GlorotUniform,
    "glorot_normal": keras.initializers.GlorotNormal,
    "he_uniform": keras.initializers.HeUniform,
    "he_normal": keras.initializers.HeNormal,
    "lecun_uniform": keras.initializers.LecunUniform,
    "lecun_normal": keras.initializers.LecunNormal,
}
OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
}
POOLINGS = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}


def build_network(
    config: ExperimentConfig,
    channels: int = 1,
    classes: int | None = None,
    first_layer: dict[str, np.ndarray] | None = None,
) -> keras.Sequential:
    """Blocks of convolution, activation and pooling, then dropout and a dense softmax. Compiled.

    Takes float32 (n, size, size, channels) in [0, 1], gives (n, classes) probabilities. Layers are
    named conv1, pool1, conv2 … dropout, flatten, dense. Each layer draws its weights from a stream
    of its own, so that the same training.seed gives the same layer whatever surrounds it.
    first_layer: kernel and bias of conv1 where network.first_layer is prewitt or given.
    """
    network, seed = config.network, config.training.seed

    def initializer(layer: str) -> keras.initializers.Initializer:
        return INITIALIZERS[network.initializer](seed=int_seed_for(seed, "weights", layer))

    model = keras.Sequential(name="lines")
    model.add(keras.Input((config.images.size, config.images.size, channels), name="picture"))
    for number, (filters, size) in enumerate(zip(network.filters, network.kernel_sizes, strict=True), 1):
        decay = network.weight_decay if number == 1 else 0.0
        model.add(
            keras.layers.Conv2D(
                filters,
                size,
                padding=network.padding,
                activation=network.activation,
                kernel_initializer=initializer(f"conv{number}"),
                kernel_regularizer=keras.regularizers.L2(decay) if decay else None,
                name=f"conv{number}",
            )
        )
        model.add(POOLINGS[network.pooling](network.pool_size, name=f"pool{number}"))
    model.add(keras.layers.Dropout(network.dropout, seed=int_seed_for(seed, "dropout"), name="dropout"))
    model.add(keras.layers.Flatten(name="flatten"))
    model.add(
        keras.layers.Dense(
            classes or len(config.images.angles_deg),
            activation="softmax",
            kernel_initializer=initializer("dense"),
            name="dense",
        )
    )
    if network.first_layer != "trained":
        freeze_first_layer(model.get_layer("conv1"), network.first_layer, first_layer)
    model.compile(
        optimizer=OPTIMIZERS[config.training.optimizer](config.training.learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
