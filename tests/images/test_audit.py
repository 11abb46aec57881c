"""The audit of a data set: copies and shortcuts planted in it are found, and nothing where nothing is."""

import msgspec
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from linesexp.config import ImagesConfig
from linesexp.images import audit as module
from linesexp.images.audit import Audit, audit
from linesexp.images.dataset import SPLITS, Dataset, make_dataset
from linesexp.seeds import rng_for

SMALL = ImagesConfig(size=20, pictures_per_class=60, thickness_px=(1, 3), length_px=(6, 12), margin_px=3)
DIRECTIONS = ("horizontal", "vertical")


def of_noise(count=300, shape=(6, 7, 1), classes=2, seed=0):
    """Pictures that have nothing to do with their classes: the first fifth validation, the next the test."""
    rng = rng_for(seed, "audited")
    split = np.zeros(count, dtype=np.int64)
    split[: count // 5], split[count // 5 : 2 * count // 5] = 1, 2
    pixels = rng.integers(256, size=(count, *shape), dtype=np.uint8)
    names = tuple(f"class_{label}" for label in range(classes))
    return Dataset(pixels, rng.integers(classes, size=count), split, names)


def changed(dataset, **fields):
    parts = {name: getattr(dataset, name) for name in ("pixels", "labels", "split", "class_names")}
    return Dataset(**{**parts, **fields})


def scores(found):
    return {name: score.accuracy for name, score in found.shortcuts.items() if score}


# Neighbours.


@pytest.mark.parametrize(
    "dataset",
    [make_dataset(SMALL), of_noise(shape=(5, 40, 3), classes=3), of_noise(count=40, shape=(30, 30, 1))],
    ids=["lines", "rgb", "more pixels than a chunk"],
)
@pytest.mark.parametrize("block", [7, 2048])
def test_neighbours_are_those_of_a_plain_search(dataset, block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    found = audit(dataset).neighbours
    flat = dataset.images.reshape(len(dataset.labels), -1).astype(np.float64)
    train = dataset.chosen("train")
    for split in SPLITS:
        asked = dataset.chosen(split)
        distance = cdist(flat[asked], flat[train])
        if split == "train":
            np.fill_diagonal(distance, np.inf)
        alike = dataset.labels[asked][:, None] == dataset.labels[train]
        own = np.where(alike, distance, np.inf).min(axis=1).round(5)
        other = np.where(alike, np.inf, distance).min(axis=1).round(5)
        assert found[split].least == pytest.approx(distance.min(), abs=1e-5)
        assert found[split].median == pytest.approx(np.median(distance.min(axis=1)), abs=1e-5)
        assert found[split].same_class.correct == np.sum(own < other)
        assert found[split].same_class.pictures == asked.sum()
        assert found[split].tied == np.sum(own == other)
        nearest = dataset.pixels[train][distance.argmin(axis=1)]
        differ = (dataset.pixels[asked] != nearest).any(axis=-1).sum(axis=(1, 2))
        assert found[split].fewest_pixels == differ.min()


def test_a_line_moved_by_a_pixel_is_as_far_as_the_pixels_it_left_and_took():
    pixels = np.zeros((2, 12, 12, 1), dtype=np.uint8)
    pixels[0, 3, 2:10], pixels[1, 4, 2:10] = 255, 255
    test = audit(Dataset(pixels, np.zeros(2, int), np.array([0, 2]), DIRECTIONS)).neighbours["test"]
    assert (test.least, test.median, test.fewest_pixels) == (4.0, 4.0, 16)


def test_a_step_of_one_grey_level_is_no_copy_even_in_a_large_picture():
    # In float32, 2 · 255² · 40,000 swallows a difference of 1.
    pixels = np.full((2, 200, 200, 1), 255, dtype=np.uint8)
    pixels[1, 7, 7] = 254
    test = audit(Dataset(pixels, np.zeros(2, int), np.array([0, 2]), ("one",))).neighbours["test"]
    assert test.copies == 0
    assert test.least == pytest.approx(1 / 255)
    assert test.fewest_pixels == 1


def test_a_pixel_that_differs_in_two_channels_counts_once():
    pixels = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    pixels[1, 2, 2, :2] = 255
    test = audit(Dataset(pixels, np.zeros(2, int), np.array([0, 2]), ("one",))).neighbours["test"]
    assert test.fewest_pixels == 1
    assert test.least == pytest.approx(np.sqrt(2))


def test_a_picture_as_near_to_both_classes_is_tied_and_counts_as_wrong():
    pixels = np.array([0, 20, 10], dtype=np.uint8).reshape(3, 1, 1, 1)
    dataset = Dataset(pixels, np.array([0, 1, 0]), np.array([0, 0, 2]), DIRECTIONS)
    test = audit(dataset).neighbours["test"]
    assert (test.tied, test.same_class.correct) == (1, 0)


# Copies.


def test_lines_have_no_copies():
    found = audit(make_dataset(SMALL))
    assert (found.pictures, found.distinct) == (120, 120)
    assert (found.in_several_splits, found.in_several_classes) == (0, 0)
    assert all(found.neighbours[split].copies == 0 for split in SPLITS)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_planted_copy_is_found(split):
    dataset = of_noise()
    source, copy = np.flatnonzero(dataset.chosen("train"))[5], np.flatnonzero(dataset.chosen(split))[3]
    pixels, labels = dataset.pixels.copy(), dataset.labels.copy()
    pixels[copy], labels[copy] = pixels[source], labels[source]
    found = audit(changed(dataset, pixels=pixels, labels=labels))
    assert (found.distinct, found.in_several_splits, found.in_several_classes) == (299, 1, 0)
    assert {name: found.neighbours[name].copies for name in SPLITS} == {
        name: int(name == split) for name in SPLITS
    }
    assert (found.neighbours[split].least, found.neighbours[split].fewest_pixels) == (0, 0)


def test_a_copy_within_training_is_none_across_splits():
    dataset = of_noise()
    pixels = dataset.pixels.copy()
    pixels[-1] = pixels[-2]
    found = audit(changed(dataset, pixels=pixels))
    assert (found.distinct, found.in_several_splits) == (299, 0)
    assert found.neighbours["train"].copies == 2


def test_copies_between_validation_and_test_are_found_too():
    dataset = of_noise()
    pixels = dataset.pixels.copy()
    pixels[0] = pixels[60]
    found = audit(changed(dataset, pixels=pixels))
    assert found.in_several_splits == 1
    assert found.neighbours["test"].copies == 0


def test_a_picture_under_two_labels_is_found():
    dataset = of_noise()
    pixels, labels = dataset.pixels.copy(), dataset.labels.copy()
    pixels[-1], labels[-2:] = pixels[-2], (0, 1)
    assert audit(changed(dataset, pixels=pixels, labels=labels)).in_several_classes == 1


# Shortcuts.


def test_where_classes_are_independent_of_pictures_no_rule_is_beyond_chance():
    found = audit(of_noise(count=1000, classes=2))
    rules = [score for score in found.shortcuts.values() if score]
    rules += [found.neighbours[split].same_class for split in SPLITS]
    assert len(rules) == 8
    assert all(0.36 < score.accuracy < 0.64 for score in rules)
    assert found.chance.accuracy == pytest.approx(0.5, abs=0.08)


def test_a_planted_brightness_is_found_by_all_that_see_it():
    dataset = of_noise()
    pixels = dataset.pixels // 4 + (40 * dataset.labels).astype(np.uint8)[:, None, None, None]
    found = scores(audit(changed(dataset, pixels=pixels)))
    assert found["brightness"] == 1
    assert min(found.values()) > 0.95


def test_a_planted_colour_is_found_though_its_grey_is_the_same():
    pixels = np.zeros((100, 3, 3, 3), dtype=np.uint8)
    labels, split = np.arange(100) % 2, np.repeat([0, 2], 50)
    pixels[np.arange(100), :, :, labels] = rng_for(0, "grey").integers(100, 200, 100)[:, None, None]
    assert scores(audit(Dataset(pixels, labels, split, ("red", "green"))))["brightness"] == 1


@pytest.mark.parametrize(
    ("axis", "finds", "fails"), [(1, "row_sums", "column_sums"), (2, "column_sums", "row_sums")]
)
def test_a_planted_row_or_column_is_found_by_its_sums_only(axis, finds, fails):
    dataset = of_noise(count=1000)
    pixels = dataset.pixels // 8
    first = np.moveaxis(pixels, axis, 1)  # a view: rows or columns first
    first[dataset.labels == 0, 1] += 100
    first[dataset.labels == 1, 3] += 100  # as bright, elsewhere
    found = scores(audit(changed(dataset, pixels=pixels)))
    assert found[finds] == found["row_and_column_sums"] == found["pixels"] == 1
    assert max(found[fails], found["brightness"]) < 0.6


def test_a_pixel_pattern_that_no_sum_shows_is_found_by_pixels_only():
    dataset = of_noise(count=1000)
    pixels = dataset.pixels // 8
    checks = np.array([[0, 1], [1, 0]], dtype=np.uint8)
    pixels[:, :2, :2, 0] += 100 * np.where(dataset.labels[:, None, None] == 1, checks, 1 - checks)
    found = scores(audit(changed(dataset, pixels=pixels)))
    assert found.pop("pixels") == 1
    assert max(found.values()) < 0.62


@pytest.mark.slow
@pytest.mark.parametrize(
    "dataset",
    [
        make_dataset(msgspec.structs.replace(SMALL, pictures_per_class=300)),
        of_noise(count=150, shape=(4, 5, 1), classes=3),
        of_noise(count=150, shape=(20, 20, 1), classes=3),
        of_noise(count=150, shape=(3, 4, 3), classes=3),
    ],
    ids=["lines", "few pixels", "many pixels", "colour"],
)
def test_the_line_through_the_pixels_is_that_of_least_squares(dataset):
    flat = dataset.images.reshape(len(dataset.labels), -1).astype(np.float64)
    train, test = dataset.chosen("train"), dataset.chosen("test")
    target, middle = np.eye(3)[dataset.labels[train]], flat[train].mean(axis=0)
    weights = np.linalg.lstsq(flat[train] - middle, target - target.mean(axis=0))[0]
    answers = (flat[test] - middle) @ weights + target.mean(axis=0)
    correct = np.sum(answers.argmax(axis=1) == dataset.labels[test])
    assert audit(dataset).shortcuts["pixels"].correct == correct


def test_more_training_pictures_than_the_limit_are_thinned_evenly(monkeypatch):
    dataset = make_dataset(SMALL)
    monkeypatch.setattr(module, "FITTED", 42)
    thinned = audit(dataset).shortcuts["pixels"]
    train = np.flatnonzero(dataset.chosen("train"))
    assert len(train) == 84
    kept = train[np.linspace(0, 83, 42).astype(int)]
    rest = np.setdiff1d(train, kept)
    split = dataset.split.copy()
    split[rest] = 1
    assert audit(changed(dataset, split=split)).shortcuts["pixels"] == thinned


@pytest.mark.parametrize("contrast", ["bright", "dark", "mixed"])
def test_the_spread_of_sums_tells_lines_apart_whatever_their_contrast(contrast):
    dataset = make_dataset(msgspec.structs.replace(SMALL, contrast=contrast))
    assert audit(dataset).shortcuts["sum_spread"].accuracy == 1


def test_the_spread_of_sums_follows_the_names_and_not_their_order():
    dataset = make_dataset(SMALL)
    swapped = changed(dataset, labels=1 - dataset.labels, class_names=DIRECTIONS[::-1])
    assert audit(swapped).shortcuts["sum_spread"].accuracy == 1
    wrong = changed(dataset, class_names=DIRECTIONS[::-1])
    assert audit(wrong).shortcuts["sum_spread"].accuracy == 0


@pytest.mark.parametrize("angles", [(0.0, 45.0), (0.0, 45.0, 90.0)])
def test_the_spread_of_sums_needs_horizontal_and_vertical_alone(angles):
    dataset = make_dataset(msgspec.structs.replace(SMALL, angles_deg=angles, length_px=(6, 8)))
    assert audit(dataset).shortcuts["sum_spread"] is None


def test_an_interval_is_that_of_clopper_and_pearson():
    # Bounds for 8 of 10 as in Clopper and Pearson's tables.
    score = module.score_of(np.arange(10) < 8)
    assert (score.correct, score.pictures, score.accuracy) == (8, 10, 0.8)
    assert (score.low, score.high) == pytest.approx((0.4439, 0.9748), abs=1e-4)


def test_chance_is_the_share_of_the_largest_class_of_the_test():
    dataset = of_noise()
    labels = dataset.labels.copy()
    labels[dataset.chosen("test")] = np.arange(60) % 4 == 0
    assert audit(changed(dataset, labels=labels)).chance.correct == 45


# What can be missing.


@pytest.mark.parametrize("split", SPLITS)
def test_an_empty_split_leaves_unknown_what_needs_it(split):
    dataset = of_noise()
    kept = ~dataset.chosen(split)
    found = audit(Dataset(dataset.pixels[kept], dataset.labels[kept], dataset.split[kept], DIRECTIONS))
    missing = set(SPLITS) if split == "train" else {split}
    assert {name for name in SPLITS if found.neighbours[name] is None} == missing
    needed = {"train": {"sum_spread"}, "validation": set(found.shortcuts), "test": set()}[split]
    assert {name for name, score in found.shortcuts.items() if score} == needed
    assert (found.chance is None) == (split == "test")


def test_a_lone_training_picture_has_no_neighbour():
    dataset = of_noise(count=3)
    found = audit(changed(dataset, split=np.array([0, 1, 2])))
    assert found.neighbours["train"] is None
    assert found.neighbours["test"].same_class.pictures == 1


def test_a_single_class_is_always_right():
    dataset = of_noise()
    found = audit(changed(dataset, labels=np.zeros(300, dtype=np.int64), class_names=("one",)))
    assert found.chance.accuracy == found.neighbours["test"].same_class.accuracy == 1
    assert set(scores(found).values()) == {1}


def test_a_class_that_training_lacks_is_never_found():
    dataset = of_noise()
    found = audit(changed(dataset, labels=(~dataset.chosen("train")).astype(np.int64)))
    assert found.neighbours["test"].same_class.correct == 0
    assert set(scores(found).values()) == {0}


def test_constant_pictures_give_no_more_than_chance():
    dataset = changed(of_noise(), pixels=np.full((300, 5, 5, 1), 7, np.uint8), class_names=DIRECTIONS)
    found = audit(dataset)
    assert (found.distinct, found.in_several_splits, found.in_several_classes) == (1, 1, 1)
    assert found.neighbours["test"].tied == found.neighbours["test"].copies == 60
    assert found.shortcuts.pop("sum_spread").correct == 0
    assert max(scores(found).values()) <= found.chance.accuracy


@pytest.mark.parametrize("brightness", [7, 201])
def test_where_training_pictures_never_vary_lines_answer_their_largest_class(brightness):
    dataset = of_noise()
    pixels, labels = dataset.pixels.copy(), (np.arange(300) % 3 > 0).astype(np.int64)
    pixels[dataset.chosen("train")] = brightness
    found = audit(changed(dataset, pixels=pixels, labels=labels)).shortcuts
    assert {score.correct for score in found.values() if score} == {40}


@pytest.mark.parametrize("dataset", [of_noise(classes=3), of_noise(count=4), make_dataset(SMALL)])
def test_an_audit_survives_json(dataset):
    found = audit(dataset)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Audit) == found


def test_the_data_set_is_left_as_it_was():
    dataset = make_dataset(SMALL)
    before = dataset.pixels.tobytes()
    assert audit(dataset) == audit(dataset)
    assert dataset.pixels.tobytes() == before
