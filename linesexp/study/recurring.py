"""Which kernels recur across members: groups of kernels that are alike but for sign, turning and mirroring.

Two kernels are as far apart as 1 − the largest |cosine| of one with any of the square's eight symmetries of
the other, each less its mean. Groups are those of average linkage (scipy.cluster.hierarchy), cut where the
mean |cosine| of two groups falls below ALIKE. Beside it the same for as many random kernels that are as
smooth: what recurs there recurs by chance.
"""

from dataclasses import dataclass

import numpy as np

from linesexp.kernels.match import Bank, best_match, unit_rows
from linesexp.kernels.nulls import Untrained, kernels_as_smooth
from linesexp.kernels.operators import DIRECTIONS

ALIKE = 0.7
SMALLEST, FEWEST_MEMBERS = 3, 2  # kernels that are a group, and members that these are of


@dataclass(frozen=True)
class Group:
    """Kernels that recur.

    count: how many; members: of how many members; mean: (k, k) their mean, each at norm 1 and turned as fits
    the others, the whole turned so that it is most like an operator that detects vertical and answers to the
    right; alike: mean |cosine| of pairs; operator, size, cosine: the operator that the mean resembles most.
    """

    count: int
    members: int
    mean: list[list[float]]
    alike: float
    operator: str
    size: int
    cosine: float


@dataclass(frozen=True)
class Recurring:
    """The groups of a condition, the largest first.

    kernels, members: looked at; grouped: kernels in any group; by_chance: kernels in any group, and
    largest_by_chance: in the largest, 0 without any, among as many random kernels as smooth as these, dealt
    out to the members alike.
    """

    kernels: int
    members: int
    groups: list[Group]
    grouped: int
    by_chance: int
    largest_by_chance: int


def recurring(
    kernels: np.ndarray, of: np.ndarray, bank: Bank, rng: np.random.Generator, untrained: Untrained
) -> Recurring:
    """Groups among kernels (n, k, k); of: (n,) the member that each is of; untrained: how they were drawn."""
    labels, similarity = _groups(kernels)
    counts = _sizes(labels, of)
    order = [label for label in np.argsort(-counts, kind="stable") if counts[label]]
    random = kernels_as_smooth(kernels, len(kernels), rng, untrained) if len(kernels) >= SMALLEST else None
    chance = _sizes(_groups(random)[0], of) if random is not None else np.zeros(1, dtype=int)
    groups = []
    for label in order:
        chosen = np.flatnonzero(labels == label)
        inside = similarity[np.ix_(chosen, chosen)]
        mean = _upright(_mean(kernels[chosen], int(inside.sum(axis=0).argmax())), bank)
        found = best_match(mean[None], bank)
        pairs = (inside.sum() - np.trace(inside)) / (len(chosen) * (len(chosen) - 1))
        operator = bank.placed[found.entry[0]][0]
        groups.append(
            Group(
                len(chosen),
                len(np.unique(of[chosen])),
                np.round(mean, 4).tolist(),
                float(pairs),
                operator.name,
                operator.size,
                float(found.cosine[0]),
            )
        )
    return Recurring(
        len(kernels),
        len(np.unique(of)),
        groups,
        sum(group.count for group in groups),
        int(chance.sum()),
        int(chance.max(initial=0)),
    )


def symmetries(kernels: np.ndarray) -> np.ndarray:
    """(8, n, k, k): kernels (n, k, k) turned by 0, 90, 180 and 270°, and the same mirrored."""
    turned = [np.rot90(kernels, turns, axes=(1, 2)) for turns in range(4)]
    return np.stack([*turned, *(np.flip(each, axis=2) for each in turned)])


def similarities(kernels: np.ndarray) -> np.ndarray:
    """(n, n): largest |cosine| of each kernel with any symmetry of each other."""
    rows = unit_rows(kernels.reshape(len(kernels), kernels.shape[-1] ** 2)).astype(np.float32)
    largest = np.zeros((len(kernels), len(kernels)), dtype=np.float32)
    for turned in symmetries(rows.reshape(kernels.shape)):
        np.maximum(largest, np.abs(rows @ turned.reshape(rows.shape).T), out=largest)
    return np.minimum(np.maximum(largest, largest.T), 1)  # the same but for rounding


def _groups(kernels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(labels (n,), similarities (n, n)) of average linkage."""
    from scipy.cluster import hierarchy  # takes longer to import than everything else here to run
    from scipy.spatial.distance import squareform

    similarity = similarities(kernels)
    if len(kernels) < 2:
        return np.zeros(len(kernels), dtype=int), similarity
    distance = 1 - similarity.astype(np.float64)
    np.fill_diagonal(distance, 0)
    tree = hierarchy.linkage(squareform(distance, checks=False), "average")
    return hierarchy.fcluster(tree, 1 - ALIKE, "distance"), similarity


def _sizes(labels: np.ndarray, of: np.ndarray) -> np.ndarray:
    """(labels,): how many kernels bear each label; 0 where they, or their members, are too few to recur."""
    counts = np.bincount(labels) if len(labels) else np.zeros(0, dtype=int)
    members = np.array([len(np.unique(of[labels == label])) for label in range(len(counts))], dtype=int)
    return np.where((counts >= SMALLEST) & (members >= FEWEST_MEMBERS), counts, 0)


def _mean(kernels: np.ndarray, middle: int) -> np.ndarray:
    """(k, k): mean of kernels (n, k, k) less their means and at norm 1, each turned and signed as fits the one
    at `middle`."""
    size = kernels.shape[-1]
    rows = unit_rows(kernels.reshape(len(kernels), -1)).reshape(-1, size, size)
    turned = symmetries(rows)
    cosines = np.einsum("snij,ij->sn", turned, rows[middle])
    best = np.abs(cosines).argmax(axis=0)
    every = np.arange(len(rows))
    signs = np.sign(cosines[best, every])
    return (signs[:, None, None] * turned[best, every]).mean(axis=0)


def _upright(kernel: np.ndarray, bank: Bank) -> np.ndarray:
    """The kernel's symmetry and sign that resembles an operator detecting vertical most."""
    vertical = np.array([operator.detects == DIRECTIONS[0] for operator, _, _ in bank.placed])
    signed = np.concatenate([sign * symmetries(kernel[None])[:, 0] for sign in (1, -1)])
    rows = unit_rows(signed.reshape(len(signed), -1))
    return signed[(rows @ bank.rows[vertical].T).max(axis=1).argmax()]
