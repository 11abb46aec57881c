"""A sheet of pictures from a data set, class by class, split by split. Pillow alone: no waiting for more."""

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from linesexp.views.colours import FAINT, INK
from linesexp.wording import short_name

MOST_CLASSES = 12  # that a sheet should show
SIDE, GAP, LEFT, TOP, BETWEEN_SPLITS = 56, 6, 150, 88, 14

Key = tuple[str, str]  # split, class


def contact_sheet(
    pictures: Mapping[Key, np.ndarray], counts: Mapping[str, Mapping[str, int]], note: str
) -> bytes:
    """PNG bytes of rows of pictures.

    pictures: (split, class) → uint8 (up to 12, H, W, C); counts: split → class → number in all; note: what else
    to say of them.
    """
    columns = max(len(row) for row in pictures.values())
    splits = len({split for split, _ in pictures})
    width = max(LEFT + columns * (SIDE + GAP) + 20, 640)
    sheet = Image.new(
        "RGB", (width, TOP + len(pictures) * (SIDE + GAP) + (splits - 1) * BETWEEN_SPLITS + 14), "white"
    )
    draw = ImageDraw.Draw(sheet)
    total = sum(sum(classes.values()) for classes in counts.values())
    draw.text((20, 14), f"{total} pictures, no two alike", fill=INK, font=ImageFont.load_default(20))
    draw.text((20, 46), note, fill=FAINT, font=ImageFont.load_default(13))
    top, last = TOP, None
    for (split, name), row in pictures.items():
        top += BETWEEN_SPLITS if last not in (None, split) else 0
        last = split
        words = f"{split}\n{short_name(name)}: {counts[split][name]}"
        draw.multiline_text((20, top + 12), words, fill=INK, font=ImageFont.load_default(13), spacing=4)
        for index, picture in enumerate(row):
            small = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
            place = (LEFT + index * (SIDE + GAP), top)
            sheet.paste(small.resize((SIDE, SIDE), Image.Resampling.BOX).convert("RGB"), place)
        top += SIDE + GAP
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()
