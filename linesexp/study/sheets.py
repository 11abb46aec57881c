"""The learned kernels of every member, on pages of their own: what a dot of the study's page leads to."""

import io
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from linesexp import __version__
from linesexp.kernels.health import DEAD, LIVE
from linesexp.kernels.records import SIGNIFICANT
from linesexp.study.blocks import BlockResult
from linesexp.study.measuring import Measured
from linesexp.study.of_kernels import UNKNOWN
from linesexp.views.page import data_uri, render_page
from linesexp.views.style import DIVERGING, symmetric_limit

ON_A_PAGE = 128  # members
IN_A_ROW = 8  # kernels
COLOURS = 63  # an odd number, so that one of them is zero's

Emit = Callable[[str, str], None]  # a file's name and its text


def page_of_member(condition: str, index: int) -> str:
    """The page that shows the index-th member of a condition."""
    return f"members/{condition}-{index // ON_A_PAGE + 1}.html"


def anchor(data_seed: int, seed: int) -> str:
    """The member's place on it."""
    return f"d{data_seed}-s{seed}"


class Sheets:
    """Takes in blocks as they are measured, and hands over each page as soon as it is full."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._waiting: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._count: Counter[str] = Counter()

    def add(self, measured: Measured, result: BlockResult) -> None:
        """Take in one block."""
        name = measured.block.condition
        for member in range(len(result.kernels)):
            self._waiting[name].append(_card(measured, result, member))
            self._count[name] += 1
            if self._count[name] % ON_A_PAGE == 0:
                self._write(name)

    def close(self) -> None:
        """Hand over the pages that are not full."""
        for name, cards in self._waiting.items():
            if cards:
                self._write(name)

    def _write(self, name: str) -> None:
        page = page_of_member(name, self._count[name] - 1)
        number = (self._count[name] - 1) // ON_A_PAGE + 1
        cards, self._waiting[name] = self._waiting[name], []
        self._emit(
            page,
            render_page(
                "members.html",
                version=__version__,
                title=f"{name}: the kernels of every member" + (f", page {number}" if number > 1 else ""),
                cards=cards,
            ),
        )


def _card(measured: Measured, result: BlockResult, member: int) -> dict[str, Any]:
    """What is shown of one member."""
    columns = {name: values[member] for name, values in measured.kernels.items()}
    kernels = result.kernels[member, -1]
    data_seed, seed = measured.block.config.images.data_seed, measured.block.seeds[member]
    right, matched = measured.correct[member], round(measured.members["matched"][member] * len(kernels))
    epochs = measured.members["epochs_to_95"][member]
    limit = symmetric_limit(kernels)
    captions = [_caption(columns, kernel) for kernel in range(len(kernels))]
    return {
        "anchor": anchor(data_seed, seed),
        "name": f"seed {seed}" + (f", pictures {data_seed}" if data_seed else ""),
        "facts": f"{right.sum()} of {len(right)} test pictures named rightly, 95 % of validation "
        + (f"by epoch {epochs:.0f}" if np.isfinite(epochs) else "never")
        + f"; {matched} of {len(kernels)} kernels resemble an operator beyond chance",
        "rows": [
            {
                "picture": strip_uri(kernels[start : start + IN_A_ROW], limit),
                "captions": captions[start : start + IN_A_ROW],
            }
            for start in range(0, len(kernels), IN_A_ROW)
        ],
    }


def _caption(columns: dict[str, np.ndarray], kernel: int) -> dict[str, Any]:
    """One kernel in a few words: its operator, its cosine, which lines it finds."""
    cosine, health = columns["cosine"][kernel], str(columns["health"][kernel])
    unusual = health if health not in (LIVE, UNKNOWN) else ""
    if not np.isfinite(cosine):
        return {"operator": "none", "cosine": "", "detects": unusual, "matched": False}
    size = f"{columns['size'][kernel]:.0f}"
    return {
        "operator": _hyphened(f"{columns['operator'][kernel]} {size}×{size}"),
        "cosine": f"{cosine:+.2f}".replace("-", "−"),
        "detects": unusual or _hyphened(str(columns["detects"][kernel])),
        "matched": bool(columns["p_initialiser"][kernel] < SIGNIFICANT) and health != DEAD,
    }


def _hyphened(words: str) -> str:
    """Words with soft hyphens, for columns that are narrow on a telephone."""
    for whole in ("hori-zontal", "verti-cal", "pre-witt", "lapla-cian"):
        words = words.replace(whole.replace("-", ""), whole.replace("-", "\u00ad"))
    return words


def strip_uri(kernels: np.ndarray, limit: float) -> str:
    """Up to IN_A_ROW kernels (n, k, k) side by side as a PNG of a pixel a weight, as a data: address.

    On the scale −limit … limit, a clear column after each. What is not a number is clear too.
    """
    size = kernels.shape[-1]
    strip = np.full((size, IN_A_ROW * (size + 1)), COLOURS, dtype=np.uint8)  # the last colour is clear
    with np.errstate(invalid="ignore"):
        levels = np.round((np.clip(kernels / limit, -1, 1) + 1) / 2 * (COLOURS - 1))
    for index, kernel in enumerate(np.where(np.isfinite(levels), levels, COLOURS).astype(np.uint8)):
        strip[:, index * (size + 1) : index * (size + 1) + size] = kernel
    image = Image.fromarray(strip, mode="P")
    image.putpalette(_palette())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", transparency=COLOURS, optimize=False)
    return data_uri(buffer.getvalue(), "image/png")


@cache
def _palette() -> list[int]:
    """Red, green and blue of each colour, and of the clear one."""
    colours = np.asarray(DIVERGING(np.linspace(0, 1, COLOURS)))[:, :3] * 255
    return [*colours.round().astype(int).ravel().tolist(), 0, 0, 0]
