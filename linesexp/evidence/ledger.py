"""Every claim judged by one run."""

from linesexp.evidence.on_kernels import on_kernels
from linesexp.evidence.on_network import on_network
from linesexp.kernels.analysis import Analysis
from linesexp.kernels.claims import CLAIMS
from linesexp.kernels.verdicts import Finding, Judgement, judge
from linesexp.run import Run

OF_UNTRAINED = ("untrained-vague",)  # claims that a network which has not learned yet can answer


def ledger(run: Run, analysis: Analysis) -> list[Judgement]:
    """Every claim judged by this run; analysis: everything that was measured on it but the ledger."""
    found = on_kernels(run, analysis) | on_network(run, analysis)
    if run.history.steps[-1] == 0:
        untrained = Finding(None, "only the untrained network is recorded")
        found = dict.fromkeys(found, untrained) | {name: found[name] for name in OF_UNTRAINED}
    return [judge(claim, [found[claim.id]]) for claim in CLAIMS]
