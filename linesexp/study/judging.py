"""The ledger of a condition: every claim judged by all of its members together."""

from collections.abc import Mapping

import numpy as np

from linesexp.config import ExperimentConfig, NetworkConfig
from linesexp.evidence.intervals import paired_interval, share_interval
from linesexp.kernels.claims import CLAIMS, Claim
from linesexp.kernels.verdicts import Judgement, OverMembers, judge_members, side_of
from linesexp.study.chances import control_of, is_control
from linesexp.study.gathering import Members, partners
from linesexp.study.measuring import PAIRED
from linesexp.study.networks import LOOKED_THROUGH, OF_DEPTH, looked_through
from linesexp.study.statistics import FEWEST, Summary, holm, summarise
from linesexp.wording import plain

SURE = 0.95  # that no member contradicts a claim by luck alone
COUNTED = {  # the controls that claims need, and what of the settings makes one
    "frozen-random": "network.first_layer = random",
    "frozen-prewitt": "network.first_layer = prewitt",
    "shuffled-labels": "training.shuffle_labels = true",
}


def ledger_of(
    name: str, study: Mapping[str, Members], conditions: Mapping[str, ExperimentConfig]
) -> list[Judgement]:
    """Every claim judged by the members of a condition; p is corrected over the claims that were tested."""
    members = study[name]
    effects = np.stack([members.values[claim.id] for claim in CLAIMS], axis=1)
    references = np.array([claim.reference for claim in CLAIMS])
    over = summarise(effects, members.seeds, members.data_seeds, against=references)
    adjusted = holm(over.p)
    judgements = []
    for index, claim in enumerate(CLAIMS):
        own, count = effects[:, index], int(over.n[index])
        against = contradicting(claim, name, study, conditions) if claim.universal else None
        together = OverMembers(
            effect=_known(over.mean[index]),
            interval=_interval(over, index),
            p=_known(over.p[index]),
            p_holm=_known(adjusted[index]),
            members=count,
            wanted=_on_wanted_side(claim, own),
            contradicting=against,
            test=over.method,
            words=_words(claim, own, count, against) or _why_not(claim, name, study, conditions),
        )
        judgements.append(judge_members(claim, together))
    return judgements


def contradicting(
    claim: Claim, name: str, study: Mapping[str, Members], conditions: Mapping[str, ExperimentConfig]
) -> int:
    """How many members contradict a claim on accuracy by themselves.

    Each by the interval that a run of its own would have, at a level (Bonferroni's) at which, were all of them
    at the reference, not one in twenty studies had any such member.
    """
    members = study[name]
    level = 1 - (1 - SURE) / max(len(members), 1)
    counts: list[tuple[int, ...]]
    intervals: dict[tuple[int, ...], tuple[float, float]] = {}  # few differ
    if claim.id in PAIRED:
        control, sign = PAIRED[claim.id]
        other = study.get(control_of(name, control, conditions) or "")
        if other is None:
            return 0
        own, theirs = partners(members, other)
        differences = sign * (members.correct[own].astype(int) - other.correct[theirs].astype(int))
        counts = [tuple(int(np.sum(row == value)) for value in (1, -1, 0)) for row in differences]
        for count in set(counts):
            intervals[count] = paired_interval(np.repeat([1, -1, 0], count), level)
    else:
        counts = [(int(row.sum()), len(row)) for row in members.correct]
        for count in set(counts):
            intervals[count] = share_interval(count[0], count[1], level)
    return sum(side_of(claim.wanted, claim.reference, intervals[count]) == "against" for count in counts)


def _words(claim: Claim, effects: np.ndarray, count: int, against: int | None) -> str:
    """How the members lie about the reference; empty where none can say."""
    known = effects[np.isfinite(effects)]
    if not len(known):
        return ""
    wanted = f"{claim.wanted} {plain(claim.reference)}"
    words = f"{_on_wanted_side(claim, effects)} of {len(known)} members lie {wanted}"
    if len(known) >= FEWEST:
        low, high = (plain(end) for end in np.percentile(known, (5, 95)))
        words += f", nine in ten at {low}" if low == high else f", nine in ten between {low} and {high}"
    if against is not None:
        words += f"; by itself, beyond luck, {against or 'none'} of them contradicts the claim"
    if count < len(known):
        words += f"; {count} have a partner of the same seed under every data seed"
    return f"{words}."


def _on_wanted_side(claim: Claim, effects: np.ndarray) -> int:
    with np.errstate(invalid="ignore"):
        beyond = effects > claim.reference if claim.wanted == "above" else effects < claim.reference
    return int(np.sum(beyond))


def _why_not(
    claim: Claim, name: str, study: Mapping[str, Members], conditions: Mapping[str, ExperimentConfig]
) -> str:
    """Why no member of a condition can say anything about a claim."""
    control = PAIRED[claim.id][0] if claim.id in PAIRED else ""
    if claim.id == "like-prewitt-shuffled":
        control = "shuffled-labels"
    if control:
        if is_control(conditions[name]):
            return "this condition is a control itself"
        found = control_of(name, control, conditions)
        if found is None:
            settings = "these" if name == "default" else f"the settings of {name}"
            return f"add a condition: {settings} with {COUNTED[control]}" + (
                f" (built in: {control})" if name == "default" else ""
            )
        if found not in study:
            return f"no member of {found} is trained yet"
        return f"no member of {found} has the seeds of one of these"
    if claim.id in OF_DEPTH:
        if looked_through(tuple(study[name].seeds)).any() and _has_depth(claim, conditions[name].network):
            return "the networks that would be looked through diverged: not all their weights are numbers"
        return (
            f"none of these networks was looked through (the first {LOOKED_THROUGH} of every hundred seeds "
            "are, where there is more than one convolution, and pooling)"
        )
    return "no member can say"


def _has_depth(claim: Claim, network: NetworkConfig) -> bool:
    """Whether a network has what a claim on depth is about: pooling, or more than one convolution."""
    return network.pool_size > 1 if claim.id == "pooling-steadier" else len(network.filters) > 1


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _interval(summary: Summary, index: int) -> tuple[float, float] | None:
    low, high = summary.low[index], summary.high[index]
    return (float(low), float(high)) if np.isfinite(low) and np.isfinite(high) else None
