"""Somebody's own pictures as a data set: each picture once, and in one split only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linesexp.errors import InputError
from linesexp.images.dataset import SPLITS, Dataset, share_out
from linesexp.picture_settings import ImagesConfig
from linesexp.seeds import rng_for

FEWEST = 3  # pictures of a class: train, validation and test need one each


@dataclass(frozen=True)
class Arranged:
    """A data set and what was left out of the pictures that it was made from, as indices into those.

    repeated: pictures that an earlier one of the same class equals; ambiguous: pictures that occur in
    several classes, so that nobody can say which they show.
    """

    dataset: Dataset
    repeated: list[int]
    ambiguous: list[int]


def arrange(
    pictures: Sequence[np.ndarray],
    labels: Sequence[int],
    given: Sequence[int] | None,
    class_names: tuple[str, ...],
    config: ImagesConfig,
) -> Arranged:
    """Pictures (size, size, 1 or 3), uint8, with their labels, as a data set sorted by class and split.

    given: the split of each, index into SPLITS, or None to share each class out by the settings. One
    picture in colour makes all of them three-channel. Of equal pictures of a class one stays, the one
    in the first of the splits. Raises InputError for a class with too few pictures left.
    """
    channels = max(picture.shape[-1] for picture in pictures)
    known = np.array(labels, dtype=np.int64)
    split = np.zeros(len(known), dtype=np.int64) if given is None else np.array(given, dtype=np.int64)
    repeated, ambiguous = _left_out(pictures, known, split)
    out = np.zeros(len(known), dtype=bool)
    out[repeated + ambiguous] = True
    for label, name in enumerate(class_names):
        of_class = np.flatnonzero((known == label) & ~out)
        if given is not None:
            _require_splits(split[of_class], name)
            continue
        if len(of_class) < FEWEST:
            raise InputError(
                f"class {name!r}: {_count(len(of_class))} left once equal and unreadable ones are out; "
                f"train, validation and test need one each, so at least {FEWEST}"
            )
        sizes = share_out(len(of_class), config)
        shuffled = rng_for(config.data_seed, "own pictures", label).permutation(of_class)
        split[shuffled] = np.repeat(np.arange(len(SPLITS)), sizes)
    order = np.lexsort((np.arange(len(known)), split, known))
    order = order[~out[order]]
    pixels = np.empty((len(order), *pictures[0].shape[:2], channels), dtype=np.uint8)
    for place, index in enumerate(order):
        pixels[place] = pictures[index]  # a grey picture among coloured ones fills all channels
    return Arranged(Dataset(pixels, known[order], split[order], class_names), repeated, ambiguous)


def without_colour(picture: np.ndarray) -> np.ndarray:
    """(H, W, 1) for a picture (H, W, 3) whose channels are all the same, else the picture itself."""
    grey = picture[..., :1]
    return grey if np.array_equal(picture, np.broadcast_to(grey, picture.shape)) else picture


def _left_out(
    pictures: Sequence[np.ndarray], labels: np.ndarray, split: np.ndarray
) -> tuple[list[int], list[int]]:
    """(repeated, ambiguous) pictures, as Arranged says."""
    equal: dict[bytes, list[int]] = {}
    for index in np.argsort(split, kind="stable"):
        equal.setdefault(pictures[index].tobytes(), []).append(int(index))
    repeated, ambiguous = [], []
    for indices in equal.values():
        if len(set(labels[indices].tolist())) > 1:
            ambiguous += indices
        else:
            repeated += indices[1:]
    return sorted(repeated), sorted(ambiguous)


def _require_splits(split: np.ndarray, name: str) -> None:
    for index, part in enumerate(SPLITS):
        if not np.any(split == index):
            raise InputError(
                f"class {name!r}: no picture left for {part} once equal and unreadable ones are out; "
                "train, validation and test need one each"
            )


def _count(number: int) -> str:
    return f"{number} picture{'' if number == 1 else 's'}"
