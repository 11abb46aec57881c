"""From what runs say about a claim to a verdict: supported, refuted or undecided.

The independent unit is the run: several kernels of one network learned from the same pictures and from
each other's errors. One run can refute a claim, but at most leaves it `undecided (one run)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linesexp.kernels.claims import Claim

SUPPORTED, REFUTED, UNDECIDED = "supported", "refuted", "undecided"
CONFIDENCE = 0.95
FEWEST_RUNS = 3  # that decide a claim together


@dataclass(frozen=True)
class Finding:
    """What one run says about a claim.

    effect: None where the run cannot say, `words` being the reason; interval: of this run alone, at 95 %,
    None where too little was sampled; p: of the run's own test, where it has one; counted: what was
    sampled, such as `180 test pictures`.
    """

    effect: float | None
    words: str
    interval: tuple[float, float] | None = None
    p: float | None = None
    counted: str = ""


@dataclass(frozen=True)
class Judgement:
    """A claim and what came of it: one record of analysis.json's ledger."""

    id: str
    claim: str
    made_in: str
    measure: str
    test: str
    wanted: str
    reference: float
    refuted_by: str
    effect: float | None
    interval: tuple[float, float] | None
    p: float | None
    counted: str
    runs: int
    verdict: str
    words: str


def judge(claim: Claim, findings: Sequence[Finding]) -> Judgement:
    """Verdict on a claim from one finding a run.

    One run: refuted if the claim is about every run and this one's interval lies wholly on the wrong side
    of the reference, else `undecided (one run)`. FEWEST_RUNS or more: supported or refuted if the t
    interval of the runs' mean effect lies wholly on one side. Without a measured effect
    `undecided (not measured)`.
    """
    measured = [finding for finding in findings if finding.effect is not None]
    last = (measured or list(findings))[-1]
    effects = np.array([finding.effect for finding in measured], dtype=float)
    interval = last.interval if len(measured) == 1 else _interval_over_runs(effects)
    effect = float(effects.mean()) if len(effects) else None
    return Judgement(
        claim.id,
        claim.sentence,
        claim.made_in,
        claim.measure,
        claim.test if len(measured) < 2 else "t interval over runs",
        claim.wanted,
        claim.reference,
        claim.refuted_by,
        effect,
        interval,
        last.p if len(measured) == 1 else None,
        last.counted if len(measured) < 2 else f"{len(measured)} runs",
        len(measured),
        _verdict(claim, effect, interval, len(measured)),
        last.words,
    )


def _verdict(claim: Claim, effect: float | None, interval: tuple[float, float] | None, runs: int) -> str:
    if effect is None:
        return f"{UNDECIDED} (not measured)"
    side = side_of(claim.wanted, claim.reference, interval)
    if runs == 1:
        return REFUTED if side == "against" and claim.universal else f"{UNDECIDED} (one run)"
    return {"for": SUPPORTED, "against": REFUTED}.get(side, UNDECIDED)


def side_of(wanted: str, reference: float, interval: tuple[float, float] | None) -> str:
    """for or against a claim if the whole interval lies on that side of the reference, else empty."""
    low, high = interval or (-np.inf, np.inf)
    above, below = low > reference, high < reference
    if not above and not below:
        return ""
    return "for" if above == (wanted == "above") else "against"


def _interval_over_runs(effects: np.ndarray) -> tuple[float, float] | None:
    """t interval of the mean; None for fewer than FEWEST_RUNS, of which it would be endless or luck."""
    from scipy import stats  # takes longer to import than everything else here to run

    if len(effects) < FEWEST_RUNS:
        return None
    half = stats.sem(effects) * stats.t.ppf((1 + CONFIDENCE) / 2, len(effects) - 1)
    return float(effects.mean() - half), float(effects.mean() + half)
