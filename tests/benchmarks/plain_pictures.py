"""Pictures of lines as a user would draw them, one at a time."""

import numpy as np


def draw_pictures(count, rng):
    pictures, labels, seen = [], [], set()
    while len(pictures) < count:
        thickness, length = rng.integers(1, 4), rng.integers(10, 51)
        row, column = rng.integers(5, 46 - thickness), rng.integers(0, 51 - length)
        picture = np.zeros((50, 50), dtype=np.float32)
        picture[row : row + thickness, column : column + length] = 1.0
        label = len(pictures) % 2
        picture = picture.T if label else picture
        if picture.tobytes() not in seen:
            seen.add(picture.tobytes())
            pictures.append(picture)
            labels.append(label)
    return np.array(pictures)[..., None], np.array(labels)
