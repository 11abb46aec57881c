"""GIFs: a frame for each step, and one colour for one value in all of them."""

import io

import numpy as np
import pytest
from PIL import Image

from linesexp.views.animation import COLOURS, FRAME_MS, HOLD_MS, Caption, Curves, Panel, animate, first_frame
from linesexp.views.kernels import CURVE_LEFT, HEIGHT, WIDTH, _grid, kernels_gif
from linesexp.views.responses import Responses, responses_gif
from linesexp.views.style import DIVERGING

SIDE = 40
WHITE = np.full((60, 100, 3), 255, np.uint8)


def open_gif(data):
    """(frames uint8 (steps, H, W, 3), durations in ms, loop)"""
    frames, durations = [], []
    with Image.open(io.BytesIO(data)) as gif:
        for index in range(gif.n_frames):
            gif.seek(index)
            durations.append(gif.info["duration"])
            frames.append(np.asarray(gif.convert("RGB")))
        return np.stack(frames), durations, gif.info.get("loop")


def colour(share):
    """The palette's colour for a value, as a share of the limit, −1 … 1."""
    middle = COLOURS // 2
    rgb = DIVERGING(np.rint(share * middle + middle) / (COLOURS - 1))[:3]
    return tuple(round(part * 255) for part in rgb)


def panel_colours(values, limit=1.0):
    """Colour in the middle of each value's block: (steps, h, w, 3), for values (steps, h, w)."""
    values = np.asarray(values, dtype=float)
    another = limit - values[-1:]  # frames that look alike become one
    frames, _, _ = open_gif(animate(WHITE, [Panel(10, 10, SIDE, np.concatenate([values, another]), limit)]))
    rows = 10 + ((np.arange(values.shape[1]) + 0.5) * SIDE / values.shape[1]).astype(int)
    columns = 10 + ((np.arange(values.shape[2]) + 0.5) * SIDE / values.shape[2]).astype(int)
    return frames[:-1, rows[:, None], columns[None, :]]


@pytest.fixture(scope="module")
def changing():
    return np.random.default_rng(0).uniform(-1, 1, (5, 4, 4))


def test_a_frame_for_each_step_and_the_last_one_held(changing):
    frames, durations, loop = open_gif(animate(WHITE, [Panel(10, 10, SIDE, changing, 1.0)]))
    assert len(frames) == 5
    assert durations == [FRAME_MS] * 4 + [HOLD_MS]
    assert loop == 0  # for ever


def test_steps_that_look_alike_have_frames_of_their_own():
    """A kernel that no longer moves is something to see."""
    _, durations, _ = open_gif(animate(WHITE, [Panel(10, 10, SIDE, np.zeros((4, 2, 2)), 1.0)]))
    assert sum(durations) == 3 * FRAME_MS + HOLD_MS


def test_the_same_arrays_give_the_same_bytes(changing):
    panel = Panel(10, 10, SIDE, changing, 1.0)
    assert animate(WHITE, [panel]) == animate(WHITE, [panel])


def test_the_same_value_has_the_same_colour_in_all_frames():
    values = np.zeros((6, 2, 2))
    values[:, 0, 0] = 0.4
    values[:, 1, 1] = np.linspace(-1, 1, 6)  # everything else changes
    shown = panel_colours(values)
    assert {tuple(frame) for frame in shown[:, 0, 0].tolist()} == {colour(0.4)}


@pytest.mark.parametrize("share", [-1.0, -0.5, -1 / 31, 0.0, 1 / 31, 0.5, 1.0])
def test_a_value_has_exactly_the_colour_of_the_scale(share):
    shown = panel_colours([[[share * 3, 0], [0, 3]]], limit=3.0)
    assert tuple(shown[0, 0, 0]) == colour(share)


def test_zero_has_the_colour_in_the_middle_and_the_signs_are_told_apart():
    negative, zero, positive = panel_colours([[[-1, 0, 1]] * 3])[0, 0].astype(int)
    assert tuple(zero) == tuple(round(part * 255) for part in DIVERGING(0.5)[:3])
    assert negative[2] > negative[0]  # blue
    assert positive[0] > positive[2]  # orange


def test_more_is_further_from_the_middle():
    shown = panel_colours([[np.linspace(0, 1, 8)] * 8])[0, 0].astype(int)
    far = np.abs(shown - shown[0]).sum(axis=1)
    assert (np.diff(far) > 0).all()


def test_what_lies_beyond_the_limit_has_the_colour_of_the_limit():
    shown = panel_colours([[[-7, 7], [0, 0]]])[0, 0]
    assert tuple(shown[0]) == colour(-1)
    assert tuple(shown[1]) == colour(1)


def test_a_value_that_is_no_number_is_not_taken_for_an_extreme_one():
    shown = panel_colours([[[np.nan, 0], [0, 0]]])[0, 0]
    assert tuple(shown[0]) not in (colour(-1), colour(1))


def test_what_stands_still_stays_as_it_was_drawn(changing):
    still = WHITE.copy()
    still[:5] = (12, 200, 34)
    frames, _, _ = open_gif(animate(still, [Panel(10, 10, SIDE, changing, 1.0)]))
    outside = np.ones((60, 100), bool)
    outside[10 : 10 + SIDE, 10 : 10 + SIDE] = False
    for frame in frames:
        np.testing.assert_array_equal(frame[outside], still[outside])


def test_curves_are_uncovered_up_to_the_step(changing):
    drawn = WHITE.copy()
    drawn[20:30, 60:95] = (200, 30, 40)
    curves = Curves(drawn, 60, [60, 70, 80, 90, 100])
    frames, _, _ = open_gif(animate(WHITE, [Panel(10, 10, SIDE, changing, 1.0)], curves=curves))
    for frame, reached in zip(frames, curves.reached, strict=True):
        np.testing.assert_array_equal(frame[:, 60:reached], drawn[:, 60:reached])
        np.testing.assert_array_equal(frame[:, reached:], WHITE[:, reached:])


def test_a_caption_says_another_thing_at_each_step():
    values = np.zeros((3, 2, 2))
    captions = [Caption(55, 2, ["one", "two", "one"], size=12)]
    frames, _, _ = open_gif(animate(WHITE, [Panel(10, 10, SIDE, values, 1.0)], captions))
    place = frames[:, :20, 55:]
    assert (place[0] < 128).any()
    assert (place[0] != place[1]).any()
    np.testing.assert_array_equal(place[0], place[2])


def test_a_short_caption_leaves_nothing_of_a_longer_one_before_it():
    values = np.zeros((2, 2, 2))
    captions = [Caption(55, 2, ["wwwww", "i"], size=12)]
    frames, _, _ = open_gif(animate(WHITE, [Panel(10, 10, SIDE, values, 1.0)], captions))
    assert (frames[1][:20, 65:] == 255).all()


def test_the_first_frame_as_a_picture(changing):
    gif = animate(WHITE, [Panel(10, 10, SIDE, changing, 1.0)])
    with Image.open(io.BytesIO(first_frame(gif))) as picture:
        assert picture.format == "PNG"
        shown = np.asarray(picture.convert("RGB"))
    np.testing.assert_array_equal(shown, open_gif(gif)[0][0])


# The two GIFs of a run.

STEPS = np.array([0.0, 0.5, 1.0, 2.0])
LOG = {
    "step": np.array([0.0, 1.0, 2.0]),
    "validation_accuracy": np.array([0.5, 0.7, 1.0]),
    "validation_loss": np.array([0.7, 0.5, 0.1]),
}


def random_kernels(filters, size):
    return np.random.default_rng(filters).normal(size=(len(STEPS), filters, size, size)).astype(np.float32)


def scale_colours(picture):
    """How many pixels have a colour of the scale that is neither near-white nor grey."""
    rgb = picture.astype(int)
    return (rgb.max(axis=-1) - rgb.min(axis=-1) > 60).sum()


@pytest.mark.parametrize(("filters", "size"), [(1, 3), (20, 5), pytest.param(64, 7, marks=pytest.mark.slow)])
def test_kernels_of_any_number_and_size_are_shown_at_every_step(filters, size):
    frames, durations, _ = open_gif(kernels_gif(random_kernels(filters, size), STEPS, LOG))
    assert frames.shape == (4, 500, 960, 3)
    assert durations == [FRAME_MS] * 3 + [HOLD_MS]
    for frame in frames:
        assert scale_colours(frame[90:440, 28:640]) > 0.1 * filters * 8 * 8


@pytest.mark.parametrize("filters", [1, 2, 8, 20, 64, 200, 512])
def test_the_squares_of_any_number_of_kernels_lie_apart_and_inside_their_place(filters):
    places = np.zeros((HEIGHT, WIDTH), int)
    for left, top, side in _grid(filters):
        assert side > 0
        assert left + side <= CURVE_LEFT - 40
        assert top + side <= HEIGHT - 60
        places[top : top + side, left : left + side] += 1
    assert places.max() == 1


def test_the_curves_of_a_run_grow_to_the_right():
    frames, _, _ = open_gif(kernels_gif(random_kernels(3, 7), STEPS, LOG))
    inked = [np.flatnonzero((frame[60:450, 716:940].min(axis=2) < 60).any(axis=0)).max() for frame in frames]
    curves = [scale_colours(frame[60:450, 716:940]) for frame in frames]
    assert curves[0] < curves[1] < curves[2] < curves[3]
    assert inked == sorted(inked)


def test_one_scale_for_all_kernels_and_steps():
    """A weight that is twice as far from zero elsewhere makes this one paler."""
    kernels = np.full((4, 2, 3, 3), 0.5, np.float32)
    alone, _, _ = open_gif(kernels_gif(kernels, STEPS, LOG))
    kernels[3, 1] = 1.0
    beside, _, _ = open_gif(kernels_gif(kernels, STEPS, LOG))
    place = (0, 200, 150)  # inside kernel 0, in the first frame
    assert tuple(alone[place]) == colour(1.0)
    assert tuple(beside[place]) == colour(0.5)


def test_a_training_that_diverged_is_shown_up_to_its_end():
    kernels = random_kernels(3, 7)
    kernels[2:] = np.nan
    log = LOG | {"validation_loss": np.array([0.7, np.nan, np.nan])}
    frames, _, _ = open_gif(kernels_gif(kernels, STEPS, log))
    assert len(frames) == 4
    assert scale_colours(frames[0][90:440, 28:640]) > 1000


def test_responses_move_with_the_steps():
    rng = np.random.default_rng(1)

    def response(silent):
        maps = [tuple(rng.normal(size=(side, side)) for side in (14, 14, 7)) for _ in range(2)]
        return Responses(
            "kernel 0\n(best on vertical)", rng.normal(size=(7, 7)), maps, np.nan if silent else 0.5
        )

    rows = [[response(step == 0) for step in range(4)] for _ in range(2)]
    pictures = [rng.uniform(size=(20, 20)) for _ in range(2)]
    gif = responses_gif(pictures, ["horizontal", "vertical"], STEPS, rows, "relu")
    frames, durations, _ = open_gif(gif)
    assert durations == [FRAME_MS] * 3 + [HOLD_MS]
    assert all((frames[index] != frames[index + 1]).any() for index in range(3))
