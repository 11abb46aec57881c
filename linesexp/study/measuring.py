"""The measures of a block's members, all of them at once. Every one is a run's own: the same functions, over
more kernels at a time."""

import warnings
from dataclasses import dataclass

import numpy as np

from linesexp.controls import LEARNED
from linesexp.errors import InputError
from linesexp.kernels import effects
from linesexp.kernels.claims import NULLS
from linesexp.kernels.health import DEAD
from linesexp.kernels.records import SIGNIFICANT
from linesexp.kernels.shape import side_contrast
from linesexp.kernels.tuning import order_strength
from linesexp.study.blocks import Block, BlockResult
from linesexp.study.chances import Chances
from linesexp.study.networks import OF_DEPTH
from linesexp.study.of_kernels import UNKNOWN, Course, alive_of, course_of, emergence, kernel_columns

# Claims that compare a member with its control of the same seeds: which, and the sign of its own accuracy.
PAIRED = {"learning-needed": ("frozen-random", 1), "prewitt-serves": ("frozen-prewitt", -1)}
CURVES = ("matched", "edge", "line")  # at each recorded step; and validation accuracy at each epoch


@dataclass(frozen=True)
class Measured:
    """What was measured on the members of a block.

    kernels: column → (members, filters), see of_kernels. members: name → (members,) float64, the effects of
    claims under their ids and the measures of MEASURES; NaN for what cannot be known, and for PAIRED claims
    until the whole study is there. curves: CURVES → (members, steps) means over a member's kernels, and
    validation_accuracy (members, epochs + 1). correct: bool (members, test pictures).
    """

    block: Block
    kernels: dict[str, np.ndarray]
    members: dict[str, np.ndarray]
    curves: dict[str, np.ndarray]
    correct: np.ndarray


@dataclass(frozen=True)
class Measure:
    """A number that every member has. unit: `share` of one, `epochs`, or nothing for a plain number."""

    id: str
    words: str
    unit: str = ""


MEASURES = (
    Measure("accuracy", "test pictures named rightly", "share"),
    Measure("accuracy_before", "validation pictures named rightly before training", "share"),
    Measure("epochs_to_95", "first epoch with 95 % of the validation pictures named rightly", "epochs"),
    Measure("matched", "kernels that resemble an operator more than 95 % of untrained kernels do", "share"),
    Measure("matched_smooth", "kernels that do so more than 95 % of kernels as smooth", "share"),
    Measure("edge_like", "kernels whose most similar operator is an edge, not a line or spot", "share"),
    Measure("cosine", "likeness to the most similar operator (|cosine|), mean over kernels"),
    Measure("emergence", "epoch from which matched kernels stay beyond chance, median over kernels", "epochs"),
    Measure("axis", "energy that is the same along rows or along columns, median over kernels", "share"),
    Measure("odd", "energy that is odd, as an edge is, mean over kernels", "share"),
    Measure("dc", "energy of the kernel’s mean, as a blur has, mean over kernels", "share"),
    Measure("choosiness", "choosiness for a bar’s angle (1 − circular variance), median over kernels"),
    Measure("preference", "strength of the preference for one class, median over kernels"),
    Measure("change", "distance from the untrained kernel relative to its norm, median over kernels"),
    Measure("dead", "dead kernels", "share"),
)


def measure(block: Block, result: BlockResult, labels: np.ndarray, chances: Chances) -> Measured:
    """Measure a block. labels: (n,) of its test pictures. Raises InputError if the block saw another number."""
    if result.test_probabilities.shape[1] != len(labels):
        raise InputError(
            f"block {block.key}: holds probabilities of {result.test_probabilities.shape[1]} test pictures, "
            f"and its settings draw {len(labels)}"
        )
    columns = kernel_columns(result, block.config, chances)
    course, alive = course_of(result, chances), alive_of(columns, result)
    columns["emergence"] = emergence(course.beyond, result.steps)
    right = result.test_probabilities.argmax(axis=2) == labels
    correct = right & np.isfinite(result.test_probabilities).all(axis=2)
    members = _network(result, correct) | _kernels(columns, alive)
    members |= _claims(columns, alive, result, chances) | _asked_of_pictures(result)
    return Measured(block, columns, members, _curves(course, result), correct)


def _network(result: BlockResult, correct: np.ndarray) -> dict[str, np.ndarray]:
    accuracy = result.log["validation_accuracy"]
    with np.errstate(invalid="ignore"):
        reached = accuracy >= LEARNED
    share = correct.mean(axis=1)
    return {
        "tells-lines-apart": share,
        "accuracy": share,
        "accuracy_before": accuracy[:, 0],
        "epochs_to_95": np.where(reached.any(axis=1), reached.argmax(axis=1), np.nan).astype(float),
    }


def _kernels(columns: dict[str, np.ndarray], alive: np.ndarray) -> dict[str, np.ndarray]:
    """Middles and shares over each member's kernels."""
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of members without such a kernel
        matched = alive & (columns["p_initialiser"] < SIGNIFICANT)
        smooth = (alive & (columns["p_covariance"] < SIGNIFICANT)).mean(axis=1)
        known = alive & np.isfinite(columns["cosine"])
        axis = np.where(alive, np.fmax(columns["axis_vertical"], columns["axis_horizontal"]), np.nan)
        odd, dc, cosine = (np.where(alive, columns[name], np.nan) for name in ("odd", "dc", "cosine"))
        return {
            "matched": matched.mean(axis=1),
            "matched_smooth": np.where(np.isfinite(columns["p_covariance"]).any(axis=1), smooth, np.nan),
            "edge_like": np.where(known, columns["order"] == 1, np.nan).mean(axis=1, where=known),
            "cosine": np.nanmean(np.abs(cosine), axis=1),
            "emergence": np.nanmedian(np.where(matched, columns["emergence"], np.nan), axis=1),
            "axis": np.nanmedian(axis, axis=1),
            "odd": np.nanmean(odd, axis=1),
            "dc": np.nanmean(dc, axis=1),
            "choosiness": np.nanmedian(columns["one_minus_circular_variance"], axis=1),
            "preference": np.nanmedian(np.abs(columns["preference"]), axis=1),
            "change": np.nanmedian(columns["change"], axis=1),
            "dead": np.where((columns["health"] == UNKNOWN).all(axis=1), np.nan, (~alive).mean(axis=1)),
        }


def _claims(
    columns: dict[str, np.ndarray], alive: np.ndarray, result: BlockResult, chances: Chances
) -> dict[str, np.ndarray]:
    """Effects of the claims on kernels, (members,) each."""
    kernels = result.kernels[:, -1]
    size = kernels.shape[-1]
    flat = kernels.reshape(-1, size, size)
    strength, sides = (of(flat).reshape(alive.shape) for of in (order_strength, side_contrast))
    best = effects.choosiest(strength, alive)[:, None]
    found = {}
    for index, (name, values) in enumerate((("order-matters", strength), ("one-side-lower", sides))):
        chosen = np.where(best < 0, np.nan, np.take_along_axis(values, np.maximum(best, 0), axis=1))[:, 0]

        def chance(count: int, index: int = index) -> np.ndarray:
            return effects.order_chance(chances.initializer, size, count)[index]

        found[name] = effects.against_untrained_layers(chosen, chance, alive)
    for null in NULLS:
        found[f"like-prewitt-{null}"] = effects.share_beyond(columns[f"p_edge_{null}"], alive)
    by_chance = chances.course.edge_mean - chances.course.line_mean
    dead = columns["health"] == DEAD
    edges = (columns["order"] == 1) & ~dead
    return found | {
        "untrained-vague": effects.vagueness(columns["preference_before"]),
        "prefers-both": effects.gained_preference(columns["preference_before"], columns["preference"]),
        "edges-not-lines": effects.edges_over_lines(columns["edge"], columns["line"], alive, by_chance),
        "each-learns": effects.share_that_learned(columns["change"], dead),
        "edges-sum-to-zero": effects.share_of_small_means(
            columns["dc"], edges, effects.dc_chance(chances.initializer, size)
        ),
    }


def _asked_of_pictures(result: BlockResult) -> dict[str, np.ndarray]:
    """Effects that the worker measured, and those that wait for a control."""
    unknown = np.full(len(result.kernels), np.nan)
    return {name: result.measures.get(name, unknown) for name in OF_DEPTH} | dict.fromkeys(PAIRED, unknown)


def _curves(course: Course, result: BlockResult) -> dict[str, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of members whose kernels are all constant
        edge, line = np.nanmean(course.edge, axis=2), np.nanmean(course.line, axis=2)
    curves = dict(zip(CURVES, (course.beyond.mean(axis=2), edge, line), strict=True))
    curves["validation_accuracy"] = result.log["validation_accuracy"]
    return {name: values.astype(np.float32) for name, values in curves.items()}
