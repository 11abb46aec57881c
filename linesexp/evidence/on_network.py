"""What one run says about claims on the whole network: effects, intervals, and the numbers behind them."""

import numpy as np

from linesexp.evidence.intervals import bootstrap_interval, paired_interval, share_interval
from linesexp.kernels.analysis import Analysis
from linesexp.kernels.verdicts import Finding
from linesexp.run import Run
from linesexp.seeing.depth import Depth, change_under_shifts, look_through, steadier_by_pooling
from linesexp.seeing.forward import probabilities
from linesexp.wording import percent

OF_DEPTH = ("early-keeps-detail", "deeper-selective")
OF_POOLING = "pooling-steadier"


def on_network(run: Run, analysis: Analysis) -> dict[str, Finding]:
    """A finding for each claim on the network, by the claim's id."""
    found = _accuracy(analysis) | _controls(run)
    if not all(np.isfinite(values).all() for values in run.history.at(-1).values()):
        diverged = Finding(None, "some weights are not finite (the training diverged)")
        return found | dict.fromkeys((*OF_DEPTH, OF_POOLING), diverged)
    return found | _depth(run) | _pooling(run)


def _accuracy(analysis: Analysis) -> dict[str, Finding]:
    after = analysis.after
    interval = share_interval(after.correct, after.pictures)
    words = f"{after.correct} of {after.pictures} test pictures named rightly."
    return {"tells-lines-apart": Finding(after.accuracy, words, interval, counted=_pictures(after.pictures))}


def _controls(run: Run) -> dict[str, Finding]:
    """Accuracy against the frozen controls, picture by picture."""
    own = _correct(run)
    found: dict[str, Finding] = {}
    for id, name, sign in (("learning-needed", "frozen-random", 1), ("prewitt-serves", "frozen-prewitt", -1)):
        control = run.controls.get(name)
        if control is None:
            found[id] = Finding(None, f"the control {name} was not trained")
            continue
        theirs = _correct(control)
        difference = sign * (own - theirs)
        found[id] = Finding(
            float(difference.mean()),
            f"{int(own.sum())} of {len(own)} test pictures named rightly by the run, {int(theirs.sum())} by "
            f"the control {name}.",
            paired_interval(difference),
            counted=_pictures(len(own)),
        )
    return found


def _correct(run: Run) -> np.ndarray:
    """(n,) 1.0 for each test picture that is named rightly."""
    images, labels = run.dataset.part("test")
    return (probabilities(images, run.history.at(-1), run.config.network).argmax(axis=1) == labels).astype(
        float
    )


def _depth(run: Run) -> dict[str, Finding]:
    """Detail, class and activity on the way through the layers."""
    parts = [run.dataset.part(name) for name in ("train", "validation", "test")]
    seen = look_through(parts[0], parts[1], parts[2], run.history.at(-1), run.config.network)
    if seen.active.shape[1] < 2:
        single = Finding(None, "the network has one convolution only")
        return dict.fromkeys(OF_DEPTH, single)
    counted = _pictures(len(seen.active))
    detail, classes = (seen.explained(what) for what in ("pixels", "classes"))
    active = seen.active.mean(axis=0)
    return {
        "early-keeps-detail": Finding(
            seen.detail_lost(),
            f"Of the picture a linear readout recovers {_per_block(detail[1:])}.",
            _interval_of_explained(seen, "pixels", 1, -1),
            counted=counted,
        ),
        "deeper-selective": Finding(
            seen.class_gained(),
            f"Of the classes a linear readout explains {_per_block(classes[1:])}; from the pixels themselves "
            f"{percent(classes[0])}. Of the cells of the convolutions {_per_block(active)} are above zero.",
            _interval_of_explained(seen, "classes", -1, 1),
            counted=counted,
        ),
    }


def _interval_of_explained(seen: Depth, what: str, more: int, less: int) -> tuple[float, float] | None:
    errors = getattr(seen, what)
    columns = np.stack([errors[:, less], errors[:, more], getattr(seen, f"{what}_mean")], axis=1)

    def difference(values: np.ndarray, axis: int) -> np.ndarray:
        less_error, more_error, of_mean = values.sum(axis=axis)
        return (less_error - more_error) / of_mean

    return bootstrap_interval([columns], difference)


def _pooling(run: Run) -> dict[str, Finding]:
    images, _ = run.dataset.part("test")
    change = change_under_shifts(images, run.history.at(-1), run.config.network)
    change = change[np.isfinite(change).all(axis=1)]
    if len(change) < 2 or run.config.network.pool_size == 1:
        return {OF_POOLING: Finding(None, "no pooling, or no picture that the first layer answers to")}
    before, after = change.mean(axis=0)
    return {
        OF_POOLING: Finding(
            steadier_by_pooling(change),
            f"Shifted by one or two pixels, the first layer’s maps change by {percent(after)} of their norm if "
            f"pooled, and by {percent(before)} if only one cell of each window is kept.",
            bootstrap_interval([change], lambda values, axis: np.subtract(*values.mean(axis=axis))),
            counted=_pictures(len(change)),
        )
    }


def _per_block(shares: np.ndarray) -> str:
    return ", ".join(map(percent, shares)) + " (first to last block)"


def _pictures(count: int) -> str:
    return f"{count} test pictures"
