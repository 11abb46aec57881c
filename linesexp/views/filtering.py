"""A kernel over a picture, standing still: input, kernel with its numbers, stages; operators side by side."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from linesexp.seeing.filtering import kernel_sum
from linesexp.views.colours import FAINT, INK
from linesexp.views.style import DIVERGING, PixelFigure, bare, symmetric_limit

LEFT, TOP, BOX, GAP = 28, 92, 372, 34
PER_ROW = 3
UNDER = 58  # below a panel: its shape and range
MOST_NUMBERS = 9  # a side of a kernel whose numbers can still be read
NARROWEST = 24  # a panel, which a very long picture fills by being widened
MANY = 10_000  # values from which on a scale may leave a few out
SHEET_BOX, SHEET_KERNEL, SHEET_GAP = 250, 74, 22


@dataclass(frozen=True)
class Scale:
    """How values become colours: blue −limit … orange limit where signed, else black 0 … white limit.

    beyond: there are values beyond the limit, which have its colour.
    """

    limit: float
    signed: bool
    beyond: bool = False

    @property
    def low(self) -> float:
        return -self.limit if self.signed else 0.0

    @property
    def colours(self) -> Colormap:
        return DIVERGING if self.signed else GREYS

    def ends(self) -> str:
        """`±0.6`, `0 … 1`."""
        return f"±{number(self.limit)}" if self.signed else f"0 … {number(self.limit)}"

    def describe(self) -> str:
        """In words, for somebody who looks at the picture alone."""
        end = number(self.limit)
        if self.signed:
            less, more = (" and less", " and more") if self.beyond else ("", "")
            return f"blue −{end}{less}, near white 0, orange {end}{more}"
        return f"black 0, white {end}" + (" and more" if self.beyond else "")


ENDS = ("−end", "0", "end")  # of a bar that stands for several scales
GREYS = DIVERGING.from_list("linesexp-grey", ["black", "white"], N=256)


def scale_for(kernel: np.ndarray, *maps: np.ndarray) -> Scale:
    """Zero-centred if any value is negative, else grey; the first map decides where the scale ends.

    White is the most that a kernel without negative weights can make of a picture, its sum, so that
    a blurred picture is as bright as the picture. Other scales end where 998 of 1,000 values lie, at a
    quarter of the largest at least: a few glaring pixels would leave a photo's edges pale.
    """
    strengths = np.abs(maps[0])
    largest = max(symmetric_limit(values) for values in maps)
    if (kernel >= 0).all() and kernel.any() and (maps[0] >= 0).all():
        return Scale(max(largest, float(kernel.sum())), False)
    limit = symmetric_limit(maps[0])
    if strengths.size >= MANY:
        limit = max(float(np.quantile(strengths, 0.998)), limit / 4)
    return Scale(limit, any((values < 0).any() for values in maps), largest > limit)


def stage_scales(kernel: np.ndarray, stages: Mapping[str, np.ndarray]) -> dict[str, Scale]:
    """The scale of each stage: one for all, but for those whose values it would leave pale or beyond its end.

    Such are the maps of activations that squeeze what they are given, as tanh and sigmoid do.
    """
    common = scale_for(kernel, *stages.values())
    scales = {}
    for name, values in stages.items():
        own = replace(scale_for(kernel, values), signed=common.signed)
        scales[name] = common if common.limit / 2 <= own.limit <= common.limit else own
    return scales


def map_png(values: np.ndarray, scale: Scale) -> bytes:
    """A map as a PNG file, a pixel for each value, with its scale as the file's description."""
    share = (values - scale.low) / (scale.limit - scale.low)
    indices = np.rint(np.clip(share, 0, 1) * (scale.colours.N - 1)).astype(np.uint8)
    picture = Image.fromarray(indices)
    if scale.signed:
        palette = (scale.colours(np.arange(scale.colours.N))[:, :3] * 255).round().astype(np.uint8)
        picture.putpalette(palette.tobytes())
    facts = PngInfo()
    facts.add_itxt("Description", scale.describe())
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", pnginfo=facts)
    return buffer.getvalue()


def filter_figure(
    picture: np.ndarray,
    kernel: np.ndarray,
    stages: Mapping[str, np.ndarray],
    titles: Mapping[str, str],
    notes: Sequence[str],
) -> Figure:
    """Input, kernel, and every stage, with shapes (rows × columns), ranges of values, and scales that differ.

    titles: for `figure`, `kernel` and each stage what stands above it; notes: lines below everything.
    """
    scales = stage_scales(kernel, stages)
    scale = next(iter(scales.values()))
    several = len(set(scales.values())) > 1
    height = _box_height(picture)
    notes = [*notes, *_note_on_size(scale.signed, stages.values(), BOX)]
    rows = -(-(2 + len(stages)) // PER_ROW)
    bottom = TOP + rows * (height + UNDER + GAP) - 8
    page = PixelFigure(LEFT + PER_ROW * (BOX + GAP), bottom + 54 + 20 * len(notes))
    page.text(LEFT, 20, titles["figure"], size=20)
    _panel(page, 0, height, picture, Scale(1.0, False), "input")
    _kernel_panel(page, height, kernel, titles["kernel"])
    for index, (name, values) in enumerate(stages.items()):
        own = f"; scale {scales[name].ends()}" if several else ""
        _panel(page, 2 + index, height, values, scales[name], titles[name], own)
    if several:
        _bar(
            page, LEFT, bottom, replace(scale, beyond=False), "value; below each map stands its own scale", ENDS
        )
    else:
        _bar(page, LEFT, bottom, scale, "value, in all maps" if len(stages) > 1 else "value in the map")
    for index, note in enumerate(notes):
        page.text(LEFT, bottom + 42 + 20 * index, note, size=13, color=FAINT)
    return page.figure


def operators_figure(
    picture: np.ndarray, rows: Sequence[tuple[str, np.ndarray, np.ndarray]], title: str, notes: Sequence[str]
) -> Figure:
    """The input and what each operator makes of it. rows: name, kernel, map.

    Maps are shares of the largest answer that their kernel can give (the sum of its positive weights, to
    a picture that fits it). Each has a scale of its own, whose end stands above it: beside the edges of a
    photo, its fine lines would hardly be seen.
    """
    signed = any((values < 0).any() for _, _, values in rows)
    notes = [*notes, *_note_on_size(signed, [values for _, _, values in rows], SHEET_BOX)]
    shown_height = min(max(round(SHEET_BOX * picture.shape[0] / picture.shape[1]), 90), SHEET_BOX)
    columns = min(4, len(rows) + 1)
    row_height = SHEET_KERNEL + shown_height + 44
    lines = -(-(len(rows) + 1) // columns)
    bottom = TOP - 16 + lines * row_height
    page = PixelFigure(2 * LEFT + columns * (SHEET_BOX + SHEET_GAP) - SHEET_GAP, bottom + 54 + 20 * len(notes))
    page.text(LEFT, 20, title, size=20)
    for index in range(len(rows) + 1):
        left = LEFT + index % columns * (SHEET_BOX + SHEET_GAP)
        top = TOP - 16 + index // columns * row_height
        where = (left, top + SHEET_KERNEL + 10, SHEET_BOX, shown_height)
        if index == 0:
            page.text(left, top + SHEET_KERNEL - 2, "input", size=15, va="bottom")
            _show(page, where, picture, Scale(1.0, False))
            continue
        name, kernel, values = rows[index - 1]
        share = values / kernel[kernel > 0].sum()
        scale = replace(scale_for(kernel, share), signed=signed)
        small = (left, top, SHEET_KERNEL, SHEET_KERNEL)
        _show(page, small, kernel, Scale(symmetric_limit(kernel), True))
        words = f"{name}\nscale {scale.ends()}"
        page.text(
            left + SHEET_KERNEL + 12, top + SHEET_KERNEL - 2, words, size=14, va="bottom", linespacing=1.4
        )
        _show(page, where, share, scale)
    words = "each map's own scale, which stands above it: 1 is the largest answer that the operator can give"
    _bar(page, LEFT, bottom, Scale(1.0, signed), words, ENDS if signed else ENDS[1:])
    for index, note in enumerate(notes):
        page.text(LEFT, bottom + 42 + 20 * index, note, size=13, color=FAINT)
    return page.figure


def number(value: float) -> str:
    """Three digits and a true minus sign: −0.125, 12, 3e−05."""
    return f"{value:.3g}".replace("-", "−") if value else "0"


def weight_number(weight: float) -> str:
    """A kernel's number as it was written, if that is short: 501.5, −1, 0.0625; else three digits."""
    exact = f"{weight:.6g}".replace("-", "−")
    return exact if len(exact) <= 6 and weight else number(weight)


def _box_height(picture: np.ndarray) -> int:
    return min(max(round(BOX * picture.shape[0] / picture.shape[1]), 200), BOX)


def _place(index: int, height: int) -> tuple[int, int]:
    return LEFT + index % PER_ROW * (BOX + GAP), TOP + index // PER_ROW * (height + UNDER + GAP)


def _panel(
    page: PixelFigure, index: int, height: int, values: np.ndarray, scale: Scale, title: str, more: str = ""
) -> None:
    left, top = _place(index, height)
    page.text(left, top - 8, title, size=15, va="bottom")
    _show(page, (left, top, BOX, height), values, scale)
    words = f"{values.shape[0]} × {values.shape[1]}, values {number(values.min())} … {number(values.max())}"
    page.text(left, top + height + 8, words + more, size=13, color=FAINT)


def _kernel_panel(page: PixelFigure, height: int, kernel: np.ndarray, title: str) -> None:
    left, top = _place(1, height)
    size = len(kernel)
    page.text(left, top - 8, title, size=15, va="bottom")
    limit = symmetric_limit(kernel)
    _show(page, (left, top, height, height), kernel, Scale(limit, True))
    words = f"{size} × {size}, sum {number(kernel_sum(kernel))}"
    if size > MOST_NUMBERS:
        words += f", weights {number(kernel.min())} … {number(kernel.max())}"
    words += f"; its own scale ±{number(limit)}"
    page.text(left, top + height + 8, words, size=13, color=FAINT)
    if size > MOST_NUMBERS:
        return
    cell = height / size
    longest = max(len(weight_number(weight)) for weight in kernel.ravel())
    for (row, column), weight in np.ndenumerate(kernel):
        page.text(
            left + (column + 0.5) * cell,
            top + (row + 0.5) * cell,
            weight_number(weight),
            size=min(cell * 0.36, cell * 1.35 / longest, 26),
            ha="center",
            va="center",
            color="white" if abs(weight) > 0.7 * limit else INK,
        )


def _show(page: PixelFigure, where: tuple[int, int, int, int], values: np.ndarray, scale: Scale) -> None:
    """Values as large as they fit into a box, in its top left corner, unstretched unless very long."""
    left, top, width, height = where
    per_pixel = min(width / values.shape[1], height / values.shape[0])
    across, down = (max(round(length * per_pixel), NARROWEST) for length in (values.shape[1], values.shape[0]))
    axes = page.axes(left, top, across, down)
    axes.imshow(
        fitted(values, across, down, scale.signed),
        cmap=scale.colours,
        vmin=scale.low,
        vmax=scale.limit,
        interpolation="nearest",
        aspect="auto",
    )
    bare(axes)


def fitted(values: np.ndarray, across: int, down: int, signed: bool) -> np.ndarray:
    """At most a value for each pixel of (down, across): the strongest where signed, else a weighted mean.

    In a mean, the two sides of a fine line would cancel; leaving values out would tear it.
    """
    smaller = (min(down, values.shape[0]), min(across, values.shape[1]))
    if smaller == values.shape:
        return values
    if not signed:
        picture = Image.fromarray(np.asarray(values, dtype=np.float32))
        return np.asarray(picture.resize(smaller[::-1], Image.Resampling.BILINEAR))
    highest = lowest = values
    for axis in (0, 1):
        starts = np.arange(smaller[axis]) * values.shape[axis] // smaller[axis]
        highest = np.maximum.reduceat(highest, starts, axis=axis)
        lowest = np.minimum.reduceat(lowest, starts, axis=axis)
    return np.where(highest >= -lowest, highest, lowest)


def _note_on_size(signed: bool, maps: Iterable[np.ndarray], box: int) -> list[str]:
    if signed and any(max(values.shape) > box for values in maps):
        return ["Maps are shown smaller than they are: a point shows the strongest value that falls on it."]
    return []


def _bar(
    page: PixelFigure, left: int, top: int, scale: Scale, words: str, labels: Sequence[str] | None = None
) -> None:
    """The scale as a horizontal colour bar, with its caption beside it; labels: instead of numbers."""
    axes = page.axes(left + (32 if scale.beyond and not labels else 18), top, 220, 12)
    ticks = [-scale.limit, 0, scale.limit] if scale.signed else [0, scale.limit]
    shown = ScalarMappable(Normalize(scale.low, scale.limit), scale.colours)
    bar = page.figure.colorbar(shown, cax=axes, orientation="horizontal", ticks=ticks)
    beyond = {-scale.limit: "≤ ", scale.limit: "≥ "} if scale.beyond else {}
    bar.ax.set_xticklabels(
        labels or [beyond.get(tick, "") + number(tick) for tick in ticks], fontsize=9, color=INK
    )
    bar.outline.set_linewidth(0.6)
    page.text(left + (296 if scale.beyond and not labels else 256), top - 1, words, size=13, color=FAINT)
