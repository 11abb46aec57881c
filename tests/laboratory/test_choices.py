"""What the reader has chosen: it stays, it is shown wherever it counts, and a link leads back to it."""

import numpy as np
import pytest

pytestmark = pytest.mark.xdist_group("browser")

CHOSEN = """names => names.map((name) => {
  const value = laboratory.state.get(name);
  return value && value.values ? Array.from(value.values) : value;
})"""


LARGEST_BEFORE = """() => {
  const larger = (most, value) => (Math.abs(value) > Math.abs(most) ? value : most);
  const layers = laboratory.experiment.untrained(laboratory.state.get("picture")).filter((layer) => layer.maps);
  const largest = (values) => values.reduce(larger, 0);
  return layers.map(({values, maps}) =>
    Array.from({length: maps}, (_, map) => largest(values.filter((_, at) => at % maps === map))));
}"""
OWN_KERNEL = """values => laboratory.state.set({
  kernel: 0, map: 0, layer: "conv1", edits: {0: {values: Float32Array.from(values), bias: 0}}
})"""


def chosen(view, *names):
    view.settle()
    found = view.evaluate(CHOSEN, list(names))
    return found[0] if len(found) == 1 else found


def layer_select(view):
    return view.locator("#lab-arithmetic").get_by_label("layer", exact=True)


def lead(view):
    return view.locator(".lab-place").inner_text()


# The picture.


def test_a_pen_is_put_down_and_drawn_with_by_the_keyboard(lab):
    canvas = lab.locator(".lab-drawing")
    lab.press(lab.get_by_role("button", name="Clear"))
    canvas.focus()
    canvas.press("Space")
    for _ in range(4):
        canvas.press("ArrowDown")
    canvas.press("Space")
    drawn = np.array(chosen(lab, "picture")).reshape(20, 20)
    rows, columns = np.nonzero(drawn > 0.5)
    assert np.ptp(rows) >= 4
    assert np.ptp(columns) <= 2
    assert abs(columns.mean() - 9.5) <= 1
    canvas.press("ArrowLeft")  # lifted: it moves the picture again
    moved = np.array(chosen(lab, "picture")).reshape(20, 20)
    np.testing.assert_allclose(moved[:, :-1], drawn[:, 1:], atol=1e-6)
    lab.get_by_role("radio", name="eraser").check()
    canvas.focus()
    canvas.press("Space")
    assert np.sum(chosen(lab, "picture")) < moved.sum()


def test_a_second_finger_draws_nothing(lab):
    lab.press(lab.get_by_role("button", name="Clear"))
    event = """(canvas, [type, id, share]) => {
      const box = canvas.getBoundingClientRect();
      const at = {clientX: box.left + share * box.width, clientY: box.top + box.height / 2};
      canvas.setPointerCapture = () => {};
      canvas.dispatchEvent(new PointerEvent(type, {pointerId: id, button: 0, bubbles: true, ...at}));
    }"""
    canvas = lab.locator(".lab-drawing")
    for type, id, share in (
        ("pointerdown", 1, 0.2),
        ("pointerdown", 2, 0.9),
        ("pointermove", 2, 0.8),
        ("pointermove", 1, 0.25),
        ("pointerup", 2, 0.8),
        ("pointermove", 1, 0.3),
        ("pointerup", 1, 0.3),
    ):
        canvas.evaluate(event, [type, id, share])
    drawn = np.array(chosen(lab, "picture")).reshape(20, 20)
    columns = np.nonzero(drawn.max(axis=0) > 0.5)[0]
    assert 3 <= columns.min() <= columns.max() <= 8


def test_a_drawing_comes_back_after_a_look_at_another_picture(lab):
    lab.press(lab.get_by_role("button", name="Clear"))
    lab.get_by_role("radio", name="line").check()
    lab.get_by_role("button", name="Add a line in the middle").click()
    drawn = chosen(lab, "picture")
    assert lab.get_by_label("Number of the test picture").input_value() == ""
    lab.locator(".lab-gallery button").nth(3).click()
    assert chosen(lab, "picture") != drawn
    lab.locator("#lab-input").get_by_role("button", name="Undo").click()
    assert chosen(lab, "picture") == drawn


# Maps.


def test_maps_before_training_lie_below_those_of_now(lab):
    rows = lab.locator("#lab-layers .lab-untrained")
    assert rows.first.is_hidden()
    lab.locator("#lab-layers").get_by_role("checkbox", name="before training").check()
    lab.settle()
    assert lab.locator("#lab-classes").get_by_label("before training").is_checked()
    before = lab.evaluate(LARGEST_BEFORE)
    for row, largest in zip(rows.all(), before, strict=True):
        words = row.locator("span").all_inner_texts()
        shown = [f"{n}: {'silent' if value == 0 else f'{value:.2f}'}" for n, value in enumerate(largest)]
        assert [text.replace("−", "-") for text in words] == [text.replace("-0.00", "0.00") for text in shown]


def test_scales_are_kept_when_asked_for(lab):
    scale = lab.locator("#lab-layers h4 .lab-note").first
    lab.get_by_label("keep the scales").check()
    lab.settle()
    first = scale.inner_text()
    lab.choose(step=0)
    assert scale.inner_text() == first
    lab.get_by_label("keep the scales").uncheck()
    lab.settle()
    assert scale.inner_text() != first


def test_a_layer_is_left_with_its_map_and_found_with_it_again(lab):
    lab.choose(layer="conv1", map=2)
    for layer in ("dense", "pool2", "flatten", "conv1"):
        layer_select(lab).select_option(layer)
        lab.settle()
    assert chosen(lab, "layer", "map", "kernel") == ["conv1", 2, 2]


# Places.


def test_a_click_on_what_goes_in_chooses_the_window_around_it(lab):
    layer_select(lab).select_option("conv1")
    lab.settle()
    canvas = lab.locator("#lab-arithmetic .lab-mapview:not([hidden]) canvas").nth(0)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    pixel = box["width"] / 20
    canvas.click(position={"x": 9.5 * pixel, "y": 7.5 * pixel})
    place = chosen(lab, "place")
    assert place == {"row": 7 - 2, "column": 9 - 2}  # kernels of 5×5: two on each side
    canvas.click(position={"x": 0.5 * pixel, "y": 19.5 * pixel})
    assert chosen(lab, "place") == {"row": 15, "column": 0}  # the nearest that there is


def test_a_row_that_there_is_not_becomes_the_nearest(lab):
    layer_select(lab).select_option("conv1")
    row = lab.locator("#lab-arithmetic").get_by_label("row", exact=True)
    for typed, becomes in (("99", "15"), ("-3", "0")):
        row.fill(typed)
        row.press("Enter")
        lab.settle()
        assert row.input_value() == becomes
        assert f"row {becomes}," in lead(lab)


# Changed kernels.


def test_changed_kernels_are_named_where_they_count(lab):
    notes = lab.locator(".lab-changed"), lab.locator(".lab-time a")
    assert [note.inner_text() for note in notes] == ["", ""]
    lab.choose(kernel=1, map=1, layer="conv1")
    lab.locator("#lab-bench").get_by_role("button", name="Negate").click()
    lab.settle()
    assert [note.inner_text() for note in notes] == ["with kernel 1 as you made it"] * 2
    lab.keyboard.press("Control+z")  # wherever in the bench the focus is
    lab.settle()
    assert notes[1].is_hidden()


def test_the_bias_is_that_of_the_step_once_it_is_left(lab):
    bias = lab.locator(".bench-bias")
    bias.focus()
    lab.choose(step=0)
    bias.evaluate("field => field.blur()")
    assert float(bias.input_value()) == 0


def test_brightness_is_told_from_an_edge(lab):
    words = lab.locator("#lab-comparison .comparison-polars")
    lab.do(OWN_KERNEL, [1] * 25)
    assert "A plain bright area alone makes it answer with 25.00 of the 25.00" in words.inner_text()
    lab.do(OWN_KERNEL, [-2, -1, 0, 1, 2] * 5)
    assert "bright area alone" not in words.inner_text()


# The link.


@pytest.mark.slow
def test_a_link_leads_to_all_that_is_seen(visit, tiny_run):
    sender = visit()
    sender.choose(step=0, layer="conv1", map=1)
    sender.choose(step=3, twin=True)  # the place that was strongest at step 0 still stands
    seen = lead(sender)
    link = sender.locator("#lab-share input")
    sender.wait_for_function("() => /step=3.*twin=1/.test(document.querySelector('#lab-share input').value)")
    reader = visit(tiny_run / "report.html")
    reader.evaluate("link => (location.hash = link.split('#')[1])", link.input_value())
    reader.wait_for_function("() => laboratory.state.get('step') === 3")
    reader.settle()
    assert lead(reader) == seen
    assert chosen(reader, "twin") is True
    layer_select(sender).select_option("dense")
    sender.get_by_label("score of the class").select_option("1")
    sender.wait_for_function("() => /layer=dense.*of=1/.test(document.querySelector('#lab-share input').value)")
    reader.evaluate("link => (location.hash = link.split('#')[1])", link.input_value())
    reader.wait_for_function("() => laboratory.state.get('layer') === 'dense'")
    reader.settle()
    assert lead(reader) == lead(sender)
    assert reader.get_by_label("score of the class").input_value() == "1"


@pytest.mark.slow
def test_back_leads_to_where_the_reader_was(visit):
    page = visit()
    page.choose(step=1)
    page.wait_for_function("() => location.hash.startsWith('#lab:step=1')")
    card = page.locator("#evidence .claim a").first
    card.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    card.click()
    page.wait_for_function("before => Math.abs(scrollY - before) > 500", arg=before)
    page.go_back()
    page.wait_for_function("before => Math.abs(scrollY - before) < 300", arg=before)


@pytest.mark.slow
def test_every_card_leads_to_the_part_it_names(lab):
    """And not to where a slider sticks that has been scrolled past."""
    for link in lab.locator("#evidence .claim a").all():
        target = lab.locator(link.get_attribute("href"))
        link.click()
        lab.settle()
        box = target.bounding_box()
        assert -5 <= box["y"] <= 300, link.get_attribute("href")
