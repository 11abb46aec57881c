"""GIFs without a matplotlib figure for every frame.

Matplotlib draws what stands still once. Each frame then copies it, pastes colour-mapped arrays into
it, uncovers the curves up to the present step, and writes one line of text: index arithmetic on one
palette, which all frames share, so that a weight has the same colour in every frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import imageio.v3 as iio
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from linesexp.views.colours import INK
from linesexp.views.style import DIVERGING

# A short palette: Pillow's time to write a frame grows with the cube of its length.
COLOURS = 63  # entries of the diverging scale
STILL_COLOURS = 48  # entries for what stands still
WHITE = COLOURS + STILL_COLOURS - 1
UNCHANGED = COLOURS + STILL_COLOURS  # the entry that shows the frame before: what compresses best
FRAME_MS = 350
HOLD_MS = 3000


@dataclass(frozen=True)
class Panel:
    """A map that changes: its place in pixels, and values (steps, h, w) on the scale ±limit.

    side: its width, and its height too unless that is given.
    """

    left: int
    top: int
    side: int
    values: np.ndarray
    limit: float
    height: int | None = None


@dataclass(frozen=True)
class Caption:
    """A line of text that changes: its place in pixels, and a text for each step."""

    left: int
    top: int
    texts: Sequence[str]
    size: int = 20


@dataclass(frozen=True)
class Curves:
    """The still picture with its curves drawn to the end, and the pixel column that each step reaches.

    Columns from `left` up to there are taken from this picture.
    """

    picture: np.ndarray
    left: int
    reached: Sequence[int]


def animate(
    still: np.ndarray,
    panels: Sequence[Panel],
    captions: Sequence[Caption] = (),
    curves: Curves | None = None,
) -> bytes:
    """A GIF, one frame for each step, repeating, the last one held. still: uint8 (H, W, 3)."""
    palette = shared_palette(_needed([still] if curves is None else [still, curves.picture]))
    base = indexed(still, palette)
    steps = len(panels[0].values)
    frames = np.repeat(base[None], steps, axis=0)  # (steps, H, W) palette indices
    if curves is not None:
        drawn = indexed(curves.picture, palette)
        for frame, reached in zip(frames, curves.reached, strict=True):
            frame[:, curves.left : reached] = drawn[:, curves.left : reached]
    for panel in panels:
        height = panel.height or panel.side
        place = (
            slice(None),
            slice(panel.top, panel.top + height),
            slice(panel.left, panel.left + panel.side),
        )
        frames[place] = _enlarged(_colour_index(panel.values, panel.limit), height, panel.side)
    for caption in captions:
        for frame, text in zip(frames, caption.texts, strict=True):
            write_caption(frame, caption, text, palette)
    return gif_bytes(frames, palette, [FRAME_MS] * (steps - 1) + [HOLD_MS])


def gif_bytes(frames: np.ndarray, palette: np.ndarray, durations_ms: Sequence[int]) -> bytes:
    """A GIF of frames (steps, H, W) of indices into a palette from `shared_palette`, repeating for ever."""
    return iio.imwrite(
        "<bytes>",
        frames,
        extension=".gif",
        plugin="pillow",
        mode="P",
        palette=palette.tobytes(),
        duration=list(durations_ms) if len(frames) > 1 else durations_ms[0],  # Pillow takes no list of one
        loop=0,
        optimize=True,
        transparency=UNCHANGED,
        disposal=1,
    )


def first_frame(gif: bytes) -> bytes:
    """The first frame of a GIF as a PNG, for pages where motion waits to be asked for."""
    return iio.imwrite("<bytes>", iio.imread(gif, index=0, extension=".gif"), extension=".png")


def _colour_index(values: np.ndarray, limit: float) -> np.ndarray:
    """−limit … 0 … limit → the first COLOURS entries of the palette; white where there is no number."""
    middle = COLOURS // 2
    known = np.isfinite(values)
    scaled = np.clip(np.where(known, values, 0) / limit, -1, 1) * middle + middle
    return np.where(known, np.rint(scaled), WHITE).astype(np.uint8)


def _enlarged(maps: np.ndarray, height: int, width: int) -> np.ndarray:
    """(steps, h, w) → (steps, height, width), each value a block of pixels."""
    rows = np.arange(height) * maps.shape[1] // height
    columns = np.arange(width) * maps.shape[2] // width
    return maps[:, rows[:, None], columns[None, :]]


def shared_palette(still: np.ndarray) -> np.ndarray:
    """uint8 (colours, 3): the diverging scale, then these: up to STILL_COLOURS − 1, (n, 3)."""
    scale = (DIVERGING(np.linspace(0, 1, COLOURS))[:, :3] * 255).round().astype(np.uint8)
    palette = np.full((UNCHANGED + 1, 3), 255, dtype=np.uint8)
    palette[:COLOURS] = scale
    palette[COLOURS : COLOURS + len(still)] = still
    return palette


def _needed(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """The colours that the still pictures need most."""
    together = Image.fromarray(np.concatenate(pictures))
    reduced = together.quantize(STILL_COLOURS - 1, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return np.array(reduced.getpalette(), dtype=np.uint8).reshape(-1, 3)[: STILL_COLOURS - 1]


def indexed(picture: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) as indices of the nearest colours in a palette."""
    holder = Image.new("P", (1, 1))
    holder.putpalette(palette[:UNCHANGED].tobytes())
    indices = np.array(Image.fromarray(picture).quantize(palette=holder, dither=Image.Dither.NONE))
    indices[(picture == 255).all(axis=2)] = WHITE  # Pillow takes a neighbour that is almost white
    return indices


def write_caption(frame: np.ndarray, caption: Caption, text: str, palette: np.ndarray) -> None:
    """Draw a caption on white and put it into the frame."""
    font = font_of(caption.size)
    _, _, width, height = font.getbbox(text)
    label = Image.new("RGB", (int(width) + 2, int(height) + 2), "white")
    ImageDraw.Draw(label).text((0, 0), text, font=font, fill=INK)
    pixels = indexed(np.asarray(label), palette)
    place = frame[caption.top : caption.top + pixels.shape[0], caption.left : caption.left + pixels.shape[1]]
    place[:] = pixels[: place.shape[0], : place.shape[1]]


@lru_cache
def font_of(size: int) -> ImageFont.FreeTypeFont:
    """The font of all frames; size in pixels."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", size)
