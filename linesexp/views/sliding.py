"""Step by step as GIFs: a window slides over a picture, and each place fills in one number of the result."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from linesexp.seeing.filtering import Walk
from linesexp.views.animation import COLOURS, STILL_COLOURS, font_of, gif_bytes, indexed, shared_palette
from linesexp.views.colours import FAINT, INK, SILENT
from linesexp.views.filtering import Scale, number, weight_number
from linesexp.views.style import symmetric_limit
from linesexp.views.thumbnail import ends_in, frame_in, thumbnail

LEFT, TOP, MAP = 24, 96, 330
RESULT_LEFT = LEFT + MAP + 70
GRID, GRID_TOP, GRID_GAP = 210, TOP + MAP + 72, 47
WHOLE_LEFT, WHOLE = RESULT_LEFT + MAP + 40, 170  # all of the picture, and where in it the crop lies
WIDTH, HEIGHT = WHOLE_LEFT + WHOLE + 24, GRID_TOP + GRID + 62
MARK, EDGE = "#009e73", "#cc79a7"  # the window; the picture's edge, where the border is in sight
MOST_NUMBERS = 7  # a side of a window whose numbers can still be read
SMALLEST = 8  # letters; smaller ones are left out
FIRST_MS, THEN_MS, HOLD_MS, SLOW = 1000, 300, 3000, 5  # the first places are for reading

Box = tuple[int, int, int]  # left, top, side


@dataclass(frozen=True)
class Words:
    """What stands above the picture, the result and everything."""

    title: str
    source: str
    result: str


def convolution_gif(
    steps: Walk,
    kernel: np.ndarray,
    scale: Scale,
    whole: np.ndarray,
    activation: tuple[str, np.ndarray] | None = None,
) -> bytes:
    """The kernel over a crop of the picture: patch, kernel, products, their sum; a frame for each place.

    scale: of what is filled in, the results after the activation; whole: the picture (H, W). activation: its
    name, and what it makes of each of the results.
    """
    limit = symmetric_limit(kernel)
    products_limit = symmetric_limit(_products(steps, kernel))
    grids = (
        (Scale(1.0, False), decimals(1.0)),
        (Scale(limit, True), weight_number),
        (Scale(products_limit, True), decimals(products_limit)),
    )
    say = decimals(symmetric_limit(steps.results))

    def workings(draw: ImageDraw.ImageDraw, row: int, column: int) -> None:
        window = steps.window(row, column)
        named = (("patch", window), ("kernel", kernel), ("products", window * kernel))
        for index, ((name, values), (shown, write)) in enumerate(zip(named, grids, strict=True)):
            left = LEFT + index * (GRID + GRID_GAP)
            _text(draw, left, GRID_TOP - 26, name, 15)
            _grid(draw, (left, GRID_TOP, GRID), values, shown, write if len(kernel) <= MOST_NUMBERS else None)
            if index:
                sign = "×" if index == 1 else "="
                _text(draw, left - GRID_GAP // 2, GRID_TOP + GRID // 2, sign, 26, anchor="mm")
        words = f"sum of the products: {say(steps.results[row, column])}"
        if activation:
            words += f"     after {activation[0]}: {say(activation[1][row, column])}"
        _text(draw, LEFT, GRID_TOP + GRID + 18, words, 20)

    after = f" after {activation[0]}" if activation else ""
    words = Words("A kernel slides over the picture", "picture", f"result{after} so far")
    filled = activation[1] if activation else steps.results
    return _animate(steps, filled, whole, Scale(1.0, False), scale, words, workings)


def pooling_gif(steps: Walk, kind: str, scale: Scale, whole: np.ndarray) -> bytes:
    """A pooling window over a crop of a map, `whole`: its values, and the largest or the mean of them."""
    say = decimals(symmetric_limit(steps.crop))

    def workings(draw: ImageDraw.ImageDraw, row: int, column: int) -> None:
        window, result = steps.window(row, column), steps.results[row, column]
        box = (LEFT, GRID_TOP, GRID)
        _text(draw, LEFT, GRID_TOP - 26, "window", 15)
        _grid(draw, box, window, scale, say if len(window) <= MOST_NUMBERS else None)
        if kind == "max":
            highest_row, highest_column = divmod(int(window.argmax()), len(window))
            _outline(draw, box, window.shape, highest_row, highest_column, 1)
        words = "the largest" if kind == "max" else f"the mean of {window.size} values"
        _text(draw, LEFT + GRID + 40, GRID_TOP + GRID // 2 - 18, f"{words}: {say(result)}", 20)

    words = Words(f"{kind} pooling".capitalize(), "map", "result so far")
    return _animate(steps, steps.results, whole, scale, scale, words, workings)


def decimals(limit: float) -> Callable[[float], str]:
    """How to write values up to this limit: two decimals for 1, none for 100, four for 0.01; a true minus."""
    digits = min(max(2 - math.floor(math.log10(limit)), 0), 9)

    def written(value: float) -> str:
        text = f"{value:.{digits}f}"
        return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")

    return written


def _products(steps: Walk, kernel: np.ndarray) -> np.ndarray:
    rows, columns = steps.results.shape
    return np.array([steps.window(r, c) * kernel for r in range(rows) for c in range(columns)])


def _animate(
    steps: Walk,
    results: np.ndarray,
    whole: np.ndarray,
    source_scale: Scale,
    result_scale: Scale,
    words: Words,
    workings: Callable[[ImageDraw.ImageDraw, int, int], None],
) -> bytes:
    """One frame for each place, with all results up to it; workings draws what is computed there."""
    palette = shared_palette(_still_colours())
    still = _still(steps, whole, source_scale, result_scale, words)
    rows, columns = results.shape
    write = decimals(symmetric_limit(steps.results))
    filled = np.full((rows, columns), np.nan)
    frames = []
    for row in range(rows):
        for column in range(columns):
            filled[row, column] = results[row, column]
            frame = still.copy()
            draw = ImageDraw.Draw(frame)
            _text(draw, WIDTH - 24, 24, f"place {row * columns + column + 1} of {filled.size}", 16, anchor="ra")
            _outline(
                draw,
                (LEFT, TOP, MAP),
                steps.crop.shape,
                row * steps.stride,
                column * steps.stride,
                steps.size,
            )
            result_box = (RESULT_LEFT, TOP, MAP)
            _grid(draw, result_box, filled, result_scale, write)
            _outline(draw, result_box, filled.shape, row, column, 1)
            workings(draw, row, column)
            frames.append(indexed(np.asarray(frame), palette))
    slow = min(SLOW, len(frames) - 1)
    durations = [FIRST_MS] * slow + [THEN_MS] * (len(frames) - 1 - slow) + [HOLD_MS]
    return gif_bytes(np.stack(frames), palette, durations)


def _still(
    steps: Walk, whole: np.ndarray, source_scale: Scale, result_scale: Scale, words: Words
) -> Image.Image:
    """What all frames have in common."""
    still = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(still)
    _text(draw, LEFT, 20, words.title, 22)
    box = (LEFT, TOP, MAP)
    _text(draw, LEFT, TOP - 26, f"a crop of the {words.source}", 15)
    ends = f"{number(result_scale.low)} … {number(result_scale.limit)}"
    _text(draw, RESULT_LEFT, TOP - 26, f"{words.result} (scale {ends})", 15)
    _grid(draw, box, steps.crop, source_scale, None)
    top, left, height, width = (-steps.top, -steps.left, *steps.picture)
    if top > 0 or left > 0 or top + height < len(steps.crop) or left + width < steps.crop.shape[1]:
        cell = _cell(box, steps.crop.shape)
        corners = [
            LEFT + max(left, 0) * cell - (left > 0),
            TOP + max(top, 0) * cell,
            LEFT + min(left + width, steps.crop.shape[1]) * cell,
            TOP + min(top + height, len(steps.crop)) * cell,
        ]
        draw.rectangle(corners, outline=EDGE, width=2)
        note = "outside the pink line: what the border adds"
    else:
        note = ""
    _text(draw, WIDTH - 24, HEIGHT - 20, "numbers are rounded", 12, fill=FAINT, anchor="ra")
    _text(draw, LEFT, TOP + MAP + 8, note, 12, fill=FAINT)
    _whole(still, draw, steps, whole, source_scale, words.source)
    return still


def _whole(
    still: Image.Image, draw: ImageDraw.ImageDraw, steps: Walk, whole: np.ndarray, scale: Scale, source: str
) -> None:
    """All of the picture or map, small, with a frame where the crop lies, and its rows and columns."""
    picture = thumbnail(whole, WHOLE, scale, COLOURS if scale.signed else GREY_LEVELS)
    across, down = picture.size
    still.paste(picture, (WHOLE_LEFT, TOP))
    draw.rectangle((WHOLE_LEFT - 1, TOP - 1, WHOLE_LEFT + across, TOP + down), outline=FAINT)
    ends = ends_in((steps.top, steps.left), steps.crop.shape, whole.shape)
    draw.rectangle(frame_in((WHOLE_LEFT, TOP), picture.size, ends, whole.shape), outline=MARK, width=2)
    _text(draw, WHOLE_LEFT, TOP - 26, f"all of the {source}", 15)
    for line, (name, (first, last), of) in enumerate(zip(("rows", "columns"), ends, whole.shape, strict=True)):
        words = f"{'crop: ' if line == 0 else ''}{name} {first}–{last} of {of}"
        _text(draw, WHOLE_LEFT, TOP + down + 10 + 18 * line, words, 13, fill=FAINT)


def _grid(
    draw: ImageDraw.ImageDraw, box: Box, values: np.ndarray, scale: Scale, write: Callable[[float], str] | None
) -> None:
    """Values as cells of colour, with numbers if they are to be written; those without a value are blank."""
    left, top, _ = box
    cell = _cell(box, values.shape)
    share = np.clip((values - scale.low) / (scale.limit - scale.low), 0, 1)
    texts = [write(value) if write and np.isfinite(value) else "" for value in values.ravel()]
    size = _font_size(texts, cell)
    if size < SMALLEST:
        texts = [text.replace("0.", ".", 1) if text.lstrip("−").startswith("0.") else text for text in texts]
        size = _font_size(texts, cell)
    for text, ((row, column), value) in zip(texts, np.ndenumerate(values), strict=True):
        corners = (
            round(left + column * cell),
            round(top + row * cell),
            round(left + (column + 1) * cell) - 1,
            round(top + (row + 1) * cell) - 1,
        )
        if not np.isfinite(value):
            draw.rectangle(corners, outline=SILENT)
            continue
        colour = _colour(float(share[row, column]), scale)
        draw.rectangle(corners, fill=colour)
        if text and size >= SMALLEST:
            middle = (left + (column + 0.5) * cell, top + (row + 0.5) * cell)
            ink = INK if _lightness(colour) > 115 else "white"
            draw.text(middle, text, font=font_of(size), fill=ink, anchor="mm")
    across, down = round(values.shape[1] * cell), round(values.shape[0] * cell)
    draw.rectangle((left - 1, top - 1, left + across, top + down), outline=FAINT)


def _outline(
    draw: ImageDraw.ImageDraw, box: Box, shape: Sequence[int], row: int, column: int, size: int
) -> None:
    """A frame around size × size cells."""
    left, top, _ = box
    cell = _cell(box, shape)
    corners = (
        round(left + column * cell) - 2,
        round(top + row * cell) - 2,
        round(left + (column + size) * cell) + 1,
        round(top + (row + size) * cell) + 1,
    )
    draw.rectangle(corners, outline=MARK, width=4)


def _cell(box: Box, shape: Sequence[int]) -> float:
    return box[2] / max(shape)


def _font_size(texts: Sequence[str], cell: float) -> int:
    """The largest font in which every text fits into its cell; 0 if none does."""
    longest = max(texts, key=len, default="")
    return next(
        (size for size in range(20, SMALLEST - 1, -1) if font_of(size).getlength(longest) < cell - 6), 0
    )


def _colour(share: float, scale: Scale) -> tuple[int, int, int]:
    """One of the palette's colours."""
    levels = COLOURS if scale.signed else GREY_LEVELS
    red, green, blue, _ = scale.colours(round(share * (levels - 1)) / (levels - 1))
    return round(red * 255), round(green * 255), round(blue * 255)


def _lightness(colour: tuple[int, int, int]) -> float:
    return float(np.dot(colour, (0.299, 0.587, 0.114)))


GREY_LEVELS = STILL_COLOURS - 8


def _still_colours() -> np.ndarray:
    """uint8 (n, 3): greys for pictures and text, and the marks."""
    greys = np.repeat(np.rint(np.linspace(0, 255, GREY_LEVELS)).astype(np.uint8)[:, None], 3, axis=1)
    marks = [tuple(bytes.fromhex(colour[1:])) for colour in (MARK, EDGE, INK, FAINT, SILENT)]
    return np.concatenate([greys, np.array(marks, dtype=np.uint8)])


def _text(
    draw: ImageDraw.ImageDraw,
    left: float,
    top: float,
    words: str,
    size: int,
    fill: str = INK,
    anchor: str = "la",
) -> None:
    draw.text((left, top), words, font=font_of(size), fill=fill, anchor=anchor)
