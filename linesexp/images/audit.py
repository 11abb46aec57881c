"""What a sceptic asks of a data set: do test pictures repeat training ones, and is there a shortcut?

Distances are Euclidean over brightness in [0, 1]: the root of the summed squared differences.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from linesexp.images.dataset import SPLITS, Dataset

BLOCK = 2048  # pictures compared with as many others at a time: 32 MiB of float64 distances
CHUNK = 1024  # pixels: the sum of as many products of −128..127 is at most 2²⁴, so exact in float32
FITTED = 2000  # training pictures, at most, that a straight line through the raw pixels is fitted to
RANK_TOLERANCE = 1e-10  # what is smaller than this share of the largest eigenvalue is rounding


@dataclass(frozen=True)
class Score:
    """How many of some pictures a rule gets right, with a 95 % Clopper–Pearson interval of its accuracy.

    The interval takes pictures as independent, and lines that share a position are not: over ten data
    seeds, the default's nearest neighbour has a standard deviation of 0.08 instead of 0.03.
    """

    correct: int
    pictures: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Neighbours:
    """How near the pictures of one split are to their nearest training pictures other than themselves.

    least, median: Euclidean distances; copies: pictures at distance 0; fewest_pixels: how many pixels
    differ (in any channel) from the nearest training picture, in the pair where fewest do.
    same_class: how often the nearest one has the same class, which is the accuracy of one nearest
    neighbour on raw pixels; tied: pictures that are as near to another class as to their own, which
    count as wrong.
    """

    least: float
    median: float
    copies: int
    fewest_pixels: int
    same_class: Score
    tied: int


@dataclass(frozen=True)
class Audit:
    """What was found. None stands for what cannot be known, as where a split is empty.

    distinct: different pictures; in_several_splits, in_several_classes: those of them that occur in
    more than one. neighbours: for each of SPLITS; the training pictures' own are the yardstick.
    chance: always answering the largest class of the test. shortcuts: test accuracy of rules that
    need no convolution. sum_spread asks which vary more, row sums or column sums; the others are
    straight lines (least squares onto the classes) through the brightness, row_sums, column_sums,
    row_and_column_sums (each per channel) and all pixels, fitted to the training pictures.
    """

    pictures: int
    distinct: int
    in_several_splits: int
    in_several_classes: int
    neighbours: dict[str, Neighbours | None]
    chance: Score | None
    shortcuts: dict[str, Score | None]


def audit(dataset: Dataset) -> Audit:
    """Look for copies across splits, near copies, and shortcuts to the classes.

    Compares all pairs of a picture and a training picture, in blocks: about 200 MB at most, besides
    the data set. Changes nothing and draws nothing: the same data set gives the same numbers.
    """
    kind = _kinds(dataset.pixels)
    train, test = (np.flatnonzero(dataset.chosen(name)) for name in ("train", "test"))
    labels = dataset.labels[test]
    shortcuts: dict[str, Score | None] = {
        name: _score_line(dataset, features, train, test) for name, features in _sums(dataset.pixels)
    }
    shortcuts["pixels"] = _score_pixels(dataset, train, test)
    shortcuts["sum_spread"] = _score_spread(dataset, test)
    return Audit(
        pictures=len(dataset.labels),
        distinct=len(np.unique(kind)),
        in_several_splits=_in_several(kind, dataset.split),
        in_several_classes=_in_several(kind, dataset.labels),
        neighbours={name: _neighbours(dataset, np.flatnonzero(dataset.chosen(name)), train) for name in SPLITS},
        chance=score_of(labels == np.bincount(labels).argmax()) if len(labels) else None,
        shortcuts=shortcuts,
    )


def _kinds(pixels: np.ndarray) -> np.ndarray:
    """(n,) integers, equal for equal pictures only."""
    kinds: dict[bytes, int] = {}  # by digest: the pictures themselves would be held twice
    digests = (hashlib.blake2b(picture.tobytes()).digest() for picture in pixels)
    return np.array([kinds.setdefault(digest, len(kinds)) for digest in digests])


def _in_several(kind: np.ndarray, group: np.ndarray) -> int:
    """How many kinds of picture occur in more than one group; both (n,)."""
    pairs = np.unique(np.stack([kind, group], axis=1), axis=0)
    return int(np.sum(np.bincount(pairs[:, 0]) > 1))


def _neighbours(dataset: Dataset, asked: np.ndarray, train: np.ndarray) -> Neighbours | None:
    """Of the pictures `asked` among those of `train`, both (n,) indices; None where there are none."""
    others = len(train) - bool(np.isin(asked, train).any())
    if len(asked) == 0 or others == 0:
        return None
    squared, nearest = _nearest(dataset, asked, train)
    closest = np.arange(len(asked)), squared.argmin(axis=1)
    distance = np.sqrt(squared[closest]) / 255
    differ = _fewest_pixels(dataset.pixels, asked, nearest[closest])
    own = np.arange(len(dataset.class_names)) == dataset.labels[asked, None]  # (asked, classes)
    same, other = (np.where(chosen, squared, np.inf).min(axis=1) for chosen in (own, ~own))
    return Neighbours(
        least=float(distance.min()),
        median=float(np.median(distance)),
        copies=int(np.sum(distance == 0)),
        fewest_pixels=differ,
        same_class=score_of(same < other),
        tied=int(np.sum(same == other)),
    )


def _nearest(dataset: Dataset, asked: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared distance, in grey levels, to the nearest picture of each class, and that picture's index.

    Both (asked, classes); inf where a class has none. No picture is its own neighbour.
    """
    flat = dataset.pixels.reshape(len(dataset.pixels), -1)
    norms = np.zeros(len(flat))
    for pixels in _chunks(flat, slice(None)):
        norms += np.einsum("np,np->n", pixels, pixels)
    squared = np.full((len(asked), len(dataset.class_names)), np.inf)
    nearest = np.zeros(squared.shape, dtype=np.int64)
    for label in range(len(dataset.class_names)):
        of_class = among[dataset.labels[among] == label]
        for row, column in product(range(0, len(asked), BLOCK), range(0, len(of_class), BLOCK)):
            block, references = slice(row, row + BLOCK), of_class[column : column + BLOCK]
            products = _products(flat, asked[block], references)
            # |a − b|² = |a|² + 2 (|b|²/2 − a·b), and |a|² does not decide which b is nearest.
            apart = np.subtract(norms[references] / 2, products, out=products)
            apart[asked[block, None] == references] = np.inf
            closest = apart.argmin(axis=1)
            distance = norms[asked[block]] + 2 * apart[np.arange(len(apart)), closest]
            nearest[block, label] = np.where(
                distance < squared[block, label], references[closest], nearest[block, label]
            )
            squared[block, label] = np.minimum(squared[block, label], distance)
    return squared, nearest


def _products(flat: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Exact scalar products of pictures, mid-grey being 0: float64 (one, other) from uint8 (n, p)."""
    products = np.zeros((len(one), len(other)))
    for left, right in zip(_chunks(flat, one), _chunks(flat, other), strict=True):
        products += left @ right.T
    return products


def _chunks(flat: np.ndarray, chosen: np.ndarray | slice) -> Iterator[np.ndarray]:
    """float32 (chosen, up to CHUNK pixels) from −128 to 127, until all pixels have been given."""
    for start in range(0, flat.shape[1], CHUNK):
        pixels = flat[chosen, start : start + CHUNK].astype(np.float32)
        yield np.subtract(pixels, 128, out=pixels)


def _fewest_pixels(pixels: np.ndarray, one: np.ndarray, other: np.ndarray) -> int:
    """Least number of pixels in which a picture of `one` differs from that at its place in `other`."""
    step = max(1, 2**24 // pixels[0].size)
    blocks = (slice(start, start + step) for start in range(0, len(one), step))
    differ = ((pixels[one[block]] != pixels[other[block]]).any(axis=-1) for block in blocks)
    return int(min(where.sum(axis=(1, 2)).min() for where in differ))


def _sums(pixels: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """(name, float64 (n, features)) of what a shortcut may look at, in units of brightness."""
    count = len(pixels)
    rows = pixels.sum(axis=2, dtype=np.int64).reshape(count, -1) / 255
    columns = pixels.sum(axis=1, dtype=np.int64).reshape(count, -1) / 255
    yield "brightness", pixels.mean(axis=(1, 2)) / 255
    yield "row_sums", rows
    yield "column_sums", columns
    yield "row_and_column_sums", np.concatenate([rows, columns], axis=1)


def _score_line(dataset: Dataset, features: np.ndarray, train: np.ndarray, test: np.ndarray) -> Score | None:
    """Least squares from (n, features) onto one-hot classes, with an intercept that costs nothing."""
    if len(train) == 0 or len(test) == 0:
        return None
    # From the first picture on, so that what never varies in training is exactly 0 and gets no weight.
    features, target = features - features[train[0]], _one_hot(dataset, train)
    middle = features[train].mean(axis=0)
    weights = np.linalg.lstsq(features[train] - middle, target - target.mean(axis=0))[0]
    answers = (features[test] - middle) @ weights + target.mean(axis=0)
    return score_of(answers.argmax(axis=1) == dataset.labels[test])


def _score_pixels(dataset: Dataset, train: np.ndarray, test: np.ndarray) -> Score | None:
    """The same with all pixels as features, by the scalar products of pictures: many pixels cost little.

    More than FITTED training pictures are thinned out evenly. With fewer pictures than pixels the line
    goes through all of them, and is the shortest (least norm) that does.
    """
    if len(train) == 0 or len(test) == 0:
        return None
    flat = dataset.pixels.reshape(len(dataset.pixels), -1)
    fitted = train[np.linspace(0, len(train) - 1, min(len(train), FITTED)).astype(np.int64)]
    products = _products(flat, fitted, fitted)
    middle, target = products.mean(axis=0), _one_hot(dataset, fitted)
    centred = products - middle - middle[:, None] + middle.mean()
    weights = np.linalg.lstsq(centred, target - target.mean(axis=0), rcond=RANK_TOLERANCE)[0]
    # Each class's weights sum to 0, so what is the same for all fitted pictures need not be centred.
    answers = (_products(flat, test, fitted) - middle) @ weights + target.mean(axis=0)
    return score_of(answers.argmax(axis=1) == dataset.labels[test])


def _score_spread(dataset: Dataset, test: np.ndarray) -> Score | None:
    """Horizontal where row sums vary more than column sums, vertical where they vary less; a tie is wrong.

    Variance and not the largest sum, which for dark lines is that of a row or column without any.
    """
    if len(test) == 0 or set(dataset.class_names) != {"horizontal", "vertical"}:
        return None
    pixels = dataset.pixels[test]
    rows, columns = (pixels.sum(axis=(axis, 3), dtype=np.int64).var(axis=1) for axis in (2, 1))
    flat = dataset.labels[test] == dataset.class_names.index("horizontal")
    return score_of(np.where(flat, rows > columns, rows < columns))


def _one_hot(dataset: Dataset, chosen: np.ndarray) -> np.ndarray:
    return np.eye(len(dataset.class_names))[dataset.labels[chosen]]


def score_of(right: np.ndarray) -> Score:
    """right: bool (pictures,), at least one."""
    from scipy import stats  # takes longer to import than everything else here to run

    correct, pictures = int(right.sum()), len(right)
    interval = stats.binomtest(correct, pictures).proportion_ci(0.95, method="exact")
    return Score(correct, pictures, correct / pictures, float(interval.low), float(interval.high))
