"""Preferred inputs against what can be known: closed forms, planted units, and the NumPy network."""

import keras
import numpy as np
import pytest

from linesexp.config import NetworkConfig
from linesexp.images.noise import KINDS, noise_pictures
from linesexp.seeds import rng_for
from linesexp.seeing.drives import answers, box_of, drives, driving_boxes, layers_of
from linesexp.seeing.forward import strongest_answers
from linesexp.seeing.preferred import Ascent, preferred_inputs, roughness

layers = keras.layers
SHAPE = (9, 7, 1)
BIAS = np.array([0.5, -2, 0], np.float32)
BLANK = np.zeros(SHAPE, np.float32)


def noise(count, shape=SHAPE, seed=0):
    return noise_pictures(count, shape, rng_for(seed, "test"))


def pools(shape=SHAPE, seed=0):
    return np.stack([noise(16, shape, seed), 0.5 + 0.2 * (noise(16, shape, seed + 1) - 0.5)])


def prefer(model, name, units, ascent, scale=(0.0, 1.0), shape=SHAPE, seed=0):
    layer = layers_of(model, np.zeros(shape, np.float32))[name]
    found = preferred_inputs(model, layer, np.array(units), pools(shape, seed), scale, ascent)
    low, high = scale
    return found, drives(model, low + found.pictures * (high - low), [layer])[name][
        np.arange(len(units)), units
    ]


@pytest.fixture(scope="module")
def linear():
    """Three weighed sums of all pixels, through a softmax; weights are nowhere near zero."""
    rng = np.random.default_rng(0)
    weights = (rng.choice([-1, 1], (63, 3)) * rng.uniform(0.1, 1, (63, 3))).astype(np.float32)
    model = keras.Sequential(
        [keras.Input(SHAPE), layers.Flatten(), layers.Dense(3, activation="softmax", name="classes")]
    )
    model.set_weights([weights, BIAS])
    return model, weights


@pytest.fixture(scope="module")
def network():
    """Two convolutions with ReLU; filter 2 of the second is dead, and 3 lives only where the first is lit."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((16, 14, 1)),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(4, 3, activation="relu", name="second"),
            layers.Flatten(name="flat"),
            layers.Dense(2, activation="softmax", name="classes"),
        ]
    )
    kernel, bias = model.get_layer("second").get_weights()
    kernel[..., 2], bias[2] = 0, -1
    model.get_layer("second").set_weights([kernel, bias])
    return model


@pytest.mark.parametrize("scale", [(0.0, 1.0), (-1.0, 3.0)])
def test_the_best_input_of_a_weighed_sum_is_white_where_weights_are_positive_and_black_elsewhere(linear, scale):
    model, weights = linear
    found, reached = prefer(model, "classes", [2, 0], Ascent(pull=0), scale)
    expected = (weights[:, [2, 0]].T > 0).reshape(2, *SHAPE)
    np.testing.assert_allclose(found.pictures, expected, atol=1e-6)
    low, high = scale
    best = (np.where(weights > 0, high, low) * weights).sum(axis=0) + BIAS
    np.testing.assert_allclose(reached, best[[2, 0]], rtol=1e-5)
    assert found.box == (0, 0, 9, 7)


def test_with_the_usual_pull_it_stays_within_one_percent_of_the_best(linear):
    model, weights = linear
    _, reached = prefer(model, "classes", [0, 1, 2], Ascent())
    best = np.maximum(weights, 0).sum(axis=0) + BIAS
    worst = np.minimum(weights, 0).sum(axis=0) + BIAS
    assert ((best - reached) / (best - worst) < 0.01).all()


def test_the_best_input_of_a_filter_is_its_kernels_signs_in_the_middle_and_grey_around(network):
    kernel = network.get_layer("first").get_weights()[0][:, :, 0]  # (3, 3, filters)
    found, reached = prefer(network, "first", range(4), Ascent(pull=0), shape=(16, 14, 1))
    assert found.box == (7, 6, 3, 3)
    for unit in range(4):
        np.testing.assert_allclose(found.pictures[unit, 7:10, 6:9, 0], kernel[..., unit] > 0, atol=1e-6)
    around = np.ones((16, 14), bool)
    around[7:10, 6:9] = False
    assert (found.pictures[:, around] == 0.5).all()
    assert reached == pytest.approx(np.maximum(kernel, 0).sum(axis=(0, 1)), rel=1e-5)


def test_deep_units_win_against_noise_and_a_dead_one_stays_at_zero(network):
    found, reached = prefer(network, "second", range(4), Ascent(), shape=(16, 14, 1))
    layer = layers_of(network, np.zeros((16, 14, 1), np.float32))["second"]
    against = drives(network, noise(400, (16, 14, 1), 5), [layer])["second"].max(axis=0)
    assert (against[[0, 1, 3]] > 0).all()
    assert (reached > against)[[0, 1, 3]].all()
    assert reached[2] == against[2] == 0
    assert (found.pictures >= 0).all()
    assert (found.pictures <= 1).all()


def test_layers_without_an_activation_have_preferred_inputs_too(network):
    kernel = network.get_layer("first").get_weights()[0][:, :, 0]
    _, reached = prefer(network, "pool", [0, 1, 3], Ascent(pull=0), shape=(16, 14, 1))
    assert reached == pytest.approx(np.maximum(kernel, 0).sum(axis=(0, 1))[[0, 1, 3]], rel=1e-3)
    layer = layers_of(network, np.zeros((16, 14, 1), np.float32))["flat"]
    _, reached = prefer(network, "flat", [0, 1, layer.units - 1], Ascent(), shape=(16, 14, 1))
    against = drives(network, noise(200, (16, 14, 1), 5), [layer])["flat"].max(axis=0)[[0, 1, -1]]
    assert (reached > against).all()


def test_no_steps_are_no_ascent(network):
    _, still = prefer(network, "second", [0, 1, 3], Ascent(steps=0), shape=(16, 14, 1))
    _, climbed = prefer(network, "second", [0, 1, 3], Ascent(steps=30), shape=(16, 14, 1))
    assert (climbed > still).all()


def test_one_seed_gives_the_same_bytes_and_another_does_not(network):
    found = [
        prefer(network, "second", range(4), Ascent(steps=10), shape=(16, 14, 1), seed=seed)[
            0
        ].pictures.tobytes()
        for seed in (0, 0, 1)
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.slow
def test_a_stronger_pull_gives_smoother_greyer_pictures_that_drive_less(network):
    results = [
        prefer(network, "second", [0, 1, 3], Ascent(pull=pull), shape=(16, 14, 1)) for pull in (0, 0.2, 5)
    ]
    rough = [roughness(found.pictures, 64)[0].mean() for found, _ in results]
    assert rough[0] > rough[1] > rough[2]
    assert results[0][1].mean() > results[2][1].mean()


@pytest.mark.slow
def test_units_alone_or_together_are_the_same(network):
    alone = prefer(network, "second", [1], Ascent(steps=20), shape=(16, 14, 1))[0].pictures[0]
    together = prefer(network, "second", [0, 1, 3], Ascent(steps=20), shape=(16, 14, 1))[0].pictures[1]
    np.testing.assert_allclose(alone, together, atol=0.02)


def test_roughness_is_one_for_a_chessboard_half_for_black_and_its_slope_is_that_of_finite_differences():
    board = (np.indices((40, 40)).sum(axis=0) % 2).astype(np.float32)[None, ..., None]
    assert roughness(board, 1600)[0][0] == pytest.approx(1, abs=0.02)
    assert roughness(np.zeros_like(board), 1600)[0][0] == pytest.approx(0.5)
    assert roughness(np.full_like(board, 0.5), 1600)[0][0] == 0
    picture = np.random.default_rng(1).random((1, 5, 4, 2))
    slope = roughness(picture, 20)[1]
    for place in np.ndindex(picture.shape):
        up, down = picture.copy(), picture.copy()
        up[place] += 1e-3
        down[place] -= 1e-3
        expected = (roughness(up, 20)[0] - roughness(down, 20)[0])[0] / 2e-3
        assert slope[place] == pytest.approx(expected, abs=1e-4)


def test_drives_are_the_strongest_answers_of_the_numpy_network(network):
    pictures = noise(20, (16, 14, 1))
    layer = layers_of(network, pictures[0])["first"]
    kernel, bias = network.get_layer("first").get_weights()
    expected = strongest_answers(pictures, kernel, bias, NetworkConfig())
    np.testing.assert_allclose(drives(network, pictures, [layer])["first"], expected, atol=1e-5)


def test_the_drive_of_a_squashed_unit_is_the_score_before_and_the_model_stays_as_it_was(linear):
    model, weights = linear
    pictures = noise(6)
    before = model(pictures).numpy()
    layer = layers_of(model, BLANK)["classes"]
    found = drives(model, pictures, [layer])["classes"]
    np.testing.assert_allclose(found, pictures.reshape(6, -1) @ weights + BIAS, atol=1e-5)
    np.testing.assert_array_equal(model(pictures), before)


def test_a_box_is_where_the_strongest_answer_lies(network):
    pictures = np.zeros((2, 16, 14, 1), np.float32)
    kernel = network.get_layer("first").get_weights()[0][:, :, 0, 1]
    pictures[0, 2:5, 3:6, 0] = pictures[1, 11:14, 9:12, 0] = kernel > 0
    layer = layers_of(network, pictures[0])["first"]
    assert driving_boxes(network, pictures, layer, np.array([1, 1])) == [(2, 3, 3, 3), (11, 9, 3, 3)]
    assert box_of(np.zeros((3, 4), bool)) is None


@keras.saving.register_keras_serializable("linesexp-tests")
class Subclassed(keras.Model):
    """Layers without a graph, one of them called twice, and ReLU as a layer of its own."""

    def __init__(self):
        super().__init__()
        self.conv, self.cut = layers.Conv2D(3, 3, name="conv", padding="same"), layers.ReLU(name="cut")
        self.again = layers.Conv2D(3, 3, name="again", padding="same", activation="relu")
        self.head = keras.Sequential(
            [
                layers.GlobalAveragePooling2D(name="mean"),
                layers.Dense(2, name="scores"),
                layers.Softmax(name="end"),
            ],
            name="head",
        )

    def call(self, pictures):
        return self.head(self.again(self.again(self.cut(self.conv(pictures)))))


@pytest.mark.slow
def test_nested_and_subclassed_models_and_layers_that_are_called_twice():
    keras.utils.set_random_seed(1)
    model, shape = Subclassed(), (12, 10, 3)
    known = layers_of(model, np.zeros(shape, np.float32))
    assert list(known) == ["conv", "cut", "again", "again#2", "head/mean", "head/scores", "head/end"]
    assert known["head/end"].squashed
    against = drives(model, noise(100, shape, 9), list(known.values()))
    np.testing.assert_allclose(against["head/end"], against["head/scores"], atol=1e-6)
    for name in ("cut", "again#2", "head/end"):
        _, reached = prefer(model, name, [0, 1], Ascent(), shape=shape)
        strongest = against[name].max(axis=0)[:2]
        assert ((reached > strongest) | (strongest == 0)).all()
        assert (reached > strongest).any()


def test_a_layer_that_is_never_called_is_refused(network, linear):
    layer = layers_of(linear[0], BLANK)["classes"]
    other = keras.Sequential([keras.Input(SHAPE), layers.Flatten(name="only")])
    with pytest.raises(ValueError, match="no layer 'classes'"):
        answers(other, BLANK[None], [layer])


def test_noise_is_of_four_kinds_in_turn_and_fills_the_range():
    made = noise(40, (30, 20, 3))
    assert made.dtype == np.float32
    kinds = {name: made[at :: len(KINDS)] for at, name in enumerate(KINDS)}
    assert kinds["uniform"].mean() == pytest.approx(0.5, abs=0.01)
    assert kinds["uniform"].std() == pytest.approx(12**-0.5, abs=0.01)
    for name in ("black or white pixels", "black or white blots"):
        assert set(np.unique(kinds[name])) == {0, 1}
        assert kinds[name].mean() == pytest.approx(0.5, abs=0.02)
    clouds = kinds["soft clouds"]
    assert (clouds.min(axis=(1, 2, 3)) == 0).all()
    assert (clouds.max(axis=(1, 2, 3)) == 1).all()
    step = {name: np.abs(np.diff(pictures, axis=1)).mean() for name, pictures in kinds.items()}
    assert step["soft clouds"] < step["uniform"] / 3
    assert step["black or white blots"] < step["black or white pixels"] / 2
    np.testing.assert_array_equal(noise(40, (30, 20, 3)), made)
    assert (noise(40, (30, 20, 3), 1) != made).any()
