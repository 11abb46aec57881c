"""The picture: chosen, drawn as a run draws it, or opened from a file as `predict` opens it."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from linesexp.images.lines import Lines, draw_lines
from linesexp.images.pictures import decode_picture
from linesexp.predicting import unlike
from linesexp.report.laboratory import laboratory_data
from linesexp.run import open_run
from linesexp.views.embedding import packed

pytestmark = pytest.mark.xdist_group("browser")

SIZE = 20
HOSTILE = "</script><img src=x onerror=alert(1)>.png"
LEVEL = 1 / 255


def picture(view):
    """(size, size, channels) that the network looks at, once all is drawn."""
    values, shape = view.evaluate(
        """async () => {
          await settled();
          const {values, height, width, maps} = laboratory.state.get("picture");
          return [Array.from(values), [height, width, maps]];
        }"""
    )
    return np.array(values).reshape(shape)


def winner(view):
    view.settle()
    return view.locator(".lab-verdict").inner_text()


def press(view, words):
    view.press(view.locator("#lab-input").get_by_role("button", name=words, exact=True))


SLIDE = """([name, value]) => {
  const slider = document.querySelector(`#lab-input input[type=range][aria-label="${name}"]`);
  slider.value = value;
  slider.dispatchEvent(new Event("input"));
}"""


def slide(view, **values):
    for each in values.items():
        view.evaluate(SLIDE, each)


def take(view, tool):
    view.evaluate(
        "(tool) => document.querySelector(`#lab-input input[type=radio][value=${tool}]`).click()", tool
    )


def at(view, row, column):
    """Where a pixel's middle is on the screen."""
    canvas = view.locator(".lab-drawing")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    inner = box["width"] - 2
    return box["x"] + 1 + (column + 0.5) / SIZE * inner, box["y"] + 1 + (row + 0.5) / SIZE * inner


def stroke(view, *places):
    view.mouse.move(*at(view, *places[0]))
    view.mouse.down()
    for place in places:
        view.mouse.move(*at(view, *place))
    view.mouse.up()


# Lines.


def test_a_line_that_is_drawn_is_named(telling):
    for angle, name in ((90, "vertical"), (0, "horizontal")):
        press(telling, "Clear")
        take(telling, "line")
        slide(telling, angle=angle, length=14, thickness=2)
        press(telling, "Add a line in the middle")
        assert winner(telling) == name
        slide(telling, angle=90 - angle)  # the line that was placed turns
        assert winner(telling) in ("horizontal", "vertical")
        assert winner(telling) != name


@pytest.mark.parametrize(
    ("angle", "thickness", "length", "contrast"),
    [
        (90, 3, 11, 55),
        (117, 8, 13, 80),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in ((0, 1, 6, 100), (90, 2, 14, 100), (45, 2, 12, 100), (180, 4, 19, 100))
        ),
    ],
)
def test_a_line_is_the_one_that_a_run_would_draw(angle, thickness, length, contrast, lab):
    press(lab, "Clear")
    take(lab, "line")
    slide(lab, angle=angle, thickness=thickness, length=length, contrast=contrast)
    press(lab, "Add a line in the middle")
    parts = [np.array([float(part)]) for part in (angle, thickness, length)]
    half_height, half_width = Lines(*parts, row=np.zeros(1), column=np.zeros(1)).half_extents()
    # A run's lines lie in boxes that begin on whole pixels; a middle between two may go either way.
    found = picture(lab)[..., 0]
    off = [
        np.abs(
            draw_lines(Lines(*parts, row=row + half_height, column=column + half_width), SIZE)[0]
            * (contrast / 100)
            - found
        ).max()
        for row in (np.floor(SIZE / 2 - half_height), np.ceil(SIZE / 2 - half_height))
        for column in (np.floor(SIZE / 2 - half_width), np.ceil(SIZE / 2 - half_width))
    ]
    assert min(off) <= LEVEL


def test_a_line_lies_where_it_was_clicked(lab):
    press(lab, "Clear")
    take(lab, "line")
    slide(lab, angle=90, length=5, thickness=1)
    stroke(lab, (12, 3))
    expected = np.zeros((SIZE, SIZE))
    expected[10:15, 3] = 1
    np.testing.assert_allclose(picture(lab)[..., 0], expected, atol=LEVEL)


def test_all_of_it_goes_by_keyboard(telling):
    keys = telling.keyboard
    telling.locator(".lab-drawing").focus()
    keys.press("Tab")  # the tools
    assert telling.evaluate("document.activeElement.value") == "pen"
    for _ in range(2):
        keys.press("ArrowRight")
    assert telling.evaluate("document.activeElement.value") == "line"
    names = []
    for _ in range(4):
        keys.press("Tab")
        names.append(telling.evaluate("document.activeElement.getAttribute('aria-label')"))
        if names[-1] == "angle":
            keys.press("Home")  # 0°
    assert names == ["thickness", "contrast", "angle", "length"]
    keys.press("Tab")
    assert telling.evaluate("document.activeElement.textContent") == "Add a line in the middle"
    place = telling.evaluate_handle("document.activeElement")
    keys.press("Tab")
    assert telling.evaluate("document.activeElement.textContent") == "Clear"
    keys.press("Enter")
    assert np.ptp(picture(telling)) == 0
    keys.press("Shift+Tab")
    assert telling.evaluate("(button) => document.activeElement === button", place)
    keys.press("Enter")
    assert winner(telling) == "horizontal"
    before = picture(telling)
    telling.locator(".lab-drawing").focus()
    keys.press("ArrowDown")
    np.testing.assert_allclose(picture(telling), np.roll(before, 1, axis=0), atol=1e-6)


# Pen, eraser, and what moves the whole.


def test_arrow_keys_move_the_picture_by_a_pixel(lab):
    before = picture(lab)
    lab.locator(".lab-drawing").focus()
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft"):
        lab.keyboard.press(key)
    found = picture(lab)
    np.testing.assert_array_equal(found[:-1, :-2], before[1:, 2:])
    assert found[-1].max() == found[:, -2:].max() == 0
    for key in ("ArrowDown", "ArrowRight"):
        lab.keyboard.press(key)
    np.testing.assert_array_equal(picture(lab)[1:-1, 1:-2], before[1:-1, 2:-1])


def test_the_pen_draws_and_the_eraser_takes_away(lab):
    press(lab, "Clear")
    slide(lab, thickness=1)
    stroke(lab, (5, 4), (5, 14))
    drawn = picture(lab)[..., 0]
    np.testing.assert_allclose(drawn[5, 4:15], 1, atol=0.15)
    assert drawn[:4].max() == drawn[7:].max() == drawn[:, :3].max() == 0
    take(lab, "eraser")
    slide(lab, thickness=3)
    stroke(lab, (2, 9), (8, 9))
    left = picture(lab)[..., 0]
    assert left[5, 9] == 0
    assert left[5, 5] == drawn[5, 5] > 0.8
    press(lab, "Undo")
    np.testing.assert_array_equal(picture(lab)[..., 0], drawn)


def test_going_over_a_stroke_twice_does_not_thicken_it(lab):
    press(lab, "Clear")
    slide(lab, contrast=50)
    stroke(lab, (5, 4), (5, 14), (5, 4))
    assert picture(lab).max() == pytest.approx(0.5, abs=LEVEL)


def test_a_finger_draws(lab):
    press(lab, "Clear")
    lab.touchscreen.tap(*at(lab, 7, 11))
    found = picture(lab)[..., 0]
    assert np.unravel_index(found.argmax(), found.shape) in [(7, 11), (6, 11), (7, 10), (8, 11), (7, 12)]
    assert found.max() == 1


def test_dark_runs_are_drawn_dark_on_bright(visit, page_at, tiny_run, tmp_path):
    data = laboratory_data(open_run(tiny_run))
    pixels = 255 - open_run(tiny_run).dataset.pixels
    data |= {
        "contrast": "dark",
        "test": data["test"] | {"pixels": packed(pixels[: len(data["test"]["labels"])])},
    }
    view = visit(page_at(tmp_path / "page.html", data))
    press(view, "Clear")
    assert picture(view).min() == 1
    take(view, "line")
    press(view, "Add a line in the middle")
    assert picture(view).min() == 0
    assert np.median(picture(view)) == 1


def test_colour_networks_get_grey_strokes_and_colour_files(drawing, made_up):
    press(drawing, "Clear")
    stroke(drawing, (5, 4), (9, 14))
    drawn = picture(drawing)
    assert drawn.max() > 0.9
    np.testing.assert_array_equal(drawn, drawn[..., :1].repeat(3, axis=2))
    data = png(photo(31, 44))
    give(drawing, "photo.png", data)
    assert "made grey" not in caption(drawing)
    expected = decode_picture(data, made_up.side, 3, "photo.png") / 255
    np.testing.assert_allclose(picture(drawing), expected, atol=1.01 * LEVEL)


# What it says of a picture.


def test_a_picture_unlike_those_of_the_run_gets_a_note(lab):
    note = lab.locator(".lab-unlike")
    picture(lab)
    assert note.inner_text() == ""
    press(lab, "Swap black and white")
    pixels = np.rint(picture(lab) * 255).astype(np.uint8)
    assert note.inner_text().lower() == f"{unlike(pixels, 'bright')}.".lower()
    press(lab, "Clear")
    blank = np.rint(picture(lab) * 255).astype(np.uint8)
    assert note.inner_text().lower() == f"it is {unlike(blank, 'bright')}.".lower()


def test_test_pictures_are_chosen_by_thumbnail_number_and_page(lab, tiny_run):
    dataset = open_run(tiny_run).dataset
    count = int(np.sum(dataset.split == 2))
    thumbs = lab.locator(".lab-gallery button:visible")
    assert thumbs.count() == min(12, count)
    lab.get_by_role("button", name="test picture 3: vertical").click()
    assert picture(lab).shape == (SIZE, SIZE, 1)
    assert lab.locator(".lab-caption").inner_text() == "test picture 3: vertical"
    number = lab.get_by_role("spinbutton", name="Number of the test picture")
    assert number.input_value() == "3"
    number.fill("2")
    picture(lab)
    assert lab.locator(".lab-caption").inner_text() == "test picture 2: horizontal"
    assert (
        lab.locator(".lab-gallery [aria-pressed=true]").get_attribute("aria-label").startswith("test picture 2")
    )
    number.fill(str(count))  # there is none
    picture(lab)
    assert lab.locator(".lab-caption").inner_text() == "test picture 2: horizontal"


# Files.


def photo(height, width):
    """uint8 (height, width, 3): something with all colours, coarse and fine."""
    rng = np.random.default_rng(height)
    down, across = np.mgrid[:height, :width]
    waves = np.stack([np.sin(down / (3 + part)) * np.cos(across / (5 - part)) for part in range(3)], axis=2)
    return np.clip(127 + 90 * waves + rng.normal(0, 20, (height, width, 3)), 0, 255).astype(np.uint8)


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def give(view, name, data, kind="image/png"):
    """Choose a file, and wait until the page has said something about it."""
    view.locator("input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": data})
    view.locator(".lab-caption").filter(has_not_text="opening …").filter(has_text=name[:20]).wait_for()


def caption(view):
    return view.locator(".lab-caption").inner_text()


@pytest.mark.parametrize(
    ("height", "width"),
    [
        (48, 64),
        (7, 9),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in ((600, 300), (20, 20), (301, 5))),
    ],
)
def test_a_file_is_stretched_as_predict_does_it(height, width, lab):
    data = png(photo(height, width))
    give(lab, "photo.png", data)
    expected = decode_picture(data, SIZE, 1, "photo.png") / 255
    np.testing.assert_allclose(picture(lab), expected, atol=1.01 * LEVEL)
    stretched = "" if (height, width) == (20, 20) else ", stretched to 20×20"
    assert caption(lab) == f"photo.png: {width}×{height} pixels{stretched}, made grey"


def test_transparent_parts_are_laid_on_the_ground(lab):
    pixels = np.zeros((40, 40, 4), dtype=np.uint8)
    pixels[10:20, 5:35] = (255, 255, 255, 255)
    pixels[25:30, 5:35] = (255, 255, 255, 128)
    data = png(pixels)
    give(lab, "line.png", data)
    expected = decode_picture(data, SIZE, 1, "line.png", "black") / 255
    np.testing.assert_allclose(picture(lab), expected, atol=2 * LEVEL)
    assert "transparent parts made black" in caption(lab)


def test_a_hostile_name_is_shown_as_text(lab):
    images = lab.locator("img").count()
    give(lab, HOSTILE, png(photo(30, 30)))
    assert caption(lab).startswith(f"{HOSTILE}: 30×30 pixels")
    assert lab.locator("img").count() == images


def header_only(width, height):
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + b"\0" * 40
    )


def jpeg_header(width, height):
    frame = struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\1\x11\0"
    return b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"\0" * 14 + b"\xff\xc0" + frame + b"\0" * 40


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"These are words.", "not a picture that this browser can read"),
        (header_only(9000, 9000), "9000×9000 pixels; at most 50 million"),
        (jpeg_header(9000, 9001), "9000×9001 pixels; at most 50 million"),
        pytest.param(b"", "an empty file", marks=pytest.mark.slow),
        pytest.param(
            png(photo(30, 30))[:200], "not a picture that this browser can read", marks=pytest.mark.slow
        ),
        pytest.param(header_only(200_000, 3), "200000×3 pixels; at most 50 million", marks=pytest.mark.slow),
    ],
    ids=["text", "huge", "huge JPEG", "empty", "broken", "long"],
)
def test_what_is_no_picture_is_refused_in_a_line(data, why, lab):
    before = picture(lab)
    give(lab, "notes.png", data)
    assert caption(lab).startswith(f"notes.png: {why}")
    np.testing.assert_array_equal(picture(lab), before)


def test_a_file_may_be_dropped_on_the_panel(lab):
    data = png(photo(25, 25))
    lab.evaluate(
        """(bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(bytes)], "dropped.png", {type: "image/png"}));
          document.querySelector(".lab-file").dispatchEvent(
            new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }""",
        list(data),
    )
    lab.locator(".lab-caption").filter(has_text="dropped.png: 25×25").wait_for()


def test_a_long_name_widens_nothing(lab):
    lab.set_viewport_size({"width": 360, "height": 800})
    take(lab, "line")
    press(lab, "Swap black and white")
    give(lab, "a" * 200 + ".png", png(photo(30, 30)))
    assert lab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_kinds_of_files_that_are_offered_can_be_read(lab):
    """Not SVG: a browser makes no picture of known size of it."""
    kinds = lab.locator("#lab-input input[type=file]").get_attribute("accept").split(", ")
    assert {"image/png", "image/jpeg"} <= set(kinds)
    assert not {"image/*", "image/svg+xml"} & set(kinds)
