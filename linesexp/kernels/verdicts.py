"""From what runs say about a claim to a verdict: supported, refuted or undecided.

The independent unit is the run, or member of a study: several kernels of one network learned from the same
pictures and from each other's errors. One run can refute a claim, but at most leaves it `undecided (one run)`.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from linesexp.kernels.claims import Claim

SUPPORTED, REFUTED, UNDECIDED = "supported", "refuted", "undecided"
LEVEL = 0.05  # of a p, after its correction, from which a study decides


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
class OverMembers:
    """What the members of a study say about a claim together.

    effect: mean over members, None where none can say, `words` being the reason; interval: at 95 %; p:
    two-sided, that the mean is the claim's reference; p_holm: corrected for all claims that were tested;
    members: how many can say; wanted: how many of them lie on the wanted side of the reference;
    contradicting: how many contradict the claim by themselves, beyond what luck gives the worst of so many;
    None for a claim that is not about every run.
    """

    effect: float | None
    interval: tuple[float, float] | None
    p: float | None
    p_holm: float | None
    members: int
    wanted: int
    contradicting: int | None
    test: str
    words: str


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
    verdict: Annotated[str, Meta(pattern=f"^({SUPPORTED}|{REFUTED}|{UNDECIDED})")]
    words: str
    p_holm: float | None = None
    wanted_side: int | None = None  # of the runs
    contradicting: int | None = None


def judge(claim: Claim, finding: Finding) -> Judgement:
    """Verdict on a claim from one run.

    Refuted if the claim is about every run and this one's interval lies wholly on the wrong side of the
    reference, else `undecided (one run)`; without a measured effect `undecided (not measured)`.
    """
    against = side_of(claim.wanted, claim.reference, finding.interval) == "against"
    verdict = f"{UNDECIDED} (one run)"
    if finding.effect is None:
        verdict = f"{UNDECIDED} (not measured)"
    elif against and claim.universal:
        verdict = REFUTED
    return Judgement(
        *_of_claim(claim, claim.test),
        effect=finding.effect,
        interval=finding.interval,
        p=finding.p,
        counted=finding.counted,
        runs=int(finding.effect is not None),
        verdict=verdict,
        words=finding.words,
    )


def judge_members(claim: Claim, over: OverMembers) -> Judgement:
    """Verdict on a claim from a study.

    Supported or refuted if the interval of the mean effect lies wholly on one side of the reference and p,
    corrected for all claims, is below LEVEL. A claim about every run is refuted by one member that
    contradicts it.
    """
    side = side_of(claim.wanted, claim.reference, over.interval)
    if over.effect is None:
        verdict = f"{UNDECIDED} (not measured)"
    elif claim.universal and over.contradicting:
        verdict = REFUTED
    elif over.interval is None:
        verdict = f"{UNDECIDED} ({over.members} member{'s' if over.members != 1 else ''})"
    elif side and over.p_holm is not None and over.p_holm < LEVEL:
        verdict = {"for": SUPPORTED, "against": REFUTED}[side]
    else:
        verdict = UNDECIDED
    return Judgement(
        *_of_claim(claim, over.test),
        effect=over.effect,
        interval=over.interval,
        p=over.p,
        counted=f"{over.members} members",
        runs=over.members,
        verdict=verdict,
        words=over.words,
        p_holm=over.p_holm,
        wanted_side=over.wanted,
        contradicting=over.contradicting,
    )


def side_of(wanted: str, reference: float, interval: tuple[float, float] | None) -> str:
    """for or against a claim if the whole interval lies on that side of the reference, else empty."""
    low, high = interval or (-np.inf, np.inf)
    above, below = low > reference, high < reference
    if not above and not below:
        return ""
    return "for" if above == (wanted == "above") else "against"


def _of_claim(claim: Claim, test: str) -> tuple[str, str, str, str, str, str, float, str]:
    """The first fields of a Judgement."""
    own = claim.id, claim.sentence, claim.made_in, claim.measure
    return (*own, test, claim.wanted, claim.reference, claim.refuted_by)
