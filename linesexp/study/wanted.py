"""From what a command says and what a folder holds already to the settings of a study."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from linesexp.config import ExperimentConfig
from linesexp.errors import ConfigError
from linesexp.study.conditions import ALL, USUAL, chosen_conditions, own_conditions
from linesexp.study.plan import (
    BLOCK_SIZE,
    LARGEST_SEED,
    MOST_SEEDS,
    StudySettings,
    numbers,
    too_large,
    with_seeds,
)

SEEDS = 8  # unless asked for otherwise
MOST_DIGITS = 18  # of a seed


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for; None for what they leave open.

    seeds: how many, `100`, or which, `20-39`; conditions: names with commas between, or all.
    """

    seeds: str | None = None
    first_seed: int | None = None
    data_seeds: int | None = None
    conditions: str | None = None
    conditions_file: Path | None = None
    block_size: int | None = None


def wanted_study(
    asked: Asked,
    base_from: Callable[[ExperimentConfig | None], ExperimentConfig],
    before: StudySettings | None,
) -> StudySettings:
    """The study that is asked for; what is left open is as in the study so far, or as usual.

    base_from: makes the base settings from those of the study so far. Raises ConfigError for seeds or
    conditions that cannot be, InputError for a file that cannot be read.
    """
    old_seeds = sorted(numbers(before.seeds)) if before else []
    old_data_seeds = sorted(before.data_seeds) if before else []
    base = base_from(with_seeds(before.base, old_seeds[0], old_data_seeds[0]) if before else None)
    if base.images.folders is not None or base.network.first_layer == "given":
        raise ConfigError("a study draws its pictures, and nothing hands kernels over to its networks")
    own = own_conditions(asked.conditions_file) if asked.conditions_file else {}
    if asked.conditions is not None:
        names = [name for word in asked.conditions.split(",") if (name := word.strip())]
        if not names:
            raise ConfigError(f"conditions {asked.conditions!r}: name some, with commas between, or {ALL}")
    else:
        names = [*(before.conditions if before else USUAL), *own]
    if asked.block_size is not None and not 0 < asked.block_size <= MOST_SEEDS:
        raise ConfigError(f"block size {asked.block_size}: expected 1 to {MOST_SEEDS:,}")
    first = asked.first_seed if asked.first_seed is not None else base.training.seed
    first_data = base.images.data_seed
    if before and asked.seeds is None and first == old_seeds[0]:
        seeds = old_seeds
    else:
        seeds = list(chosen_seeds(asked.seeds or str(len(old_seeds) or SEEDS), first, asked.first_seed))
    if before and asked.data_seeds is None and first_data == old_data_seeds[0]:
        data_seeds = old_data_seeds
    else:
        count = asked.data_seeds if asked.data_seeds is not None else len(old_data_seeds) or 1
        data_seeds = list(_in_a_row("data seeds", first_data, count))
    wanted = StudySettings.of(
        base,
        chosen_conditions(names, base, own, before.conditions if before else None),
        seeds,
        data_seeds,
        asked.block_size or (before.block_size if before else BLOCK_SIZE),
    )
    if size := too_large(wanted):
        raise ConfigError(f"a study of {size}; fewer conditions or seeds, or a larger --block-size, make fewer")
    return wanted


def chosen_seeds(text: str, first: int, first_given: int | None = None) -> range:
    """`100` → so many from the first on; `20-39` → these. Raises ConfigError for anything else."""
    low, dash, high = (part.strip() for part in text.partition("-"))
    if not (low.isdecimal() and (high.isdecimal() or not dash)) or max(len(low), len(high)) > MOST_DIGITS:
        raise ConfigError(f"seeds {text!r}: expected how many, such as 100, or which, such as 20-39")
    if dash and first_given is not None:
        raise ConfigError(f"seeds {text!r} says which they are; leave --first-seed out")
    start, count = (int(low), max(0, int(high) + 1 - int(low))) if dash else (first, int(low))
    return _in_a_row(f"seeds {text!r}", start, count)


def _in_a_row(what: str, first: int, count: int) -> range:
    """So many numbers from the first on. Raises ConfigError before anything is counted out or begun."""
    if not 0 < count <= MOST_SEEDS:
        raise ConfigError(f"{what}: that is {count} of them; expected 1 to {MOST_SEEDS:,}")
    last = first + count - 1
    if not 0 <= first <= last <= LARGEST_SEED:
        raise ConfigError(f"{what}: from {first} to {last}; expected seeds from 0 to {LARGEST_SEED}")
    return range(first, last + 1)
