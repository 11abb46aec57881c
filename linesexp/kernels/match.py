"""The operator that resembles each kernel most, and how often chance does as well.

The measure is the cosine between k̃, the kernel less its mean, and an operator laid somewhere inside
the kernel's square. A kernel is compared with every operator at every size and place, and the largest
|cosine| wins; so must every kernel of a null distribution be, or chance would look worse than it is.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from linesexp.kernels.health import nan_where_broken
from linesexp.kernels.operators import DIRECTIONS, Operator, get_operator

BANK_OPERATORS = ("prewitt", "sobel", "scharr", "line", "laplacian")
Name = TypeVar("Name", str, int)

BLOCK = 8192  # kernels scored at a time, so that their scores (block × bank) stay small


@dataclass(frozen=True)
class Bank:
    """Operators at every place inside a square of `size`, each flattened, mean-free, of norm 1.

    rows: float32 (entries, size²); placed: (operator, row, column of its corner) for each entry.
    """

    size: int
    rows: np.ndarray
    placed: tuple[tuple[Operator, int, int], ...]

    def orders(self) -> np.ndarray:
        """(entries,): 1 for first-derivative (edge), 2 for second-derivative (line) operators."""
        return np.array([operator.order for operator, _, _ in self.placed])


@dataclass(frozen=True)
class Match:
    """Best entry of a bank for each kernel. cosine is signed; NaN for a kernel that is constant or not finite,
    whose entry means nothing."""

    entry: np.ndarray  # (kernels,) index into bank.placed
    cosine: np.ndarray  # (kernels,)


@lru_cache
def operator_bank(size: int) -> Bank:
    """Bank for kernels of an odd side ≥ 3: both directions, operator sizes 3, 5 … size, all places.

    Raises ConfigError for an even or smaller size, which the operators do not have.
    """
    get_operator("prewitt", size)  # raises for sizes that the operators do not have
    rows, placed = [], []
    for name in BANK_OPERATORS:
        for detects in ("both",) if name == "laplacian" else DIRECTIONS:
            for operator_size in range(3, size + 1, 2):
                operator = get_operator(name, operator_size, detects)
                for row in range(size - operator_size + 1):
                    for column in range(size - operator_size + 1):
                        square = np.zeros((size, size))
                        square[row : row + operator_size, column : column + operator_size] = operator.kernel
                        rows.append(square.ravel())
                        placed.append((operator, row, column))
    return Bank(size, unit_rows(np.array(rows)).astype(np.float32), tuple(placed))


def best_match(kernels: np.ndarray, bank: Bank, orders: tuple[int, ...] = (1, 2)) -> Match:
    """Best of the bank's operators of these derivative orders for (kernels, size, size) kernels.

    Raises ValueError for kernels of another size than the bank's.
    """
    allowed = np.flatnonzero(np.isin(bank.orders(), orders))
    rows = bank.rows[allowed].T  # (size², entries)
    flat = _rows(kernels, bank)
    entry = np.empty(len(flat), dtype=np.int64)
    cosine = np.empty(len(flat), dtype=np.float64)
    for start in range(0, len(flat), BLOCK):
        block = slice(start, start + BLOCK)
        scores = np.clip(flat[block] @ rows, -1, 1)  # (block, entries); rounding may pass 1
        best = np.argmax(np.abs(scores), axis=1)
        entry[block] = allowed[best]
        cosine[block] = np.take_along_axis(scores, best[:, None], axis=1)[:, 0]
    return Match(entry, cosine)


def direction_cosines(kernels: np.ndarray, bank: Bank) -> dict[str, np.ndarray]:
    """{"vertical": …, "horizontal": …}: largest |cosine| (kernels,) with operators of each direction."""
    directions = np.array([operator.detects for operator, _, _ in bank.placed])
    return _largest(kernels, bank, {detects: directions == detects for detects in DIRECTIONS})


def order_cosines(kernels: np.ndarray, bank: Bank) -> dict[int, np.ndarray]:
    """{1: …, 2: …}: largest |cosine| (kernels,) with first-derivative (edge) and with second-derivative
    (line) operators."""
    orders = bank.orders()
    return _largest(kernels, bank, {order: orders == order for order in (1, 2)})


def initializer_kernels(initializer: str, size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, size, size) kernels as an initialiser draws them, up to a scale that no cosine sees.

    Keras' uniform initialisers draw each weight uniformly about zero; its normal ones from a normal
    distribution cut off at two standard deviations.
    """
    shape = (count, size, size)
    if initializer.endswith("_uniform"):
        return rng.uniform(-1, 1, shape)
    if initializer.endswith("_normal"):
        weights = rng.standard_normal(shape)
        while (beyond := np.abs(weights) > 2).any():
            weights[beyond] = rng.standard_normal(int(beyond.sum()))
        return weights
    raise ValueError(f"initializer must end in _uniform or _normal, got {initializer!r}")


def p_values(cosine: np.ndarray, null: np.ndarray) -> np.ndarray:
    """p = (b + 1) / (m + 1), b of the m sorted null values being at least |cosine|; NaN stays NaN.

    Phipson and Smyth 2010, "Permutation p-values should never be zero".
    """
    at_least = len(null) - np.searchsorted(null, np.abs(cosine), side="left")
    return np.where(np.isnan(cosine), np.nan, (at_least + 1) / (len(null) + 1))


def _largest(kernels: np.ndarray, bank: Bank, groups: dict[Name, np.ndarray]) -> dict[Name, np.ndarray]:
    """Largest |cosine| (kernels,) with the bank's rows of each group, given as a mask (entries,)."""
    flat = _rows(kernels, bank)
    return {name: np.max(np.abs(flat @ bank.rows[group].T), axis=1) for name, group in groups.items()}


def _rows(kernels: np.ndarray, bank: Bank) -> np.ndarray:
    """float32 (kernels, size²): kernels as the bank's own rows are."""
    if kernels.shape[1:] != (bank.size, bank.size):
        raise ValueError(f"kernels must be (count, {bank.size}, {bank.size}), got {kernels.shape}")
    return unit_rows(kernels.reshape(len(kernels), bank.size**2)).astype(np.float32)


def unit_rows(flat: np.ndarray) -> np.ndarray:
    """Rows less their mean, scaled to norm 1; NaN where a row is constant or not finite."""
    flat = nan_where_broken(flat)
    free = flat - flat.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(free, axis=1, keepdims=True)
    constant = norm <= 1e-6 * np.linalg.norm(flat, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(constant, np.nan, free / norm)
