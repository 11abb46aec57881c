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
from linesexp.kernels.tuning import order_strength
from linesexp.kernels.verdicts import Finding
from linesexp.own_pictures.words import compared
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
    which = compared((first, second), settings)

    network, steps = run.config.network, (0, -1)
    answers = [
        strongest_answers(images, weights["conv1/kernel"], weights["conv1/bias"], network)
        for weights in map(run.history.at, steps)
    ]
    before, after = (preference(each, labels, pair) for each in answers)
    samples = [np.maximum(np.hstack(answers)[labels == label], 0) for label in pair]
    counted = f"{sum(map(len, samples))} test pictures"
    filters = len(before)

    def finding(parts: int, statistic: Callable, words: Callable) -> Finding:
        """From the preferences before, or (2 parts) before and after."""
        known = (before, after)[:parts]
        if not all(np.isfinite(values).any() for values in known):
            return Finding(None, "no kernel answers to a test picture")

        def of_means(one: np.ndarray, other: np.ndarray, axis: int) -> np.ndarray:
            one, other = one.mean(axis=axis), other.mean(axis=axis)
            with np.errstate(invalid="ignore", divide="ignore"):
                values = np.split((other - one) / (one + other), parts)
            # Resamples of pictures that no kernel answers to have no preference.
            nothing = np.any([np.isnan(part).all(axis=0) for part in values], axis=0)
            return np.where(nothing, np.nan, statistic(*(np.where(nothing, 0, part) for part in values)))

        columns = [sample[:, : parts * filters] for sample in samples]
        interval = bootstrap_interval(columns, of_means)
        return Finding(float(statistic(*known)), f"{words()} {which}".strip(), interval, counted=counted)

    return {
        "untrained-vague": finding(
            1,
            lambda before: np.nanmedian(np.abs(before), axis=0),
            lambda: (
                f"{int(np.sum(np.abs(before) > 1 / 3))} of {filters} untrained kernels answer more than twice "
                "as strongly to one class as to the other."
            ),
        ),
        "prefers-both": finding(
            2,
            lambda before, after: _weaker(after) - _weaker(before),
            lambda: (
                f"The strongest preferences after training are {np.nanmin(after):+.2f} (towards {first}) and "
                f"{np.nanmax(after):+.2f} (towards {second}); before, {np.nanmin(before):+.2f} and "
                f"{np.nanmax(before):+.2f}."
            ).replace("-", "−"),
        ),
    }


def _weaker(preferences: np.ndarray) -> np.ndarray:
    """The smaller of the strongest preferences for either class; below 0 if no kernel prefers one of them."""
    return np.minimum(np.nanmax(preferences, axis=0), -np.nanmin(preferences, axis=0))


def _sides(run: Run, analysis: Analysis) -> dict[str, Finding]:
    """Order and sides of the live kernel that cares most about the order, against untrained layers."""
    alive = _alive(run, analysis)
    kernels = run.kernels[-1][alive]
    index = order_strength(kernels) if len(alive) else np.full(1, np.nan)
    if not np.isfinite(index).any():
        flat = Finding(None, "no live kernel that is not constant")
        return dict.fromkeys(("order-matters", "one-side-lower"), flat)
    choosiest = int(np.nanargmax(index))
    indices, contrasts = _random_sides(run.config.network.initializer, kernels.shape[-1], len(kernels))
    contrast = side_contrast(kernels)[choosiest]
    name = f"kernel {alive[choosiest]}"
    return {
        "order-matters": _against_chance(
            index[choosiest],
            indices,
            f"{name.capitalize()} tells an edge from its reverse {index[choosiest]:.2f} times as strongly as a "
            f"Prewitt operator would; the best of as many untrained kernels does so {np.median(indices):.2f} "
            "times (median).",
        ),
        "one-side-lower": _against_chance(
            contrast,
            contrasts,
            f"The sides of {name} differ by {contrast:.2f} standard deviations; those of the kernel chosen "
            f"likewise in untrained layers have a median of {np.median(contrasts):.2f}.",
        ),
    }


def _against_chance(value: float, chance: np.ndarray, words: str) -> Finding:
    """How far a value lies above the median of chance; the interval is the width of chance itself."""
    low, middle, high = np.quantile(chance, (0.025, 0.5, 0.975))
    p = float(p_values(np.array([value]), chance)[0])
    return Finding(
        float(value - middle), words, (float(value - high), float(value - low)), p, "untrained layers"
    )


@lru_cache
def _random_sides(initializer: str, size: int, filters: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted: the highest order strength of untrained layers, and the side contrast of the kernel with it."""
    rng = rng_for(0, "sides", initializer)
    kernels = initializer_kernels(initializer, size, DRAWN_KERNELS, rng)
    index = order_strength(kernels)
    choosiest = largest_of(index, filters, rng)
    return np.sort(index[choosiest]), np.sort(side_contrast(kernels)[choosiest])


def _alive(run: Run, analysis: Analysis) -> np.ndarray:
    """Indices of kernels that are finite and not dead: what is dead stayed where chance left it."""
    finite = np.isfinite(run.kernels[-1]).all(axis=(1, 2))
    return np.flatnonzero([finite[r.index] and r.health != DEAD for r in analysis.kernels])


def _likeness(analysis: Analysis) -> dict[str, Finding]:
    """Likeness to edge operators under each null, and edges against lines."""
    found: dict[str, Finding] = {}
    rivals = [r.rivals for r in analysis.kernels if r.rivals.edge is not None and r.health != DEAD]
    for name in NULLS:
        p = [getattr(rival, f"p_edge_{name}") for rival in rivals]
        if not p:
            found[f"like-prewitt-{name}"] = Finding(None, "no live kernel can be compared with an operator")
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
    return record.match is not None and record.match.order == 1 and record.health != DEAD
