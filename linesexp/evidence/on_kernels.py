"""What one run says about claims on its kernels: effects, intervals, and the numbers behind them."""

from collections.abc import Callable

import numpy as np

from linesexp.evidence.behaviour import class_pair
from linesexp.evidence.intervals import (
    bootstrap_interval,
    mean_interval,
    share_interval,
    share_p,
)
from linesexp.kernels.analysis import Analysis
from linesexp.kernels.claims import NULLS
from linesexp.kernels.effects import (
    against_untrained_layers,
    choosiest,
    dc_chance,
    edges_over_lines,
    gained_preference,
    order_chance,
    share_beyond,
    share_of_small_means,
    share_that_learned,
    vagueness,
)
from linesexp.kernels.health import DEAD
from linesexp.kernels.match import p_values
from linesexp.kernels.records import SIGNIFICANT, KernelRecord
from linesexp.kernels.shape import side_contrast
from linesexp.kernels.tuning import order_strength
from linesexp.kernels.verdicts import Finding
from linesexp.own_pictures.words import compared
from linesexp.run import Run
from linesexp.seeing.forward import preference, strongest_answers
from linesexp.wording import percent


def on_kernels(run: Run, analysis: Analysis) -> dict[str, Finding]:
    """A finding for each claim on kernels, by the claim's id."""
    found = _preferences(run, analysis) | _sides(run, analysis) | _likeness(analysis)
    return found | _learning(analysis) | _zero_sum(run, analysis)


def _preferences(run: Run, analysis: Analysis) -> dict[str, Finding]:
    """Both claims on preferences; a picture is what is sampled, within each class."""
    images, labels = run.dataset.part("test")
    pair = class_pair(run.dataset)
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
            return np.where(
                nothing, np.nan, statistic(*(np.where(nothing, 0, part) for part in values), axis=0)
            )

        columns = [sample[:, : parts * filters] for sample in samples]
        interval = bootstrap_interval(columns, of_means)
        return Finding(
            float(statistic(*known, axis=0)), f"{words()} {which}".strip(), interval, counted=counted
        )

    return {
        "untrained-vague": finding(
            1,
            vagueness,
            lambda: (
                f"{int(np.sum(np.abs(before) > 1 / 3))} of {filters} untrained kernels answer more than twice "
                "as strongly to one class as to the other."
            ),
        ),
        "prefers-both": finding(
            2,
            gained_preference,
            lambda: (
                f"The strongest preferences after training are {np.nanmin(after):+.2f} (towards {first}) and "
                f"{np.nanmax(after):+.2f} (towards {second}); before, {np.nanmin(before):+.2f} and "
                f"{np.nanmax(before):+.2f}."
            ).replace("-", "−"),
        ),
    }


def _sides(run: Run, analysis: Analysis) -> dict[str, Finding]:
    """Order and sides of the live kernel that cares most about the order, against untrained layers."""
    kernels, alive = run.kernels[-1], _alive(run, analysis)
    strength = order_strength(kernels)
    best = int(choosiest(strength, alive))
    if best < 0:
        flat = Finding(None, "no live kernel that is not constant")
        return dict.fromkeys(("order-matters", "one-side-lower"), flat)
    initializer, size = run.config.network.initializer, kernels.shape[-1]
    strengths, contrasts = order_chance(initializer, size, int(alive.sum()))
    contrast = side_contrast(kernels)[best]
    name = f"kernel {best}"
    return {
        "order-matters": _against_chance(
            strength[best],
            alive,
            strengths,
            f"{name.capitalize()} tells an edge from its reverse {strength[best]:.2f} times as strongly as a "
            f"Prewitt operator would; the best of as many untrained kernels does so {np.median(strengths):.2f} "
            "times (median).",
        ),
        "one-side-lower": _against_chance(
            contrast,
            alive,
            contrasts,
            f"The sides of {name} differ by {contrast:.2f} standard deviations; those of the kernel chosen "
            f"likewise in untrained layers have a median of {np.median(contrasts):.2f}.",
        ),
    }


def _against_chance(value: float, alive: np.ndarray, chance: np.ndarray, words: str) -> Finding:
    """How far a value lies above the median of chance; the interval is the width of chance itself."""
    low, high = np.quantile(chance, (0.025, 0.975))
    p = float(p_values(np.array([value]), chance)[0])
    effect = against_untrained_layers(np.asarray(value), lambda _: chance, alive)
    return Finding(float(effect), words, (float(value - high), float(value - low)), p, "untrained layers")


def _alive(run: Run, analysis: Analysis) -> np.ndarray:
    """bool (filters,): kernels that are finite and not dead; what is dead stayed where chance left it."""
    return np.isfinite(run.kernels[-1]).all(axis=(1, 2)) & ~_dead(analysis.kernels)


def _dead(records: list[KernelRecord]) -> np.ndarray:
    return np.array([record.health == DEAD for record in records])


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
            share = float(share_beyond(np.array(p), np.ones(len(p), dtype=bool)))
            beyond = round(share * len(p))
            found[f"like-prewitt-{name}"] = Finding(
                share,
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
        float(edges_over_lines(edges, lines, np.ones(len(edges), dtype=bool), by_chance)),
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
    dead = _dead(records)
    change = np.array([record.change.relative_norm or 0.0 for record in records])
    share = float(share_that_learned(change, dead))
    moved = round(share * len(records))
    return {
        "each-learns": Finding(
            share,
            f"{moved} of {len(records)} kernels moved by a tenth of their norm or more and are not dead; "
            f"{dead.sum()} dead.",
            share_interval(moved, len(records)),
            counted=f"{len(records)} kernels",
        )
    }


def _zero_sum(run: Run, analysis: Analysis) -> dict[str, Finding]:
    """Whether edge-like kernels sum to zero more nearly than random ones do."""
    edge_like = np.array([_is_edge(record) for record in analysis.kernels])
    every = np.array([record.shares.dc for record in analysis.kernels], dtype=float)
    dc = every[edge_like]
    if len(dc) < 2:
        few = Finding(None, "fewer than two kernels are more like edges than like lines")
        return {"edges-sum-to-zero": few}
    chance = dc_chance(run.config.network.initializer, run.kernels.shape[-1])
    share = float(share_of_small_means(every, edge_like, chance))
    small = round(share * len(dc))
    return {
        "edges-sum-to-zero": Finding(
            share,
            f"In {small} of the {len(dc)} edge-like kernels the mean holds less of the energy than the "
            f"{percent(chance, 1)} that it holds in the middle one of random kernels; in the one of them with "
            f"the largest mean it holds {percent(np.max(dc), 1)}.",
            share_interval(small, len(dc)),
            counted=f"{len(dc)} kernels",
        )
    }


def _is_edge(record: KernelRecord) -> bool:
    return record.match is not None and record.match.order == 1 and record.health != DEAD
