"""Convolve → activate → pool in NumPy: what a convolution block does, in a form that can be read.

Equal to Keras to 1e-5. As in Keras, "convolution" is cross-correlation: the kernel is not flipped.

    picture   (H, W)         slide a k×k window over it, a stride at a time;
    window · kernel + bias   multiply number by number and add up: how much of the kernel's pattern is here;
    max(0, ·)                ReLU: what does not fit counts as nothing;
    max over 2×2             pooling: how well it fits anywhere nearby.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

PaddingMode = Literal["valid", "same"]
Border = Literal["reflect", "nearest"]
NEGATIVE_SLOPE = 0.2  # of Keras' leaky_relu

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda values: np.maximum(values, 0),
    "leaky_relu": lambda values: np.where(values > 0, values, NEGATIVE_SLOPE * values),
    "elu": lambda values: np.where(values > 0, values, np.expm1(np.minimum(values, 0))),
    "tanh": np.tanh,
    "sigmoid": lambda values: (1 + np.tanh(values / 2)) / 2,  # 1 / (1 + e⁻ˣ), which may overflow
    "linear": lambda values: values,
}


@np.errstate(invalid="ignore")  # a training that diverges leaves infinite weights; they make NaN
def convolve(
    images: np.ndarray,
    kernels: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    stride: int = 1,
    padding: PaddingMode = "valid",
    border: float | Border = 0.0,
) -> np.ndarray:
    """Cross-correlate pictures with kernels.

    images: (n, H, W, channels); kernels: (k, k, channels, filters) as Keras stores them; bias:
    (filters,). Returns (n, H', W', filters). `valid`: only places where the whole kernel fits,
    H' = (H − k) // stride + 1. `same`: H' = ceil(H / stride), what lies beyond the border is the
    number `border`, or the picture mirrored (`reflect`, without its edge pixel twice) or its edge
    pixel repeated (`nearest`).
    """
    size = kernels.shape[0]
    _check(images, size, stride, padding, kernels.shape[2])
    if padding == "same":
        images = pad_same(images, size, stride, border)
    # Every k×k window, as a view: (n, H', W', channels, k, k). One matrix product does the rest; channels
    # last, as they lie in memory, or copying the windows would take twice as long.
    windows = _windows(images, size, stride)
    maps = np.tensordot(windows, kernels, axes=([4, 5, 3], [0, 1, 2]))
    return maps if bias is None else maps + bias


def relu(maps: np.ndarray) -> np.ndarray:
    """max(0, value): a place where the kernel's pattern is absent or inverted answers nothing."""
    return ACTIVATIONS["relu"](maps)


@np.errstate(invalid="ignore")  # a training that diverges leaves infinite weights; they make NaN
def pool(
    maps: np.ndarray,
    size: int = 2,
    *,
    kind: Literal["max", "average"] = "max",
    stride: int | None = None,
    padding: PaddingMode = "valid",
) -> np.ndarray:
    """Largest or mean value of each size×size window of (n, H, W, channels) maps.

    The stride is the window's size unless given. `valid` drops rows and columns that do not fill a
    window; `same` keeps them, and windows at the border look only at what is there.
    """
    stride = size if stride is None else stride
    _check(maps, size, stride, padding)
    if kind not in ("max", "average"):
        raise ValueError(f"kind must be 'max' or 'average', got {kind!r}")
    counts = np.ones((1, *maps.shape[1:3], 1))
    if padding == "same":
        maps = pad_same(maps, size, stride, -np.inf if kind == "max" else 0.0)
        counts = pad_same(counts, size, stride, 0.0)
    if kind == "max":
        return reduce(np.maximum, _corners(maps, size, stride))
    inside = reduce(np.add, _corners(counts, size, stride))  # pixels of each window that are there
    total = reduce(np.add, _corners(maps, size, stride))
    return (total / inside).astype(np.result_type(maps, np.float32))


def pad_same(images: np.ndarray, size: int, stride: int, border: float | Border) -> np.ndarray:
    """Add what `same` needs to pictures (n, H, W, channels), for windows of this size and stride.

    Where that is an odd number of pixels, the extra one goes below and right. border: as for `convolve`.
    """
    widths = []
    for length in images.shape[1:3]:
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        widths.append((total // 2, total - total // 2))
    around = [(0, 0), *widths, (0, 0)]
    if isinstance(border, str):
        modes: dict[str, Any] = {"reflect": "reflect", "nearest": "edge"}
        if border not in modes:
            raise ValueError(f"border must be a number, 'reflect' or 'nearest', got {border!r}")
        return np.pad(images, around, mode=modes[border])
    if not np.issubdtype(images.dtype, np.floating):  # whole numbers could not hold the border
        images = images.astype(np.float64)
    return np.pad(images, around, constant_values=border)


@np.errstate(invalid="ignore")  # a training that diverges leaves infinite weights; they make NaN
def softmax(scores: np.ndarray) -> np.ndarray:
    """Scores (n, classes) → probabilities that sum to 1."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _windows(images: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Every size×size window, a stride apart, as a view: (n, H', W', channels, size, size)."""
    return sliding_window_view(images, (size, size), axis=(1, 2))[:, ::stride, ::stride]


def _corners(maps: np.ndarray, size: int, stride: int) -> list[np.ndarray]:
    """The windows' first pixels, their second ones …: size² views (n, H', W', channels). Whole maps at a time:
    window by window takes eight times as long."""
    height, width = ((length - size) // stride * stride + 1 for length in maps.shape[1:3])
    return [
        maps[:, row : row + height : stride, column : column + width : stride]
        for row in range(size)
        for column in range(size)
    ]


def _check(images: np.ndarray, size: int, stride: int, padding: str, channels: int | None = None) -> None:
    if padding not in ("valid", "same"):
        raise ValueError(f"padding must be 'valid' or 'same', got {padding!r}")
    if images.ndim != 4:
        raise ValueError(f"pictures must have shape (n, height, width, channels), got {images.shape}")
    if channels is not None and images.shape[3] != channels:
        raise ValueError(f"pictures have {images.shape[3]} channels, the kernels {channels}")
    if stride < 1 or size < 1:
        raise ValueError(f"window size and stride must be at least 1, got {size} and {stride}")
    if padding == "valid" and size > min(images.shape[1:3]):
        raise ValueError(
            f"a {size}×{size} window does not fit into {images.shape[1]}×{images.shape[2]} pictures"
        )
