"""One kernel over one grey picture: the kernel as a user writes it, every stage, and what to say of it.

picture (H, W) → convolved → activated → pooled, the last two where they are asked for.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from linesexp.errors import ConfigError
from linesexp.seeing.convolution import ACTIVATIONS, Border, convolve, pad_same, pool

MOST_SIDE = 99  # of a kernel
LARGEST = 1e9  # number in a kernel
AT_ONCE = 4_000_000  # products that are held in memory at a time
MOST_PLACES, FEWEST_PLACES, CROP = 8, 4, 12  # places along a side of a walk; pixels along it, if they do

FilterBorder = Literal["drop"] | Border | float
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Steps:
    """What is done to a picture after it was read.

    border: places where the kernel does not fit are dropped, or the picture goes on beyond its border as
    a grey value, mirrored (`reflect`) or repeated (`nearest`), as far as Keras' padding `same` goes.
    pooling: none, or in windows of `pool_size`, a `pool_stride` apart (the size unless given).
    """

    border: FilterBorder = "drop"
    stride: int = 1
    activation: str | None = None
    pooling: Literal["max", "average"] | None = None
    pool_size: int = 2
    pool_stride: int | None = None


@dataclass(frozen=True)
class Walk:
    """The windows of a part of a picture or map, in reading order, and what comes of each.

    crop: (h, w), what the windows lie on; its first pixel is (top, left) of the picture, negative in
    the border; picture: the picture's (H, W). results: (rows, columns), one for each place; first: where in the
    whole map they begin.
    """

    crop: np.ndarray
    top: int
    left: int
    picture: tuple[int, int]
    size: int
    stride: int
    results: np.ndarray
    first: tuple[int, int] = (0, 0)

    def window(self, row: int, column: int) -> np.ndarray:
        """(size, size), what the window at this place covers."""
        top, left = row * self.stride, column * self.stride
        return self.crop[top : top + self.size, left : left + self.size]


def parse_kernel(text: str) -> np.ndarray:
    """`0 -1 0; -1 4 -1; 0 -1 0` → float64 (k, k). Numbers may be fractions such as 1/9.

    Rows end with `;`, or with the line where there are several, as in a CSV file; there, `;` may stand
    between numbers, whose commas are decimal ones then. Raises ValueError for what is no number, ragged,
    not square, or larger than MOST_SIDE.
    """
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip(" \t;,")]
    if len(lines) == 1:
        lines = [part.strip() for part in lines[0].strip("; ").split(";")]
    rows = [[_number(cell) for cell in _cells(line)] for line in lines]
    if not rows:
        raise ValueError('a kernel without numbers; expected rows such as "0 -1 0; -1 4 -1; 0 -1 0"')
    lengths = [len(row) for row in rows]
    if len(set(lengths)) > 1:
        found = ", ".join(map(str, lengths[:8])) + (", …" if len(lengths) > 8 else "")
        raise ValueError(f"the kernel's rows have {found} numbers; all need as many")
    if lengths[0] != len(rows):
        raise ValueError(
            f"the kernel has {len(rows)} × {lengths[0]} numbers (rows × columns); it must be square: "
            "fill it up with zeros"
        )
    if len(rows) > MOST_SIDE:
        raise ValueError(f"the kernel has {len(rows)} rows; at most {MOST_SIDE}")
    return np.array(rows)


def parse_border(text: str) -> FilterBorder:
    """`drop`, `zero`, `reflect`, `nearest`, or a grey value 0 … 1. Raises ConfigError."""
    if text == "drop" or text in get_args(Border):
        return text  # type: ignore[return-value]
    if text == "zero":
        return 0.0
    try:
        grey = float(text)
    except ValueError:
        grey = math.nan
    if not 0 <= grey <= 1:
        raise ConfigError(f"border must be drop, zero, reflect, nearest or a grey value 0 … 1, got {text!r}")
    return grey


def describe_sum(kernel: np.ndarray) -> str:
    """What the kernel's sum does to brightness, in words."""
    total = kernel_sum(kernel)
    if total == 0:
        return "sum 0: flat areas come out 0, however bright they are"
    if total == 1:
        return "sum 1: flat areas keep their brightness"
    shown = f"{total:.4g}".replace("-", "−")
    if total < 0:
        return f"sum {shown}: flat areas come out {shown} times as bright, which is below 0"
    return f"sum {shown}: flat areas come out {shown} times as bright; divide by {shown} to keep brightness"


def kernel_sum(kernel: np.ndarray) -> float:
    """The kernel's sum, without the dust of rounding: nine times 1/9 are 1."""
    total = math.fsum(kernel.ravel())
    dust = 1e-12 * float(np.abs(kernel).sum())
    return float(round(total)) if abs(total - round(total)) <= dust else total


def filter_picture(
    picture: np.ndarray, kernel: np.ndarray, steps: Steps, progress: Progress = lambda *_: None
) -> dict[str, np.ndarray]:
    """Every stage by its name, in order. picture: (H, W) in [0, 1]; kernel: (k, k).

    Raises ValueError, saying what would help, where kernel or pooling window do not fit.
    """
    stages = {"convolution": _convolved(picture, kernel, steps, progress)}
    if steps.activation:
        stages[steps.activation] = ACTIVATIONS[steps.activation](stages["convolution"])
    if steps.pooling:
        values = list(stages.values())[-1]
        if min(values.shape) < steps.pool_size:
            raise ValueError(
                f"a pooling window of {steps.pool_size}×{steps.pool_size} does not fit into a map of "
                f"{values.shape[0]}×{values.shape[1]}; choose a smaller --pool-size"
            )
        pooled = pool(values[None, :, :, None], steps.pool_size, kind=steps.pooling, stride=steps.pool_stride)
        stages[f"{steps.pooling} pooling"] = pooled[0, :, :, 0]
    return stages


def bordered(picture: np.ndarray, size: int, steps: Steps) -> np.ndarray:
    """The picture with what the border adds: place (i, j) of the map covers [i·stride :, j·stride :]."""
    if steps.border == "drop":
        return picture
    return pad_same(picture[None, :, :, None], size, steps.stride, steps.border)[0, :, :, 0]


def walk(
    picture: np.ndarray,
    source: np.ndarray,
    results: np.ndarray,
    size: int,
    stride: int,
    around: tuple[int, int] | None = None,
) -> Walk:
    """A walk over the places around one of the results (row, column), the strongest unless given.

    source: the picture with its border; results: the map that came of it.
    """
    row, column = around or np.unravel_index(np.abs(results).argmax(), results.shape)
    fitting = min(max((CROP - size) // stride + 1, FEWEST_PLACES), MOST_PLACES)
    rows, columns = (min(fitting, length) for length in results.shape)
    first_row = int(np.clip(row - rows // 2, 0, results.shape[0] - rows))
    first_column = int(np.clip(column - columns // 2, 0, results.shape[1] - columns))
    top, left = first_row * stride, first_column * stride
    crop = source[top : top + (rows - 1) * stride + size, left : left + (columns - 1) * stride + size]
    above, before = ((more - length) // 2 for more, length in zip(source.shape, picture.shape, strict=True))
    return Walk(
        crop,
        top - above,
        left - before,
        (picture.shape[0], picture.shape[1]),
        size,
        stride,
        results[first_row : first_row + rows, first_column : first_column + columns],
        (first_row, first_column),
    )


def _convolved(picture: np.ndarray, kernel: np.ndarray, steps: Steps, progress: Progress) -> np.ndarray:
    """(H', W'), some rows of the map at a time: all windows of a large picture need gigabytes."""
    size, stride = len(kernel), steps.stride
    source = bordered(picture, size, steps)
    if min(source.shape) < size:
        raise ValueError(
            f"a kernel of {size}×{size} does not fit into a picture of {picture.shape[0]}×{picture.shape[1]} "
            "(rows × columns); --border zero, reflect or nearest lets it reach beyond the picture"
        )
    rows = (source.shape[0] - size) // stride + 1
    at_once = max(AT_ONCE // ((source.shape[1] // stride) * kernel.size), 1)
    bands = []
    for first in range(0, rows, at_once):
        last = min(first + at_once, rows)
        band = source[first * stride : (last - 1) * stride + size]
        bands.append(convolve(band[None, :, :, None], kernel[:, :, None, None], stride=stride)[0, :, :, 0])
        if last < rows:
            progress(last, rows, "convolution")
    return np.concatenate(bands)


def _cells(line: str) -> list[str]:
    line = line.strip().rstrip(";")
    if ";" in line:
        return [cell.strip().replace(",", ".") for cell in line.split(";")]
    return [cell.strip() for cell in line.split(",")] if "," in line else line.split()


def _number(cell: str) -> float:
    """A number or a fraction of two, not so large that sums would overflow."""
    found = re.fullmatch(r"([^/]+)(?:/([^/]+))?", cell.replace("−", "-"))
    try:
        value = float(found[1]) / float(found[2] or 1) if found else math.nan
    except (ValueError, ZeroDivisionError):
        value = math.nan
    if not abs(value) <= LARGEST:
        raise ValueError(
            f"the kernel holds {cell!r}; expected numbers such as -1, 0.5 or 1/9, at most {LARGEST:.0e}"
        )
    return value
