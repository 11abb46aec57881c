"""All kernels of a layer in one picture: every channel, one scale, and what is shown is said."""

import io

import numpy as np
import pytest
from PIL import Image

from linesexp.views.layer_kernels import layer_gif, layer_sheet, select
from linesexp.views.style import DIVERGING


def random_layer(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def frames_of(gif):
    with Image.open(io.BytesIO(gif)) as image:
        count = image.n_frames
        found = []
        for index in range(count):
            image.seek(index)
            found.append(np.asarray(image.convert("RGB")).astype(int))
    return np.stack(found)


def drawn(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def test_a_small_layer_is_shown_whole():
    chosen = select(random_layer(3, 3, 4, 6))
    assert chosen.filters.tolist() == list(range(6))
    assert chosen.channels.tolist() == [[0, 1, 2, 3]] * 6
    assert chosen.words == "all 6 filters, 4 channels each"


def test_of_a_large_layer_the_strongest_filters_and_their_strongest_channels():
    layer = random_layer(3, 3, 40, 100) * 0.01
    layer[:, :, 17, 93] = 5
    layer[:, :, 4, 93] = 2
    chosen = select(layer)
    assert chosen.channels.shape == (16, 16)
    row = chosen.filters.tolist().index(93)
    assert chosen.channels[row, :2].tolist() == [17, 4]
    assert "16 of 100 filters" in chosen.words
    assert "16 strongest of 40 channels" in chosen.words
    norms = np.linalg.norm(layer.reshape(-1, 100), axis=0)
    assert set(chosen.filters) == set(np.argsort(norms)[-16:])


def test_weights_that_are_not_finite_do_not_win_a_place():
    layer = random_layer(3, 3, 20, 40)
    layer[0, 0, 0, 7] = np.inf
    layer[:, :, :, 7] *= 1e-6
    with np.errstate(invalid="ignore"):
        assert 7 not in select(layer).filters


@pytest.mark.parametrize("shape", [(7, 7, 1, 8), (1, 1, 3, 4), (1, 7, 2, 3), (2, 2, 20, 300), (11, 4, 5, 1)])
def test_layers_of_any_shape_have_a_frame_for_each_step(shape):
    kernels = random_layer(4, *shape)
    frames = frames_of(layer_gif(kernels, np.arange(4.0), "a layer"))
    assert len(frames) == 4
    assert frames.shape[2] == 960
    assert not (frames[0] == frames[-1]).all()
    assert drawn(layer_sheet(kernels[[0, -1]], "a layer", ["untrained", "epoch 3"])).shape[1] == 960


def test_the_largest_weight_of_all_steps_has_the_end_of_the_scale_wherever_it_is():
    kernels = np.zeros((3, 3, 3, 5, 4), np.float32)
    kernels[:, 1, 1, 3, 2] = 0.0, -1.0, -2.0
    end = (np.array(DIVERGING(0.0)[:3]) * 255).round()
    frames = frames_of(layer_gif(kernels, np.arange(3.0), "a layer"))
    here = (np.abs(frames - end) <= 1).all(axis=-1).sum(axis=(1, 2))
    assert here[2] > here[0]  # the scale bar has it in all frames
    assert here[1] == here[0]
    sheet = drawn(layer_sheet(kernels[2:], "a layer"))
    blank = drawn(layer_sheet(np.full_like(kernels[2:], 1e-9), "a layer"))
    assert (np.abs(sheet - end) <= 1).all(axis=-1).sum() > (np.abs(blank - end) <= 1).all(axis=-1).sum()


def test_the_rows_of_a_kernel_count_downwards():
    end = (np.array(DIVERGING(0.0)[:3]) * 255).round()
    places = {}
    for row, column in ((0, 2), (2, 0)):
        kernels = np.zeros((2, 3, 3, 1, 1), np.float32)
        kernels[1, row, column] = -1
        first, last = frames_of(layer_gif(kernels, np.arange(2.0), "a layer"))
        moved = (first != last).any(axis=-1) & (np.abs(last - end) <= 1).all(axis=-1)
        sheet = (np.abs(drawn(layer_sheet(kernels[1:], "a layer")) - end) <= 1).all(axis=-1)
        places[row, column] = [np.argwhere(each).mean(axis=0) for each in (moved, sheet)]
    for above, below in zip(places[0, 2], places[2, 0], strict=True):
        assert above[0] < below[0]
        assert above[1] > below[1]


def test_a_colour_layer_is_shown_in_its_colours():
    kernels = np.zeros((2, 3, 3, 3, 4), np.float32)
    kernels[1, :, :, 0, 2] = 1.0  # all red
    frames = frames_of(layer_gif(kernels, np.arange(2.0), "a layer", colour=True))
    red = (np.abs(frames - (255, 128, 128)) <= 6).all(axis=-1).sum(axis=(1, 2))
    grey = (np.abs(frames - 128) <= 3).all(axis=-1).sum(axis=(1, 2))
    assert red[0] < 20 < 500 < red[1]
    assert grey[0] > grey[1] > 500
    shown = drawn(layer_sheet(kernels[1:], "a layer", colour=True))
    assert (np.abs(shown - (255, 128, 128)) <= 1).all(axis=-1).sum() > 300


def test_a_layer_that_is_not_what_it_is_said_to_be_is_refused():
    with pytest.raises(ValueError, match="three channels, got 2"):
        layer_gif(random_layer(1, 3, 3, 2, 4), np.zeros(1), "a layer", colour=True)
    with pytest.raises(ValueError, match="2 moments need as many names, got 1"):
        layer_sheet(random_layer(2, 3, 3, 2, 4), "a layer", ["now"])
    with pytest.raises(ValueError, match=r"\(3, 3, 2, 4\)"):
        layer_gif(random_layer(3, 3, 2, 4), np.zeros(3), "a layer")


def test_weights_that_are_not_numbers_are_drawn_all_the_same():
    kernels = random_layer(2, 3, 3, 3, 4)
    kernels[1, 0, 0, 0, 0], kernels[1, 1, 1, 1, 1] = np.nan, np.inf
    for colour in (False, True):
        assert len(frames_of(layer_gif(kernels, np.arange(2.0), "a layer", colour=colour))) == 2
        layer_sheet(kernels, "a layer", ["a", "b"], colour=colour)


def test_the_same_arrays_give_the_same_bytes():
    kernels = random_layer(3, 3, 3, 3, 4)
    for colour in (False, True):
        made = [layer_gif(kernels, np.arange(3.0), "a layer", colour=colour) for _ in range(2)]
        assert made[0] == made[1]
