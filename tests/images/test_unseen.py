"""Pictures unlike the training ones: each differs in what its name says, measured on the pictures."""

import msgspec
import numpy as np
import pytest

from linesexp.config import ImagesConfig
from linesexp.images.dataset import make_dataset
from linesexp.images.unseen import unseen

SMALL = ImagesConfig(size=20, pictures_per_class=60, thickness_px=(1, 3), length_px=(6, 12), margin_px=3)
NAMES = ("as trained", "thicker", "shorter", "longer", "noise", "inverted contrast")


def drawn(config=SMALL, **changes):
    config = msgspec.structs.replace(config, **changes)
    return unseen(config, make_dataset(config))


def extents(dataset):
    """(n, 2): thickness and length of each line, px, from its lit rows and columns."""
    lit = dataset.pixels[..., 0] > 0
    box = np.stack([lit.any(axis=2).sum(axis=1), lit.any(axis=1).sum(axis=1)], axis=1)
    return np.where(dataset.labels[:, None] == 0, box, box[:, ::-1])


def reach(dataset):
    """(thinnest, thickest), (shortest, longest) line of a data set, px."""
    measured = extents(dataset)
    return [(int(low), int(high)) for low, high in zip(measured.min(axis=0), measured.max(axis=0), strict=True)]


def keys(dataset):
    return {picture.tobytes() for picture in dataset.pixels}


def test_all_names_are_there_in_their_order_where_the_settings_allow_them():
    found = drawn()
    assert tuple(found.datasets) == NAMES
    assert found.left_out == {}


def test_the_default_lines_can_be_no_longer():
    found = drawn(ImagesConfig())
    assert tuple(found.datasets) == tuple(name for name in NAMES if name != "longer")
    assert found.left_out == {"longer": "lines of 50 px already reach across the 50-pixel pictures"}
    assert all(np.bincount(dataset.labels).min() >= 90 for dataset in found.datasets.values())


def test_each_differs_in_its_thickness_or_length_alone():
    lines = drawn().datasets
    assert reach(make_dataset(SMALL)) == [(1, 3), (6, 12)]
    assert reach(lines["as trained"]) == [(1, 3), (6, 12)]
    assert reach(lines["thicker"]) == [(4, 4), (6, 12)]
    assert reach(lines["shorter"]) == [(1, 3), (4, 5)]
    assert reach(lines["longer"]) == [(1, 3), (13, 20)]


def test_thicker_lines_stay_longer_than_thick():
    measured = extents(drawn(thickness_px=(1, 5)).datasets["thicker"])
    assert set(measured[:, 0]) == {6}
    assert measured[:, 1].min() == 7


@pytest.mark.parametrize(("contrast", "ground"), [("bright", 255), ("dark", 0)])
def test_inverted_contrast_exchanges_bright_and_dark(contrast, ground):
    inverted = drawn(contrast=contrast).datasets["inverted contrast"]
    assert set(np.median(inverted.pixels, axis=(1, 2, 3))) == {ground}


def test_noise_has_its_standard_deviation():
    pixels = drawn().datasets["noise"].images
    # Black keeps only the upper half of the noise, whose mean is σ / √(2π); lines leave the corners black.
    corners = pixels[:, [0, -1]][:, :, [0, -1]][..., 0]
    assert corners.mean() == pytest.approx(0.2 / np.sqrt(2 * np.pi), rel=0.2)


def test_no_picture_is_one_of_the_data_set():
    config = msgspec.structs.replace(SMALL, thickness_px=(1, 1), length_px=(6, 7), pictures_per_class=200)
    dataset = make_dataset(config)  # 200 of the 406 that exist
    fresh = unseen(config, dataset).datasets
    assert 20 < len(fresh["as trained"].labels) < 180
    assert not any(keys(dataset) & keys(other) for other in fresh.values())
    assert all(len(keys(other)) == len(other.labels) for other in fresh.values())


def test_fresh_draws_need_pictures_that_are_left():
    found = drawn(thickness_px=(1, 1), length_px=(6, 6), pictures_per_class=210)  # all 14 × 15 of a class
    assert found.left_out["as trained"] == "every picture drawn of a class is in the data set already"


def test_fewer_pictures_are_drawn_where_fewer_exist():
    # Thicker lines are 11 px by 12: 9 places along, and 4 rows within the margin.
    found = drawn(thickness_px=(10, 10), length_px=(12, 12), pictures_per_class=20)
    assert np.bincount(found.datasets["thicker"].labels).tolist() == [25, 25]


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("thicker", {"thickness_px": (5, 5), "length_px": (6, 6)}, "as thick as the longest, 6 px"),
        ("thicker", {"thickness_px": (1, 8), "length_px": (9, 12), "margin_px": 6}, "at most 5 leaves room"),
        ("shorter", {"thickness_px": (1, 5)}, "no line shorter than 6 px"),
        ("longer", {"length_px": (6, 20)}, "20 px already reach across the 20-pixel pictures"),
        ("longer", {"angles_deg": (5.0, 95.0), "length_px": (6, 19)}, "no line of class angle_5"),
        ("noise", {"noise": 0.2}, "noise of 0.2 already"),
        ("inverted contrast", {"contrast": "mixed"}, "bright and dark lines already"),
    ],
)
def test_what_the_settings_do_not_permit_is_left_out_with_its_reason(name, changes, reason):
    found = drawn(**{"pictures_per_class": 20, **changes})
    assert reason in found.left_out[name]
    assert name not in found.datasets
    assert set(found.datasets) | set(found.left_out) == set(NAMES)


def test_the_same_settings_give_the_same_pictures_and_another_seed_others():
    one, two, other = (drawn(data_seed=seed).datasets for seed in (3, 3, 4))
    for name in NAMES:
        assert np.array_equal(one[name].pixels, two[name].pixels)
        assert keys(one[name]) != keys(other[name])


def test_each_name_has_lines_of_its_own():
    config = msgspec.structs.replace(SMALL, pictures_per_class=100)
    dataset = make_dataset(config)
    fresh = unseen(config, dataset).datasets
    inverted = {(255 - picture).tobytes() for picture in fresh["inverted contrast"].pixels}
    assert len(inverted & keys(dataset)) < 30  # by chance: about 200 · 200 / 5,000 of them
    assert len(inverted & keys(fresh["as trained"])) < 30
