import numpy as np

from linesexp.images.probes import BAR_ANGLES_DEG, EDGE_ANGLES_DEG, edges
from linesexp.kernels.operators import line, prewitt
from linesexp.kernels.tuning import order_strength, tune


def tuned(*kernels, bias=0.0, activation="relu", **how):
    return tune(np.stack(kernels), np.full(len(kernels), bias), activation, **how)


def test_an_edge_detector_prefers_the_direction_that_it_was_turned_to():
    directions = np.arange(0, 360, 30)
    disc = np.hypot(*(np.mgrid[:7, :7] - 3)) <= 3.5  # the corners of a square would draw it to the diagonals
    found = tuned(*(disc * (edges(directions, 7) - 0.5)))
    assert np.all(np.abs((found.preferred_edge_deg - directions + 180) % 360 - 180) <= 5)
    assert np.all(found.direction_index > 0.9)


def test_prewitt_answers_to_its_own_direction_and_order_of_dark_and_bright():
    found = tuned(prewitt(7), prewitt(7, "horizontal"), -prewitt(7))
    np.testing.assert_allclose(found.preferred_angle_deg, [90, 0, 90], atol=1)
    np.testing.assert_allclose(
        found.preferred_edge_deg, [0, 270, 180], atol=1
    )  # horizontal: brighter going down
    np.testing.assert_allclose(found.direction_index, 1)


def test_a_line_kernel_does_not_care_about_the_order_of_dark_and_bright():
    np.testing.assert_allclose(tuned(line(7)).direction_index, 0, atol=1e-5)


def test_a_blur_answers_to_all_angles_about_alike():
    round_spot = np.exp(-np.sum((np.mgrid[:7, :7] - 3) ** 2, axis=0) / 4.0)
    assert tuned(round_spot).one_minus_circular_variance[0] < 0.02


def test_the_response_to_a_blank_is_taken_off():
    np.testing.assert_allclose(tuned(line(7), bias=3.0).bars, tuned(line(7)).bars, atol=1e-4)


def test_a_kernel_that_answers_to_nothing_has_no_preference():
    found = tuned(line(7), bias=-1e6)
    assert np.isnan(found.preferred_angle_deg[0])
    assert np.isnan(found.direction_index[0])


def test_dark_lines_are_probed_with_dark_bars():
    found = tuned(-line(7), line(7), dark_lines=True)
    assert found.bars[0].max() > found.bars[1].max()
    np.testing.assert_allclose(found.preferred_angle_deg[0], 90, atol=1)


def test_the_activation_is_applied():
    assert tuned(line(7), activation="tanh").bars.max() <= 1


def test_shapes_and_angles():
    found = tuned(line(5), prewitt(5))
    assert found.bars.shape == (2, len(BAR_ANGLES_DEG)) == (2, 36)
    assert found.edges.shape == (2, len(EDGE_ANGLES_DEG)) == (2, 72)


def test_edges_get_brighter_in_their_direction():
    right, up = edges(np.array([0.0, 90.0]), 8)
    assert (right[:, -1] == 1).all()
    assert (right[:, 0] == 0).all()
    assert (up[0] == 1).all()
    assert (up[-1] == 0).all()


def test_order_matters_as_much_as_for_prewitt_whatever_the_mean_and_gain():
    kernels = np.stack([prewitt(7), -3 * prewitt(7, "horizontal"), prewitt(7) + 0.3, line(7), np.ones((7, 7))])
    np.testing.assert_allclose(order_strength(kernels), [1, 1, 1, 0, np.nan], atol=1e-6)


def test_order_strength_is_graded_among_random_kernels():
    found = order_strength(np.random.default_rng(0).uniform(-1, 1, (500, 7, 7)))
    assert len(np.unique(found.round(6))) > 490
    assert 0.2 < np.median(found) < 0.3
