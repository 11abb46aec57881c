"""Block and BlockResult: what a worker of a study is given and what it hands back, also as bytes."""

from dataclasses import dataclass, field

import numpy as np

from linesexp.config import ExperimentConfig
from linesexp.errors import ConfigError, InputError
from linesexp.runs.formats import parse_tensors, tensors_bytes

LONGEST = 1e12  # seconds that a block may say it took
LOG = ("loss", "accuracy", "validation_loss", "validation_accuracy")
KINDS = {"steps": (np.float64, 1), "kernels": (np.float32, 5), "test_probabilities": (np.float32, 3)}


@dataclass(frozen=True)
class Block:
    """Members that one worker trains side by side: same condition, same pictures, different seeds.

    config: the condition's settings; images.data_seed is the block's, training.seed that of its first
    member. seeds: one a member. Raises ConfigError for seeds that repeat or do not begin with the settings'.
    """

    condition: str
    config: ExperimentConfig
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ConfigError(f"seeds = {self.seeds}: a block has one seed ≥ 0 a member, no two alike")
        if self.config.training.seed != self.seeds[0]:
            raise ConfigError(
                f"seeds = {self.seeds}: training.seed is that of the first member, "
                f"got {self.config.training.seed}"
            )

    @property
    def key(self) -> str:
        """Fixed text that names the block in its study, such as weight-decay/d0/s0-7."""
        return f"{self.condition}/d{self.config.images.data_seed}/s{_ranges(self.seeds)}"

    @property
    def file(self) -> str:
        """Where the study's folder keeps its result, such as blocks/weight-decay/d0-s0-7.safetensors."""
        condition, data, seeds = self.key.rsplit("/", 2)
        return f"blocks/{condition}/{data}-{seeds}.safetensors"


@dataclass(frozen=True)
class BlockResult:
    """What the members of a block became, member for member what a run of the same seeds records.

    steps: float64 (steps,), epochs done at each recorded moment: 0, fractions of the first, 1, 2 …
    kernels: float32 (members, steps, filters, k, k), the first convolution's, averaged over channels.
    untrained, trained: {"conv1/kernel": float32 (members, *shape)}, all layers' weights at step 0 and after
    the last epoch, under the names of a run's step files.
    log: loss, accuracy, validation_loss and validation_accuracy → float64 (members, epochs + 1), as in a
    run's history.csv.
    test_probabilities: float32 (members, test pictures, classes), by the trained networks.
    seconds: what the block took.
    measures: name → float64 (members, …): what the worker measured on its networks right after their training,
    as it needs the pictures (study/networks.py); may be empty.
    """

    steps: np.ndarray
    kernels: np.ndarray
    untrained: dict[str, np.ndarray]
    trained: dict[str, np.ndarray]
    log: dict[str, np.ndarray]
    test_probabilities: np.ndarray
    seconds: float
    measures: dict[str, np.ndarray] = field(default_factory=dict)


def result_bytes(result: BlockResult) -> bytes:
    """A result as .safetensors; equal results, seconds too, give equal bytes."""
    tensors = {name: getattr(result, name) for name in KINDS}
    for group in ("untrained", "trained", "log", "measures"):
        tensors |= {f"{group}/{name}": values for name, values in getattr(result, group).items()}
    about = {"seconds": result.seconds, "weights": list(result.trained), "measures": list(result.measures)}
    return tensors_bytes(tensors, about)


def parse_result(data: bytes, source: str) -> BlockResult:
    """The result in these bytes. Raises InputError, naming the source, for anything else."""
    tensors, about = parse_tensors(data, source)
    names, measured = about.get("weights"), about.get("measures", [])  # safetensors has an order of its own
    for listed in (names, measured):
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            raise InputError(f"{source}: not the result of a block (its header does not name the weights)")
    groups = {"untrained": names, "trained": names, "log": list(LOG), "measures": measured}
    expected = [*KINDS, *(f"{group}/{name}" for group, members in groups.items() for name in members)]
    if odd := sorted(set(expected) ^ set(tensors)):
        raise InputError(f"{source}: not the result of a block ({odd[0]} is missing or does not belong there)")
    seconds = about.get("seconds")
    # A number of many digits is too large for what counts seconds, and no time either.
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST:
        raise InputError(f"{source}: does not say how many seconds the block took")
    untrained, trained, log, measures = (
        {name: tensors[f"{group}/{name}"] for name in members} for group, members in groups.items()
    )
    steps, kernels, probabilities = (tensors[name] for name in KINDS)
    found = BlockResult(steps, kernels, untrained, trained, log, probabilities, float(seconds), measures)
    if wrong := _misfit(found):
        raise InputError(f"{source}: damaged ({wrong})")
    return found


def _misfit(result: BlockResult) -> str | None:
    """The first thing about a result that does not fit the rest, in words."""
    for name, (kind, dimensions) in KINDS.items():
        array = getattr(result, name)
        if array.dtype != kind or array.ndim != dimensions:
            return f"{name} is {array.dtype} of shape {array.shape}"
    steps, members = result.steps, len(result.kernels)
    if len(steps) < 2 or steps[0] != 0 or not np.all(np.diff(steps) > 0):
        return "steps do not rise from 0"
    if members == 0 or result.kernels.shape[1] != len(steps):
        return f"kernels has shape {result.kernels.shape} for {len(steps)} steps"
    if len(result.test_probabilities) != members:
        return f"test_probabilities are of {len(result.test_probabilities)} members, not of {members}"
    for name, after in result.trained.items():
        before = result.untrained[name]
        if before.dtype != np.float32 or after.dtype != np.float32:
            return f"{name} is not float32"
        if before.shape != after.shape or len(before) != members:
            return f"{name} has shapes {before.shape} and {after.shape} for {members} members"
    for name, values in result.log.items():
        if values.dtype != np.float64 or values.shape != (members, int(steps[-1]) + 1):
            return f"log {name} is {values.dtype} of shape {values.shape}"
    for name, values in result.measures.items():
        if values.dtype != np.float64 or values.ndim == 0 or len(values) != members:
            return f"measure {name} is {values.dtype} of shape {values.shape}"
    return None


def _ranges(seeds: tuple[int, ...]) -> str:
    """0-7 for eight seeds in a row; 0-2+9 where some are left out."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], seed]
        else:
            parts.append([seed])
    return "+".join("-".join(map(str, part)) for part in parts)
