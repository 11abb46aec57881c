"""Figures of `see`: what is painted is what is said."""

import numpy as np
import pytest

from linesexp.views.seeing import (
    LayerView,
    MethodView,
    Moment,
    Shown,
    attribution_figure,
    in_overview,
    likeness,
    overview_figure,
    sheet_figure,
)
from linesexp.views.style import DIVERGING, PixelFigure
from linesexp.views.tiles import Grid, draw_tiles, fit, silent_maps

RNG = np.random.default_rng
SHOWN = Shown(np.full((5, 8, 3), 0.5), "title", "about")


def words_of(figure):
    return [text.get_text() for text in figure.texts]


def maps(*shape, seed=0):
    return RNG(seed).normal(size=shape).astype(np.float32)


def test_a_map_that_grows_repeats_pixels_and_one_that_shrinks_averages_them():
    small = np.array([[1.0, 2], [3, 4]])
    assert fit(small, 4, 4).tolist() == [[1, 1, 2, 2]] * 2 + [[3, 3, 4, 4]] * 2
    large = maps(40, 60)
    np.testing.assert_allclose(fit(large, 10, 20), large.reshape(10, 4, 20, 3).mean(axis=(1, 3)), atol=1e-5)


def test_tiles_show_values_at_their_places_on_the_scale():
    values = maps(4, 4, 5)
    values[..., 3] = 0
    page, grid = PixelFigure(200, 100), Grid(22, 22, columns=3, gap=6)
    draw_tiles(page, 10, 20, values, 4.0, grid)
    pixels = page.rgb()
    for index in (0, 1, 2, 4):
        left, top = grid.place(index)
        expected = DIVERGING(values[0, 0, index] / 8 + 0.5)[:3]
        np.testing.assert_allclose(pixels[20 + top + 3, 10 + left + 3] / 255, expected, atol=0.01)
    assert silent_maps(values).tolist() == [False, False, False, True, False]
    assert words_of(page.figure) == ["×"]


def test_a_sheet_has_one_scale_for_both_moments_and_counts_silent_maps():
    before, after = maps(6, 6, 4), 5 * maps(6, 6, 4, seed=1)
    before[..., :2] = 0
    layer = LayerView("conv", [Moment("untrained", before), Moment("epoch 3", after)])
    assert layer.limit == pytest.approx(np.abs(after).max())
    words = words_of(sheet_figure(SHOWN, layer))
    assert "untrained · 2 of 4 silent (grey): zero everywhere on this picture" in words
    assert "epoch 3" in words
    assert [words.count(str(index)) for index in (1, 2, 3)] == [2, 2, 2]
    assert f"{layer.limit:.2g}" in words


def test_an_overview_names_layers_and_the_likeliest_classes():
    layers = [
        LayerView("conv", [Moment("", maps(6, 9, 40))]),
        LayerView("flat", [Moment("", maps(30))]),
        LayerView("end", [Moment("", np.linspace(0, 0.4, 7))]),
    ]
    figure = overview_figure(SHOWN, layers, list("abcdefg"))
    words = words_of(figure)
    assert any("16 of 40 maps\n6×9" in text for text in words)
    assert any("likeliest 5 of 7" in text for text in words)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list("gfedc")


def test_an_overview_of_a_deep_network_keeps_convolutions_and_the_end():
    names = [f"layer{index}" for index in range(60)]
    few, many = names[::4], names[::2]
    assert in_overview(names[:10], few) == list(range(10))
    assert in_overview(names, few) == [*range(0, 60, 4), 59]
    chosen = in_overview(names, many)
    assert len(chosen) == 24
    assert chosen[-1] == 59


def test_the_attribution_figure_warns_and_shows_both_scales():
    method = MethodView("Gradient", "words", maps(5, 8), 0.01 * maps(5, 8, seed=1))
    silent = MethodView("Grad-CAM", "words", np.abs(maps(2, 2)), np.zeros((2, 2)))
    words = words_of(attribution_figure(SHOWN, [method, silent], "score", "drawn anew"))
    assert any("Adebayo et al. 2018" in text and "drawn anew" in text for text in words)
    assert f"{np.abs(method.trained).max():.2g}" in words
    assert f"{np.abs(method.untrained).max():.2g}" in words
    assert words.count("zero everywhere") == 2
    assert any("cannot be compared" in text for text in words)


def test_likeness_is_the_correlation():
    trained = maps(5, 8)
    assert likeness(MethodView("", "", trained, 3 * trained + 1)) == pytest.approx(1)
    assert likeness(MethodView("", "", trained, -trained)) == pytest.approx(-1)
    assert np.isnan(likeness(MethodView("", "", trained, np.ones((5, 8)))))
