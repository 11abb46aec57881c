"""The stage for the settings of a convolution: its sizes are those of Keras, its counts those of a loop."""

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.xdist_group("browser")


SHOW = """(values) => {
  const panel = document.getElementById("lab-stage");
  panel.querySelectorAll(".lab-sliders input").forEach((slider, index) => {
    slider.value = values[index];
    slider.dispatchEvent(new Event("input"));
  });
  return {
    words: panel.innerText,
    details: panel.querySelector("details p").textContent,
    results: panel.querySelectorAll(".lab-result").length,
    counts: [...panel.querySelectorAll(".lab-count")].map((one) => Number(one.textContent)),
  };
}"""


@pytest.fixture
def stage(lab):
    """stage(7, 0, 3, 1): what the panel shows with these settings: input size, padding, kernel size, stride."""
    return lambda *settings: lab.evaluate(SHOW, settings)


@pytest.fixture
def words_of(stage):
    return lambda *settings: stage(*settings)["words"]


def covered(size, padding, kernel, stride):
    """How many places of the kernel lie on each cell of the padded input, counted place by place."""
    whole = size + 2 * padding
    counts = np.zeros((whole, whole), int)
    for row in range(0, whole - kernel + 1, stride):
        for column in range(0, whole - kernel + 1, stride):
            counts[row : row + kernel, column : column + kernel] += 1
    return counts


def test_the_result_is_as_large_as_keras_says_and_each_cell_counted(stage):
    for settings in ((7, 0, 3, 1), (7, 1, 3, 2), (8, 0, 3, 2), (12, 3, 7, 4), (5, 2, 1, 3), (3, 0, 3, 4)):
        size, padding, kernel, stride = settings
        padded = np.zeros((1, size + 2 * padding, size + 2 * padding, 1), np.float32)
        expected = keras.layers.Conv2D(1, kernel, strides=stride)(padded).shape[1]
        shown = stage(*settings)
        assert shown["results"] == expected**2
        assert f"= {expected}, so the result is {expected}×{expected}." in shown["words"]
        assert shown["counts"] == covered(*settings).ravel().tolist()


def test_a_kernel_that_does_not_fit_is_said(stage, lab):
    shown = stage(3, 0, 7, 1)
    assert "A 7×7 kernel does not fit into 3×3" in shown["words"]
    assert shown["results"] == 0
    assert lab.locator("#lab-stage .lab-walk input").is_disabled()


def test_rows_in_no_result_are_said_with_their_cause(words_of):
    too_few, stepped = "no room for one more place of the kernel", "the stride steps over them"
    one = f"One row and one column are in no result at all: at the bottom and on the right there is {too_few}"
    assert one in words_of(8, 0, 3, 2)
    assert stepped not in words_of(8, 0, 3, 2)
    assert "in no result" not in words_of(7, 0, 3, 2)
    words = words_of(9, 0, 2, 4)  # at 0 and 4; 2, 3, 6, 7 between them; 8 too few
    assert f"4 rows and 4 columns are in no result at all: {stepped}" in words
    assert one in words


SETTINGS = [(8, 0, 3, 2), (7, 1, 3, 1), (5, 3, 1, 1), (3, 1, 5, 1), (6, 1, 3, 2), (12, 2, 3, 4)]


def test_the_corners_are_those_of_the_picture(words_of):
    for settings in SETTINGS:
        size, padding, *_ = settings
        counts = covered(*settings)[padding : padding + size, padding : padding + size]
        corners, most = [counts[0, 0], counts[0, -1], counts[-1, 0], counts[-1, -1]], counts.max()
        words = words_of(*settings)
        if min(corners) == most:
            assert "corner" not in words
        elif len(set(corners)) == 1:
            assert f"Each corner of the picture is in {corners[0]}, other cells in up to {most}." in words
        else:
            assert f"the top left is in {corners[0]}, the bottom right in {corners[3]}, each of the" in words
            assert f"other two in {corners[1]}; other cells in up to {most}." in words


def test_what_results_see_of_the_padding_is_counted(words_of):
    for settings in SETTINGS:
        size, padding, kernel, stride = settings
        picture = np.pad(np.ones((size, size)), padding)
        seen = [
            picture[row : row + kernel, column : column + kernel].mean()
            for row in range(0, len(picture) - kernel + 1, stride)
            for column in range(0, len(picture) - kernel + 1, stride)
        ]
        partly, alone = sum(0 < each < 1 for each in seen), seen.count(0)
        words = words_of(*settings)
        assert ("The padding holds zeros" in words) == (padding > 0)
        assert (f"{partly} {'sees' if partly == 1 else 'see'} zeros besides the picture" in words) == (
            partly > 0
        )
        assert (f"{alone} {'sees' if alone == 1 else 'see'} zeros alone" in words) == (alone > 0)


def names_of_keras(size, padding, kernel, stride):
    """Keras's paddings that compute the same of this input as zeros on each side do."""
    rng = np.random.default_rng(0)
    picture = rng.normal(size=(1, size, size, 1)).astype(np.float32)
    weights = rng.normal(size=(kernel, kernel, 1, 1)).astype(np.float32)
    padded = np.pad(picture, [(0, 0), (padding,) * 2, (padding,) * 2, (0, 0)])
    expected = np.array(keras.ops.conv(padded, weights, stride, "valid"))
    found = {name: np.array(keras.ops.conv(picture, weights, stride, name)) for name in ("valid", "same")}
    return {
        name
        for name, each in found.items()
        if each.shape == expected.shape and np.allclose(each, expected, atol=1e-5)
    }


NAMED = [(5, 0, 1, 1), (5, 0, 1, 2), (7, 1, 3, 1), (7, 1, 3, 2), (8, 1, 3, 2), (8, 1, 4, 2), (6, 1, 2, 1)]


def test_a_padding_has_the_names_that_keras_gives_it(words_of):
    for settings in NAMED:
        words = words_of(*settings)
        found = {name for name in ("valid", "same") if f"Keras calls this “{name}”" in words}
        assert found == names_of_keras(*settings)


def test_the_details_say_how_same_pads(stage):
    for size, kernel, stride in ((8, 3, 2), (7, 4, 1), (7, 3, 2), (5, 1, 3), (6, 3, 4)):
        rows = np.arange(1, size + 1, dtype=np.float32).reshape(1, size, 1)  # a row's number, 0 for padding
        seen = keras.ops.conv(rows, np.eye(kernel, dtype=np.float32)[:, None], stride, "same")
        above = int((np.array(seen)[0, 0] == 0).sum())
        result = len(seen[0])
        below = int(max(0, (result - 1) * stride - above + kernel - size))
        words = stage(size, 0, kernel, stride)["details"]
        assert f"⌈{size} / {stride}⌉ = {result} here" in words
        if above + below:
            assert f"takes {above} of them above and on the left, {below} below and on the right" in words
        else:
            assert "needs no zeros at all" in words


def test_the_place_is_walked_by_keys_and_chosen_by_click(stage, lab):
    stage(7, 1, 3, 2)
    panel = lab.locator("#lab-stage")
    walk = panel.locator(".lab-walk input")
    walk.focus()
    for _ in range(5):
        walk.press("ArrowRight")
    assert "row 1, column 1" in panel.inner_text()
    assert "result (framed: row 1, column 1)" in panel.inner_text()  # on paper, too
    window = panel.locator(".lab-window").first
    assert [window.get_attribute(name) for name in ("x", "y")] == [str(2 * 26)] * 2
    panel.locator(".lab-result").nth(3).click()
    assert "row 0, column 3" in panel.inner_text()
