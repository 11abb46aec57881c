"""Figures of one kernel over one picture, and GIFs whose numbers are the map's."""

import io

import numpy as np
import pytest
from PIL import Image

from linesexp.kernels.operators import prewitt
from linesexp.seeing.filtering import Steps, bordered, filter_picture, walk
from linesexp.views.filtering import (
    MANY,
    Scale,
    filter_figure,
    map_png,
    number,
    operators_figure,
    scale_for,
    stage_scales,
    weight_number,
)
from linesexp.views.sliding import (
    HOLD_MS,
    MAP,
    RESULT_LEFT,
    TOP,
    WHOLE,
    WHOLE_LEFT,
    convolution_gif,
    decimals,
    pooling_gif,
)
from linesexp.views.style import DIVERGING, png_bytes

BOX = np.ones((3, 3))


@pytest.fixture
def picture():
    return np.random.default_rng(0).random((9, 12))


def words_in(figure):
    return " | ".join(text.get_text() for text in figure.texts)


def opened(data):
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


# Scales.


def test_a_signed_map_has_a_scale_about_zero():
    scale = scale_for(prewitt(), np.array([[-0.5, 0.25]]))
    assert scale == Scale(0.5, True)
    assert scale.low == -0.5
    assert scale.describe() == "blue −0.5, near white 0, orange 0.5"


@pytest.mark.parametrize(("activation", "gain", "own"), [("relu", 1, 0), ("tanh", 1, 0), ("tanh", 30, 1)])
def test_maps_that_one_scale_would_leave_pale_have_their_own_and_say_so(picture, activation, gain, own):
    kernel = gain * prewitt()
    stages = filter_picture(picture, kernel, Steps(activation=activation, pooling="max"))
    scales = stage_scales(kernel, stages)
    assert len(set(scales.values())) == 1 + own
    assert all(np.abs(values).max() >= scales[name].limit / 2 for name, values in stages.items())
    titles = dict.fromkeys(("figure", "kernel", *stages), "title")
    words = words_in(filter_figure(picture, kernel, stages, titles, []))
    assert words.count("; scale ±") == (3 if own else 0)
    assert f"; its own scale ±{gain}" in words


def test_a_map_beyond_the_common_scale_has_its_own(picture):
    kernel = prewitt() / 100
    scales = stage_scales(kernel, filter_picture(picture, kernel, Steps(activation="sigmoid")))
    assert scales["sigmoid"].limit > 0.5 > scales["convolution"].limit


def test_a_blurred_picture_is_as_bright_as_the_picture():
    assert scale_for(BOX, np.full((2, 2), 4.5)) == Scale(9.0, False)
    assert scale_for(BOX / 9, np.full((2, 2), 0.5)).limit == pytest.approx(1)


def test_a_map_without_negative_values_is_grey_up_to_its_largest():
    assert scale_for(prewitt(), np.array([[0.0, 0.25]])) == Scale(0.25, False)
    assert scale_for(prewitt(), np.zeros((2, 2))).limit == 1


def test_a_few_glaring_pixels_do_not_leave_a_large_map_pale():
    values = np.random.default_rng(0).uniform(-1, 1, (100, MANY // 100))
    values[0, :10] = 2.0
    scale = scale_for(prewitt(), values)
    assert 0.95 < scale.limit < 1
    assert scale.beyond
    assert "and more" in scale.describe()
    values[0, :10] = 100
    assert scale_for(prewitt(), values).limit == 25


@pytest.mark.parametrize("values", [[[-1.0, 0.0, 0.5, 1.0]], [[0.0, 0.2, 1.0]]])
def test_a_result_has_a_pixel_for_each_value_in_its_scales_colour(values):
    values = np.array(values)
    scale = scale_for(prewitt(), values)
    image = opened(map_png(values, scale))
    assert image.size == (values.shape[1], 1)
    assert image.text["Description"] == scale.describe()
    shares = (values - scale.low) / (scale.limit - scale.low)
    expected = scale.colours(shares)[..., :3] * 255
    np.testing.assert_allclose(np.asarray(image.convert("RGB")), expected, atol=3)


def test_numbers_have_three_digits_and_a_true_minus():
    assert [number(value) for value in (-0.12345, 0.0, -0.0, 12, 3e-5)] == ["−0.123", "0", "0", "12", "3e−05"]


def test_a_kernels_numbers_are_shown_as_they_were_written_where_they_are_short():
    shown = [weight_number(value) for value in (501.5, -1.0, 0.0, 0.0625, 1 / 9, -1234567.0)]
    assert shown == ["501.5", "−1", "0", "0.0625", "0.111", "−1.23e+06"]


# Figures.


def test_the_figure_shows_kernel_sum_shapes_and_ranges(picture):
    stages = filter_picture(picture, BOX, Steps(activation="relu", pooling="max"))
    titles = {"figure": "mine.png", "kernel": "kernel", "convolution": "C", "relu": "R", "max pooling": "P"}
    figure = filter_figure(picture, BOX, stages, titles, ["a note"])
    said = words_in(figure)
    for part in ("mine.png", "a note", "9 × 12, values", "3 × 3, sum 9", "7 × 10, values", "3 × 5, values"):
        assert part in said
    assert said.count("| 1 ") == 9  # the kernel's numbers
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    for values, array in zip([picture, BOX, *stages.values()], shown, strict=True):
        np.testing.assert_array_equal(array, values)
    limits = {axes.images[0].get_clim() for axes in figure.axes[2:5]}
    assert limits == {(0.0, 9.0)}  # one scale for all maps


@pytest.mark.parametrize("shape", [(1, 1), (2, 900), (900, 2)])
def test_any_shape_makes_a_figure(shape):
    picture = np.full(shape, 0.5)
    stages = filter_picture(picture, np.ones((1, 1)), Steps())
    titles = dict.fromkeys(("figure", "kernel", "convolution"), "x")
    image = opened(png_bytes(filter_figure(picture, np.ones((1, 1)), stages, titles, [])))
    assert image.width < 1400
    assert image.height < 1000


def test_a_fine_line_is_not_lost_where_a_map_is_shown_smaller(picture):
    picture = np.full((700, 1400), 0.5)
    picture[:, 333] = 1.0
    stages = filter_picture(picture, prewitt(), Steps())
    figure = filter_figure(
        picture, prewitt(), stages, dict.fromkeys(("figure", "kernel", "convolution"), "x"), []
    )
    small, _, shown = (axes.images[0].get_array() for axes in figure.axes[:3])
    assert shown.shape[1] < 400
    assert np.abs(shown).max() == np.abs(stages["convolution"]).max() == 1.5
    assert "strongest value that falls on it" in words_in(figure)
    assert small.mean() == pytest.approx(picture.mean(), abs=1e-3)


def test_a_large_kernel_is_shown_without_numbers(picture):
    kernel = np.ones((11, 11))
    stages = filter_picture(picture, kernel, Steps(border=0.0))
    said = words_in(
        filter_figure(picture, kernel, stages, dict.fromkeys(("figure", "kernel", "convolution"), "x"), [])
    )
    assert "| 1 " not in said
    assert "11 × 11, sum 121, weights 1 … 1" in said


def test_operators_are_compared_as_shares_of_their_largest_answer():
    picture = np.zeros((8, 8))
    picture[:, 4:] = 1.0  # the edge that both operators answer to most
    rows = [
        (f"{factor}", factor * prewitt(), filter_picture(picture, factor * prewitt(), Steps())["convolution"])
        for factor in (1, 16)
    ]
    figure = operators_figure(picture, rows, "title", ["a note"])
    maps = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    np.testing.assert_array_equal(maps[2], maps[4])
    assert maps[2].max() == 1
    assert words_in(figure).count("scale 0 … 1") == 2
    assert "a note" in words_in(figure)


# GIFs.


@pytest.fixture
def drawn(monkeypatch):
    """Every text that frames draw."""
    said = []
    from PIL import ImageDraw

    original = ImageDraw.ImageDraw.text

    def text(self, place, words, *more, **how):
        said.append(words)
        return original(self, place, words, *more, **how)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return said


def sliding(picture, kernel, **steps):
    chosen = Steps(**steps)
    convolved = filter_picture(picture, kernel, chosen)["convolution"]
    source = bordered(picture, len(kernel), chosen)
    return convolved, walk(picture, source, convolved, len(kernel), chosen.stride)


@pytest.mark.parametrize("border", ["drop", "reflect"])
def test_the_sums_that_the_gif_states_are_the_maps_values(picture, drawn, border):
    picture = picture[:5, :6]
    convolved, steps = sliding(picture, prewitt(), border=border)
    scale, activation = scale_for(prewitt(), convolved), ("ReLU", steps.results * 0)
    gif = opened(convolution_gif(steps, prewitt(), scale, picture, activation))
    assert gif.n_frames == steps.results.size
    write = decimals(np.abs(steps.results).max())
    stated = [words for words in drawn if words.startswith("sum of the products: ")]
    expected = [f"sum of the products: {write(value)}     after ReLU: 0.00" for value in steps.results.ravel()]
    assert stated == expected
    assert ("outside the pink line" in " ".join(drawn)) == (border == "reflect")
    assert {"crop: rows 0–4 of 5", "columns 0–5 of 6"} <= set(drawn)


def test_what_fills_in_is_what_the_activation_makes_and_the_crop_is_framed_in_the_whole(picture, monkeypatch):
    monkeypatch.setattr("linesexp.seeing.filtering.MOST_PLACES", 4)
    _, steps = sliding(picture, prewitt())
    scale = Scale(1.0, True)
    gif = opened(convolution_gif(steps, prewitt(), scale, picture, ("ReLU", np.ones_like(steps.results))))
    gif.seek(gif.n_frames - 1)
    frame = np.asarray(gif.convert("RGB")).astype(int)
    assert np.abs(frame[TOP + 5, RESULT_LEFT + 5] - np.array(DIVERGING(1.0)[:3]) * 255).max() < 20
    rows, columns = picture.shape
    per_pixel = WHOLE / max(rows, columns)
    green = np.abs(frame - [0, 158, 115]).max(axis=2) < 20
    there = np.argwhere(green[:, WHOLE_LEFT - 2 :])
    for edge, start, length in zip(there.T, (steps.top, steps.left), steps.crop.shape, strict=True):
        assert np.ptp(edge) == pytest.approx(length * per_pixel + 3, abs=2)
        assert start * per_pixel - 4 < edge.min() - (TOP if edge is there.T[0] else 0) or start == 0


def test_the_result_fills_in_place_by_place_in_the_scales_colours(picture):
    picture = picture[:5, :7]
    _, steps = sliding(picture, prewitt())
    scale = scale_for(prewitt(), steps.results)
    gif = opened(convolution_gif(steps, prewitt(), scale, picture))
    rows, columns = steps.results.shape
    cell = MAP / max(rows, columns)
    durations = []
    for place in range(gif.n_frames):
        gif.seek(place)
        durations.append(gif.info["duration"])
        frame = np.asarray(gif.convert("RGB")).astype(int)
        for index, value in enumerate(steps.results.ravel()):
            top, left = TOP + index // columns * cell + 5, RESULT_LEFT + index % columns * cell + 5
            shown = frame[int(top), int(left)]
            colour = np.array(DIVERGING((value / scale.limit + 1) / 2)[:3]) * 255
            expected = colour if index <= place else [255, 255, 255]
            assert np.abs(shown - expected).max() < 20, (place, index)
    assert durations[-1] == HOLD_MS
    assert durations[0] > durations[-2]  # time to read


@pytest.mark.parametrize("kind", ["max", "average"])
def test_the_pooled_values_that_the_gif_states_are_the_maps(picture, drawn, kind):
    stages = filter_picture(picture, BOX, Steps(pooling=kind, pool_size=3, pool_stride=2))
    convolved, pooled = stages.values()
    steps = walk(convolved, convolved, pooled, 3, 2)
    gif = opened(pooling_gif(steps, kind, scale_for(BOX, convolved), convolved))
    assert gif.n_frames == pooled.size
    write = decimals(np.abs(steps.crop).max())
    words = "the largest: " if kind == "max" else "the mean of 9 values: "
    assert [said for said in drawn if said.startswith(words)] == [
        words + write(value) for value in pooled.ravel()
    ]


@pytest.mark.parametrize("size", [1, 3, 40])
def test_one_place_makes_a_gif_too(size):
    kernel = np.ones((size, size))
    pixel = np.full((1, 1), 0.5)
    convolved, steps = sliding(pixel, kernel, border="nearest")
    gif = opened(convolution_gif(steps, kernel, scale_for(kernel, convolved), pixel))
    assert gif.n_frames == 1


@pytest.mark.parametrize(
    ("limit", "written"),
    [(1.5, "−0.12"), (0.5, "−0.123"), (0.01, "−0.1234"), (150.0, "0"), (12.0, "−0.1")],
)
def test_as_many_decimals_as_three_digits_of_the_largest_value_need(limit, written):
    assert decimals(limit)(-0.1234) == written
