"""Classical operators, built from their parts, in 3×3 and any larger odd size.

All are meant for cross-correlation, as in Keras: the kernel is laid on the picture unflipped. Under
that convention a first-derivative operator answers positively where the picture gets brighter going
right (detects vertical) or down (detects horizontal). SciPy's operators have the same sign;
`scipy.ndimage.convolve` and scikit-image's convolution need the kernel flipped.

Sources: Prewitt 1970, "Object enhancement and extraction". Sobel and Feldman 1968, described in
Sobel 2014, "History and definition of the Sobel operator". Scharr 2000, doctoral thesis, Heidelberg.
Roberts 1963, doctoral thesis, MIT. Laplacian and line masks: Gonzalez and Woods, "Digital Image
Processing", chapter on segmentation.

Larger sizes. Sobel, Scharr, Laplacian and Roberts grow by smoothing with binomial weights, which is
how OpenCV's getDerivKernels extends Sobel. Prewitt and line keep their box profile: Prewitt's sides
are constant −1 and +1 about a zero column, and a line is a bright band, about a third of the size.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from linesexp.errors import ConfigError

CENTRAL_DIFFERENCE = np.array([-1.0, 0.0, 1.0])
SECOND_DIFFERENCE = np.array([-1.0, 2.0, -1.0])  # positive in the middle: bright lines
SOBEL_SMOOTH = np.array([1.0, 2.0, 1.0])
SCHARR_SMOOTH = np.array([3.0, 10.0, 3.0])
ROBERTS = np.array([[-1.0, 0.0], [0.0, 1.0]])

DIRECTIONS = ("vertical", "horizontal")


@dataclass(frozen=True)
class Operator:
    """A named kernel. order: derivative (1 edge, 2 line); detects: the direction of what it finds."""

    name: str
    order: int
    detects: str
    kernel: np.ndarray

    @property
    def size(self) -> int:
        return len(self.kernel)


def binomial(size: int) -> np.ndarray:
    """Row of Pascal's triangle with `size` numbers: [1], [1, 1], [1, 2, 1] …"""
    row = np.ones(1)
    for _ in range(size - 1):
        row = np.convolve(row, [1.0, 1.0])
    return row


def prewitt(size: int = 3, detects: str = "vertical") -> np.ndarray:
    """Mean of a box on one side minus mean of a box on the other; entries −1, 0, 1."""
    return _turned(np.outer(np.ones(size), np.sign(np.arange(size) - size // 2)), detects)


def sobel(size: int = 3, detects: str = "vertical") -> np.ndarray:
    """Central difference across, binomial weights along."""
    return _turned(_smoothed(np.outer(SOBEL_SMOOTH, CENTRAL_DIFFERENCE), size), detects)


def scharr(size: int = 3, detects: str = "vertical") -> np.ndarray:
    """Central difference across, Scharr's 3:10:3 along, which keeps angles best at 3×3."""
    return _turned(_smoothed(np.outer(SCHARR_SMOOTH, CENTRAL_DIFFERENCE), size), detects)


def roberts(size: int = 3, detects: str = "antidiagonal") -> np.ndarray:
    """Difference along a diagonal; the 2×2 original is not odd, so 3×3 is its first size here.

    `antidiagonal` answers where it gets brighter going down and right, `diagonal` down and left.
    """
    if detects not in ("antidiagonal", "diagonal"):
        raise ValueError(f"roberts detects antidiagonal or diagonal, got {detects!r}")
    kernel = _smoothed(ROBERTS, size)
    return kernel if detects == "antidiagonal" else kernel[:, ::-1]


def line(size: int = 3, detects: str = "vertical") -> np.ndarray:
    """A bright band about a third as wide as the kernel (odd), on a dark ground; sums to zero."""
    band = 2 * round((size / 3 - 1) / 2) + 1
    across = np.full(size, -float(band))
    start = (size - band) // 2
    across[start : start + band] = size - band
    return _turned(np.outer(np.ones(size), across), detects)


def laplacian(size: int = 3, detects: str = "both") -> np.ndarray:
    """Second difference down plus across, positive in the middle: bright spots and lines of any angle."""
    if detects != "both":
        raise ValueError(f"laplacian detects both, got {detects!r}")
    across = np.outer([0.0, 1.0, 0.0], SECOND_DIFFERENCE)
    return _smoothed(across + across.T, size)


Builder = Callable[[int, str], np.ndarray]

OPERATORS: dict[str, tuple[Builder, int, tuple[str, ...]]] = {
    "prewitt": (prewitt, 1, DIRECTIONS),
    "sobel": (sobel, 1, DIRECTIONS),
    "scharr": (scharr, 1, DIRECTIONS),
    "roberts": (roberts, 1, ("antidiagonal", "diagonal")),
    "line": (line, 2, DIRECTIONS),
    "laplacian": (laplacian, 2, ("both",)),
}


def get_operator(name: str, size: int = 3, detects: str | None = None) -> Operator:
    """A named operator of an odd size ≥ 3; `detects` is its first direction unless given.

    Raises ConfigError for a name, size or direction that does not exist.
    """
    if name not in OPERATORS:
        raise ConfigError(f"unknown operator {name!r}; known: {', '.join(OPERATORS)}")
    build, order, directions = OPERATORS[name]
    detects = detects or directions[0]
    if detects not in directions:
        raise ConfigError(f"{name} detects {' or '.join(directions)}, got {detects!r}")
    if size < 3 or size % 2 == 0:
        raise ConfigError(f"size of an operator must be odd and at least 3, got {size!r}")
    return Operator(name, order, detects, build(size, detects))


def _smoothed(kernel: np.ndarray, size: int) -> np.ndarray:
    """The kernel grown to `size` by binomial weights down and across (a full convolution)."""
    weights = binomial(size - len(kernel) + 1)
    for axis in (0, 1):
        kernel = np.apply_along_axis(np.convolve, axis, kernel, weights)
    return kernel


def _turned(vertical: np.ndarray, detects: str) -> np.ndarray:
    if detects not in DIRECTIONS:
        raise ValueError(f"detects must be {' or '.join(DIRECTIONS)}, got {detects!r}")
    return vertical if detects == "vertical" else vertical.T
