"""What a study trains: its settings, and the blocks that they come to, each under a fixed key."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from linesexp.config import ExperimentConfig, differences
from linesexp.errors import InputError
from linesexp.runs.manifest import sha256
from linesexp.study.blocks import Block
from linesexp.study.conditions import NAME
from linesexp.wording import shown

# Members side by side, unless asked for otherwise. Processor's seconds a member and epoch of the default
# network, one thread (`tests/benchmarks/study.py sizes`): 0.51 alone, 0.33 for 2, 0.23 for 4, 0.22 for 8, 0.21
# for 16, which need 135 MiB more; and the fewer a block holds, the less is lost with a worker.
BLOCK_SIZE = 8

MOST_SEEDS = MOST_BLOCKS = 1_000_000  # that are counted out in memory
LARGEST_SEED = 2**32 - 1  # that Keras takes

Count = Annotated[int, Meta(ge=1, le=2**53)]
Seed = Annotated[int, Meta(ge=0, le=LARGEST_SEED)]
Span = tuple[Seed, Count]  # seeds in a row: the first, and how many


class StudySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a study's results depend on.

    base: what all conditions change. conditions: the full settings of each. seeds: of the members, in spans;
    a study that grew has several, so that its blocks stay what they were. data_seeds: of the pictures.
    """

    base: ExperimentConfig
    conditions: dict[str, ExperimentConfig]
    seeds: tuple[Span, ...]
    data_seeds: tuple[Seed, ...]
    block_size: Count = BLOCK_SIZE

    @classmethod
    def of(
        cls,
        base: ExperimentConfig,
        conditions: dict[str, ExperimentConfig],
        seeds: Sequence[int],
        data_seeds: Sequence[int],
        block_size: int = BLOCK_SIZE,
    ) -> "StudySettings":
        """A study of these conditions, each with all these rising seeds on pictures of all these data seeds.

        Seeds in the configurations themselves mean nothing to a study.
        """
        return cls(
            base=with_seeds(base, 0, 0),
            conditions={name: with_seeds(config, 0, 0) for name, config in conditions.items()},
            seeds=spans(seeds),
            data_seeds=tuple(data_seeds),
            block_size=block_size,
        )

    @property
    def members(self) -> int:
        """How many networks all that is."""
        return len(self.conditions) * len(self.data_seeds) * sum(count for _, count in self.seeds)

    @property
    def blocks(self) -> int:
        """How many blocks."""
        per_span = (-(-count // self.block_size) for _, count in self.seeds)
        return len(self.conditions) * len(self.data_seeds) * sum(per_span)

    @property
    def digest(self) -> str:
        """Twelve digits that differ between studies with other settings."""
        return sha256(settings_json(self))[:12]


def planned(settings: StudySettings) -> Iterator[Block]:
    """All blocks, one at a time, condition by condition.

    A worker builds one network for all blocks of a condition in a row; building takes as long as some epochs.
    """
    size = settings.block_size
    for name, config in settings.conditions.items():
        for data_seed in settings.data_seeds:
            for first, count in settings.seeds:
                for start in range(first, first + count, size):
                    seeds = tuple(range(start, min(start + size, first + count)))
                    yield Block(name, with_seeds(config, start, data_seed), seeds)


def settings_json(settings: StudySettings) -> bytes:
    """study.json: indented JSON, fields in their order."""
    return msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n"


def parse_settings(data: bytes, source: str) -> StudySettings:
    """The settings in study.json. Raises InputError, naming the source, for anything else."""
    try:
        settings = msgspec.json.decode(data, type=StudySettings)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{source}: damaged ({error})") from None
    if not (settings.conditions and settings.seeds and settings.data_seeds):
        raise InputError(f"{source}: damaged (no conditions or no seeds)")
    if size := too_large(settings):
        raise InputError(f"{source}: damaged ({size})")
    count = sum(count for _, count in settings.seeds)
    if count > len(numbers(settings.seeds)) or len(settings.data_seeds) > len(set(settings.data_seeds)):
        raise InputError(f"{source}: damaged (a seed is there twice)")
    if odd := [name for name in settings.conditions if not NAME.fullmatch(name)]:
        raise InputError(f"{source}: damaged ({odd[0]!r} is no name of a condition)")
    return settings


def too_large(settings: StudySettings) -> str:
    """In words, what is more than is taken; "" where nothing is.

    A few digits can ask for more than any memory holds: nothing is counted out for it.
    """
    seeds = sum(count for _, count in settings.seeds)
    for count, most, what in ((seeds, MOST_SEEDS, "seeds"), (settings.blocks, MOST_BLOCKS, "blocks")):
        if count > most:
            return f"{count:,} {what}; at most {most:,} are taken"
    last = max(first + count - 1 for first, count in settings.seeds)
    return f"seeds up to {last}; the largest that is taken is {LARGEST_SEED}" if last > LARGEST_SEED else ""


def grown(before: StudySettings, wanted: StudySettings, source: str) -> StudySettings:
    """The settings to go on with where a study is there: as before, or with more seeds and conditions.

    Blocks of the study so far are blocks of the result. Raises InputError, naming the source and all that
    differs, where `wanted` is not the same study, nor one that holds it.
    """
    if changed := _changes(before, wanted):
        raise InputError(
            f"{source}: the study was begun with other settings ({'; '.join(changed)}); "
            "choose another folder, or use --force to keep this one aside and begin anew"
        )
    have = numbers(before.seeds)
    fresh = [seed for seed in sorted(numbers(wanted.seeds)) if seed not in have]
    more = [data_seed for data_seed in wanted.data_seeds if data_seed not in before.data_seeds]
    return msgspec.structs.replace(
        before,
        conditions=before.conditions | wanted.conditions,
        seeds=(*before.seeds, *spans(fresh)),
        data_seeds=(*before.data_seeds, *more),
    )


def spans(seeds: Sequence[int]) -> tuple[Span, ...]:
    """Rising numbers as runs of (first, count): 0 1 2 7 8 → (0, 3), (7, 2)."""
    found: list[Span] = []
    for seed in seeds:
        if found and seed == sum(found[-1]):
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((seed, 1))
    return tuple(found)


def _changes(before: StudySettings, wanted: StudySettings) -> list[str]:
    """What makes `wanted` another study than `before`, each in a few words; nothing if it holds it."""
    changed = differences(before.base, wanted.base)
    for name, config in before.conditions.items():
        if name not in wanted.conditions:
            changed.append(f"condition {name}: left out")
        elif own := [words for words in differences(config, wanted.conditions[name]) if words not in changed]:
            changed.append(f"condition {name}: {', '.join(own)}")
    for what, old, new in (
        ("seeds", numbers(before.seeds), numbers(wanted.seeds)),
        ("data seeds", set(before.data_seeds), set(wanted.data_seeds)),
    ):
        if not old <= new:
            changed.append(f"{what}: {_shown(old)} → {_shown(new)}")
    if before.block_size != wanted.block_size:
        changed.append(f"block size: {before.block_size} → {wanted.block_size}")
    return changed


def with_seeds(config: ExperimentConfig, seed: int, data_seed: int) -> ExperimentConfig:
    """The same settings with this seed of the network and this one of the pictures."""
    replace = msgspec.structs.replace
    images, training = config.images, config.training
    if images.data_seed != data_seed:
        images = replace(images, data_seed=data_seed)
    if training.seed != seed:
        training = replace(training, seed=seed)
    return replace(config, images=images, training=training)


def numbers(seeds: Sequence[Span]) -> set[int]:
    """All seeds in some spans."""
    return {seed for first, count in seeds for seed in range(first, first + count)}


def _shown(seeds: set[int]) -> str:
    """0-7 or 0-7,20-29."""
    return ",".join(
        shown(first) if count == 1 else f"{first}-{first + count - 1}" for first, count in spans(sorted(seeds))
    )
