"""Every claim judged by one run."""

import dataclasses

from linesexp.evidence.on_kernels import on_kernels
from linesexp.evidence.on_network import on_network
from linesexp.kernels.analysis import Analysis
from linesexp.kernels.claims import CLAIMS
from linesexp.kernels.verdicts import Finding, Judgement, judge
from linesexp.run import Run

OF_LINES = ("tells-lines-apart",)  # claims that mean nothing where the pictures are not lines
OF_UNTRAINED = ("untrained-vague",)  # claims that a network which has not learned yet can answer


def ledger(run: Run, analysis: Analysis) -> list[Judgement]:
    """Every claim judged by this run; analysis: everything that was measured on it but the ledger."""
    found = on_kernels(run, analysis) | on_network(run, analysis)
    if run.history.steps[-1] == 0:
        untrained = Finding(None, "only the untrained network is recorded")
        found = dict.fromkeys(found, untrained) | {name: found[name] for name in OF_UNTRAINED}
    claims = CLAIMS
    if run.has_own_pictures:
        found |= dict.fromkeys(OF_LINES, Finding(None, "not lines: these pictures are somebody’s own"))
        claims = tuple(dataclasses.replace(claim, sentence=claim.of_own or claim.sentence) for claim in CLAIMS)
    return [judge(claim, found[claim.id]) for claim in claims]
