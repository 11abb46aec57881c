"""A kernel over a photo: SciPy and scikit-image are the oracles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data, filters

from linesexp.errors import ConfigError
from linesexp.kernels.operators import OPERATORS, get_operator
from linesexp.seeing import filtering
from linesexp.seeing.convolution import convolve
from linesexp.seeing.filtering import (
    MOST_PLACES,
    Steps,
    bordered,
    describe_sum,
    filter_picture,
    kernel_sum,
    parse_border,
    parse_kernel,
    walk,
)

MODES = {"reflect": "mirror", "nearest": "nearest"}  # ours: SciPy's
SCALES = {"prewitt": 3, "sobel": 4, "scharr": 16}  # scikit-image divides by the sum of the smoothing weights
EVERY_OPERATOR = [(name, way) for name, (_, _, ways) in OPERATORS.items() for way in ways]


@pytest.fixture(scope="module")
def cat():
    return data.chelsea() @ [0.299, 0.587, 0.114] / 255


def filtered(picture, kernel, **steps):
    """The last stage."""
    return list(filter_picture(picture, kernel, Steps(**steps)).values())[-1]


def scipys(picture, kernel, border):
    mode = {"mode": MODES[border]} if border in MODES else {"mode": "constant", "cval": border}
    return ndimage.correlate(picture, kernel, **mode)


# Over a photo.


@pytest.mark.parametrize("border", [0.0, 0.7, "reflect", "nearest"])
@pytest.mark.parametrize(("name", "way"), EVERY_OPERATOR)
def test_operators_on_a_photo_are_scipys_correlate(cat, name, way, border):
    for size in (3, 7):
        kernel = get_operator(name, size, way).kernel
        expected = scipys(cat, kernel, border)
        np.testing.assert_allclose(filtered(cat, kernel, border=border), expected, atol=1e-6)
        inner = slice(size // 2, -(size // 2))
        np.testing.assert_allclose(filtered(cat, kernel), expected[inner, inner], atol=1e-6)


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("way", ["vertical", "horizontal"])
def test_operators_on_a_photo_are_scikit_images_up_to_its_scale(cat, name, way):
    theirs = getattr(filters, f"{name}_{way[0]}")(cat)[1:-1, 1:-1]
    ours = filtered(cat, get_operator(name, 3, way).kernel)
    np.testing.assert_allclose(ours, SCALES[name] * theirs, atol=1e-6)


def test_laplacian_on_a_photo_is_scikit_images(cat):
    ours = filtered(cat, get_operator("laplacian").kernel)
    np.testing.assert_allclose(ours, filters.laplace(cat)[1:-1, 1:-1], atol=1e-6)


def test_a_kernel_of_even_size_covers_what_lies_below_and_right(cat):
    kernel = parse_kernel("-1 0; 0 1")
    ours = filtered(cat, kernel, border=0.0)
    np.testing.assert_allclose(ours, ndimage.correlate(cat, kernel, mode="constant", origin=-1), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(1, 5),
    stride=st.integers(1, 4),
    border=st.sampled_from(["drop", 0.0, 0.3, "reflect", "nearest"]),
    shape=st.tuples(st.integers(5, 12), st.integers(5, 12)),
    at_once=st.sampled_from([1, 40, 10**6]),
    seed=st.integers(0, 100),
)
def test_bands_of_rows_are_one_convolution(size, stride, border, shape, at_once, seed):
    rng = np.random.default_rng(seed)
    picture, kernel = rng.random(shape), rng.standard_normal((size, size))
    how = {"padding": "valid"} if border == "drop" else {"padding": "same", "border": border}
    whole = convolve(picture[None, :, :, None], kernel[:, :, None, None], stride=stride, **how)[0, :, :, 0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filtering, "AT_ONCE", at_once)
        np.testing.assert_allclose(filtered(picture, kernel, stride=stride, border=border), whole, atol=1e-12)


def test_rows_are_reported_until_the_last(monkeypatch):
    monkeypatch.setattr(filtering, "AT_ONCE", 1)
    seen = []
    filter_picture(np.zeros((6, 6)), np.ones((3, 3)), Steps(), lambda *how: seen.append(how[:2]))
    assert seen == [(1, 4), (2, 4), (3, 4)]


def test_the_stages_come_one_after_the_other(cat):
    kernel = get_operator("sobel").kernel
    stages = filter_picture(cat, kernel, Steps(activation="relu", pooling="max", pool_size=3, pool_stride=2))
    assert list(stages) == ["convolution", "relu", "max pooling"]
    convolved, activated, pooled = stages.values()
    np.testing.assert_array_equal(activated, np.maximum(convolved, 0))
    assert pooled.shape == ((298 - 3) // 2 + 1, (449 - 3) // 2 + 1)
    assert pooled[4, 5] == activated[8:11, 10:13].max()
    average = filtered(cat, kernel, pooling="average")
    assert average[4, 5] == pytest.approx(convolved[8:10, 10:12].mean())


def test_a_picture_that_is_too_small_is_told_what_would_help():
    with pytest.raises(ValueError, match=r"3×3 does not fit into a picture of 1×1 .*--border zero"):
        filtered(np.ones((1, 1)), np.ones((3, 3)))
    for border in (0.5, "reflect", "nearest"):
        assert filtered(np.full((1, 1), 0.5), np.ones((3, 3)), border=border) == pytest.approx(4.5)
    with pytest.raises(ValueError, match=r"window of 2×2 does not fit into a map of 1×1"):
        filtered(np.ones((1, 1)), np.ones((1, 1)), pooling="max")


# The kernel and the border as a user writes them.

LAPLACE = [[0, -1, 0], [-1, 4, -1], [0, -1, 0]]
KERNELS = {
    "0 -1 0; -1 4 -1; 0 -1 0": LAPLACE,
    "0,-1,0;-1,4,-1;0,-1,0;": LAPLACE,
    " 0  -1 0 ;\n-1 4 -1;\n0 −1 0\n": LAPLACE,
    "\ufeff0,-1,0\r\n-1,4,-1\r\n0,-1,0\r\n\r\n": LAPLACE,
    "0;0,5\n1;-1,5": [[0, 0.5], [1, -1.5]],  # as a spreadsheet with decimal commas writes it
    "0\t0.5\n1\t-1.5": [[0, 0.5], [1, -1.5]],
    "1/4 1/2; -1/4 1e-3": [[0.25, 0.5], [-0.25, 0.001]],
    "2": [[2]],
}


@pytest.mark.parametrize("text", KERNELS)
def test_a_kernel_is_read_as_it_is_written(text):
    assert parse_kernel(text).tolist() == KERNELS[text]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2 3; 4 5; 6 7 8", "rows have 3, 2, 3 numbers"),
        ("1 2 3; 4 5 6", r"2 × 3 numbers \(rows × columns\); it must be square"),
        ("1 x; 2 3", "'x'"),
        ("1,,2", "''"),
        ("1 nan; 2 3", "'nan'"),
        ("1 inf; 2 3", "'inf'"),
        ("1 1/0; 2 3", "'1/0'"),
        ("1e300", r"'1e300'.*at most 1e\+09"),
        ("", "without numbers"),
        (" ;\n; ", "without numbers"),
        (";".join([" ".join("1" * 100)] * 100), "100 rows; at most 99"),
        (";".join("1 2" for _ in range(20)) + ";1", "2, …"),
    ],
)
def test_a_kernel_that_is_none_is_refused_with_a_reason(text, words):
    with pytest.raises(ValueError, match=words):
        parse_kernel(text)


@pytest.mark.parametrize(
    ("text", "border"),
    [("drop", "drop"), ("zero", 0.0), ("reflect", "reflect"), ("nearest", "nearest"), ("0.5", 0.5), ("1", 1.0)],
)
def test_a_border_is_a_word_or_a_grey_value(text, border):
    assert parse_border(text) == border


@pytest.mark.parametrize("text", ["mirror", "", "1.1", "-0.1", "nan"])
def test_no_other_border(text):
    with pytest.raises(ConfigError, match=r"drop, zero, reflect, nearest or a grey value 0 … 1"):
        parse_border(text)


# What is said of the sum.


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (LAPLACE, "sum 0: flat areas come out 0"),
        (np.ones((3, 3)), "sum 9: flat areas come out 9 times as bright; divide by 9 to keep brightness"),
        (np.full((3, 3), 1 / 9), "sum 1: flat areas keep their brightness"),
        (np.full((7, 7), 1 / 49), "sum 1: "),
        ([[0.1, 0.2], [0.0, -0.3]], "sum 0: "),
        ([[0.5]], "sum 0.5: flat areas come out 0.5 times as bright; divide by 0.5"),
        ([[-2]], "sum −2: flat areas come out −2 times as bright, which is below 0"),
        ([[1e-9]], "sum 1e−09: "),
    ],
)
def test_the_sum_says_what_becomes_of_brightness(kernel, words):
    assert describe_sum(np.array(kernel)).startswith(words)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), grey=st.floats(0, 1))
def test_flat_areas_come_out_as_many_times_as_bright_as_the_sum(seed, grey):
    kernel = np.random.default_rng(seed).standard_normal((3, 3))
    flat = filtered(np.full((5, 5), grey), kernel)
    np.testing.assert_allclose(flat, grey * kernel_sum(kernel), atol=1e-12)


# The walk that GIFs show.


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(1, 9),
    stride=st.integers(1, 5),
    border=st.sampled_from(["drop", 0.3, "reflect", "nearest"]),
    shape=st.tuples(st.integers(9, 30), st.integers(9, 30)),
    seed=st.integers(0, 100),
)
def test_a_walks_sums_are_the_maps_values_around_the_strongest(size, stride, border, shape, seed):
    rng = np.random.default_rng(seed)
    picture, kernel = rng.random(shape), rng.standard_normal((size, size))
    steps = Steps(border=border, stride=stride)
    convolved = filtered(picture, kernel, border=border, stride=stride)
    found = walk(picture, bordered(picture, size, steps), convolved, size, stride)
    sums = [[(found.window(r, c) * kernel).sum() for c in range(found.results.shape[1])] for r in
            range(found.results.shape[0])]  # fmt: skip
    np.testing.assert_allclose(sums, found.results, atol=1e-12)
    assert np.abs(found.results).max() == np.abs(convolved).max()
    assert max(found.results.shape) <= MOST_PLACES
    rows = range(max(found.top, 0), min(found.top + len(found.crop), shape[0]))
    columns = range(max(found.left, 0), min(found.left + found.crop.shape[1], shape[1]))
    inside = found.crop[rows[0] - found.top :, columns[0] - found.left :][: len(rows), : len(columns)]
    np.testing.assert_array_equal(inside, picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
