"""Record the kernels of a Keras model of your own while it learns; here from diagonals in noise.

Usage: python scripts/own_model.py [FOLDER]
"""

import sys

import keras
import numpy as np

import linesexp


def main(folder: str) -> None:
    """Draw pictures, fit a model with a recorder, and say what was recorded."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 1000)  # 0 falls to the right, 1 rises
    falling = np.array([np.eye(24, k=k) for k in rng.integers(-8, 9, 1000)])
    pictures = np.where(labels[:, None, None] == 1, falling[:, :, ::-1], falling)
    pictures = (pictures + rng.normal(0, 0.6, pictures.shape))[..., None]  # (1000, 24, 24, 1)

    layers = [
        keras.layers.Conv2D(6, 5, activation="relu"),
        keras.layers.GlobalMaxPooling2D(),
        keras.layers.Dense(2, activation="softmax"),
    ]
    model = keras.Sequential([keras.Input((24, 24, 1)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    recorder = linesexp.KernelRecorder(folder)
    model.fit(pictures, labels, epochs=10, validation_split=0.2, verbose=2, callbacks=[recorder])

    history = linesexp.open_run(folder).history
    print(f"recorded {len(history.steps)} steps of {', '.join(history.weights)}")
    print(f"next: linesexp report {folder}")


if __name__ == "__main__":
    if sys.argv[1:2] in (["-h"], ["--help"]):
        sys.exit(print(__doc__))
    main(*(sys.argv[1:2] or ["runs/mine"]))
