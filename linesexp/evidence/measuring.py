"""From a recorded run to its Analysis: every measure of its kernels, its data, and what it does with them."""

import dataclasses
from functools import lru_cache

import numpy as np

from linesexp.controls import outcome
from linesexp.evidence.behaviour import behaviour, class_pair
from linesexp.evidence.deeper import deeper_records
from linesexp.evidence.ledger import ledger
from linesexp.images.audit import Score as ScoreWithInterval
from linesexp.images.audit import audit, score_of
from linesexp.images.unseen import unseen
from linesexp.kernels.analysis import Analysis, ControlRecord, chance_of, course_record
from linesexp.kernels.course import course, course_chance
from linesexp.kernels.handmade import matched_operators
from linesexp.kernels.health import DEAD, non_finite
from linesexp.kernels.match import best_match, direction_cosines, operator_bank, p_values
from linesexp.kernels.nulls import Null, Untrained, covariance_null, initializer_null, shuffled_weights_null
from linesexp.kernels.quality import QualityChance, layer_quality, quality_chance
from linesexp.kernels.records import SIGNIFICANT, KernelRecord, Nulls, kernel_records
from linesexp.run import Run
from linesexp.seeds import rng_for
from linesexp.seeing.ablation import ablate, score, swap
from linesexp.seeing.forward import probabilities


def analyse(run: Run) -> Analysis:
    """Measure a run: its kernels against operators and chance, its data, its controls, and the claims."""
    kernels, history, network = run.kernels, run.history, run.config.network
    steps, filters, size = kernels.shape[:3]
    bank = operator_bank(size)
    nulls = _nulls(run)
    luck = nulls.initialiser
    similarity = direction_cosines(kernels.reshape(-1, size, size), bank)
    images, labels = run.dataset.part("test")
    weights = history.at(-1)
    layers = history.weights["conv1/kernel"].transpose(0, 4, 3, 1, 2)  # (steps, filters, channels, k, k)
    quality = _quality_chance(network.initializer, layers.shape[1:])
    names, pair = run.dataset.class_names, class_pair(run.dataset)
    accuracies, left_out = _accuracy_unseen(run)
    analysis = Analysis(
        steps=history.steps.tolist(),
        preference_classes=(names[pair[0]], names[pair[1]]),
        kernels=_records(run, -1, nulls),
        untrained=_records(run, 0, nulls),
        similarity={name: values.reshape(steps, filters).tolist() for name, values in similarity.items()},
        chance=chance_of(luck, network.initializer),
        course=course_record(course(kernels, bank)),
        course_chance=course_chance(luck, size),
        before=score(probabilities(images, history.at(0), network), labels),
        after=score(probabilities(images, weights, network), labels),
        quality_before=layer_quality(layers[0], quality),
        quality=layer_quality(layers[-1], quality),
        ablation=ablate(images, labels, weights, network),
        swap=swap(images, labels, weights, network, matched_operators(weights["conv1/kernel"], bank)),
        deeper=deeper_records(run),
        controls=[_control("this run", run), *(_control(name, each) for name, each in run.controls.items())],
        audit=audit(run.dataset),
        unseen=accuracies,
        left_out=left_out,
        missing=_missing(run),
        ledger=[],
    )
    missing = [*_failed(analysis), *analysis.missing]
    return dataclasses.replace(analysis, missing=missing, ledger=ledger(run, analysis))


def _records(run: Run, step: int, nulls: Nulls) -> list[KernelRecord]:
    """Records of the first layer's kernels at a recorded step (0 or −1)."""
    kernels = run.kernels
    nulls = _with_smoothness(nulls, run, step)
    bank = operator_bank(kernels.shape[-1])
    return kernel_records(kernels[step], kernels[0], behaviour(run, step), bank, nulls, "conv1")


def nulls_at(run: Run, step: int) -> Nulls:
    """The null distributions that first-layer kernels of a recorded step are compared with."""
    return _with_smoothness(_nulls(run), run, step)


def _with_smoothness(nulls: Nulls, run: Run, step: int) -> Nulls:
    kernels = run.kernels[step]
    as_smooth = covariance_null(
        kernels, operator_bank(kernels.shape[-1]), rng_for(0, "null", "covariance"), _untrained(run)
    )
    return dataclasses.replace(nulls, covariance=as_smooth)


def _nulls(run: Run) -> Nulls:
    """The nulls that are the same for all steps; that of smoothness depends on the step.

    Streams of their own and not the run's seed: chance does not depend on what it is compared with.
    """
    bank = operator_bank(run.kernels.shape[-1])
    control = run.controls.get("shuffled-labels")
    return Nulls(
        _luck(run),
        None,
        shuffled_weights_null(run.kernels[0], bank, rng_for(0, "null", "step0")),
        covariance_null(control.kernels[-1], bank, rng_for(0, "null", "shuffled"), _untrained(run))
        if control
        else None,
    )


def _luck(run: Run) -> Null:
    """What untrained first-layer kernels of this run reach."""
    untrained = _untrained(run)
    return initializer_null(untrained.initializer, run.kernels.shape[-1], untrained.channels)


def _untrained(run: Run) -> Untrained:
    return Untrained(run.config.network.initializer, run.history.at(0)["conv1/kernel"].shape[2])


def _control(name: str, run: Run) -> ControlRecord:
    kernels = run.kernels[-1]
    size = kernels.shape[-1]
    p = p_values(best_match(kernels, operator_bank(size)).cosine, _luck(run).any)
    found = outcome(run)
    return ControlRecord(
        name, **dataclasses.asdict(found), matched=int(np.sum(p < SIGNIFICANT)), kernels=len(kernels)
    )


def _accuracy_unseen(run: Run) -> tuple[dict[str, ScoreWithInterval], dict[str, str]]:
    """Accuracy of the trained network on pictures unlike the training ones, and why some cannot be drawn."""
    if run.has_own_pictures:  # nobody can draw more of those
        return {}, {}
    drawn = unseen(run.config.images, run.dataset)
    weights, network = run.history.at(-1), run.config.network
    channels = run.dataset.pixels.shape[-1]  # what is drawn is grey

    def names(images: np.ndarray) -> np.ndarray:
        return probabilities(np.repeat(images, channels, axis=3), weights, network).argmax(axis=1)

    return {
        name: score_of(names(pictures.images) == pictures.labels) for name, pictures in drawn.datasets.items()
    }, drawn.left_out


@lru_cache
def _quality_chance(initializer: str, shape: tuple[int, ...]) -> QualityChance:
    return quality_chance(initializer, shape, rng_for(0, "layers", initializer))


def _failed(analysis: Analysis) -> list[str]:
    """Signs that the training itself failed, so that measures of its kernels mean little."""
    lines = []
    dead = sum(record.health == DEAD for record in analysis.kernels)
    if dead:
        lines.append(
            f"{dead} of {len(analysis.kernels)} kernels are dead; the ledger and the counts of matched kernels "
            "leave them out."
        )
    return lines


def _missing(run: Run) -> list[str]:
    """A line for each thing that could not be computed, and why."""
    lines = []
    if len(run.history.steps) == 1:
        lines.append("Only one step is recorded, so before and after are the same and nothing was learned yet.")
    size = run.kernels.shape[-1]
    if not operator_bank(size).whole:
        lines.append(
            f"Kernels of {size}×{size} are larger than the bank of operators holds whole: they were "
            "compared at some sizes and places only, and so were the kernels of chance."
        )
    for name, unit, step in non_finite(run.history.weights, run.history.steps):
        lines.append(
            f"{name}, unit {unit}: not finite from step {step:g} on (the training diverged), so it is compared "
            "with nothing."
        )
    for name, versions in run.controls_unlike.items():
        lines.append(
            f"The control {name} was trained with other versions than the run ({', '.join(versions)}), so it "
            "is left out: linesexp train RUN --controls makes it anew."
        )
    if "shuffled-labels" not in run.controls:
        lines.append(
            "The controls that need training, and the null of shuffled labels, were not made: "
            "linesexp train RUN --controls does."
        )
    return lines
