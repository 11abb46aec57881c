"""What a run's network says about picture files."""

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from linesexp.given import OF_A_PICTURE, read_given
from linesexp.images.dataset import scale_pixels
from linesexp.images.pictures import decode_picture
from linesexp.run import Run
from linesexp.runs.folder import RunFolder
from linesexp.seeing.forward import probabilities

MIDDLE = 127.5  # grey level between a dark ground and a bright one


def predict(
    path: str | os.PathLike[str], pictures: Iterable[str], most_pixels: int | None = None
) -> list[dict[str, Any]]:
    """Class and probability of picture files, by the last recorded weights of a run.

    One record a picture: file, class, probability, probabilities of all classes, and a note where the
    picture is unlike those that the network learned from (None elsewhere). Pictures are stretched to the
    size of those; transparency is laid on their ground. Runs in NumPy.
    """
    run = Run(RunFolder(path))
    dataset, weights = run.dataset, run.history.at(-1)
    contrast = "mixed" if run.has_own_pictures else run.config.images.contrast
    channels, size = dataset.pixels.shape[-1], dataset.pixels.shape[1]
    ground = "black" if contrast == "bright" else "white"
    names = list(pictures)
    decoded = [
        decode_picture(read_given(name, OF_A_PICTURE), size, channels, name, ground, most_pixels)
        for name in names
    ]
    chances = probabilities(scale_pixels(np.stack(decoded)), weights, run.config.network)
    return [
        {
            "picture": name,
            "class": dataset.class_names[int(np.argmax(row))],
            "probability": float(row.max()),
            "probabilities": dict(zip(dataset.class_names, row.tolist(), strict=True)),
            "note": unlike(pixels, contrast),
        }
        for name, row, pixels in zip(names, chances, decoded, strict=True)
    ]


def unlike(pixels: np.ndarray, contrast: str) -> str | None:
    """What keeps a picture (H, W, C), uint8, from being one like those of this contrast; None for nothing."""
    if pixels.min() == pixels.max():
        return "blank: there is nothing to name"
    bright_ground = float(np.median(pixels)) > MIDDLE
    if contrast == "bright" and bright_ground:
        return "its ground is bright, and this network learned bright lines on dark"
    if contrast == "dark" and not bright_ground:
        return "its ground is dark, and this network learned dark lines on bright"
    return None
