"""Record the kernels of a Keras model of your own while it learns; here from diagonals in noise.

Usage: python scripts/own_model.py [FOLDER]
"""

import sys

import keras
import numpy as np

import linesexp

FOLDER = (sys.argv[1:] or ["results/own-model"])[0]

rng = np.random.default_rng(0)
labels = rng.integers(0, 2, 1000)  # 0 falls to the right, 1 rises
falling = np.array([np.eye(24, k=k) for k in rng.integers(-8, 9, 1000)])
pictures = np.where(labels[:, None, None] == 1, falling[:, :, ::-1], falling)
pictures = (pictures + rng.normal(0, 0.6, pictures.shape))[..., None]  # (1000, 24, 24, 1)

layers = [
    keras.Input((24, 24, 1)),
    keras.layers.Conv2D(6, 5, activation="relu"),
    keras.layers.GlobalMaxPooling2D(),
    keras.layers.Dense(2, activation="softmax"),
]
model = keras.Sequential(layers)
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
recorder = linesexp.KernelRecorder(FOLDER)
model.fit(pictures, labels, epochs=10, validation_split=0.2, verbose=2, callbacks=[recorder])
print(f"recorded {len(linesexp.open_run(FOLDER).history.steps)} steps; next: linesexp report {FOLDER}")
