"""Picture files → what a network takes: grey or colour, upright, of the right size."""

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from linesexp.errors import InputError

MOST_PIXELS = 50_000_000  # decoding more takes seconds and hundreds of megabytes


def decode_picture(data: bytes, size: int, channels: int, source: str) -> np.ndarray:
    """uint8 (size, size, channels) from the bytes of a picture file; channels 1 (grey) or 3.

    Turned upright by its EXIF tag, transparency laid on white, stretched to the square. Raises
    InputError, naming the source, for anything but a picture, or one of too many pixels.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise InputError(
                    f"{source}: {picture.width}×{picture.height} pixels; at most {MOST_PIXELS:,} are read"
                )
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except Image.DecompressionBombError as error:
        raise InputError(f"{source}: {error}") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{source}: not a picture that can be read ({error})") from None
    ground = Image.new("RGBA", upright.size, "white")
    flat = Image.alpha_composite(ground, upright).convert("L" if channels == 1 else "RGB")
    if flat.size != (size, size):
        flat = flat.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(flat).reshape(size, size, channels)
