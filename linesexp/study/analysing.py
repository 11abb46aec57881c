"""From the members of a study's conditions to its analysis: every number with its interval."""

from collections.abc import Mapping, Sequence

import numpy as np

from linesexp import __version__
from linesexp.config import ExperimentConfig, changed_settings, differences
from linesexp.kernels.claims import CLAIMS
from linesexp.kernels.nulls import Untrained
from linesexp.seeds import rng_for
from linesexp.study.analysis import Band, Condition, Gap, Number, StudyAnalysis, Variation
from linesexp.study.chances import is_control
from linesexp.study.crossed import crossed, grids
from linesexp.study.gathering import Members, partners
from linesexp.study.judging import ledger_of
from linesexp.study.measuring import MEASURES
from linesexp.study.recurring import recurring
from linesexp.study.statistics import Summary, holm, summarise

OF_MEMBERS = [measure.id for measure in MEASURES]
OF_CLAIMS = [claim.id for claim in CLAIMS]
MIDDLE = (2.5, 97.5)  # percentiles of a band


def analyse_study(
    study: Mapping[str, Members],
    conditions: Mapping[str, ExperimentConfig],
    planned: Mapping[str, int],
    missing: Sequence[str] = (),
) -> StudyAnalysis:
    """Analyse a study. conditions: the settings of all; planned: how many members each was to have; missing:
    what else could not be computed. Raises ValueError for a study without a member."""
    if not study:
        raise ValueError("a study without a member says nothing")
    reference = "default" if "default" in study else next(iter(study))
    records = [
        _condition(name, study, conditions, reference, planned.get(name, len(study[name]))) for name in study
    ]
    data_seeds = sorted({int(seed) for members in study.values() for seed in np.unique(members.data_seeds)})
    lines = [*missing, *_missing(study, conditions, planned)]
    method = _summary(study[reference], OF_MEMBERS[:1]).method
    return StudyAnalysis(__version__, reference, data_seeds, method, records, lines)


def _condition(
    name: str,
    study: Mapping[str, Members],
    conditions: Mapping[str, ExperimentConfig],
    reference: str,
    planned: int,
) -> Condition:
    members, config = study[name], conditions[name]
    course = members.chances.course
    rng = rng_for(0, "recurring", name)
    return Condition(
        name=name,
        changes=_changes(name, conditions, reference),
        control=is_control(config),
        members=len(members),
        planned=planned,
        filters=config.network.filters[0],
        kernel_size=config.network.kernel_sizes[0],
        chance={"edge": course.edge_mean, "line": course.line_mean},
        measures=_numbers(members),
        ledger=ledger_of(name, study, conditions),
        differences={} if name == reference else _differences(members, study[reference]),
        curves=_bands(members),
        variation=_variation(members),
        recurring=recurring(
            members.kernels, members.of, members.chances.bank, rng, Untrained(members.chances.initializer)
        ),
    )


def _changes(name: str, conditions: Mapping[str, ExperimentConfig], reference: str) -> list[str]:
    """What a condition changes, compared with the reference; of that itself, with the defaults."""
    if name != reference:
        return differences(conditions[reference], conditions[name])
    return [f"{setting} = {value}" for setting, value in changed_settings(conditions[name]).items()]


def _summary(members: Members, names: Sequence[str]) -> Summary:
    values = np.stack([members.values[name] for name in names], axis=1)
    return summarise(values, members.seeds, members.data_seeds)


def _numbers(members: Members) -> dict[str, Number]:
    found = _summary(members, OF_MEMBERS)
    columns = zip(OF_MEMBERS, found.mean, found.low, found.high, found.n, strict=True)
    return {
        name: Number(_known(mean), _known(low), _known(high), int(n)) for name, mean, low, high, n in columns
    }


def _differences(members: Members, reference: Members) -> dict[str, Gap]:
    own, theirs = partners(members, reference)
    gaps: dict[str, Gap] = {}
    for names in (OF_MEMBERS, OF_CLAIMS):
        values = [members.values[name][own] - reference.values[name][theirs] for name in names]
        seeds, data_seeds = members.seeds[own], members.data_seeds[own]
        found = summarise(np.stack(values, axis=1), seeds, data_seeds, against=np.zeros(len(names)))
        columns = zip(found.mean, found.low, found.high, found.n, found.p, holm(found.p), strict=True)
        for name, (mean, low, high, n, p, p_holm) in zip(names, columns, strict=True):
            gaps[name] = Gap(_known(mean), _known(low), _known(high), int(n), _known(p), _known(p_holm))
    return gaps


def _bands(members: Members) -> dict[str, Band]:
    bands = {}
    for name, curves in members.curves.items():
        epochs = np.arange(curves.shape[1], dtype=float)
        steps = epochs if name == "validation_accuracy" else members.steps
        known = np.isfinite(curves).all(axis=1)
        of_known = curves[known] if known.any() else np.full((1, curves.shape[1]), np.nan)
        low, high = np.percentile(of_known, MIDDLE, axis=0)
        mean, low, high = ([_known(value) for value in values] for values in (of_known.mean(axis=0), low, high))
        bands[name] = Band(steps.tolist(), mean, low, high)
    return bands


def _variation(members: Members) -> dict[str, Variation]:
    if len(np.unique(members.data_seeds)) < 2:
        return {}
    values = np.stack([members.values[name] for name in OF_MEMBERS], axis=1)
    found = crossed(grids(values, members.seeds, members.data_seeds))
    columns = zip(found.data, found.seed, found.rest, found.p_data, found.p_seed, strict=True)
    return {name: Variation(*map(_known, column)) for name, column in zip(OF_MEMBERS, columns, strict=True)}


def _missing(
    study: Mapping[str, Members], conditions: Mapping[str, ExperimentConfig], planned: Mapping[str, int]
) -> list[str]:
    """A line for each condition that lacks members, or whose networks failed."""
    lines = []
    for name in conditions:
        members = study.get(name)
        if members is None:
            lines.append(f"{name}: none of its members is trained yet.")
            continue
        if len(members) < planned.get(name, 0):
            lines.append(f"{name}: {len(members)} of {planned[name]} members are trained.")
        broken = int(np.sum(~np.isfinite(members.values["cosine"])))
        if broken:
            lines.append(f"{name}: {broken} members have no kernel that is finite and not constant.")
        size = conditions[name].network.kernel_sizes[0]
        if not members.chances.bank.whole:
            lines.append(
                f"{name}: kernels of {size}×{size} were compared at some sizes and places only, and so were "
                "the kernels of chance."
            )
    return lines


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
