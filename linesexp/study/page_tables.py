"""The tables of a study's page."""

from typing import Any

from linesexp.kernels.claims import CLAIMS
from linesexp.kernels.verdicts import UNDECIDED
from linesexp.report.evidence import Table
from linesexp.report.ledger import kind_of, leans
from linesexp.study.analysis import Condition, Gap, Number, StudyAnalysis
from linesexp.study.measuring import MEASURES
from linesexp.study.roles import CONTROL, REFERENCE, role_of
from linesexp.wording import plain, share_words, signed

UNITS = {measure.id: measure.unit for measure in MEASURES}
WORDS = {measure.id: measure.words for measure in MEASURES}
IN_TABLES = (  # two, as all would be wider than a page
    ("accuracy", "epochs_to_95", "matched", "matched_smooth"),
    ("edge_like", "cosine", "axis", "dead"),
)
HEADS = {
    "accuracy": "test pictures right",
    "epochs_to_95": "epochs to 95 %",
    "matched": "matched kernels",
    "matched_smooth": "matched, smooth",
    "edge_like": "edge-like",
    "cosine": "|cosine|",
    "axis": "along one axis",
    "dead": "dead",
}
LEANINGS = {"for": ", leans for", "against": ", leans against", "": ""}
ROLES = {REFERENCE: "reference", CONTROL: "control"}


def conditions_table(analysis: StudyAnalysis) -> Table:
    """What each condition changes, and how many members it has."""
    rows = [
        [
            condition.name,
            "; ".join(condition.changes) or "nothing",
            ROLES.get(role_of(condition, analysis), ""),
            f"{condition.members:,}"
            + (f" of {condition.planned:,}" if condition.members < condition.planned else ""),
            f"{condition.filters} × {condition.kernel_size}×{condition.kernel_size}",
        ]
        for condition in analysis.conditions
    ]
    head = [("condition", True), ("changes", True), ("part", True), ("members", False), ("kernels", False)]
    caption = f"Conditions; changes are from {analysis.reference}, its own from the defaults"
    return {"caption": caption, "head": head, "rows": rows}


def measures_tables(analysis: StudyAnalysis) -> list[Table]:
    """Means over members with their intervals."""
    means = "Means over members (95 % intervals; n: how many members, where some have no such number)"
    captions = (
        f"{means}. Matched: kernels more like an operator than 95 % of untrained kernels; smooth: than 95 % of "
        "kernels as smooth",
        f"{means}: what the kernels are like",
    )
    return [
        {
            "caption": caption,
            "head": [("condition", True), *((HEADS[name], False) for name in names)],
            "rows": [
                [
                    condition.name,
                    *(number_words(condition.measures[name], UNITS[name], condition.members) for name in names),
                ]
                for condition in analysis.conditions
            ],
        }
        for names, caption in zip(IN_TABLES, captions, strict=True)
    ]


def claims_table(condition: Condition) -> list[dict[str, str]]:
    """The ledger of a condition as rows: claim, its id, n, effect, interval, wanted, p, verdict …"""
    return [
        {
            "claim": j.claim,
            "id": j.id,
            "n": str(j.runs),
            "effect": "–" if j.effect is None else plain(j.effect),
            "interval": "–" if j.interval is None else " to ".join(map(plain, j.interval)),
            "wanted": f"{j.wanted} {plain(j.reference)}",
            "p": _p(j.p_holm),
            "verdict": j.verdict,
            "leans": LEANINGS[leans(j)] if kind_of(j) == UNDECIDED and j.effect is not None else "",
            "kind": kind_of(j),
        }
        for j in condition.ledger
    ]


def verdicts_table(analysis: StudyAnalysis) -> dict[str, Any]:
    """Every claim under every condition: rows of (claim, its id, cells of verdict, kind and effect)."""
    rows = []
    for index, claim in enumerate(CLAIMS):
        judgements = [condition.ledger[index] for condition in analysis.conditions]
        cells = [
            {
                "kind": kind_of(j),
                "verdict": kind_of(j) if j.effect is not None else "–",
                "effect": "" if j.effect is None else plain(j.effect),
            }
            for j in judgements
        ]
        wanted = f"{claim.wanted} {plain(claim.reference)}"
        rows.append({"claim": claim.sentence, "id": claim.id, "wanted": wanted, "cells": cells})
    return {"names": [condition.name for condition in analysis.conditions], "rows": rows}


def differences_tables(analysis: StudyAnalysis) -> list[dict[str, Any]]:
    """For each condition but the reference: measures, then effects of claims, less the reference's."""
    head = [
        *(("measure", True), ("difference", False), ("95 % interval", False)),
        *(("p", False), ("p, Holm", False), ("pairs", False)),
    ]
    sentences = {claim.id: f"claim {claim.id}" for claim in CLAIMS}
    return [
        {
            "name": condition.name,
            "table": {
                "caption": f"{condition.name} less {analysis.reference}, pairs of the same seeds",
                "head": head,
                "rows": [
                    [(WORDS | sentences)[name], *_gap_cells(gap, UNITS.get(name, ""))]
                    for name, gap in condition.differences.items()
                    if gap.mean is not None
                ],
            },
        }
        for condition in analysis.conditions
        if condition.differences
    ]


def variation_table(condition: Condition) -> Table | None:
    """Where the variance of each measure comes from; None with one data seed."""
    if not condition.variation:
        return None
    rows = []
    for name, found in condition.variation.items():
        if found.data is None or found.seed is None or found.rest is None:
            continue
        total = found.data + found.seed + found.rest
        parts = (found.data, found.seed, found.rest)
        shares = [f"{share_words(part / total)} %" if total else "–" for part in parts]
        rows.append([WORDS[name], *shares, _p(found.p_data), _p(found.p_seed)])
    head = [
        *(("measure", True), ("pictures", False), ("seeds", False), ("both", False)),
        *(("p, pictures", False), ("p, seeds", False)),
    ]
    return {"caption": f"Where the variance of {condition.name} comes from", "head": head, "rows": rows}


def number_words(number: Number, unit: str, members: int) -> str:
    """A mean and its interval, `69 % (62–77)`; with the n of members that it is of, if these are not all."""
    if number.mean is None:
        return "–"
    words = _value(number.mean, unit) + (" %" if unit == "share" else "")
    if number.low is not None and number.high is not None:
        words += f" ({_value(number.low, unit)}–{_value(number.high, unit)})"
    return words + (f", n {number.n:,}" if number.n < members else "")


def _value(value: float, unit: str) -> str:
    return share_words(value) if unit == "share" else signed(value, ".1f" if unit == "epochs" else ".2f")


def _gap_cells(gap: Gap, unit: str) -> list[str]:
    scale = 100 if unit == "share" else 1
    mean = f"{scale * (gap.mean or 0):+.3g}{' points' if unit == 'share' else ''}".replace("-", "−")
    interval = "–"
    if gap.low is not None and gap.high is not None:
        interval = f"{plain(scale * gap.low)} to {plain(scale * gap.high)}"
    return [mean, interval, _p(gap.p), _p(gap.p_holm), str(gap.n)]


def _p(value: float | None) -> str:
    return "–" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"
