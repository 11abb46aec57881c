"""All kernels of a convolution layer, every channel of every filter: a sheet, and a GIF while they learn.

A filter is a strip of tiles, one tile a channel; one zero-centred scale for the whole picture, and for all
steps of a GIF. Filters of three channels that look at a colour picture are shown in colour as well: grey is
zero, more red is a larger weight for red. Where a layer has more tiles than a picture holds, the picture says
which it shows; in a GIF these are the same at every step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image

from linesexp.kernels.colour import luminance
from linesexp.views.animation import (
    COLOURS,
    FRAME_MS,
    HOLD_MS,
    STILL_COLOURS,
    UNCHANGED,
    Caption,
    Panel,
    animate,
    gif_bytes,
    indexed,
    write_caption,
)
from linesexp.views.colours import FAINT
from linesexp.views.style import PixelFigure, scale_bar, step_name, symmetric_limit
from linesexp.views.tiles import coloured, paint

MOST_TILES = 256
MOST_CHANNELS = 16  # of a filter, where it has more: its strongest
WIDTH, LEFT, TOP, BELOW = 960, 20, 92, 64
GAP, BETWEEN, LABEL = 2, 14, 15  # px between tiles, between strips, and for the number above a strip
COLOUR_ROOM = 1240  # of a sheet in colour, whose strips are long
ROOM = 680  # px of height that tiles are enlarged to fill
SMALLEST, LARGEST = 14, 80  # px, sides of a tile
MOMENTS = 5  # px between moments
FRAME = to_rgba("#9aa3ae")


@dataclass(frozen=True)
class Selection:
    """Which filters are shown, (shown,), and which channels of each, (shown, channels); words say so."""

    filters: np.ndarray
    channels: np.ndarray
    words: str


@dataclass(frozen=True)
class _Layout:
    """Where strips of tiles lie. zoom: px a weight; places: (left, top) of each strip's first tile."""

    zoom: int
    places: list[tuple[int, int]]
    bottom: int


def select(kernels: np.ndarray, colour: bool = False) -> Selection:
    """What of a layer fits into a picture: all of it, or the filters of largest norm, in order.

    kernels: (kh, kw, channels, filters). Of more than MOST_CHANNELS channels, each filter's strongest come
    first. Weights that are not finite count as zero. colour: a filter's three channels take one place.
    """
    channels, filters = kernels.shape[2:]
    energy = np.square(np.nan_to_num(kernels, nan=0, posinf=0, neginf=0).astype(np.float64)).sum(axis=(0, 1))
    shown_channels = min(channels, MOST_CHANNELS)
    most = max(1, MOST_TILES // (1 if colour else shown_channels))
    chosen = np.sort(np.argsort(-energy.sum(axis=0), kind="stable")[:most])  # (shown,)
    words = f"all {filters} filters" if filters > 1 else "its one filter"
    if filters > most:
        words = f"{most} of {filters} filters (those of largest norm)"
    if channels > MOST_CHANNELS:
        order = np.argsort(-energy[:, chosen], axis=0, kind="stable")[:MOST_CHANNELS].T
        words += f", of each its {MOST_CHANNELS} strongest of {channels} channels, strongest first"
    else:
        order = np.tile(np.arange(channels), (len(chosen), 1))
        words += f", {channels} channels each" if channels > 1 and not colour else ""
    return Selection(chosen, order, words)


def layer_gif(kernels: np.ndarray, steps: np.ndarray, title: str, *, colour: bool = False) -> bytes:
    """A layer's kernels from the first recorded step to the last, as a GIF.

    kernels: (steps, kh, kw, channels, filters); steps: (steps,) in epochs; colour: whether the three channels
    are those of a colour picture. What is shown is chosen by the last step. Raises ValueError for a colour
    layer without three channels.
    """
    _check_colour(kernels, colour)
    chosen = select(kernels[-1], colour)
    limit = symmetric_limit(kernels)
    tiles = _tiles(kernels, chosen)  # (strips, tiles, steps, kh, kw)
    per_strip = 1 if colour else tiles.shape[1]
    layout = _layout(len(tiles), per_strip, 1, kernels.shape[1:3])
    page = _stage(layout, chosen, title, f"{chosen.words}; one scale for all steps", limit, colour)
    empty = np.ones((per_strip, 1, *kernels.shape[1:3], 4))
    for left, top in layout.places:
        paint(page, left - 1, top - 1, _joined(empty, layout.zoom))
    last = f" of {steps[-1]:.0f}" if steps[-1] % 1 == 0 else ""
    caption = Caption(LEFT, 40, [step_name(step) + (last if step else "") for step in steps], size=22)
    if colour:
        return _colour_gif(page.rgb(), tiles, layout, limit, caption)
    width, height = _tile_size(layout, kernels.shape[1:3])
    panels = [
        Panel(left + index * (width + GAP), top, width, values, limit, height)
        for (left, top), strip in zip(layout.places, tiles, strict=True)
        for index, values in enumerate(strip)
    ]
    return animate(page.rgb(), panels, [caption])


def layer_sheet(
    kernels: np.ndarray, title: str, moments: Sequence[str] = ("",), *, colour: bool = False
) -> Figure:
    """A layer's kernels at one moment, or at several below one another, on one scale.

    kernels: (moments, kh, kw, channels, filters); moments: their names, such as `untrained`; colour: whether
    the three channels are those of a colour picture: then a strip is the filter in colour, its luminance, and
    red, green and blue. Raises ValueError for another number of moments, or of channels of a colour layer.
    """
    _check_colour(kernels, colour)
    if len(moments) != len(kernels):
        raise ValueError(f"{len(kernels)} moments need as many names, got {len(moments)}")
    chosen = select(kernels[-1], colour)
    limit = symmetric_limit(kernels)
    tiles = _tiles(kernels, chosen)  # (strips, tiles, moments, kh, kw)
    pictures = coloured(tiles, limit)  # (…, 4)
    if colour:
        grey = np.stack([luminance(np.moveaxis(strip, 0, -1)) for strip in tiles])
        parts = [_in_colour(tiles, limit)[:, None], coloured(grey, limit)[:, None], pictures]
        pictures = np.concatenate(parts, axis=1)
    room = COLOUR_ROOM if colour else ROOM
    layout = _layout(len(pictures), pictures.shape[1], len(kernels), kernels.shape[1:3], TOP - 18, room)
    words = chosen.words
    if colour:
        words += "; each in colour, its luminance, then red, green, blue"
    if len(moments) > 1:
        words += f"; from top to bottom: {', '.join(moments)}"
    page = _stage(layout, chosen, title, words, limit, colour, sheet=True)
    for (left, top), strip in zip(layout.places, pictures, strict=True):
        paint(page, left - 1, top - 1, _joined(strip, layout.zoom))
    return page.figure


def _check_colour(kernels: np.ndarray, colour: bool) -> None:
    if kernels.ndim != 5:
        raise ValueError(f"kernels must be (steps, kh, kw, channels, filters), got {kernels.shape}")
    if colour and kernels.shape[3] != 3:
        raise ValueError(f"a colour layer has three channels, got {kernels.shape[3]}")


def _tiles(kernels: np.ndarray, chosen: Selection) -> np.ndarray:
    """(steps, kh, kw, channels, filters) → (shown filters, shown channels, steps, kh, kw)."""
    moved = kernels.transpose(4, 3, 0, 1, 2)  # (filters, channels, steps, kh, kw)
    return moved[chosen.filters[:, None], chosen.channels]


def _tile_size(layout: _Layout, size: Sequence[int]) -> tuple[int, int]:
    """Width and height of a tile in px."""
    return size[1] * layout.zoom, size[0] * layout.zoom


def _layout(
    strips: int, tiles: int, moments: int, size: Sequence[int], start: int = TOP, room: int = ROOM
) -> _Layout:
    """As large as fits the room; where even the smallest tiles do not, the picture grows downwards."""
    height, width = size
    smallest = -(-SMALLEST // max(size))
    largest = max(smallest, LARGEST // max(size))
    for zoom in range(largest, 0, -1):
        across = max(tiles * (width * zoom + GAP) - GAP, 24) + BETWEEN
        down = LABEL + moments * (height * zoom + GAP + MOMENTS) - MOMENTS + BETWEEN
        columns = max(1, (WIDTH - 2 * LEFT + BETWEEN) // across)
        rows = -(-strips // columns)
        fits = across <= WIDTH - 2 * LEFT + BETWEEN
        if (fits and rows * down <= room) or (zoom <= smallest and fits) or zoom == 1:
            break
    places = [
        (LEFT + index % columns * across, start + index // columns * down + LABEL) for index in range(strips)
    ]
    return _Layout(zoom, places, start + rows * down)


def _stage(
    layout: _Layout, chosen: Selection, title: str, words: str, limit: float, colour: bool, sheet: bool = False
) -> PixelFigure:
    """Everything but the tiles: title, which filters, their numbers, the scale."""
    page = PixelFigure(WIDTH, layout.bottom + BELOW + (28 if colour and sheet else 0))
    page.text(LEFT, 12, title, size=18)
    page.text(LEFT, 44 if sheet else 70, words, size=13, color=FAINT)
    for number, (left, top) in zip(chosen.filters, layout.places, strict=True):
        page.text(left, top - 3, str(number), size=10.5, va="bottom", color=FAINT)
    words = "weight; the number above is the filter"
    in_colour = (
        f"in colour: mid-grey is 0, red, green and blue each from −{limit:.2g} (none) to {limit:.2g} (full)"
    )
    if colour:
        page.text(LEFT, page.height - (26 if sheet else 34), in_colour, size=12, color=FAINT)
    if sheet or not colour:
        scale_bar(page, LEFT + 14, page.height - (72 if colour else 44), 220, limit, words)
    return page


def _joined(strip: np.ndarray, zoom: int) -> np.ndarray:
    """A filter's tiles (tiles, moments, kh, kw, 4) as one picture with a thin frame around each."""
    tiles, moments, rows, columns = strip.shape[:4]
    large = strip.repeat(zoom, axis=2).repeat(zoom, axis=3)
    height, width = rows * zoom, columns * zoom
    sheet = np.zeros((moments * (height + GAP + MOMENTS) - MOMENTS, tiles * (width + GAP), 4))
    for tile in range(tiles):
        for moment in range(moments):
            top, left = moment * (height + GAP + MOMENTS), tile * (width + GAP)
            sheet[top : top + height + GAP, left : left + width + GAP] = FRAME
            sheet[top + 1 : top + 1 + height, left + 1 : left + 1 + width] = large[tile, moment]
    return sheet


def _in_colour(tiles: np.ndarray, limit: float) -> np.ndarray:
    """(strips, 3, steps, kh, kw) weights as colours (strips, steps, kh, kw, 4): 0 is grey, ±limit the ends."""
    shown = np.clip(np.nan_to_num(tiles, nan=0, posinf=limit, neginf=-limit) / (2 * limit) + 0.5, 0, 1)
    colours = np.moveaxis(shown, 1, -1)
    return np.concatenate([colours, np.ones((*colours.shape[:-1], 1))], axis=-1)


def _colour_gif(still: np.ndarray, tiles: np.ndarray, layout: _Layout, limit: float, caption: Caption) -> bytes:
    """The frames of a colour layer: a palette of the colours that its weights have at all steps."""
    strips = (_in_colour(tiles, limit)[..., :3] * 255).round().astype(np.uint8)
    count = COLOURS + STILL_COLOURS - 17
    reduced = Image.fromarray(strips.reshape(-1, 1, 3)).quantize(count, dither=Image.Dither.NONE)
    palette = np.full((UNCHANGED + 1, 3), 255, dtype=np.uint8)
    found = np.array(reduced.getpalette(), dtype=np.uint8).reshape(-1, 3)[:count]
    palette[: len(found)] = found
    palette[count:UNCHANGED] = np.linspace(31, 255, UNCHANGED - count).round().astype(np.uint8)[:, None]
    small = indexed(strips.reshape(-1, 1, 3), palette).reshape(strips.shape[:-1])  # (strips, steps, kh, kw)
    large = small.repeat(layout.zoom, axis=2).repeat(layout.zoom, axis=3)
    frames = np.repeat(indexed(still, palette)[None], tiles.shape[2], axis=0)
    for (left, top), strip in zip(layout.places, large, strict=True):
        frames[:, top : top + strip.shape[1], left : left + strip.shape[2]] = strip
    for frame, text in zip(frames, caption.texts, strict=True):
        write_caption(frame, caption, text, palette)
    return gif_bytes(frames, palette, [FRAME_MS] * (len(frames) - 1) + [HOLD_MS])
