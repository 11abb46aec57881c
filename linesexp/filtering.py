"""A picture file through one kernel, or through every operator, and the files that show it."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from linesexp.errors import ConfigError, InputError
from linesexp.given import OF_A_PICTURE, OF_TEXT, read_given
from linesexp.images.pictures import decode_grey
from linesexp.kernels.operators import OPERATORS, Operator, get_operator
from linesexp.runs.atomic import check_writable, write_atomically
from linesexp.seeing.filtering import (
    Progress,
    Steps,
    Walk,
    bordered,
    describe_sum,
    filter_picture,
    kernel_sum,
    parse_kernel,
    walk,
)

# Every file that `linesexp filter` may write.
NAMES = ("result.png", "figure.png", "steps.gif", "pooling.gif", "operators.png")

BORDERS: dict[Any, str] = {
    "drop": "border dropped",
    "reflect": "mirrored beyond the border",
    "nearest": "edge repeated beyond the border",
    0.0: "zeros beyond the border",
}


class Output:
    """The folder that takes the files.

    Raises InputError if one of them would replace the picture itself, StorageError if none can be written.
    """

    def __init__(self, folder: str | os.PathLike[str], picture: str) -> None:
        self.folder, self.files = Path(folder), dict[str, str]()
        if any((self.folder / name).resolve() == Path(picture).resolve() for name in NAMES):
            raise InputError(f"{picture}: would be overwritten by what is made of it; choose another --out")
        check_writable(self.folder)

    def write(self, name: str, data: bytes) -> None:
        """Put a file there, whole or not at all."""
        write_atomically(self.folder / name, data)
        self.files[name] = str(self.folder / name)

    def left_over(self) -> list[str]:
        """A note on files of an earlier call, which show something else."""
        old = [
            str(self.folder / name)
            for name in NAMES
            if name not in self.files and (self.folder / name).exists()
        ]
        return [f"of an earlier call: {', '.join(old)}"] if old else []


def read_grey(name: str, longest: int | None, most_pixels: int | None) -> tuple[np.ndarray, list[str]]:
    """A picture file as float64 (H, W) in [0, 1], and what was done to it."""
    decoded = decode_grey(read_given(name, OF_A_PICTURE), name, longest, most_pixels)
    return decoded.pixels / 255, list(decoded.notes)


def read_kernel(name: str) -> np.ndarray:
    """The kernel in a CSV file. Raises InputError."""
    try:
        return parse_kernel(read_given(name, OF_TEXT).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(f"{name}: not a text file; expected a row of numbers in each line") from None
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


def filter_file(
    name: str,
    kernel: np.ndarray,
    called: str,
    steps: Steps,
    out: str | os.PathLike[str],
    *,
    animate: bool = False,
    longest: int | None = None,
    most_pixels: int | None = None,
    progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Filter a picture and write result.png, figure.png and, to animate, steps.gif and pooling.gif.

    called: the kernel's name. Returns shapes, ranges, sum, scale and files, as `--json` prints them.
    """
    from linesexp.views.filtering import filter_figure, map_png, scale_for
    from linesexp.views.style import png_bytes

    output = Output(out, name)
    picture, notes = read_grey(name, longest, most_pixels)
    stages = _filtered(name, picture, kernel, steps, progress)
    result = list(stages.values())[-1]
    scale = scale_for(kernel, result)
    output.write("result.png", map_png(result, scale))
    titles = {"figure": f"{Path(name).name}: {called}", "kernel": "kernel"} | _stage_titles(steps, stages)
    said = [describe_sum(kernel).capitalize() + ".", *(f"{note.capitalize()}." for note in notes)]
    figure = filter_figure(picture, kernel, stages, titles, [*said, "Shapes are rows × columns."])
    output.write("figure.png", png_bytes(figure))
    if animate:
        _write_gifs(output, picture, kernel, stages, steps)
    return {
        "picture": name,
        "rows": picture.shape[0],
        "columns": picture.shape[1],
        "kernel": kernel.tolist(),
        "kernel_name": called,
        "sum": kernel_sum(kernel),
        "brightness": describe_sum(kernel),
        "border": steps.border,
        "stride": steps.stride,
        "stages": _ranges(stages),
        "scale": {"signed": scale.signed, "low": scale.low, "high": scale.limit, "words": scale.describe()},
        "notes": [*notes, *output.left_over()],
        "files": output.files,
    }


def compare_operators(
    name: str,
    size: int,
    detects: str | None,
    steps: Steps,
    out: str | os.PathLike[str],
    *,
    longest: int | None = None,
    most_pixels: int | None = None,
    progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Filter a picture with every operator, or all that detect this; write them as one sheet."""
    from linesexp.views.filtering import operators_figure
    from linesexp.views.style import png_bytes

    output = Output(out, name)
    chosen = operators(size, detects)
    picture, notes = read_grey(name, longest, most_pixels)
    rows, records = [], []
    for index, operator in enumerate(chosen):
        stages = _filtered(name, picture, operator.kernel, steps, lambda *_: None)
        result = list(stages.values())[-1].astype(np.float32)  # eleven of them are held in memory
        rows.append((f"{operator.name}\ndetects {operator.detects}", operator.kernel, result))
        records.append(
            {"operator": operator.name, "detects": operator.detects, "kernel": operator.kernel.tolist()}
            | {"sum": kernel_sum(operator.kernel), "stages": _ranges(stages)}
        )
        if index + 1 < len(chosen):
            progress(index + 1, len(chosen), operator.name)
    title = f"{Path(name).name}: operators of {size}×{size}" + "".join(
        f", {stage}" for stage in list(_stage_titles(steps, stages).values())[1:]
    )
    figure = operators_figure(picture, rows, title, [f"{note.capitalize()}." for note in notes])
    output.write("operators.png", png_bytes(figure))
    return {
        "picture": name,
        "rows": picture.shape[0],
        "columns": picture.shape[1],
        "border": steps.border,
        "stride": steps.stride,
        "operators": records,
        "notes": [*notes, *output.left_over()],
        "files": output.files,
    }


def operators(size: int, detects: str | None) -> list[Operator]:
    """Every operator of this size in every direction, or all that detect this. Raises ConfigError."""
    known = [get_operator(name, size, way) for name, (_, _, ways) in OPERATORS.items() for way in ways]
    found = [operator for operator in known if detects in (None, operator.detects)]
    if not found:
        ways = dict.fromkeys(operator.detects for operator in known)
        raise ConfigError(f"no operator detects {detects!r}; known: {', '.join(ways)}")
    return found


def _filtered(
    name: str, picture: np.ndarray, kernel: np.ndarray, steps: Steps, progress: Progress
) -> dict[str, np.ndarray]:
    try:
        return filter_picture(picture, kernel, steps, progress)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


def _write_gifs(
    output: Output, picture: np.ndarray, kernel: np.ndarray, stages: dict[str, np.ndarray], steps: Steps
) -> None:
    from linesexp.views.filtering import stage_scales
    from linesexp.views.sliding import convolution_gif, pooling_gif

    convolved, scales = stages["convolution"], stage_scales(kernel, stages)
    sliding = walk(picture, bordered(picture, len(kernel), steps), convolved, len(kernel), steps.stride)
    activation = None
    if steps.activation:
        from linesexp.seeing.convolution import ACTIVATIONS

        activation = (_activation_name(steps), ACTIVATIONS[steps.activation](sliding.results))
    scale = scales[steps.activation or "convolution"]
    output.write("steps.gif", convolution_gif(sliding, kernel, scale, picture, activation))
    if steps.pooling:
        (name, before), (_, pooled) = list(stages.items())[-2:]
        stride = steps.pool_stride or steps.pool_size
        around = _pooled_place(sliding, steps, pooled)
        pooling = walk(before, before, pooled, steps.pool_size, stride, around)
        output.write("pooling.gif", pooling_gif(pooling, steps.pooling, scales[name], before))


def _pooled_place(sliding: Walk, steps: Steps, pooled: np.ndarray) -> tuple[int, int]:
    """The place of the pooled map in the middle of what a walk over the picture filled in."""
    stride, (down, across) = steps.pool_stride or steps.pool_size, sliding.results.shape
    row, column = sliding.first[0] + down // 2, sliding.first[1] + across // 2
    return min(row // stride, pooled.shape[0] - 1), min(column // stride, pooled.shape[1] - 1)


def _ranges(stages: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    return [
        {"stage": name, "rows": values.shape[0], "columns": values.shape[1]}
        | {"lowest": float(values.min()), "highest": float(values.max())}
        for name, values in stages.items()
    ]


def _stage_titles(steps: Steps, stages: dict[str, np.ndarray]) -> dict[str, str]:
    """What stands above each stage: its name, and the settings that are not the usual ones."""
    border = BORDERS.get(steps.border, f"grey {steps.border} beyond the border")
    titles = {}
    for name in stages:
        words = [_activation_name(steps) if name == steps.activation else name]
        if name == "convolution":
            words += [border] + ([f"stride {steps.stride}"] if steps.stride > 1 else [])
        elif name.endswith("pooling"):
            words.append(f"{steps.pool_size}×{steps.pool_size}, stride {steps.pool_stride or steps.pool_size}")
        titles[name] = ", ".join(words)
    return titles


def _activation_name(steps: Steps) -> str:
    return "ReLU" if steps.activation == "relu" else str(steps.activation)
