"""What the page's laboratory needs of a run: its weights at every step, test pictures, numbers beside them."""

from typing import Any

import numpy as np

from linesexp.config import NetworkConfig
from linesexp.picture_settings import ImagesConfig
from linesexp.report.likeness import likeness_data
from linesexp.run import Run
from linesexp.views.embedding import packed
from linesexp.wording import megabytes

MOST_WEIGHT_BYTES = 1_100_000  # of all steps; more steps are thinned out
MOST_PICTURE_BYTES = 400_000


def laboratory_data(run: Run) -> dict[str, Any] | None:
    """All that the laboratory is given, fit for JSON; None for a network too large to embed."""
    shown = steps_shown(run)
    if shown is None:
        return None
    history = run.history
    return {
        "network": _network(run.config.network),
        "classes": list(run.dataset.class_names),
        "contrast": "mixed" if run.has_own_pictures else run.config.images.contrast,
        "lines": None if run.has_own_pictures else _lines(run.config.images),
        "steps": history.steps[shown].tolist(),
        "recorded": len(history.steps),
        # Without the clock's: a page is the same bytes wherever its run was trained anew.
        "log": {name: _numbers(values) for name, values in run.log.items() if name != "seconds"},
        "weights": {name: packed(values[shown]) for name, values in history.weights.items()},
        "test": _test_pictures(run),
        "likeness": likeness_data(run),
    }


def steps_shown(run: Run) -> np.ndarray | None:
    """Indices of the steps whose weights fit into a page, from the first to the last; None where two do not."""
    count = len(run.history.steps)
    fitting = min(count, MOST_WEIGHT_BYTES // _bytes_of_a_step(run))
    if fitting < min(count, 2):
        return None
    return np.unique(np.linspace(0, count - 1, fitting).round().astype(int))


def about_laboratory(run: Run, data: dict[str, Any] | None) -> list[str]:
    """What the laboratory says first; without data, why there is none."""
    if data is None:
        each = megabytes(_bytes_of_a_step(run))
        return [
            f"The network does not run in this page, as it is too large to embed: its weights take {each} a "
            f"recorded step, and two at least must fit into {megabytes(MOST_WEIGHT_BYTES)}."
        ]
    shown, recorded = len(data["steps"]), data["recorded"]
    words = [
        "The network of this run, at every recorded moment of its training, computed here in the page from its "
        "weights. Nothing leaves this page."
    ]
    if shown < recorded:
        words.append(f"{shown} of {recorded} recorded steps fit into the page, evenly taken.")
    return words


def _bytes_of_a_step(run: Run) -> int:
    return sum(values[0].nbytes for values in run.history.weights.values())


def _network(network: NetworkConfig) -> dict[str, Any]:
    return {
        "filters": list(network.filters),
        "kernelSizes": list(network.kernel_sizes),
        "activation": network.activation,
        "pooling": network.pooling,
        "poolSize": network.pool_size,
        "padding": network.padding,
    }


def _lines(images: ImagesConfig) -> dict[str, Any]:
    """What lines the network learned from, which the page's drawing tools begin with."""
    return {
        "anglesDeg": list(images.angles_deg),
        "thicknessPx": list(images.thickness_px),
        "lengthPx": list(images.length_px),
    }


def _test_pictures(run: Run) -> dict[str, Any]:
    """Test pictures, the classes in turn, as many as fit."""
    chosen = np.flatnonzero(run.dataset.split == 2)
    labels = run.dataset.labels[chosen]
    turn = np.empty(len(chosen), dtype=int)  # the how-manieth of its class
    for label in np.unique(labels):
        turn[labels == label] = np.arange(np.sum(labels == label))
    chosen = chosen[np.lexsort((labels, turn))]
    fitting = chosen[: max(1, MOST_PICTURE_BYTES // run.dataset.pixels[0].nbytes)]
    whole = packed(run.dataset.pixels[chosen])
    if len(whole["data"]) <= MOST_PICTURE_BYTES:
        fitting = chosen
    return {
        "pixels": packed(run.dataset.pixels[fitting]),
        "labels": run.dataset.labels[fitting].tolist(),
        "all": len(chosen),
    }


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
