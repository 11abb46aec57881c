"""What planted first layers do: whom they prefer, whether they answer at all, and since when not."""

import numpy as np
import pytest

from linesexp.evidence.behaviour import behaviour, class_pair, tuning_at
from linesexp.images.dataset import Dataset, make_dataset
from linesexp.kernels.operators import line


def lives(draw, config, *biases):
    """{epoch: weights} with lines as first kernels and these biases (steps, 4)."""
    start = draw(config, np.random.default_rng(0))
    kernels = np.stack([line(5, "horizontal"), line(5), line(5, "horizontal"), line(5)], axis=-1) / 100
    start = start | {"conv1/kernel": kernels[:, :, None].astype(np.float32)}
    return {step: start | {"conv1/bias": np.array(bias, np.float32)} for step, bias in enumerate(biases)}


@pytest.fixture(scope="module")
def config(settings):
    return settings(filters=(4, 2))


def test_kernels_prefer_the_class_that_they_answer_to(config, draw, plant):
    run = plant(config, lives(draw, config, [0, 0, 0, 0]))
    found = behaviour(run, -1).preference
    assert run.dataset.class_names == ("horizontal", "vertical")
    assert (found[[0, 2]] < -1 / 3).all()
    assert (found[[1, 3]] > 1 / 3).all()


def test_the_dead_are_named_with_the_step_from_which_they_stayed_so(config, draw, plant):
    steps = lives(draw, config, [0, -9, -9, 0], [0, 0, -9, 0], [-9, -9, -9, 0], [-9, 0, -9, 0])
    run = plant(config, steps)
    last = behaviour(run, -1)
    assert last.health == ["dead", "live", "dead", "live"]
    assert last.died_at == [2, None, 0, None]
    first = behaviour(run, 0)
    assert first.health == ["live", "dead", "dead", "live"]
    assert np.isnan(first.preference).tolist() == [False, True, True, False]


def test_the_step_of_death_is_in_epochs(config, draw, plant):
    early, late = lives(draw, config, [0, 0, 0, 0], [-9, 0, 0, 0]).values()
    assert behaviour(plant(config, {0: early, 0.25: late, 3: late}), -1).died_at[0] == 0.25


def test_a_kernel_that_only_probes_rouse_is_silent_and_not_dead(config, draw, plant):
    """It asks for more bright pixels than a line has, and a step edge has them."""
    (weights,) = lives(draw, config, [-22, -26, 0, 0]).values()
    weights["conv1/kernel"][..., :2] = 1
    found = behaviour(plant(config, {0: weights}), -1)
    assert found.health == ["silent", "dead", "live", "live"]
    assert found.died_at == [None, 0, None, None]


def test_a_kernel_that_a_single_training_picture_rouses_is_live(config, draw, plant):
    """The last of them: nobody stops looking before it has been seen."""
    dataset = make_dataset(config.images)
    pixels = dataset.pixels.copy()
    pixels[np.flatnonzero(dataset.split == 0)[-1]] = 255
    bright = Dataset(pixels, dataset.labels, dataset.split, dataset.class_names)
    (weights,) = lives(draw, config, [-22, 0, 0, 0]).values()
    weights["conv1/kernel"][..., 0] = 1
    assert behaviour(plant(config, {0: weights}, dataset=bright), -1).health[0] == "live"


def test_weights_that_are_no_numbers_answer_nothing(config, draw, plant):
    early, late = lives(draw, config, [0, 0, 0, 0], [np.nan, 0, 0, 0]).values()
    found = behaviour(plant(config, {0: early, 1: late}), -1)
    assert (found.health[0], found.died_at[0]) == ("dead", 1)
    assert np.isnan(found.preference).tolist() == [True, False, False, False]


def test_tuning_to_grey_probes_is_that_of_the_channels_together(config, draw, plant):
    """A kernel spread over three channels answers as the whole does, bias and all."""
    (weights,) = lives(draw, config, [-0.02, 0.0, 0.01, -0.01]).values()
    grey = make_dataset(config.images)
    colour = Dataset(np.repeat(grey.pixels, 3, axis=3), grey.labels, grey.split, grey.class_names)
    spread = np.repeat(weights["conv1/kernel"] / 3, 3, axis=2)
    other = behaviour(plant(config, {0: weights | {"conv1/kernel": spread}}, dataset=colour), -1)
    own = behaviour(plant(config, {0: weights}), -1)
    for name, values in vars(own.tuning).items():
        np.testing.assert_allclose(getattr(other.tuning, name), values, atol=1e-3)
    np.testing.assert_allclose(other.preference, own.preference, atol=1e-5)
    assert other.health == own.health


def test_dark_lines_are_asked_about_with_dark_bars(settings, draw, plant):
    config = settings(filters=(4, 2), contrast="dark")
    (weights,) = lives(draw, config, [0, 0, 0, 0]).values()
    inverted = weights | {"conv1/kernel": -weights["conv1/kernel"]}
    found = tuning_at(plant(config, {0: inverted}), -1)
    np.testing.assert_allclose(found.preferred_angle_deg, [0, 90, 0, 90], atol=1)


@pytest.mark.parametrize(
    ("angles_deg", "pair"),
    [((0.0, 90.0), (0, 1)), ((90.0, 0.0), (1, 0)), ((45.0, 90.0, 0.0), (2, 1)), ((30.0, 60.0, 120.0), (0, 1))],
)
def test_the_classes_compared_are_horizontal_and_vertical_or_the_first_two(
    angles_deg, pair, settings, draw, plant
):
    config = settings(angles_deg=angles_deg)
    assert class_pair(plant(config, {0: draw(config, np.random.default_rng(0))}).dataset) == pair
