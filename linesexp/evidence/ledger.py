"""Every claim judged by one run."""

from linesexp.evidence.on_kernels import on_kernels
from linesexp.evidence.on_network import on_network
from linesexp.kernels.analysis import Analysis
from linesexp.kernels.claims import CLAIMS, Judgement, judge
from linesexp.run import Run


def ledger(run: Run, analysis: Analysis) -> list[Judgement]:
    """Every claim judged by this run; analysis: everything that was measured on it but the ledger."""
    found = on_kernels(run, analysis) | on_network(run, analysis)
    return [judge(claim, [found[claim.id]]) for claim in CLAIMS]
