"""What is known of every kernel of a block, as columns (members, filters): the table's, one a measure."""

from dataclasses import dataclass

import numpy as np

from linesexp.config import ExperimentConfig
from linesexp.kernels.claims import NULLS
from linesexp.kernels.health import DEAD
from linesexp.kernels.match import best_match, edge_rather_than_line, order_cosines, p_values
from linesexp.kernels.nulls import Null, q_values
from linesexp.kernels.operators import DIRECTIONS
from linesexp.kernels.records import SIGNIFICANT
from linesexp.kernels.shape import change_from_start, shares
from linesexp.kernels.tuning import tune
from linesexp.study.blocks import BlockResult
from linesexp.study.chances import Chances
from linesexp.study.networks import HEALTH

UNKNOWN = ""  # health of a kernel that no worker asked
AT_ONCE = 2048  # kernels looked at together, so that memory does not grow with a block


@dataclass(frozen=True)
class Course:
    """Over the recorded steps, (members, steps, filters): best |cosine| with edge and with line operators, and
    whether the better of both lies beyond the initialiser's 95 % point."""

    edge: np.ndarray
    line: np.ndarray
    beyond: np.ndarray


def kernel_columns(result: BlockResult, config: ExperimentConfig, chances: Chances) -> dict[str, np.ndarray]:
    """Every column on single kernels by its name, see table.COLUMNS for what they say.

    Numbers are float64, NaN for what cannot be known; words are text, empty where there is none.
    """
    members, _, filters, size, _ = result.kernels.shape
    trained, untrained = (result.kernels[:, step].reshape(-1, size, size) for step in (-1, 0))
    columns = _matches(trained, chances) | _rivals(trained, chances)
    energy = shares(trained)
    columns |= vars(energy)
    columns |= dict(zip(("change", "cosine_to_start"), change_from_start(trained, untrained), strict=True))
    columns |= _tuning(result, config)
    columns = {name: values.reshape(members, filters) for name, values in columns.items()}
    columns["q_initialiser"] = np.stack([q_values(row) for row in columns["p_initialiser"]])
    return columns | _worker_saw(result, (members, filters))


def course_of(result: BlockResult, chances: Chances) -> Course:
    """Likeness at every recorded step."""
    shape, size = result.kernels.shape[:3], result.kernels.shape[-1]
    cosines = order_cosines(result.kernels.reshape(-1, size, size), chances.bank)
    p = p_values(np.maximum(cosines[1], cosines[2]), chances.nulls.initialiser.any)
    with np.errstate(invalid="ignore"):
        return Course(cosines[1].reshape(shape), cosines[2].reshape(shape), (p < SIGNIFICANT).reshape(shape))


def emergence(beyond: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(members, filters): the step in epochs from which a match lies beyond chance to the end; NaN where it
    does not at the end.

    beyond: bool (members, steps, filters); steps: (steps,).
    """
    stays = np.logical_and.accumulate(beyond[:, ::-1], axis=1)[:, ::-1]
    return np.where(stays[:, -1], steps[stays.argmax(axis=1)], np.nan)


def alive_of(columns: dict[str, np.ndarray], result: BlockResult) -> np.ndarray:
    """bool (members, filters): kernels that are finite and not dead, as far as is known."""
    return np.isfinite(result.kernels[:, -1]).all(axis=(-2, -1)) & (columns["health"] != DEAD)


def _matches(kernels: np.ndarray, chances: Chances) -> dict[str, np.ndarray]:
    """Of (count, k, k) kernels: the best operator, its place and sign, and p under each null: (count,) each."""
    found = best_match(kernels, chances.bank)
    known = np.isfinite(found.cosine)
    operators = [operator for operator, _, _ in chances.bank.placed]
    directed = [operator.detects if operator.detects in DIRECTIONS else "" for operator in operators]
    words = {"operator": [operator.name for operator in operators], "detects": directed}
    numbers = {
        "order": [operator.order for operator in operators],
        "size": [operator.size for operator in operators],
        "row": [row for _, row, _ in chances.bank.placed],
        "column": [column for _, _, column in chances.bank.placed],
    }
    columns = {name: np.where(known, np.array(of)[found.entry], "") for name, of in words.items()}
    columns |= {name: np.where(known, np.array(of, float)[found.entry], np.nan) for name, of in numbers.items()}
    columns["polarity"] = np.where(columns["order"] == 1, np.sign(found.cosine), np.nan)
    columns["cosine"] = found.cosine
    for name in NULLS:
        columns[f"p_{name}"] = _p(found.cosine, getattr(chances.nulls, name), "any")
    return columns


def _rivals(kernels: np.ndarray, chances: Chances) -> dict[str, np.ndarray]:
    """Best edge and best line match, and p of the edge where it is the better one."""
    cosines = order_cosines(kernels, chances.bank)
    edge = edge_rather_than_line(cosines)
    p = {f"p_edge_{name}": _p(edge, getattr(chances.nulls, name), "edge_rather") for name in NULLS}
    return {"edge": cosines[1], "line": cosines[2]} | p


def _p(cosine: np.ndarray, null: Null | None, kind: str) -> np.ndarray:
    return np.full(len(cosine), np.nan) if null is None else p_values(cosine, getattr(null, kind))


def _tuning(result: BlockResult, config: ExperimentConfig) -> dict[str, np.ndarray]:
    # (members, k, k, channels, filters) → (members · filters, k, k)
    kernels = np.moveaxis(result.trained["conv1/kernel"].sum(axis=3), 3, 1)
    kernels, bias = kernels.reshape(-1, *kernels.shape[2:]), result.trained["conv1/bias"].ravel()
    dark = config.images.contrast == "dark"
    names = ("preferred_angle_deg", "one_minus_circular_variance", "preferred_edge_deg", "direction_index")
    parts = [
        tune(kernels[at : at + AT_ONCE], bias[at : at + AT_ONCE], config.network.activation, dark_lines=dark)
        for at in range(0, len(kernels), AT_ONCE)
    ]
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}


def _worker_saw(result: BlockResult, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Preferences and health, which the worker measured; unknown where it did not."""
    unknown = np.full(shape, np.nan)
    columns = {name: result.measures.get(name, unknown) for name in ("preference_before", "preference")}
    health = result.measures.get("health", unknown)
    words = np.array([*HEALTH, UNKNOWN])
    return columns | {"health": words[np.where(np.isfinite(health), health, len(HEALTH)).astype(int)]}
