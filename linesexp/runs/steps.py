"""The recorded steps of a run: one file of tensors each, in the order of recording."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from linesexp.errors import InputError
from linesexp.runs.folder import MissingFile, RunFolder
from linesexp.runs.formats import parse_tensors, tensors_bytes
from linesexp.runs.manifest import sha256

STAGE = "train"
Step = tuple[float, dict[str, np.ndarray]]  # epochs done, all weights
LATEST = 2**53  # epochs, beyond which a number would not tell one from the next
LAYERS = "layers.json"  # what kinds of layers a recorded model's weights belong to


@dataclass(frozen=True)
class WeightsHistory:
    """steps: float64 (steps,) in epochs; weights: {"conv1/kernel": float32 (steps, *shape)}, in the model's
    order."""

    steps: np.ndarray
    weights: dict[str, np.ndarray]

    def at(self, index: int) -> dict[str, np.ndarray]:
        """All weights of one recorded step; −1 is the last."""
        return {name: values[index] for name, values in self.weights.items()}


class StepWriter:
    """Commits recorded steps as kernels/00000.safetensors, kernels/00001.safetensors …"""

    def __init__(
        self, run: RunFolder, recorded: int = 0, beside: Callable[[], Mapping[str, bytes]] = dict
    ) -> None:
        """recorded: how many there are already; beside: gives files to commit together with the first."""
        self._run = run
        self.recorded = recorded
        self.last = ""  # digest of the last step written here
        self._beside = beside

    def save(self, step: float, weights: dict[str, np.ndarray]) -> None:
        """Commit one step; `step` is the number of epochs done."""
        self.save_all([(step, weights)])

    def save_all(self, steps: Sequence[Step]) -> None:
        """Commit several steps at once."""
        files = {step_name(self.recorded + index): step_bytes(*step) for index, step in enumerate(steps)}
        self._run.commit({**(self._beside() if self.recorded == 0 else {}), **files}, stage=STAGE)
        self.recorded += len(steps)
        self.last = sha256(files[step_name(self.recorded - 1)])


def step_bytes(step: float, weights: dict[str, np.ndarray]) -> bytes:
    """The file of one recorded step."""
    # It keeps its tensors in an order of its own: remember the model's.
    return tensors_bytes(weights, {"step": step, "names": list(weights)})


def step_name(index: int) -> str:
    """File of the index-th recorded step."""
    return f"kernels/{index:05d}.safetensors"


def read_steps(run: RunFolder, only: Sequence[int] | None = None) -> WeightsHistory:
    """All recorded steps, or those with these indices, −1 the last; each once.

    Raises MissingFile without any, InputError where their layers differ.
    """
    names = run.names(prefix="kernels/")
    if not names:
        raise MissingFile(f"{run.path}: no recorded kernels yet")
    if only is not None:
        names = list(dict.fromkeys(names[index] for index in only))
    steps: list[float] = []
    recorded: list[dict[str, np.ndarray]] = []
    for name, data in run.read_all(names):
        tensors, about = parse_tensors(data, str(run.path / name))
        shapes = {key: value.shape for key, value in tensors.items()}
        if recorded and shapes != {key: value.shape for key, value in recorded[0].items()}:
            raise InputError(f"{run.path / name}: other layers than in {names[0]}")
        step = about.get("step")
        if isinstance(step, bool) or not isinstance(step, int | float) or not 0 <= step <= LATEST:
            raise InputError(f"{run.path / name}: does not say which step it is")
        steps.append(step)
        recorded.append(tensors)
    order = _order(about.get("names"), recorded[0])
    weights = {key: np.stack([tensors[key] for tensors in recorded]) for key in order}
    return WeightsHistory(np.array(steps, dtype=np.float64), weights)


def _order(named: object, tensors: Mapping[str, np.ndarray]) -> list[str]:
    """The tensors' names as a file lists them; sorted where it lists something else."""
    texts = isinstance(named, list) and [name for name in named if isinstance(name, str)]
    return texts if texts and texts == named and sorted(texts) == sorted(tensors) else sorted(tensors)
