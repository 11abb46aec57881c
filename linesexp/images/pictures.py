"""Picture files → what a network takes: grey or colour, upright, of the right size."""

import io
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from linesexp.errors import InputError

MOST_PIXELS = 50_000_000  # decoding more takes seconds and hundreds of megabytes


def decode_picture(data: bytes, size: int, channels: int, source: str, ground: str = "white") -> np.ndarray:
    """uint8 (size, size, channels) from the bytes of a picture file; channels 1 (grey) or 3.

    Turned upright by its EXIF tag, transparency laid on the ground's colour, stretched to the square. Raises
    InputError, naming the source, for anything but a picture, or one of too many pixels.
    """
    return stretch(open_picture(data, source, ground), (size, size), channels)


def open_picture(
    data: bytes, source: str, ground: str = "white", most_pixels: int = MOST_PIXELS
) -> Image.Image:
    """The picture in a file's bytes, upright, in colour, what is transparent laid on the ground's colour.

    Raises InputError as `decode_picture` does.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is another
            with Image.open(io.BytesIO(data)) as picture:
                if picture.width * picture.height > most_pixels:
                    raise InputError(
                        f"{source}: {picture.width}×{picture.height} pixels; at most {most_pixels:,} are read"
                    )
                upright = _eight_bits(ImageOps.exif_transpose(picture), source).convert("RGBA")
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(f"{source}: far more pixels than the {most_pixels:,} that are read") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{source}: not a picture that can be read ({type(error).__name__})") from None
    behind = Image.new("RGBA", upright.size, ground)
    return Image.alpha_composite(behind, upright).convert("RGB")


def stretch(picture: Image.Image, shape: tuple[int, int], channels: int) -> np.ndarray:
    """uint8 (height, width, channels) from a picture, stretched to shape; channels 1 (grey) or 3."""
    height, width = shape
    flat = picture.convert("L" if channels == 1 else "RGB")
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(flat).reshape(height, width, channels)


def _eight_bits(picture: Image.Image, source: str) -> Image.Image:
    """16-bit grey pictures brought to 8 bits; Pillow's own conversion would turn all but black white."""
    if picture.mode == "F":
        raise InputError(f"{source}: a picture of floating-point numbers; save it with 8 or 16 bits")
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        return Image.fromarray(np.clip(np.asarray(picture) / 257, 0, 255).round().astype(np.uint8))
    return picture
