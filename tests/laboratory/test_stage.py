"""The stage for the settings of a convolution: its sizes are those of Keras, its counts those of a loop."""

import re

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def stage(browser, tiny_run):
    """stage(7, 0, 3, 1): the panel with these settings chosen."""
    context = browser.new_context()
    page = context.new_page()
    page.goto((tiny_run / "report.html").as_uri())
    page.locator("html[data-laboratory=open]").wait_for(state="attached")
    panel = page.locator("#lab-stage")

    def choose(*values):
        for index, value in enumerate(values):
            panel.locator(".lab-sliders input").nth(index).fill(str(value))
        return panel

    yield choose
    context.close()


def covered(size, padding, kernel, stride):
    """How many places of the kernel lie on each cell of the padded input, counted place by place."""
    whole = size + 2 * padding
    counts = np.zeros((whole, whole), int)
    for row in range(0, whole - kernel + 1, stride):
        for column in range(0, whole - kernel + 1, stride):
            counts[row : row + kernel, column : column + kernel] += 1
    return counts


@pytest.mark.parametrize(
    "settings", [(7, 0, 3, 1), (7, 1, 3, 2), (8, 0, 3, 2), (12, 3, 7, 4), (5, 2, 1, 3), (3, 0, 3, 4)]
)
def test_the_result_is_as_large_as_keras_says_and_each_cell_counted(stage, settings):
    size, padding, kernel, stride = settings
    panel = stage(*settings)
    padded = np.pad(np.zeros((1, size, size, 1), np.float32), [(0, 0), (padding,) * 2, (padding,) * 2, (0, 0)])
    expected = keras.layers.Conv2D(1, kernel, strides=stride)(padded).shape[1]
    assert panel.locator(".lab-result").count() == expected**2
    assert f"= {expected}, so the result is {expected}×{expected}." in panel.inner_text()
    shown = [int(words) for words in panel.locator(".lab-count").all_text_contents()]
    assert shown == covered(*settings).ravel().tolist()


def test_a_kernel_that_does_not_fit_is_said(stage):
    panel = stage(3, 0, 7, 1)
    assert "A 7×7 kernel does not fit into 3×3" in panel.inner_text()
    assert panel.locator(".lab-result").count() == 0
    assert panel.locator(".lab-walk input").is_disabled()


def test_rows_that_the_stride_steps_over_are_said(stage):
    assert "One row and one column are in no result" in stage(8, 0, 3, 2).inner_text()
    assert "in no result" not in stage(7, 0, 3, 2).inner_text()


def test_the_place_is_walked_by_keys_and_chosen_by_click(stage):
    panel = stage(7, 1, 3, 2)
    walk = panel.locator(".lab-walk input")
    walk.focus()
    for _ in range(5):
        walk.press("ArrowRight")
    assert "row 1, column 1" in panel.inner_text()
    window = panel.locator(".lab-window").first
    assert [window.get_attribute(name) for name in ("x", "y")] == [str(2 * 26)] * 2
    panel.locator(".lab-result").nth(3).click()
    assert "row 0, column 3" in panel.inner_text()


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ((7, 0, 3, 1), {"valid"}),
        ((9, 0, 5, 1), {"valid"}),
        ((7, 1, 3, 1), {"same"}),
        ((12, 3, 7, 1), {"same"}),
        ((7, 2, 3, 1), set()),
        ((7, 1, 5, 1), set()),
    ],
)
def test_a_padding_has_the_name_that_keras_gives_it(stage, settings, names):
    panel = stage(*settings)
    said = {name for name in ("valid", "same") if re.search(rf"\W{name}\W+(?!$)", panel.inner_text())}
    assert said == names
    size, padding, kernel, _ = settings
    given = np.zeros((1, size, size, 1), np.float32)
    for name in names:
        made = keras.layers.Conv2D(1, kernel, padding=name)(given).shape[1]
        assert made == size + 2 * padding - kernel + 1
