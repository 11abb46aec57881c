"""The operator that resembles each kernel most, and how often chance does as well.

The measure is the cosine between k̃, the kernel less its mean, and an operator laid somewhere inside
the kernel's square. A kernel is compared with every operator at every size and place, and the largest
|cosine| wins; so must every kernel of a null distribution be, or chance would look worse than it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np

from linesexp.errors import ConfigError
from linesexp.kernels.health import nan_where_broken
from linesexp.kernels.operators import DIRECTIONS, Operator, get_operator

BANK_OPERATORS = ("prewitt", "sobel", "scharr", "line", "laplacian")
Name = TypeVar("Name", str, int)

MOST_NUMBERS = 2**22  # in a bank; that of larger kernels is thinned out
LARGEST = 255  # side of an operator; the binomial weights of much larger ones overflow
SCORES_AT_ONCE = 2**22  # kernels × entries


@dataclass(frozen=True)
class Bank:
    """Operators at places inside a square of `size`, each flattened, mean-free, of norm 1.

    rows: float32 (entries, size²); placed: (operator, row, column of its corner) for each entry;
    whole: whether these are all places and all odd sizes, or evenly thinned out ones.
    """

    size: int
    rows: np.ndarray
    placed: tuple[tuple[Operator, int, int], ...]
    whole: bool

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
    """Bank for kernels of a side ≥ 3: both directions, odd operator sizes 3, 5 … up to it, all places.

    For kernels beyond 19×19, of which that would be too many, some sizes and places only: a null that
    goes through the same bank keeps p right. Raises ConfigError for smaller kernels, into which no operator
    fits.
    """
    if size < 3:
        raise ConfigError(f"size of a kernel must be at least 3 to compare it with operators, got {size}")
    places, whole = _places(size)
    rows, placed = [], []
    for name in BANK_OPERATORS:
        for detects in ("both",) if name == "laplacian" else DIRECTIONS:
            for operator_size, corners in places.items():
                operator = get_operator(name, operator_size, detects)
                unit = operator.kernel / np.linalg.norm(operator.kernel)
                for row in corners:
                    for column in corners:
                        square = np.zeros((size, size))
                        square[row : row + operator_size, column : column + operator_size] = unit
                        rows.append(square.ravel())
                        placed.append((operator, row, column))
    return Bank(size, unit_rows(np.array(rows)).astype(np.float32), tuple(placed), whole)


def _places(size: int) -> tuple[dict[int, list[int]], bool]:
    """{operator size: rows (and columns) of its corner} inside a square, and whether these are all."""
    sizes = list(range(3, min(size, LARGEST) + 1, 2))
    directions = 2 * len(BANK_OPERATORS) - 1

    def fits(places: dict[int, list[int]]) -> bool:
        return directions * sum(len(corners) ** 2 for corners in places.values()) * size**2 <= MOST_NUMBERS

    places = {each: list(range(size - each + 1)) for each in sizes}
    if fits(places):
        return places, True
    few = [sizes[round(index)] for index in np.linspace(0, len(sizes) - 1, min(len(sizes), 8))]
    for along in range(size, 0, -1):
        places = {each: _evenly(size - each, along) for each in few}
        if fits(places):
            break
    return places, False


def _evenly(last: int, count: int) -> list[int]:
    """At most so many whole numbers from 0 to last."""
    return np.unique(np.linspace(0, last, min(count, last + 1)).round().astype(int)).tolist()


def best_match(kernels: np.ndarray, bank: Bank, orders: tuple[int, ...] = (1, 2)) -> Match:
    """Best of the bank's operators of these derivative orders for (kernels, size, size) kernels.

    Raises ValueError for kernels of another size than the bank's.
    """
    allowed = np.flatnonzero(np.isin(bank.orders(), orders))
    rows = bank.rows[allowed].T  # (size², entries)
    flat = _rows(kernels, bank)
    entry = np.empty(len(flat), dtype=np.int64)
    cosine = np.empty(len(flat), dtype=np.float64)
    for block in _blocks(len(flat), len(allowed)):
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


def edge_rather_than_line(by_order: dict[int, np.ndarray]) -> np.ndarray:
    """The best edge match where it beats the best line match, else 0; NaN stays NaN. From order_cosines.

    The flank of a line is like a small edge operator: without the rival a perfect line would count as an edge.
    """
    return np.where(by_order[1] <= by_order[2], 0.0, by_order[1])


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
    largest = {name: np.empty(len(flat)) for name in groups}
    for name, group in groups.items():
        rows = bank.rows[group].T
        for block in _blocks(len(flat), rows.shape[1]):
            largest[name][block] = np.max(np.abs(flat[block] @ rows), axis=1)
    return largest


def _blocks(kernels: int, entries: int) -> Iterator[slice]:
    step = max(1, SCORES_AT_ONCE // entries)
    return (slice(start, start + step) for start in range(0, kernels, step))


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
