"""Attribution against what can be known: planted pixels, finite differences, and a formula."""

import keras
import numpy as np
import pytest

from linesexp.errors import InputError
from linesexp.seeing import attribution
from linesexp.seeing.attribution import (
    Occlusion,
    before_squashing,
    grad_cam,
    gradient,
    occlusion,
    smooth_gradient,
)
from linesexp.seeing.patches import patch_places

layers = keras.layers
PIXEL = (5, 2)


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


@pytest.fixture(scope="module")
def planted():
    """Class 1 is three times one pixel's brightness, class 0 twice its darkness; nothing else matters."""
    model = keras.Sequential(
        [keras.Input((9, 7, 1)), layers.Conv2D(1, 1, name="conv"), layers.Flatten(), layers.Dense(2, "softmax")]
    )
    weights = np.zeros((63, 2), np.float32)
    weights[PIXEL[0] * 7 + PIXEL[1]] = (-2, 3)
    model.set_weights([np.ones((1, 1, 1, 1)), np.zeros(1), weights, np.zeros(2)])
    return model


@pytest.fixture(scope="module")
def network():
    """A small network with curves and no kinks, so that finite differences mean something."""
    keras.utils.set_random_seed(4)
    return keras.Sequential(
        [
            keras.Input((10, 8, 3)),
            layers.Conv2D(4, 3, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(5, 2, activation="tanh", name="last"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def only_at_the_pixel(found, value, atol=1e-5):
    expected = np.zeros((9, 7))
    expected[PIXEL] = value
    np.testing.assert_allclose(found, expected, atol=atol)


@pytest.mark.parametrize(("label", "slope"), [(0, -2), (1, 3)])
def test_a_planted_pixel_is_found_by_every_method(planted, label, slope):
    seen = picture(9, 7, 1)
    only_at_the_pixel(gradient(planted, seen[None], label)[0, ..., 0], slope)
    noise = np.random.default_rng(0).normal(size=(40, 9, 7, 1)) * 0.2
    only_at_the_pixel(smooth_gradient(planted, seen, label, noise)[..., 0], slope)
    found = occlusion(planted, seen, label, Occlusion(size=1, stride=1, fill=0.25))
    only_at_the_pixel(found, slope * (seen[*PIXEL, 0] - 0.25))


def test_a_sure_network_is_explained_all_the_same(planted):
    """Its probability is 1 and has no slope any more; the score before the softmax has."""
    seen = np.full((9, 7, 1), 100, np.float32)
    assert planted(seen[None])[0, 1] == 1
    only_at_the_pixel(gradient(planted, seen[None], 1)[0, ..., 0], 3)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_occlusion_covers_what_it_says(planted, size):
    """With a larger patch, the fall is shared among all places of the patch that cover a pixel."""
    seen = picture(9, 7, 1)
    found = occlusion(planted, seen, 1, Occlusion(size, stride=1, fill=0))
    rows, columns = np.nonzero(np.abs(found) > 1e-6)
    assert rows.min() == PIXEL[0] - size + 1
    assert rows.max() == min(PIXEL[0] + size - 1, 8)
    assert columns.max() == PIXEL[1] + size - 1
    assert found[PIXEL] == pytest.approx(found.max(), rel=1e-6)
    assert found[PIXEL] == pytest.approx(3 * seen[*PIXEL, 0], rel=1e-4)


def test_occlusion_fills_with_the_mean_unless_told(planted):
    seen = picture(9, 7, 1)
    found = occlusion(planted, seen, 1, Occlusion(1, 1))
    assert found[PIXEL] == pytest.approx(3 * (seen[*PIXEL, 0] - seen.mean()), rel=1e-4)


def test_the_gradient_is_that_of_finite_differences(network):
    seen = picture(10, 8, 3).astype(np.float64)
    found = gradient(network, seen[None].astype(np.float32), 2)[0]
    step = 1e-2
    expected = np.zeros_like(seen)
    for place in np.ndindex(seen.shape):
        nudged = np.stack([seen, seen])
        nudged[0][place] += step
        nudged[1][place] -= step
        up, down = attribution.scores(network, nudged.astype(np.float32), 2)
        expected[place] = (up - down) / (2 * step)
    np.testing.assert_allclose(found, expected, atol=2e-4)
    strong = np.abs(expected) > 1e-3
    assert strong.sum() > 100
    assert (np.sign(found) == np.sign(expected))[strong].all()
    assert found.sum() == pytest.approx(expected.sum(), abs=2e-3)


def test_smoothgrad_without_noise_is_the_gradient_and_more_samples_average(network):
    seen = picture(10, 8, 3)
    still = smooth_gradient(network, seen, 1, np.zeros((3, 10, 8, 3), np.float32))
    np.testing.assert_allclose(still, gradient(network, seen[None], 1)[0], atol=1e-6)
    noise = np.random.default_rng(1).normal(size=(70, 10, 8, 3)).astype(np.float32)
    each = gradient(network, seen + noise, 1)
    np.testing.assert_allclose(smooth_gradient(network, seen, 1, noise), each.mean(axis=0), atol=1e-5)


def test_grad_cam_is_its_formula(network):
    """For the last convolution before flatten and dense, ∂ score / ∂ map is the dense layer's weight."""
    seen = picture(10, 8, 3)
    last, dense = network.get_layer("last"), network.layers[-1]
    maps = keras.Model(network.inputs[0], last.output)(seen[None])[0].numpy()
    answering = 0
    for label in range(3):
        slopes = dense.get_weights()[0][:, label].reshape(maps.shape)
        expected = np.maximum((maps * slopes.mean(axis=(0, 1))).sum(axis=-1), 0)
        answering += expected.any()
        np.testing.assert_allclose(grad_cam(network, seen, label), expected, atol=1e-6)
    assert answering
    assert grad_cam(network, seen, 2, network.layers[0].name).shape == (8, 6)
    with pytest.raises(ValueError, match="no layer 'none'"):
        grad_cam(network, seen, 2, "none")


def ends():
    inputs = keras.Input((4, 4, 1))
    flat = layers.Flatten()(layers.Conv2D(1, 1)(inputs))
    dense = layers.Dense(2, name="dense")
    inner = keras.Sequential([keras.Input((16,)), dense, layers.Activation("softmax")])
    return {
        "activation": layers.Dense(2, activation="softmax")(flat),
        "sigmoid": layers.Dense(2, activation="sigmoid")(flat),
        "layer": layers.Softmax()(layers.Dense(2)(flat)),
        "nested": inner(flat),
        "no end": layers.Dense(2)(flat),
    }, inputs


@pytest.mark.parametrize("kind", ["activation", "sigmoid", "layer", "nested", "no end"])
def test_scores_are_what_goes_into_the_end_and_the_model_stays_as_it_was(kind):
    made, inputs = ends()
    model, batch = keras.Model(inputs, made[kind]), picture(3, 4, 4, 1)
    before = model(batch).numpy()
    with before_squashing(model) as taken:
        scores = model(batch)
    assert taken == (kind != "no end")
    squash = {"sigmoid": keras.ops.sigmoid, "no end": lambda values: values}.get(kind, keras.ops.softmax)
    np.testing.assert_allclose(squash(scores), before, atol=1e-6)
    assert taken == (not np.allclose(scores, before, atol=1e-3))
    np.testing.assert_array_equal(model(batch), before)


def test_patches_cover_every_pixel():
    for size, stride in ((1, 1), (3, 2), (4, 4), (7, 5)):
        covered = np.zeros((9, 7), int)
        for row, column in patch_places((9, 7, 3), size, stride):
            part = covered[row : row + size, column : column + size]
            assert part.shape == (size, size)
            part += 1
        assert covered.min() >= 1


@pytest.mark.parametrize(("size", "stride"), [(0, 1), (8, 1), (3, 4), (3, 0)])
def test_a_patch_that_does_not_fit_is_refused(size, stride):
    with pytest.raises(ValueError, match="must be 1"):
        patch_places((9, 7), size, stride)


def test_a_class_or_an_output_that_is_not_there_is_refused(planted):
    with pytest.raises(ValueError, match=r"must be 0..1, got 2"):
        gradient(planted, picture(1, 9, 7, 1), 2)
    maps = keras.Sequential([keras.Input((9, 7, 1)), layers.Conv2D(2, 3)])
    with pytest.raises(InputError, match="no list of class scores"):
        gradient(maps, picture(1, 9, 7, 1), 0)


def test_another_backend_is_a_clear_error(planted, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with pytest.raises(InputError, match="gradients need Keras' backend tensorflow or jax or torch"):
        gradient(planted, picture(1, 9, 7, 1), 0)
