"""The whole experiment as a user would write it in an afternoon: the yardstick of `make bench`.

Pictures drawn in a loop, `keras.Sequential.fit`, one savefig per epoch, one GIF. Usage: plain_script.py OUT
"""

import sys
from pathlib import Path

import imageio.v2 as imageio
import keras
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

EPOCHS = 20


def draw_pictures(count, rng):
    pictures, labels, seen = [], [], set()
    while len(pictures) < count:
        thickness, length = rng.integers(1, 4), rng.integers(10, 51)
        row, column = rng.integers(5, 46 - thickness), rng.integers(0, 51 - length)
        picture = np.zeros((50, 50), dtype=np.float32)
        for r in range(row, row + thickness):
            for c in range(column, column + length):
                picture[r, c] = 1.0
        label = len(pictures) % 2
        picture = picture.T if label else picture
        if picture.tobytes() not in seen:
            seen.add(picture.tobytes())
            pictures.append(picture)
            labels.append(label)
    return np.array(pictures)[..., None], np.array(labels)


def save_figure(kernels, log, path):
    figure, axes = plt.subplots(3, 4, figsize=(9.6, 5))
    for index in range(8):
        axis = axes.flat[index]
        axis.imshow(kernels[:, :, 0, index], cmap="RdBu", vmin=-0.3, vmax=0.3)
        axis.set_title(f"kernel {index}")
        axis.axis("off")
    axes.flat[8].plot(log.get("accuracy", []))
    axes.flat[9].plot(log.get("loss", []))
    figure.suptitle(f"epoch {len(log.get('loss', []))}")
    figure.savefig(path, dpi=100)
    plt.close(figure)


class Pictures(keras.callbacks.Callback):
    def __init__(self, folder):
        super().__init__()
        self.folder, self.paths, self.log = folder, [], {"loss": [], "accuracy": []}

    def on_train_begin(self, logs=None):
        self.save()

    def on_epoch_end(self, epoch, logs=None):
        self.log["loss"].append(logs["loss"])
        self.log["accuracy"].append(logs["accuracy"])
        self.save()

    def save(self):
        path = self.folder / f"{len(self.paths):03d}.png"
        save_figure(self.model.layers[0].get_weights()[0], self.log, path)
        self.paths.append(path)


def build_model():
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
    return model


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    pictures, labels = draw_pictures(1200, np.random.default_rng(0))
    callback = Pictures(folder)
    build_model().fit(
        pictures[:840],
        labels[:840],
        validation_data=(pictures[840:1020], labels[840:1020]),
        epochs=EPOCHS,
        verbose=0,
        callbacks=[callback],
    )
    imageio.mimsave(folder / "kernels.gif", [imageio.imread(path) for path in callback.paths], duration=350)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
