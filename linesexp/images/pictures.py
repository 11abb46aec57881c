"""Picture files → arrays: upright, on a ground; stretched to a network's size, or grey in their own."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageOps

from linesexp.errors import InputError

MOST_PIXELS = 25_000_000  # decoding more takes seconds and hundreds of megabytes
MOST_SCANS = 64  # of a JPEG: each is a pass over all of its pixels, however few bytes it has
STRIP = 2**20  # pixels that are worked on at a time, where a second whole picture would take too much memory
# Formats that are opened, whatever a file's name says. Pillow knows others that start programs (PostScript), or
# unpack without a bound.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "AVIF", "PPM")


class TooManyPixels(InputError):
    """A picture of more pixels than are read; nothing of it was decoded."""


@dataclass(frozen=True)
class GreyPicture:
    """pixels: uint8 (H, W); notes: what was done to the file's picture on the way, in words."""

    pixels: np.ndarray
    notes: tuple[str, ...]


def decode_picture(
    data: bytes,
    size: int,
    channels: int,
    source: str,
    ground: str = "white",
    most_pixels: int | None = None,
) -> np.ndarray:
    """uint8 (size, size, channels) from the bytes of a picture file; channels 1 (grey) or 3.

    Turned upright by its EXIF tag, transparency laid on the ground's colour, stretched to the square. Raises
    InputError, naming the source, for anything but a picture, or one of more than most_pixels (MOST_PIXELS).
    """
    return stretch(open_picture(data, source, ground, most_pixels), (size, size), channels)


def open_picture(
    data: bytes, source: str, ground: str = "white", most_pixels: int | None = None
) -> Image.Image:
    """The picture in a file's bytes, upright, in colour, what is transparent laid on the ground's colour.

    Raises InputError as `decode_picture` does.
    """
    return _laid_on(_upright(data, source, most_pixels)[0], ground)


def stretch(picture: Image.Image, shape: tuple[int, int], channels: int) -> np.ndarray:
    """uint8 (height, width, channels) from a picture, stretched to shape; channels 1 (grey) or 3."""
    height, width = shape
    flat = picture.convert("L" if channels == 1 else "RGB")
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(flat).reshape(height, width, channels)


def decode_grey(
    data: bytes, source: str, longest: int | None = None, most_pixels: int | None = None
) -> GreyPicture:
    """The luminance of a picture file in its own size, or scaled down so that no side is over `longest`.

    Upright, transparency laid on white. Raises InputError like decode_picture, TooManyPixels beyond the limit.
    """
    upright, notes = _upright(data, source, most_pixels)
    if upright.mode == "RGBA" and np.asarray(upright.getchannel("A")).min() < 255:
        notes.append("transparent: laid on white")
    flat = _laid_on(upright, "white")
    red, green, blue = flat.split()
    if ImageChops.difference(red, green).getbbox() or ImageChops.difference(green, blue).getbbox():
        notes.append("colour brought to grey: luminance, 0.299 red + 0.587 green + 0.114 blue")
    grey = flat.convert("L")
    width, height = grey.size
    if longest is not None and max(width, height) > longest:
        smaller = [max(round(side * longest / max(width, height)), 1) for side in (width, height)]
        grey = grey.resize((smaller[0], smaller[1]), Image.Resampling.BILINEAR)
        notes.append(f"scaled down from {width}×{height} to {grey.width}×{grey.height} pixels (width × height)")
    return GreyPicture(np.asarray(grey), tuple(notes))


def _upright(data: bytes, source: str, most_pixels: int | None) -> tuple[Image.Image, list[str]]:
    """The picture as RGB, or RGBA where it has transparency, turned upright; and what was done to it.

    Its size is checked before it is decoded; never is there more than one copy of it beside the decoded one.
    """
    limit = MOST_PIXELS if most_pixels is None else most_pixels
    try:
        with _our_limit_alone(), Image.open(io.BytesIO(data), formats=_formats()) as picture:
            if picture.width * picture.height > limit:
                raise TooManyPixels(
                    f"{source}: {picture.width}×{picture.height} pixels; at most {limit:,} are read; "
                    "--most-pixels reads more"
                )
            if picture.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > MOST_SCANS:
                raise InputError(f"{source}: a JPEG of more than {MOST_SCANS} passes; save it anew")
            notes = ["animated: its first frame"] if getattr(picture, "n_frames", 1) > 1 else []
            ImageOps.exif_transpose(picture, in_place=True)
            if picture.mode == "I" or picture.mode.startswith("I;16"):
                notes.append("more than 8 bits a pixel brought to 8")
            even = _eight_bits(picture, source)
            return even.convert("RGBA" if even.has_transparency_data else "RGB"), notes
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever a decoder trips over, the file is no picture
        raise InputError(f"{source}: not a picture that can be read ({type(error).__name__})") from None


@cache
def _formats() -> list[str]:
    """The formats that this Pillow can open of those that are."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


@contextlib.contextmanager
def _our_limit_alone() -> Iterator[None]:
    """Pillow's own limit lifted: sizes are checked here, before anything is decoded, and named in the error."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _laid_on(picture: Image.Image, ground: str) -> Image.Image:
    """RGB of an RGB picture, or of an RGBA one on a ground of this colour."""
    if picture.mode == "RGB":
        return picture
    flat = Image.new("RGB", picture.size)
    for box in _strips(picture):
        strip = picture.crop(box)
        flat.paste(Image.alpha_composite(Image.new("RGBA", strip.size, ground), strip).convert("RGB"), box)
    return flat


def _strips(picture: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Boxes as wide as the picture that cover it, none of them large."""
    rows = max(1, STRIP // picture.width)
    for top in range(0, picture.height, rows):
        yield 0, top, picture.width, min(top + rows, picture.height)


def _eight_bits(picture: Image.Image, source: str) -> Image.Image:
    """Grey pictures of 16 or 32 bits brought to 8; Pillow's own conversion would turn all but black white.

    What counts as white: 65,535, or the most of the smallest number of bytes in which a 32-bit picture fits.
    """
    if picture.mode == "F":
        raise InputError(f"{source}: a picture of floating-point numbers; save it with 8 or 16 bits")
    if not (picture.mode == "I" or picture.mode.startswith("I;16")):
        return picture
    white = 65_535
    if picture.mode == "I":
        largest = np.max(picture.getextrema())
        white = next(most for most in (255, 65_535, 2**31 - 1) if largest <= most)
    transparent = picture.info.get("transparency")
    grey = Image.new("LA" if isinstance(transparent, int) else "L", picture.size)
    for box in _strips(picture):
        values = np.asarray(picture.crop(box)).astype(np.int64)
        strip = Image.fromarray(np.clip(values * 255 / white, 0, 255).round().astype(np.uint8))
        if isinstance(transparent, int):
            strip.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
        grey.paste(strip, box)
    return grey
