"""Data sets: distinct pictures, exact counts, positions that no two splits share, and every setting."""

import re

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from linesexp.config import ImagesConfig
from linesexp.errors import ConfigError, InputError
from linesexp.images.dataset import SPLITS, count_distinct, make_dataset, scale_pixels

SMALL = ImagesConfig(size=20, pictures_per_class=60, thickness_px=(1, 3), length_px=(6, 12), margin_px=3)


def with_settings(**changes):
    return msgspec.structs.replace(SMALL, **changes)


def make(**changes):
    return make_dataset(with_settings(**changes))


def lit_box(picture):
    """Rows and columns, as (first, one after the last), that hold anything brighter than black."""
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    return (rows[0], rows[-1] + 1), (columns[0], columns[-1] + 1)


def positions(dataset, label, split):
    """The pixels across the lines that hold their centres, measured on the pictures."""
    chosen = (dataset.labels == label) & (dataset.split == split)
    boxes = [lit_box(picture[..., 0])[label] for picture in dataset.pixels[chosen]]
    return {int(first + after) // 2 for first, after in boxes}


@settings(max_examples=15, deadline=None)
@given(
    thickness_px=st.tuples(st.integers(1, 5), st.integers(1, 5)).map(sorted).map(tuple),
    margin_px=st.integers(0, 4),
    data_seed=st.integers(0, 2**32),
)
def test_pictures_are_distinct_and_their_positions_belong_to_one_split(thickness_px, margin_px, data_seed):
    dataset = make(thickness_px=thickness_px, margin_px=margin_px, data_seed=data_seed)
    assert len({picture.tobytes() for picture in dataset.pixels}) == 2 * 60
    for label in (0, 1):
        seen = [positions(dataset, label, split) for split in range(3)]
        assert all(seen)
        assert sum(map(len, seen)) == len(set.union(*seen))


def test_the_default_data_set_has_600_of_each_class():
    dataset = make_dataset(ImagesConfig())
    assert dataset.pixels.shape == (1200, 50, 50, 1)
    assert dataset.pixels.dtype == np.uint8
    assert dataset.labels.dtype == dataset.split.dtype == np.int64
    assert dataset.counts() == {
        "train": {"horizontal": 420, "vertical": 420},
        "validation": {"horizontal": 90, "vertical": 90},
        "test": {"horizontal": 90, "vertical": 90},
    }
    assert count_distinct(dataset.pixels) == 1200


def test_parts_are_scaled_pictures_of_one_split():
    dataset = make()
    assert sum(len(dataset.part(split)[1]) for split in SPLITS) == len(dataset.labels)
    images, labels = dataset.part("test")
    chosen = dataset.split == 2
    assert images.dtype == np.float32
    assert np.array_equal(images, dataset.images[chosen])
    assert np.array_equal(labels, dataset.labels[chosen])


def test_scaled_pixels_reach_from_zero_to_one():
    assert scale_pixels(np.array([0, 51, 255], dtype=np.uint8)).tolist() == pytest.approx([0, 0.2, 1])


def test_count_distinct_sees_one_changed_pixel():
    pixels = np.zeros((3, 4, 4, 1), dtype=np.uint8)
    pixels[2, 3, 3, 0] = 1
    assert count_distinct(pixels) == 2


def test_same_settings_give_the_same_bytes():
    one, two = make(), make()
    assert one.pixels.tobytes() == two.pixels.tobytes()
    assert np.array_equal(one.split, two.split)


def test_pictures_are_the_same_however_many_are_rendered_at_a_time(monkeypatch):
    how = {"noise": 0.1, "blur_px": 1.5, "contrast": "mixed", "angle_jitter_deg": 5.0}
    config = ImagesConfig(size=20, length_px=(6, 20), margin_px=2, pictures_per_class=50, **how)
    pixels = make_dataset(config).pixels
    for at_once in (1, 7 * 400, 10**9):
        monkeypatch.setattr("linesexp.images.dataset.AT_ONCE", at_once)
        assert make_dataset(config).pixels.tobytes() == pixels.tobytes()


def test_another_data_seed_gives_other_pictures_and_another_split():
    one, two = make(), make(data_seed=1)
    assert one.pixels.tobytes() != two.pixels.tobytes()
    assert positions(one, label=0, split=0) != positions(two, label=0, split=0)


# Too few pictures.


def test_too_few_pictures_says_how_many_exist():
    # 14 rows within the margin; 20 − 6 + 1 places for a line of 6 px, 14 for one of 7.
    with pytest.raises(InputError, match="only 406 distinct pictures of class horizontal exist"):
        make(thickness_px=(1, 1), length_px=(6, 7), pictures_per_class=1000)


def test_the_number_that_the_error_offers_is_accepted():
    with pytest.raises(InputError, match="ask for at most") as refused:
        make(thickness_px=(1, 1), length_px=(6, 7), pictures_per_class=1000)
    most = int(re.search(r"ask for at most (\d+)", str(refused.value))[1])
    dataset = make(thickness_px=(1, 1), length_px=(6, 7), pictures_per_class=most)
    assert count_distinct(dataset.pixels) == 2 * most


def test_mixed_contrast_doubles_what_exists():
    with pytest.raises(InputError, match="only 812 distinct pictures"):
        make(thickness_px=(1, 1), length_px=(6, 7), pictures_per_class=1000, contrast="mixed")


@pytest.mark.parametrize("changes", [{"noise": 0.2}, {"angle_jitter_deg": 10.0}])
def test_noise_and_jitter_make_more_pictures_than_places(changes):
    dataset = make(thickness_px=(1, 1), length_px=(6, 7), pictures_per_class=1000, **changes)
    assert count_distinct(dataset.pixels) == 2000


def test_pictures_that_blur_makes_alike_are_refused():
    with pytest.raises(InputError, match=r"only \d+ of the 120 pictures differ by a grey level"):
        make(blur_px=50.0)


def test_a_line_too_long_for_its_angle_is_refused():
    with pytest.raises(InputError, match=r"no line of class angle_45 with length_px = 20\.\.20 fits"):
        make(length_px=(20, 20), thickness_px=(10, 10), angles_deg=(45.0, 135.0), margin_px=0)


def test_a_margin_that_leaves_no_three_positions_is_refused():
    with pytest.raises(InputError, match="margin_px = 9 leaves 2 positions"):
        make(margin_px=9, thickness_px=(1, 1))


@pytest.mark.parametrize("changes", [{"thickness_px": (0, 3)}, {"length_px": (10, 80)}])
def test_impossible_lines_are_refused(changes):
    with pytest.raises(ConfigError):
        make(**changes)


# What each setting does.


def test_bright_lines_lie_on_black_and_dark_ones_on_white():
    bright, dark = make(contrast="bright"), make(contrast="dark")
    assert np.array_equal(dark.pixels, 255 - bright.pixels)
    assert np.median(bright.pixels) == 0


def test_mixed_contrast_has_both_in_every_class():
    dataset = make(contrast="mixed")
    for label in (0, 1):
        ground = np.median(dataset.pixels[dataset.labels == label], axis=(1, 2, 3))
        assert 0.3 < np.mean(ground == 255) < 0.7
        assert set(ground) == {0, 255}


@pytest.mark.parametrize("margin_px", [0, 2, 5])
def test_pixels_in_the_margin_along_a_line_are_dark(margin_px):
    dataset = make(margin_px=margin_px)
    horizontal, vertical = (dataset.pixels[dataset.labels == label, :, :, 0] for label in (0, 1))
    inner = slice(margin_px, 20 - margin_px)
    assert horizontal[:, inner].sum() == horizontal.sum()
    assert vertical[:, :, inner].sum() == vertical.sum()
    rows = np.flatnonzero(horizontal.any(axis=(0, 2)))
    assert (rows[0], rows[-1]) == (margin_px, 19 - margin_px)  # and the margin is no wider than asked


def test_lines_have_all_thicknesses_and_lengths_asked_for_and_no_others():
    dataset = make(thickness_px=(1, 3), length_px=(7, 9), pictures_per_class=200)
    boxes = [lit_box(picture[..., 0]) for picture in dataset.pixels[dataset.labels == 0]]
    assert {int(after - first) for (first, after), _ in boxes} == {1, 2, 3}
    assert {int(after - first) for _, (first, after) in boxes} == {7, 8, 9}


def test_size_is_the_side_of_the_pictures():
    assert make(size=33).pixels.shape == (120, 33, 33, 1)


def test_pictures_per_class_is_exact():
    assert np.bincount(make(pictures_per_class=61).labels).tolist() == [61, 61]


def test_shares_decide_how_many_are_held_out():
    counts = make(validation_share=0.25, test_share=0.1).counts()
    assert [counts[split]["vertical"] for split in SPLITS] == [39, 15, 6]


@pytest.mark.parametrize("pictures_per_class", [3, 4, 5, 7])
def test_every_split_has_a_picture_of_every_class(pictures_per_class):
    counts = make(pictures_per_class=pictures_per_class, validation_share=0.44, test_share=0.44).counts()
    assert all(count > 0 for classes in counts.values() for count in classes.values())


def test_noise_has_the_standard_deviation_asked_for():
    dataset = make(noise=0.1)
    clean = make().pixels
    ground = dataset.images[clean == 0]
    # Black keeps only the upper half of the noise, whose mean is σ / √(2π).
    assert ground.mean() == pytest.approx(0.1 / np.sqrt(2 * np.pi), rel=0.02)
    assert (ground == 0).mean() == pytest.approx(0.5, abs=0.03)


def test_blur_is_a_gaussian_over_the_same_lines():
    sharp, blurred = make().images[..., 0], make(blur_px=1.5).images[..., 0]
    expected = [ndimage.gaussian_filter(picture, 1.5, mode="nearest") for picture in sharp]
    np.testing.assert_allclose(blurred, expected, atol=1 / 255)


def angle_of(picture):
    """Direction of the longest axis of what is lit, 0 .. 180, counter-clockwise."""
    rows, columns = np.indices(picture.shape)
    moments = np.cov(np.stack([columns.ravel(), -rows.ravel()]), aweights=picture.ravel())
    right, up = np.linalg.eigh(moments)[1][:, -1]
    return np.rad2deg(np.arctan2(up, right)) % 180


def test_each_class_has_its_angle():
    angles = (30.0, 90.0, 120.0)
    dataset = make(angles_deg=angles, thickness_px=(1, 1), length_px=(10, 12), pictures_per_class=20)
    assert dataset.class_names == ("angle_30", "vertical", "angle_120")
    for picture, label in zip(dataset.images[..., 0], dataset.labels, strict=True):
        assert angle_of(picture) == pytest.approx(angles[label], abs=3)


def test_jitter_turns_lines_by_up_to_its_angle_and_keeps_them_inside():
    straight = (60.0, 120.0)
    dataset = make(
        angle_jitter_deg=20.0,
        thickness_px=(1, 1),
        length_px=(10, 10),
        angles_deg=straight,
        pictures_per_class=20,
    )
    turned = np.array([angle_of(picture) for picture in dataset.images[..., 0]])
    off = turned - np.array(straight)[dataset.labels]
    assert np.abs(off).max() < 22
    assert off.std() > 6
    np.testing.assert_allclose(dataset.images.sum(axis=(1, 2, 3)), 10, rtol=0.1)  # nothing is cut off


def test_jitter_leaves_the_centre_of_a_line_in_its_split():
    dataset = make(angle_jitter_deg=15.0, thickness_px=(1, 1), length_px=(9, 9), pictures_per_class=30)
    rows = dataset.images[dataset.labels == 0, :, :, 0].sum(axis=2)  # (n, rows)
    centres = np.floor(rows @ (np.arange(20) + 0.5) / rows.sum(axis=1))
    seen = [set(centres[dataset.split[dataset.labels == 0] == part]) for part in range(3)]
    assert all(seen)
    assert sum(map(len, seen)) == len(set.union(*seen))
