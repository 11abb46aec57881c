"""Named operators: equal to SciPy's and scikit-image's at 3×3, and what any size must keep."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import filters

from linesexp.errors import ConfigError
from linesexp.kernels.operators import (
    OPERATORS,
    binomial,
    get_operator,
    laplacian,
    line,
    prewitt,
    roberts,
    scharr,
    sobel,
)

ALL = [
    (name, size, detects)
    for name, (_, _, ways) in OPERATORS.items()
    for size in (3, 5, 7, 9)
    for detects in ways
]
TURNING = [name for name, (_, _, ways) in OPERATORS.items() if "vertical" in ways]
INNER = (slice(4, -4), slice(4, -4))  # away from the border, which every library treats in its own way


@pytest.fixture
def picture():
    return np.random.default_rng(0).random((24, 26))


def respond(picture, kernel):
    """Cross-correlation, the convention of linesexp and Keras."""
    return ndimage.correlate(picture, kernel)


@pytest.mark.parametrize(("build", "scipys"), [(prewitt, ndimage.prewitt), (sobel, ndimage.sobel)])
def test_gradients_are_scipys(picture, build, scipys):
    np.testing.assert_allclose(respond(picture, build(3, "vertical")), scipys(picture, axis=1))
    np.testing.assert_allclose(respond(picture, build(3, "horizontal")), scipys(picture, axis=0))


def test_the_laplacian_is_scipys_with_bright_spots_positive(picture):
    np.testing.assert_allclose(respond(picture, laplacian(3)), -ndimage.laplace(picture), atol=1e-12)


@pytest.mark.parametrize(
    ("build", "vertical", "horizontal", "weight"),
    [
        (prewitt, filters.prewitt_v, filters.prewitt_h, 3),
        (sobel, filters.sobel_v, filters.sobel_h, 4),
        (scharr, filters.scharr_v, filters.scharr_h, 16),
    ],
)
def test_gradients_are_scikit_images(picture, build, vertical, horizontal, weight):
    # scikit-image divides by the sum of the positive weights, and convolves: its kernels are written flipped.
    for detects, theirs in (("vertical", vertical), ("horizontal", horizontal)):
        ours = respond(picture, build(3, detects)) / weight
        np.testing.assert_allclose(ours[INNER], theirs(picture)[INNER], atol=1e-12)


@pytest.mark.parametrize(
    ("detects", "theirs"), [("antidiagonal", filters.roberts_pos_diag), ("diagonal", filters.roberts_neg_diag)]
)
def test_roberts_is_scikit_images_smoothed_over_two_by_two(picture, detects, theirs):
    smoothed = ndimage.correlate(theirs(picture), np.ones((2, 2)))
    np.testing.assert_allclose(respond(picture, roberts(3, detects))[INNER], smoothed[INNER], atol=1e-12)


def test_convolution_needs_the_kernel_flipped(picture):
    kernel = sobel(5)
    flipped = ndimage.convolve(picture, kernel[::-1, ::-1])
    np.testing.assert_allclose(respond(picture, kernel), flipped)
    assert not np.allclose(respond(picture, kernel), ndimage.convolve(picture, kernel))


def test_larger_sobels_are_opencvs():
    np.testing.assert_array_equal(sobel(5), np.outer([1, 4, 6, 4, 1], [-1, -2, 0, 2, 1]))
    np.testing.assert_array_equal(sobel(7), np.outer([1, 6, 15, 20, 15, 6, 1], [-1, -4, -5, 0, 5, 4, 1]))


def test_prewitt_is_one_side_less_the_other():
    np.testing.assert_array_equal(prewitt(5), np.outer(np.ones(5), [-1, -1, 0, 1, 1]))


def test_a_line_is_a_bright_band_of_about_a_third():
    np.testing.assert_array_equal(line(3), np.outer(np.ones(3), [-1, 2, -1]))
    np.testing.assert_array_equal(np.sign(line(9)[0]), [-1, -1, -1, 1, 1, 1, -1, -1, -1])


def test_binomial_weights_are_a_row_of_pascals_triangle():
    assert [binomial(size).tolist() for size in (1, 2, 5)] == [[1], [1, 1], [1, 4, 6, 4, 1]]


@pytest.mark.parametrize(("name", "size", "detects"), ALL)
def test_operators_of_any_size_are_derivatives(name, size, detects):
    operator = get_operator(name, size, detects)
    kernel = operator.kernel
    assert (operator.name, operator.size, operator.detects) == (name, size, detects)
    assert kernel.shape == (size, size)
    assert kernel.sum() == pytest.approx(0, abs=1e-9)
    turned = kernel[::-1, ::-1]
    np.testing.assert_allclose(turned, -kernel if operator.order == 1 else kernel)  # odd = edge, even = line


@pytest.mark.parametrize("name", TURNING)
@pytest.mark.parametrize("size", [3, 7])
def test_horizontal_is_vertical_transposed(name, size):
    vertical, horizontal = (get_operator(name, size, way).kernel for way in ("vertical", "horizontal"))
    np.testing.assert_array_equal(horizontal, vertical.T)
    assert not np.array_equal(horizontal, vertical)


@pytest.mark.parametrize("name", [name for name in TURNING if OPERATORS[name][1] == 1])
@pytest.mark.parametrize("size", [3, 5, 7])
def test_edges_answer_positively_where_it_gets_brighter_going_right_or_down(name, size):
    dark_to_bright = np.tile(np.arange(size) > size // 2, (size, 1)).astype(float)
    assert np.sum(get_operator(name, size, "vertical").kernel * dark_to_bright) > 0
    assert np.sum(get_operator(name, size, "horizontal").kernel * dark_to_bright.T) > 0


def test_roberts_answers_along_its_diagonal():
    corner = np.zeros((3, 3))
    corner[2, 2] = 1
    assert np.sum(roberts(3, "antidiagonal") * corner) > 0
    assert np.sum(roberts(3, "diagonal") * corner[:, ::-1]) > 0
    assert np.sum(roberts(3, "antidiagonal") * corner[:, ::-1]) == 0


def test_lines_and_spots_answer_positively_to_brightness_in_the_middle():
    for name in ("line", "laplacian"):
        assert get_operator(name, 7).kernel[3, 3] > 0


def test_the_first_direction_is_the_default():
    assert get_operator("prewitt").detects == "vertical"
    assert get_operator("laplacian").detects == "both"
    assert get_operator("prewitt").size == 3


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("canny",), "unknown operator 'canny'; known: prewitt, sobel"),
        (("prewitt", 3, "diagonal"), "prewitt detects vertical or horizontal, got 'diagonal'"),
        (("roberts", 3, "vertical"), "roberts detects antidiagonal or diagonal, got 'vertical'"),
        (("sobel", 4), "odd and at least 3, got 4"),
        (("sobel", 1), "odd and at least 3, got 1"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(arguments, text):
    with pytest.raises(ConfigError, match=text):
        get_operator(*arguments)


def test_builders_refuse_a_direction_that_they_do_not_have():
    for build, _, _ in OPERATORS.values():
        with pytest.raises(ValueError, match="sideways"):
            build(3, "sideways")
