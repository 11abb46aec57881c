"""What the layers keep and lose: ridge readouts against normal equations, shifts against shifts by hand."""

import numpy as np
import pytest

from linesexp.config import NetworkConfig
from linesexp.seeing.depth import change_under_shifts, look_through
from linesexp.seeing.forward import forward
from linesexp.seeing.readouts import PENALTIES, readout_errors, targets_of

COUNTS = (60, 20, 30)  # training, validation, test


def rng(seed=0):
    return np.random.default_rng(seed)


def parts(*width, seed=0):
    """Random numbers for training, validation and test pictures."""
    draw = rng(seed)
    return [draw.normal(size=(count, *width)).astype(np.float32) for count in COUNTS]


def chance(targets):
    """Squared errors of the training pictures' mean."""
    return ((targets[2] - targets[0].mean(axis=0)) ** 2).sum(axis=1)


def errors_of(features, *targets):
    return readout_errors(features, [targets_of(each) for each in targets])


def ridge(features, targets, penalty):
    """Squared errors on validation and test data, solved among the features, with an intercept."""
    features, targets = ([part.astype(float) for part in kind] for kind in (features, targets))
    centre, middle = features[0].mean(axis=0), targets[0].mean(axis=0)
    learned = features[0] - centre
    gram = learned.T @ learned + penalty * np.eye(learned.shape[1])
    weights = np.linalg.solve(gram, learned.T @ (targets[0] - middle))
    told = [(part - centre) @ weights + middle for part in features[1:]]
    return [((one - other) ** 2).sum(axis=1) for one, other in zip(told, targets[1:], strict=True)]


# Readouts.


@pytest.mark.parametrize("width", [5, 200])  # fewer and more features than training pictures
@pytest.mark.parametrize("noise", [0.1, 30.0])
def test_a_readout_is_the_ridge_regression_of_the_penalty_that_validation_prefers(width, noise):
    features = parts(width)
    mixing = rng(1).normal(size=(width, 3))
    targets = [part @ mixing + noise * other for part, other in zip(features, parts(3, seed=2), strict=True)]
    learned = features[0] - features[0].mean(axis=0)
    length = np.mean(np.sum(learned**2, axis=1))
    solved = [ridge(features, targets, penalty * length) for penalty in PENALTIES]
    best = np.argmin([errors[0].sum() for errors in solved])
    assert (best < 4) == (noise < 1)  # so both ends of the penalties are asked for
    (found,) = errors_of(features, targets)
    np.testing.assert_allclose(found, solved[best][1], rtol=2e-3)


def test_a_feature_that_is_the_target_is_read_without_error():
    features = parts(4)
    (found,) = errors_of(features, [part[:, 1:2] for part in features])
    assert found.sum() < 1e-4 * chance(features).sum()


def test_features_that_know_nothing_do_about_as_well_as_the_mean():
    targets = parts(2, seed=8)
    (found,) = errors_of(parts(100), targets)
    assert found.mean() == pytest.approx(chance(targets).mean(), rel=0.15)


def test_features_that_never_change_give_the_mean():
    targets = parts(2)
    (found,) = errors_of([np.ones((count, 7), np.float32) for count in COUNTS], targets)
    np.testing.assert_allclose(found, chance(targets), rtol=1e-5)


def test_scale_and_offset_of_the_features_do_not_matter():
    features, targets = parts(20), parts(2, seed=1)
    (found,) = errors_of(features, targets)
    (scaled,) = errors_of([100 * part + 7 for part in features], targets)
    np.testing.assert_allclose(scaled, found, rtol=2e-2)


def test_each_target_is_read_by_itself():
    features, first, second = parts(5), parts(1, seed=1), [part[:, :1] for part in parts(5)]
    together = errors_of(features, first, second)
    for errors, target in zip(together, (first, second), strict=True):
        np.testing.assert_array_equal(errors, errors_of(features, target)[0])


# Layers.


def pictures(counts=COUNTS):
    """A bright line of 5 pixels each, lying (class 0) or upright (class 1), away from the border."""
    draw, made = rng(3), []
    for count in counts:
        labels = np.arange(count) % 2
        images = np.zeros((count, 12, 12, 1), np.float32)
        places = draw.integers(2, 6, (count, 2))
        for image, label, (across, along) in zip(images, labels, places, strict=True):
            (image if label == 0 else image.swapaxes(0, 1))[across + 2, along : along + 5] = 1
        made.append((images, labels))
    return made


def planted():
    """First layer: one kernel that hands the picture on, one that sums rows. Second: nothing but noise."""
    network = NetworkConfig(filters=(2, 1), kernel_sizes=(3, 3), pool_size=1)
    first = np.zeros((3, 3, 1, 2), np.float32)
    first[1, 1, 0, 0] = 1
    first[1, :, 0, 1] = 1
    weights = {
        "conv1/kernel": first,
        "conv1/bias": np.array([0, -2.5], np.float32),
        "conv2/kernel": np.zeros((3, 3, 2, 1), np.float32),
        "conv2/bias": np.ones(1, np.float32),
        "dense/kernel": np.zeros((64, 2), np.float32),
        "dense/bias": np.zeros(2, np.float32),
    }
    return weights, network


def test_a_planted_network_keeps_all_then_nothing():
    parts, (weights, network) = pictures(), planted()
    seen = look_through(*parts, weights, network)
    count = COUNTS[2]
    assert (seen.active.shape, seen.pixels.shape, seen.classes.shape) == ((count, 2), (count, 3), (count, 3))
    explained = 1 - seen.pixels.sum(axis=0) / seen.pixels_mean.sum()
    assert explained[1] == pytest.approx(explained[0], abs=0.1)
    assert explained[2] == pytest.approx(0, abs=1e-5)
    # The second kernel answers to lying lines only, which makes the class easier to read.
    classes = 1 - seen.classes.sum(axis=0) / seen.classes_mean.sum()
    assert classes[1] > classes[0] + 0.05
    assert classes[2] == pytest.approx(0, abs=1e-5)


def test_the_active_share_counts_cells_above_zero_of_each_convolution():
    parts, (weights, network) = pictures(), planted()
    seen = look_through(*parts, weights, network)
    rows = parts[2][1] == 0
    # Of 2 · 10 · 10 cells five are the line handed on, and three more see three of its pixels in a row.
    np.testing.assert_allclose(seen.active[rows], [[8 / 200, 1]] * rows.sum())
    np.testing.assert_allclose(seen.active[~rows], [[5 / 200, 1]] * (~rows).sum())


def test_the_errors_of_the_mean_are_those_of_the_training_pictures_mean():
    parts, (weights, network) = pictures(), planted()
    seen = look_through(*parts, weights, network)
    flat = [images.reshape(len(images), -1) for images, _ in parts]
    np.testing.assert_allclose(seen.pixels_mean, chance(flat), rtol=1e-5)
    np.testing.assert_allclose(seen.classes_mean, 0.5)  # two classes, half of the pictures each


@pytest.mark.slow
def test_readouts_learn_from_300_pictures_of_all_training_pictures():
    many, (weights, network) = pictures((650, 20, 30)), planted()
    taken = np.linspace(0, 649, 300).round().astype(int)
    few = [(many[0][0][taken], many[0][1][taken]), *many[1:]]
    for name, found in vars(look_through(*many, weights, network)).items():
        np.testing.assert_array_equal(found, getattr(look_through(*few, weights, network), name))


# Shifts.


def random_network(**changes):
    network = NetworkConfig(filters=(3,), kernel_sizes=(3,), **changes)
    kernels = rng(5).normal(size=(3, 3, 1, 3)).astype(np.float32)
    return {"conv1/kernel": kernels, "conv1/bias": np.zeros(3, np.float32)}, network


def with_end(weights, network, size):
    """forward() wants the dense layer too."""
    flat = 3 * network.map_sizes(size)[-1][1] ** 2
    return weights | {"dense/kernel": np.zeros((flat, 2), np.float32), "dense/bias": np.zeros(2, np.float32)}


def thinned(maps, layer, network):
    """One row a picture; of conv1 (layer 0) the first cell of each whole pooling window."""
    if layer == 0:
        whole = maps.shape[1] // network.pool_size * network.pool_size
        maps = maps[:, : whole : network.pool_size, : whole : network.pool_size]
    return maps.reshape(len(maps), -1)


@pytest.mark.parametrize("changes", [{}, {"pooling": "average", "pool_size": 3}, {"padding": "same"}])
def test_changes_are_those_of_pictures_shifted_by_hand(changes):
    weights, network = random_network(**changes)
    images = rng(6).random((70, 12, 12, 1), dtype=np.float32)  # more than one block
    expected = np.zeros((70, 2))
    for distance in (1, 2):
        down, right = images.copy(), images.copy()
        down[:, distance:] = images[:, :-distance]
        down[:, :distance] = images[:, :1]
        right[:, :, distance:] = images[:, :, :-distance]
        right[:, :, :distance] = images[:, :, :1]
        for shifted in (down, right):
            for layer in (0, 1):  # conv1, pool1
                still, moved = (
                    thinned(
                        forward(version, with_end(weights, network, 12), network)[layer].values, layer, network
                    )
                    for version in (images, shifted)
                )
                change = np.linalg.norm(moved - still, axis=1) / np.linalg.norm(still, axis=1)
                expected[:, layer] += change / 4
    np.testing.assert_allclose(change_under_shifts(images, weights, network), expected, rtol=1e-4)


def test_a_constant_picture_does_not_change():
    weights, network = random_network(padding="same")
    assert not change_under_shifts(np.full((2, 12, 12, 1), 0.5, np.float32), weights, network).any()


def test_a_picture_that_no_kernel_answers_to_has_no_relative_change():
    weights, network = random_network()
    images = rng(6).random((3, 12, 12, 1), dtype=np.float32)
    images[1] = 0
    found = change_under_shifts(images, weights, network)
    assert np.isnan(found).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(found).any(axis=1).tolist() == [False, True, False]


def test_a_picture_that_falls_silent_when_shifted_changes_by_all_it_has():
    """A point in the bottom right corner leaves the picture with every shift."""
    weights, network = random_network(pool_size=1)
    weights["conv1/kernel"][:] = 0
    weights["conv1/kernel"][2, 2] = 1
    images = np.zeros((1, 12, 12, 1), np.float32)
    images[0, -1, -1] = 1
    assert change_under_shifts(images, weights, network)[0].tolist() == [1, 1]


def test_a_shift_inside_a_pooling_window_changes_nothing_after_max_pooling():
    """A point in the first cell of a 3×3 window: one and two pixels down or right stay in it."""
    weights, network = random_network(pool_size=3)
    weights["conv1/kernel"][:] = 0
    weights["conv1/kernel"][1, 1] = 1
    images = np.zeros((1, 14, 14, 1), np.float32)
    images[0, 4, 4] = 1  # cell 3, 3 of the 12×12 map, the first of its window
    thinned_out, pooled = change_under_shifts(images, weights, network)[0]
    assert thinned_out == pytest.approx(1)  # the only cell that is kept, and the point leaves it
    assert pooled == 0


def test_without_pooling_both_changes_are_the_same():
    weights, network = random_network(pool_size=1)
    found = change_under_shifts(rng(6).random((5, 12, 12, 1), dtype=np.float32), weights, network)
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
