"""What chance reaches in a study: one set of null distributions for each condition.

A run draws its own nulls from its own kernels. A study asks the same of a condition as a whole: kernels as
smooth as those of all its members together, and all its members' untrained weights in random order. Eight
kernels know their smoothness only roughly, and ten thousand kernels of chance a member would take a tenth of
a second each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np

from linesexp.config import ExperimentConfig, build_config, settings_of
from linesexp.controls import CHANGES
from linesexp.kernels.course import CourseChance, course_chance
from linesexp.kernels.match import Bank, operator_bank, unit_rows
from linesexp.kernels.nulls import (
    DRAWS,
    Null,
    Untrained,
    initializer_null,
    kernels_of_smoothness,
    null_of,
    shuffled_weights_null,
    symmetric_covariance,
)
from linesexp.kernels.records import Nulls
from linesexp.seeds import rng_for
from linesexp.study.blocks import Block, BlockResult


@dataclass(frozen=True)
class Chances:
    """What the kernels of a condition are compared with. initializer: as in its settings."""

    bank: Bank
    nulls: Nulls
    course: CourseChance
    initializer: str


@dataclass
class Gathered:
    """What the nulls of a condition are made from: second moment of its learned kernels, each less its mean and
    at norm 1; the first of its untrained ones, no more than are drawn from them."""

    size: int = 0
    channels: int = 1
    moment: np.ndarray = field(default_factory=lambda: np.zeros(0))
    kernels: int = 0
    untrained: list[np.ndarray] = field(default_factory=list)
    sampled: int = 0

    def add(self, result: BlockResult) -> None:
        """Take in a block."""
        last = result.kernels[:, -1]
        self.size = last.shape[-1]
        self.channels = result.trained["conv1/kernel"].shape[3]
        unit = unit_rows(last.reshape(-1, self.size**2))
        known = unit[np.isfinite(unit).all(axis=1)]
        if not self.untrained:
            self.moment = np.zeros((self.size**2, self.size**2))
        if len(known):
            squares = known.reshape(-1, self.size, self.size)
            self.moment = self.moment + len(known) * symmetric_covariance(squares)
            self.kernels += len(known)
        first = result.kernels[:, 0].reshape(-1, self.size, self.size)
        self.untrained.append(first[: max(0, DRAWS - self.sampled)])
        self.sampled += len(self.untrained[-1])


def gather(results: Iterable[tuple[Block, BlockResult]]) -> dict[str, Gathered]:
    """What all conditions' nulls are made from."""
    found: dict[str, Gathered] = {}
    for block, result in results:
        found.setdefault(block.condition, Gathered()).add(result)
    return found


def chances_of(
    name: str, conditions: Mapping[str, ExperimentConfig], gathered: Mapping[str, Gathered]
) -> Chances:
    """The nulls of a condition, of which there are results. conditions: the settings of all."""
    own = gathered[name]
    network = conditions[name].network
    bank = operator_bank(own.size)
    luck = initializer_null(network.initializer, own.size, own.channels)
    untrained = Untrained(network.initializer, own.channels)
    control = control_of(name, "shuffled-labels", conditions)
    learned_nothing = gathered.get(control or "")

    def as_smooth(of: Gathered | None, stream: str) -> Null | None:
        if of is None or not of.kernels:
            return None
        rng = rng_for(0, "null", stream)
        return null_of(kernels_of_smoothness(of.moment / of.kernels, DRAWS, rng, untrained), bank)

    nulls = Nulls(
        luck,
        as_smooth(own, "covariance"),
        shuffled_weights_null(np.concatenate(own.untrained), bank, rng_for(0, "null", "step0")),
        as_smooth(learned_nothing, "shuffled"),
    )
    return Chances(bank, nulls, course_chance(luck, own.size), network.initializer)


def control_of(name: str, control: str, conditions: Mapping[str, ExperimentConfig]) -> str | None:
    """The condition that is this control of another: the same settings but for what the control changes.

    None without one, and for a condition that is such a control itself.
    """
    config = conditions[name]
    if is_control(config):
        return None
    wanted = build_config(settings_of(config), CHANGES[control])
    return next((other for other, settings in conditions.items() if settings == wanted), None)


def is_control(config: ExperimentConfig) -> bool:
    """Whether a condition is one in which nothing, or nothing true, can be learned by the first layer."""
    return config.training.shuffle_labels or config.network.first_layer != "trained"


def without_seeds(config: ExperimentConfig) -> ExperimentConfig:
    """Settings with both seeds 0, as a study keeps them."""
    replace = msgspec.structs.replace
    images, training = config.images, config.training
    return replace(config, images=replace(images, data_seed=0), training=replace(training, seed=0))
