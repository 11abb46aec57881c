"""What one run says about claims on its kernels: effects, intervals, and the numbers behind them."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from linesexp.evidence.behaviour import class_pair
from linesexp.evidence.intervals import (
    bootstrap_interval,
    mean_interval,
    median_interval,
    share_interval,
    share_p,
)
from linesexp.kernels.analysis import Analysis
from linesexp.kernels.claims import NULLS
from linesexp.kernels.health import DEAD
from linesexp.kernels.match import initializer_kernels, p_values
from linesexp.kernels.nulls import DRAWS, largest_of
from linesexp.kernels.records import SIGNIFICANT, KernelRecord
from linesexp.kernels.shape import shares, side_contrast
from linesexp.kernels.tuning import direction_index
from linesexp.kernels.verdicts import Finding
from linesexp.picture_words import compared, picture_words
from linesexp.run import Run
from linesexp.seeds import rng_for
from linesexp.seeing.forward import preference, strongest_answers
from linesexp.wording import percent

MOVED = 0.1  # relative change from which a kernel counts as having learned something
DRAWN_KERNELS = 1000  # random kernels whose tuning is measured


def on_kernels(run: Run, analysis: Analysis) -> dict[str, Finding]:
    """A finding for each claim on kernels, by the claim's id."""
    found = _preferences(run, analysis) | _sides(run, analysis) | _likeness(analysis)
    return found | _learning(analysis) | _zero_sum(run, analysis)


def _preferences(run: Run, analysis: Analysis) -> dict[str, Finding]:
    """Both claims on preferences; a picture is what is sampled, within each class."""
    images, labels = run.dataset.part("test")
    pair = class_pair(run)
    first, second = analysis.preference_classes
    settings = run.config.images
    of_class, which = picture_words(settings).of_class, compared((first, second), settings)

    def finding(step: int, statistic: Callable, words: Callable) -> Finding:
        weights = run.history.at(step)
        answers = strongest_answers(images, weights["conv1/kernel"], weights["conv1/bias"], run.config.network)
        values = preference(answers, labels, pair)
        if not np.isfinite(values).any():
            return Finding(None, "no kernel answers to a test picture")

        def of_means(one: np.ndarray, other: np.ndarray, axis: int) -> np.ndarray:
            one, other = one.mean(axis=axis), other.mean(axis=axis)
            with np.errstate(invalid="ignore", divide="ignore"):
                values = (other - one) / (one + other)
            nothing = np.isnan(values).all(axis=0)  # resamples of pictures that no kernel answers to
            return np.where(nothing, np.nan, statistic(np.where(nothing, 0, values)))

        samples = [np.maximum(answers[labels == label], 0) for label in pair]
        interval = bootstrap_interval(samples, of_means)
        return Finding(
            float(statistic(values)),
            f"{words(values)} {which}".strip(),
            interval,
            counted=f"{sum(map(len, samples))} test pictures",
        )

    return {
        "untrained-vague": finding(
            0,
            lambda values: np.nanmedian(np.abs(values), axis=0),
            lambda values: (
                f"{int(np.sum(np.abs(values) > 1 / 3))} of {len(values)} untrained kernels answer more "
                "than twice as strongly to one class as to the other."
            ),
        ),
        "prefers-both": finding(
            -1,
            lambda values: np.minimum(np.nanmax(values, axis=0), -np.nanmin(values, axis=0)),
            lambda values: (
                f"The strongest preferences are {-np.nanmin(values):.2f} for {first} and "
                f"{np.nanmax(values):.2f} for {second}{of_class}."
            ),
        ),
    }


def _sides(run: Run, analysis: Analysis) -> dict[str, Finding]:
    """Direction index and the sides of the choosiest kernel, each against random kernels."""
    live = [r for r in analysis.kernels if r.tuning.direction_index is not None]
    if not live:
        silent = Finding(None, "no kernel answers to a step edge")
        return dict.fromkeys(("order-matters", "order-learned", "one-side-lower"), silent)
    choosiest = max(live, key=lambda record: record.tuning.direction_index or 0)
    index = choosiest.tuning.direction_index or 0.0
    network = run.config.network
    by_chance, contrasts = _random_sides(
        network.initializer, network.kernel_sizes[0], network.activation, len(analysis.kernels)
    )
    contrast = side_contrast(run.kernels[-1])[choosiest.index]
    usual = np.median(contrasts)
    name = f"kernel {choosiest.index}"
    return {
        "order-matters": Finding(
            index,
            f"The highest direction index is {index:.2f}, of {name}.",
        ),
        "order-learned": Finding(
            float(index - np.median(by_chance)),
            f"The highest direction index is {index:.2f}, of {name}; in untrained layers of as many kernels "
            f"the highest has a median of {np.median(by_chance):.2f}.",
            p=float(p_values(np.array([index]), by_chance)[0]),
        ),
        "one-side-lower": Finding(
            float(contrast - usual),
            f"The sides of {name} differ by {contrast:.2f} standard deviations; those of the kernel chosen "
            f"likewise in untrained layers have a median of {usual:.2f}.",
            p=float(p_values(np.array([contrast]), contrasts)[0]),
        ),
    }


@lru_cache
def _random_sides(initializer: str, size: int, activation: str, filters: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted: the highest direction index of untrained layers, and the side contrast of the kernel with it."""
    rng = rng_for(0, "sides", initializer)
    kernels = initializer_kernels(initializer, size, DRAWN_KERNELS, rng)
    index = direction_index(kernels.astype(np.float32), np.zeros(DRAWN_KERNELS, np.float32), activation)
    choosiest = largest_of(index, filters, rng)
    return np.sort(index[choosiest]), np.sort(side_contrast(kernels)[choosiest])


def _likeness(analysis: Analysis) -> dict[str, Finding]:
    """Likeness to edge operators under each null, and edges against lines."""
    found: dict[str, Finding] = {}
    rivals = [record.rivals for record in analysis.kernels if record.rivals.edge is not None]
    for name in NULLS:
        p = [getattr(rival, f"p_edge_{name}") for rival in rivals]
        if not p:
            found[f"like-prewitt-{name}"] = Finding(None, "no kernel can be compared with an operator")
        elif None in p:
            reason = (
                "the control with shuffled labels was not trained" if name == "shuffled" else "no such null"
            )
            found[f"like-prewitt-{name}"] = Finding(None, reason)
        else:
            beyond = sum(value < SIGNIFICANT for value in p)
            found[f"like-prewitt-{name}"] = Finding(
                beyond / len(p),
                f"{beyond} of {len(p)} kernels match an edge operator, better than any line operator, with "
                f"p < {SIGNIFICANT:g}; chance alone gives {len(p) * SIGNIFICANT:.1f} on average.",
                share_interval(beyond, len(p)),
                share_p(beyond, len(p), SIGNIFICANT),
                f"{len(p)} kernels",
            )
    chance = analysis.course_chance
    edges, lines = (np.array([getattr(rival, name) for rival in rivals]) for name in ("edge", "line"))
    differences = edges - lines
    by_chance = chance.edge_mean - chance.line_mean
    if len(differences) < 2:
        found["edges-not-lines"] = Finding(None, "fewer than two kernels can be compared with operators")
        return found
    found["edges-not-lines"] = Finding(
        float(differences.mean() - by_chance),
        f"{int(np.sum(differences > 0))} of {len(differences)} kernels match an edge operator better than "
        f"a line operator. Edge less line is {differences.mean():+.2f} on average, for untrained "
        f"kernels {by_chance:+.2f}.",
        mean_interval(differences - by_chance),
        counted=f"{len(differences)} kernels",
    )
    return found


def _learning(analysis: Analysis) -> dict[str, Finding]:
    """Which kernels learned something."""
    records = analysis.kernels
    dead = sum(record.health == DEAD for record in records)
    moved = sum(record.health != DEAD and (record.change.relative_norm or 0) >= MOVED for record in records)
    return {
        "each-learns": Finding(
            moved / len(records),
            f"{moved} of {len(records)} kernels moved by a tenth of their norm or more and are not dead; "
            f"{dead} dead.",
            share_interval(moved, len(records)),
            counted=f"{len(records)} kernels",
        )
    }


def _zero_sum(run: Run, analysis: Analysis) -> dict[str, Finding]:
    """Whether edge-like kernels sum to zero more nearly than random ones do."""
    dc = np.array([record.shares.dc for record in analysis.kernels if _is_edge(record)])
    if len(dc) < 2:
        few = Finding(None, "fewer than two kernels are more like edges than like lines")
        return {"edges-sum-to-zero": few}
    chance = _random_dc(run.config.network.initializer, run.kernels.shape[-1])
    return {
        "edges-sum-to-zero": Finding(
            float(np.median(dc) / chance),
            f"The mean holds {percent(np.median(dc), 1)} of the energy of the {len(dc)} edge-like kernels, "
            f"{percent(chance, 1)} of that of random ones (medians).",
            median_interval(dc / chance),
            counted=f"{len(dc)} kernels",
        )
    }


@lru_cache
def _random_dc(initializer: str, size: int) -> float:
    """Median share of the mean in the energy of untrained kernels: less than half the mean share, 1/k²."""
    drawn = initializer_kernels(initializer, size, DRAWS, rng_for(0, "dc", initializer))
    return float(np.median(shares(drawn).dc))


def _is_edge(record: KernelRecord) -> bool:
    return record.match is not None and record.match.order == 1
