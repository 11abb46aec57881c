"""From a study's results, one block at a time, to what its statistics are made from: a few numbers a member.

Two walks over the results: kernels of chance depend on all of a condition's kernels, and every measure on
them. Memory grows by some kilobytes a member, whatever its weights and its pictures take.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

import numpy as np

from linesexp.config import ExperimentConfig
from linesexp.images.dataset import make_dataset
from linesexp.picture_settings import ImagesConfig
from linesexp.study.blocks import Block, BlockResult
from linesexp.study.chances import Chances, chances_of, control_of, gather
from linesexp.study.measuring import PAIRED, Measured, measure

MEMBERS = "members.csv"  # the table of them
SAMPLED = 800  # kernels of a condition at most that are looked at for which recur


Results = Iterable[tuple[Block, BlockResult]]  # to be walked over twice: a study.reading.Study, or a list


class Consumer(Protocol):
    """Something that takes in each block as it is measured: tables, pages of members."""

    def add(self, measured: Measured, result: BlockResult) -> None:
        """Take in one block."""


@dataclass
class Members:
    """The members of one condition, in the order of their blocks.

    seeds, data_seeds: (n,). values: measure or claim → float64 (n,). curves: name → float32 (n, steps), steps:
    (steps,); validation_accuracy at whole epochs. correct: bool (n, test pictures). kernels: float32 (sampled,
    k, k) learned ones, live; of: (sampled,) the member that each is of. chances: what they were compared with.
    """

    seeds: np.ndarray
    data_seeds: np.ndarray
    values: dict[str, np.ndarray]
    curves: dict[str, np.ndarray]
    steps: np.ndarray
    correct: np.ndarray
    kernels: np.ndarray
    of: np.ndarray
    chances: Chances

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def keys(self) -> list[tuple[int, int]]:
        """(data seed, seed) of each."""
        return list(zip(self.data_seeds.tolist(), self.seeds.tolist(), strict=True))


@dataclass
class _Growing:
    """Members of a condition, while blocks come in."""

    chances: Chances
    every: int  # of how many members one is sampled
    steps: np.ndarray
    parts: list[Measured] = field(default_factory=list)
    sampled: list[np.ndarray] = field(default_factory=list)
    of: list[int] = field(default_factory=list)
    count: int = 0


def members_of(
    results: Results,
    conditions: Mapping[str, ExperimentConfig],
    consumers: Sequence[Consumer] = (),
    progress: Callable[[int, int, str], None] = lambda done, total, words: None,
) -> dict[str, Members]:
    """Walk over a study's results twice, and measure them. Conditions without a result are left out.

    consumers: told of every block as it is measured. progress: blocks done, of how many, a word.
    """
    blocks: Counter[str] = Counter()
    counts: Counter[str] = Counter()

    def first_walk() -> Iterable[tuple[Block, BlockResult]]:
        for block, result in results:
            blocks[block.condition] += 1
            counts[block.condition] += len(block.seeds)
            yield block, result

    gathered = gather(first_walk())
    total = sum(blocks.values())
    growing: dict[str, _Growing] = {}
    for index, (block, result) in enumerate(results):
        progress(index, total, block.key)
        name = block.condition
        if name not in growing:
            every = -(-counts[name] * result.kernels.shape[2] // SAMPLED)
            growing[name] = _Growing(chances_of(name, conditions, gathered), every, result.steps)
        measured = measure(block, result, _labels(block.config.images), growing[name].chances)
        for consumer in consumers:
            consumer.add(measured, result)
        _grow(growing[name], measured, result)
    progress(total, total, "statistics")
    found = {name: _members(growing[name]) for name in conditions if name in growing}
    for name, members in found.items():
        _compare_with_controls(name, members, found, conditions)
    return found


def _grow(growing: _Growing, measured: Measured, result: BlockResult) -> None:
    """Keep of a block what the statistics need; every so many members' kernels as they are."""
    alive = np.isfinite(result.kernels[:, -1]).all(axis=(-2, -1)) & (measured.kernels["health"] != "dead")
    for member in range(len(result.kernels)):
        if growing.count % growing.every == 0:
            chosen = result.kernels[member, -1][alive[member] & np.isfinite(measured.kernels["cosine"][member])]
            growing.sampled.append(chosen)
            growing.of += [growing.count] * len(chosen)
        growing.count += 1
    growing.parts.append(replace(measured, kernels={}))


def _members(growing: _Growing) -> Members:
    parts = growing.parts
    return Members(
        seeds=np.concatenate([part.block.seeds for part in parts]),
        data_seeds=np.concatenate(
            [np.full(len(part.block.seeds), part.block.config.images.data_seed) for part in parts]
        ),
        values={name: np.concatenate([part.members[name] for part in parts]) for name in parts[0].members},
        curves={name: np.concatenate([part.curves[name] for part in parts]) for name in parts[0].curves},
        steps=growing.steps,
        correct=np.concatenate([part.correct for part in parts]),
        kernels=np.concatenate(growing.sampled),
        of=np.array(growing.of, dtype=int),
        chances=growing.chances,
    )


def _compare_with_controls(
    name: str, members: Members, found: Mapping[str, Members], conditions: Mapping[str, ExperimentConfig]
) -> None:
    """Fill in the effects of the claims that need a control, member by member of the same seeds."""
    for claim, (control, sign) in PAIRED.items():
        other = found.get(control_of(name, control, conditions) or "")
        if other is not None:
            own, theirs = partners(members, other)
            effects = np.full(len(members), np.nan)
            differences = members.values["accuracy"][own] - other.values["accuracy"][theirs]
            effects[own] = sign * differences + 0.0  # and no −0
            members.values[claim] = effects


def partners(one: Members, other: Members) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the members of both that share seed and data seed, in the order of the first."""
    places = {key: index for index, key in enumerate(other.keys)}
    pairs = [(index, places[key]) for index, key in enumerate(one.keys) if key in places]
    own, theirs = np.array(pairs, dtype=int).reshape(-1, 2).T
    return own, theirs


@lru_cache(maxsize=64)
def _labels(images: ImagesConfig) -> np.ndarray:
    """(n,) labels of the test pictures that these settings draw."""
    return make_dataset(images).part("test")[1]
