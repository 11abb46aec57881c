"""The kernel bench: what a reader changes is what the network computes with, and can be taken back."""

import numpy as np
import pytest

from linesexp import open_run
from linesexp.kernels.operators import get_operator
from linesexp.seeing.forward import probabilities

pytestmark = pytest.mark.xdist_group("browser")

SIZE, KERNELS = 5, 4  # of the tiny run's first layer


@pytest.fixture(scope="module")
def opened(tiny_run):
    return open_run(tiny_run)


def choose(view, kernel):
    view.press(view.locator("#lab-bench .lab-tile").nth(kernel))


def press(view, words):
    view.press(view.locator("#lab-bench").get_by_role("button", name=words, exact=True))


def edits(view):
    """{kernel: (float32 (5, 5), bias)} as they stand."""
    found = view.evaluate(
        "Object.entries(laboratory.state.get('edits')).map(([k, e]) => [k, Array.from(e.values), e.bias])"
    )
    return {
        int(kernel): (np.array(values, np.float32).reshape(SIZE, SIZE), bias) for kernel, values, bias in found
    }


def kernel_of(opened, kernel, step=-1):
    return opened.kernels[step, kernel]


def edited_weights(view, opened, step):
    """The run's weights with the page's edits in place."""
    weights = {name: values.copy() for name, values in opened.history.at(step).items()}
    for kernel, (values, bias) in edits(view).items():
        weights["conv1/kernel"][..., 0, kernel] = values
        weights["conv1/bias"][kernel] = bias
    return weights


def in_page(view):
    """The classes' probabilities for the page's present picture."""
    return view.evaluate(
        "() => { const {experiment: e, state: s} = laboratory;"
        "return e.outputs(s.get('picture'), s.get('step'), s.get('edits')).at(-1).probabilities }"
    )


def shown_picture(view):
    values = view.evaluate(
        "(p => ({v: Array.from(p.values), h: p.height, w: p.width}))(laboratory.state.get('picture'))"
    )
    return np.array(values["v"], np.float32).reshape(1, values["h"], values["w"], 1)


def blurred(kernel):
    """The mean of each weight and its neighbours, as far as there are any."""
    padded = np.pad(kernel.astype(float), 1, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.nanmean(windows, axis=(2, 3))


CHANGES = {
    "Flip left–right": lambda kernel: kernel[:, ::-1],
    "Flip up–down": lambda kernel: kernel[::-1],
    "Negate": lambda kernel: -kernel,
    "Blur": blurred,
    "Take the mean off": lambda kernel: kernel - kernel.mean(dtype=float),
    "Switch off": np.zeros_like,
}


def test_a_button_does_what_it_says(lab, opened):
    for words, change in CHANGES.items():
        lab.do("() => laboratory.state.set({edits: laboratory.experiment.noEdits})")
        choose(lab, 2)
        press(lab, words)
        assert set(edits(lab)) == {2}
        values, bias = edits(lab)[2]
        np.testing.assert_allclose(values, change(kernel_of(opened, 2)), atol=1e-7)
        assert bias == opened.history.at(-1)["conv1/bias"][2]


@pytest.mark.parametrize(
    ("name", "direction", "side", "sign", "size"),
    [
        ("prewitt", "vertical", "brighter on the right", 1, 5),
        ("sobel", "horizontal", "brighter above", -1, 3),
        ("line", "horizontal", "dark on bright", -1, 5),
        pytest.param("scharr", "vertical", "brighter on the left", -1, 3, marks=pytest.mark.slow),
        pytest.param("laplacian", "both", "bright on dark", 1, 3, marks=pytest.mark.slow),
    ],
)
def test_an_operator_stands_in_the_middle_as_strong_as_the_kernel(
    name, direction, side, sign, size, lab, opened
):
    choose(lab, 1)
    press(lab, "Switch off")  # what stands there now does not matter
    for label, value in (("Operator", name), ("Direction", direction), ("Size of the operator", str(size))):
        lab.locator(f"#lab-bench select[aria-label='{label}']").select_option(value)
    lab.locator("#lab-bench select[aria-label='Bright side']").select_option(label=side)
    press(lab, "Put it in")
    expected = np.zeros((SIZE, SIZE))
    corner = (SIZE - size) // 2
    operator = sign * get_operator(name, size, direction).kernel
    expected[corner : corner + size, corner : corner + size] = operator
    expected *= np.linalg.norm(kernel_of(opened, 1)) / np.linalg.norm(expected)
    np.testing.assert_allclose(edits(lab)[1][0], expected, atol=1e-6)


def test_with_all_kernels_off_the_classes_are_those_of_the_biases(lab, opened):
    lab.get_by_label("do it to all kernels").check()
    press(lab, "Switch off")
    weights = {name: values.copy() for name, values in opened.history.at(-1).items()}
    weights["conv1/kernel"][:] = 0
    expected = probabilities(opened.dataset.part("test")[0][:1], weights, opened.config.network)[0]
    np.testing.assert_allclose(in_page(lab), expected, atol=1e-6)
    untouched = probabilities(shown_picture(lab), opened.history.at(-1), opened.config.network)[0]
    assert np.abs(untouched - expected).max() > 1e-3


def test_an_edit_stands_at_every_step_and_the_rest_moves(lab, opened):
    choose(lab, 0)
    press(lab, "Negate")
    before = edits(lab)[0]
    for step in (0, 3):
        lab.choose(step=step)
        np.testing.assert_array_equal(edits(lab)[0][0], before[0])
        expected = probabilities(shown_picture(lab), edited_weights(lab, opened, step), opened.config.network)[
            0
        ]
        np.testing.assert_allclose(in_page(lab), expected, atol=1e-6)
    assert "wherever the slider is, until you reset it" in lab.locator("#lab-bench .bench-status").inner_text()


def test_undo_redo_and_reset_restore_every_bit(lab):
    seen = [edits(lab)]
    choose(lab, 1)
    for words in ("Random weights", "Random weights", "Blur", "Take the mean off"):
        press(lab, words)
        seen.append(edits(lab))
    assert not np.array_equal(seen[1][1][0], seen[2][1][0])  # another draw
    for number in (3, 2, 1, 0):
        press(lab, "Undo")
        assert same(edits(lab), seen[number])
    for number in (1, 2, 3, 4):
        press(lab, "Redo")
        assert same(edits(lab), seen[number])
    choose(lab, 3)
    press(lab, "Negate")
    press(lab, "Reset this kernel")
    assert same(edits(lab), seen[4])
    press(lab, "Reset all")
    assert edits(lab) == {}
    assert lab.evaluate("laboratory.state.get('edits') === laboratory.experiment.noEdits")
    press(lab, "Undo")
    assert same(edits(lab), seen[4])


def same(these, those):
    return set(these) == set(those) and all(
        np.array_equal(these[kernel][0], those[kernel][0]) and these[kernel][1] == those[kernel][1]
        for kernel in these
    )


def test_a_stroke_of_the_pointer_paints_and_is_undone_as_one(lab, opened):
    choose(lab, 0)
    cells = lab.locator("#lab-bench [role=gridcell]")
    cells.nth(7).evaluate("cell => cell.scrollIntoView({block: 'center'})")
    centres = [
        (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for box in (cells.nth(index).bounding_box() for index in (5, 6, 7))
    ]
    lab.get_by_label("Value of the brush").fill("-20")
    lab.mouse.move(*centres[0])
    lab.mouse.down()
    for centre in centres[1:]:
        lab.mouse.move(*centre, steps=4)
    lab.mouse.up()
    lab.settle()
    limit = np.abs(opened.history.weights["conv1/kernel"]).max()
    expected = kernel_of(opened, 0).copy()
    expected[1, :3] = -limit
    np.testing.assert_allclose(edits(lab)[0][0], expected, atol=1e-7)
    press(lab, "Undo")
    assert edits(lab) == {}


def test_the_keyboard_alone_is_enough(lab, opened):
    lab.locator("#lab-bench .lab-tile").nth(1).focus()
    lab.keyboard.press("Enter")
    lab.settle()
    grid = lab.locator("#lab-bench [role=gridcell][tabindex='0']")
    assert grid.count() == 1  # one stop for Tab, the arrows do the rest
    grid.focus()
    for key in ("Home", *SIZE * ["ArrowUp"]):  # to the first cell
        lab.keyboard.press(key)
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "+", "+", "ArrowLeft", "0"):
        lab.keyboard.press(key)
    lab.settle()
    limit = np.abs(opened.history.weights["conv1/kernel"]).max()
    expected = kernel_of(opened, 1).copy()
    expected[1, 2] += 2 * limit / 20
    expected[1, 1] = 0
    np.testing.assert_allclose(edits(lab)[1][0], expected, atol=1e-6)
    cell = lab.locator("#lab-bench [role=gridcell][tabindex='0']")
    assert cell.get_attribute("aria-label") == "row 1, column 1: 0.000"
    assert lab.evaluate("document.activeElement.getAttribute('aria-label')") == "row 1, column 1: 0.000"
    lab.keyboard.press("Control+z")
    lab.settle()
    assert edits(lab)[1][0][1, 1] == kernel_of(opened, 1)[1, 1]
    assert edits(lab)[1][0][1, 2] != kernel_of(opened, 1)[1, 2]


def test_the_bias_is_the_readers_too(lab):
    choose(lab, 0)
    box = lab.locator("#lab-bench .bench-bias")
    box.fill("0.5")
    box.press("Enter")
    lab.settle()
    assert edits(lab)[0][1] == 0.5


def counted(view):
    """How many test pictures are right: with edits, without, untrained."""
    return view.locator("#lab-bench table").last.locator("td").all_inner_texts()


def test_the_count_of_test_pictures_is_that_of_python(lab, opened):
    images, labels = opened.dataset.part("test")
    network = opened.config.network

    def right(weights):
        return f"{np.sum(probabilities(images, weights, network).argmax(axis=1) == labels)} of {len(labels)}"

    own, untrained = right(opened.history.at(-1)), right(opened.history.at(0))
    assert counted(lab) == ["no changes", own, untrained]
    lab.get_by_label("do it to all kernels").check()
    for words in ("Negate", "Random weights"):
        press(lab, words)
        assert counted(lab) == [right(edited_weights(lab, opened, -1)), own, untrained]


# Under a clock on which each look takes 5 ms, what the table says until all is counted.
COUNTING = """async () => {
  let now = 0;
  performance.now = () => (now += 5);
  const table = [...document.querySelectorAll("#lab-bench table")].at(-1);
  const said = [];
  const done = new Promise((resolve) => {
    new MutationObserver((_, observer) => {
      said.push(table.innerText);
      if (said.length < 3 || table.innerText.includes("so far")) return;
      observer.disconnect();
      resolve();
    }).observe(table, {subtree: true, childList: true, characterData: true});
  });
  laboratory.state.set({edits: {0: {values: new Float32Array(25).fill(0.1), bias: 0}}});
  await done;
  delete performance.now;
  return said;
}"""


def test_counting_never_holds_the_page_up(lab):
    """It goes on in slices, between which the page says how far it is."""
    said = lab.evaluate(COUNTING)
    assert len({words for words in said if "so far" in words}) >= 2
