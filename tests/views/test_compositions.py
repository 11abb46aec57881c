"""Deeper kernels on pixels: one scale a layer, the filters of best agreement first."""

import numpy as np
import pytest

from linesexp.views.compositions import MOST, LayerFields, compositions_figure
from linesexp.views.style import figure_of


def fields_of(filters, size=10, layer="conv2"):
    rng = np.random.default_rng(filters)
    before, after = rng.normal(size=(2, filters, size, size))
    return LayerFields(layer, before, after, *rng.uniform(-1, 1, (2, filters)))


def drawn(layers, last_step):
    """The figure itself."""
    return figure_of(compositions_figure(layers, last_step))


def texts(figure):
    return [text.get_text() for text in figure.texts]


def maps(figure):
    return [axes.images[0] for axes in figure.axes if axes.images]


def test_every_filter_is_there_before_and_after_on_one_scale():
    layer = fields_of(10)
    figure = drawn([layer], 20)
    shown = maps(figure)
    assert len(shown) == 20
    limit = max(np.abs(layer.before).max(), np.abs(layer.after).max())
    assert {image.get_clim() for image in shown} == {(-limit, limit)}
    assert "untrained" in texts(figure)
    assert "epoch 20" in texts(figure)


def test_the_best_agreement_comes_first_and_one_that_is_not_known_last():
    layer = fields_of(3)
    layer.agreement[:] = 0.1, np.nan, 0.8
    figure = drawn([layer], 20)
    assert [words for words in texts(figure) if words.startswith("filter ")] == [
        "filter 2",
        "filter 0",
        "filter 1",
    ]
    assert "r –" in texts(figure)
    np.testing.assert_array_equal(maps(figure)[1].get_array(), layer.after[2])


def test_of_many_filters_it_says_how_many_are_shown():
    figure = drawn([fields_of(40)], 20)
    assert len(maps(figure)) == 2 * MOST
    assert any(f"{MOST} of 40 filters" in words for words in texts(figure))


def test_each_layer_has_a_scale_of_its_own():
    weak = fields_of(2, layer="conv3")
    weak.before[:], weak.after[:] = weak.before / 100, weak.after / 100
    figure = drawn([fields_of(2), weak], 20)
    assert len({image.get_clim() for image in maps(figure)}) == 2


@pytest.mark.parametrize("filters", [1, 9, pytest.param(17, marks=pytest.mark.slow)])
def test_nothing_lies_beyond_the_figure(filters):
    figure = drawn([fields_of(filters), fields_of(filters, 26, "conv3")], 3)
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
