"""Own pictures arranged: each once, in one split only, and shared out by class."""

import numpy as np
import pytest

from linesexp.errors import InputError
from linesexp.images.dataset import SPLITS
from linesexp.images.own import arrange, without_colour
from linesexp.picture_settings import ImagesConfig

CLASSES = ("a", "b", "c")
CONFIG = ImagesConfig(size=50)


def noise(count, channels=1, seed=0):
    return list(np.random.default_rng(seed).integers(256, size=(count, 6, 6, channels), dtype=np.uint8))


def test_each_class_is_shared_out_alike():
    arranged = arrange(noise(60), [0] * 20 + [1] * 20 + [2] * 20, None, CLASSES, CONFIG)
    counts = arranged.dataset.counts()
    assert counts["train"] == dict.fromkeys(CLASSES, 14)
    assert counts["validation"] == counts["test"] == dict.fromkeys(CLASSES, 3)
    assert arranged.repeated == arranged.ambiguous == []


def test_the_shares_and_the_seed_decide_the_split():
    def split(**changes):
        config = ImagesConfig(**changes)
        return arrange(noise(40), [0] * 20 + [1] * 20, None, ("a", "b"), config).dataset

    assert np.array_equal(split().pixels, split().pixels)
    assert not np.array_equal(split().pixels, split(data_seed=1).pixels)
    assert split(test_share=0.5).counts()["test"] == {"a": 10, "b": 10}
    assert split(validation_share=0.3).counts()["validation"] == {"a": 6, "b": 6}


def test_every_picture_keeps_its_label():
    pictures, labels = noise(30), [0, 1, 2] * 10
    dataset = arrange(pictures, labels, None, CLASSES, CONFIG).dataset
    of = {picture.tobytes(): label for picture, label in zip(pictures, labels, strict=True)}
    assert [of[picture.tobytes()] for picture in dataset.pixels] == dataset.labels.tolist()
    assert len(dataset.labels) == 30


def test_equal_pictures_of_a_class_count_once():
    pictures = noise(12)
    arranged = arrange(
        [*pictures, pictures[0], pictures[0]], [0] * 6 + [1] * 6 + [0, 0], None, CLASSES[:2], CONFIG
    )
    assert arranged.repeated == [12, 13]
    assert len(arranged.dataset.labels) == 12


def test_of_equal_pictures_in_given_splits_the_training_one_stays():
    pictures = noise(8)
    labels, given = [0, 0, 0, 0, 1, 1, 1, 1], [2, 0, 1, 2, 0, 1, 2, 2]
    pictures[0] = pictures[1]  # in the test, and in training
    arranged = arrange(pictures, labels, given, CLASSES[:2], CONFIG)
    assert arranged.repeated == [0]
    assert arranged.dataset.split.tolist() == [0, 1, 2, 0, 1, 2, 2]


def test_a_picture_in_two_classes_is_left_out_of_both():
    pictures = noise(12)
    pictures[11] = pictures[0]
    arranged = arrange(pictures, [0] * 6 + [1] * 6, None, CLASSES[:2], CONFIG)
    assert arranged.ambiguous == [0, 11]
    assert len(arranged.dataset.labels) == 10


def test_a_grey_picture_among_coloured_ones_fills_all_channels():
    grey, coloured = noise(6), noise(6, channels=3)
    dataset = arrange(grey + coloured, [0] * 6 + [1] * 6, None, CLASSES[:2], CONFIG).dataset
    assert dataset.pixels.shape == (12, 6, 6, 3)
    of_class = dataset.pixels[dataset.labels == 0]
    assert np.array_equal(of_class, np.repeat(of_class[..., :1], 3, axis=3))


def test_a_class_of_which_too_little_is_left_is_named():
    pictures = [*noise(6), *[np.zeros((6, 6, 1), np.uint8)] * 4]
    with pytest.raises(InputError, match=r"class 'b': 1 picture left.*at least 3"):
        arrange(pictures, [0] * 6 + [1] * 4, None, CLASSES[:2], CONFIG)


@pytest.mark.parametrize("missing", range(3))
def test_a_given_split_needs_every_class(missing):
    labels, given = [0] * 6 + [1] * 6, [0, 1, 2] * 4
    given = given[:6] + [part if part != missing else (part + 1) % 3 for part in given[6:]]
    with pytest.raises(InputError, match=f"class 'b': no picture left for {SPLITS[missing]}"):
        arrange(noise(12), labels, given, CLASSES[:2], CONFIG)


def test_colour_goes_where_all_channels_are_the_same():
    (coloured,) = noise(1, channels=3)
    grey = np.repeat(coloured[..., :1], 3, axis=2)
    assert without_colour(coloured).shape == (6, 6, 3)
    assert np.array_equal(without_colour(grey), coloured[..., :1])
