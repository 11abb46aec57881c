"""Data sets as class folders of PNG files, the layout that Keras and other libraries read."""

from collections.abc import Iterator

import imageio.v3 as iio
import numpy as np

from linesexp.images.dataset import SPLITS, Dataset


def class_folder_files(dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """(`train/vertical/0001.png`, PNG bytes) for each picture; grey pictures as 8-bit grey."""
    seen: dict[str, int] = {}
    for pixels, label, split in zip(dataset.pixels, dataset.labels, dataset.split, strict=True):
        folder = f"{SPLITS[split]}/{dataset.class_names[label]}"
        seen[folder] = seen.get(folder, 0) + 1
        picture = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        yield f"{folder}/{seen[folder]:04d}.png", encode_png(picture)


def encode_png(pixels: np.ndarray) -> bytes:
    """uint8 (H, W) or (H, W, 3) → the bytes of a PNG file."""
    return iio.imwrite("<bytes>", pixels, extension=".png")
