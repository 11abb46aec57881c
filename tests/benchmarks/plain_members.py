"""The default network for several seeds as a user would write it: a loop over fit, nothing recorded.

Usage: plain_members.py SEED…
"""

import sys

import keras
import numpy as np
from plain_pictures import draw_pictures

EPOCHS = 20


def train(seed, training, validation, epochs=EPOCHS):
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((50, 50, 1)),
            layers.Conv2D(8, 7, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*training, validation_data=validation, epochs=epochs, verbose=0)
    return model


if __name__ == "__main__":
    pictures, labels = draw_pictures(1200, np.random.default_rng(0))
    for seed in map(int, sys.argv[1:]):
        train(seed, (pictures[:840], labels[:840]), (pictures[840:1020], labels[840:1020]))
