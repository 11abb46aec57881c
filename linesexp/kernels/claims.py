"""The ledger: sentences that people believe, each with a test that could refute it, and a verdict.

A run contributes a Finding to each claim; `judge` turns the findings of one or more runs into a verdict.
The independent unit is the run: several kernels of one network learned from the same pictures and from
each other's errors. One run can refute a claim, but at most leaves it `undecided (one run)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SUPPORTED, REFUTED, UNDECIDED = "supported", "refuted", "undecided"
CONFIDENCE = 0.95
ARTICLE = "the article on line kernels"  # the one that the default experiment repeats
TUTORIALS = "tutorials on how networks see"
COMMON = "often said"


@dataclass(frozen=True)
class Claim:
    """A sentence with its test: the claim holds where the effect lies on the wanted side of a reference."""

    id: str
    sentence: str
    made_in: str
    measure: str  # what the effect is, in words
    test: str  # where the interval of one run comes from
    wanted: str  # "above" or "below" the reference
    reference: float
    refuted_by: str
    control: str = ""  # the trained control that the claim needs


@dataclass(frozen=True)
class Finding:
    """What one run says about a claim.

    effect: None where the run cannot say, `words` being the reason; interval: of this run alone, at 95 %,
    None where nothing was sampled and the effect is exact, or where too little was; p: of the run's own
    test, where it has one; counted: what was sampled, such as `180 test pictures`.
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

    One run: refuted if its interval (its effect, where that is exact) lies wholly on the wrong side of
    the reference, else `undecided (one run)`; a sample without an interval refutes nothing. More:
    supported or refuted if the t interval of the runs' mean effect lies wholly on one side. Without a
    measured effect `undecided (not measured)`.
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
        _verdict(claim, effect, interval, len(measured), exact=not last.counted),
        last.words,
    )


def _verdict(
    claim: Claim, effect: float | None, interval: tuple[float, float] | None, runs: int, exact: bool
) -> str:
    if effect is None:
        return f"{UNDECIDED} (not measured)"
    low, high = interval or ((effect, effect) if exact else (-np.inf, np.inf))
    holds, fails = low > claim.reference, high < claim.reference
    if claim.wanted == "below":
        holds, fails = high < claim.reference, low > claim.reference
    if fails:
        return REFUTED
    if runs == 1:
        return f"{UNDECIDED} (one run)"
    return SUPPORTED if holds else UNDECIDED


def _interval_over_runs(effects: np.ndarray) -> tuple[float, float] | None:
    """t interval of the mean; None for no run."""
    from scipy import stats  # takes longer to import than everything else here to run

    if len(effects) == 0:
        return None
    half = stats.sem(effects) * stats.t.ppf((1 + CONFIDENCE) / 2, len(effects) - 1)
    return float(effects.mean() - half), float(effects.mean() + half)


NULLS = {
    "initialiser": "kernels as they are drawn before training",
    "covariance": "random kernels that are as smooth as the learned ones but prefer no direction",
    "step0": "the run’s own untrained weights in random order",
    "shuffled": "random kernels as smooth as those that the same network learned from shuffled labels",
}

CLAIMS = (
    Claim(
        "tells-lines-apart",
        "The network tells the classes of lines apart at positions that it never saw.",
        ARTICLE,
        "share of test pictures named rightly",
        "Clopper–Pearson interval over test pictures",
        "above",
        0.95,
        "fewer than 95 of 100 test pictures named rightly",
    ),
    Claim(
        "untrained-vague",
        "Untrained kernels have no clear preference for one class of lines.",
        ARTICLE,
        "median size of the untrained kernels’ preferences (0 none, 1 one class only)",
        "bootstrap over test pictures",
        "below",
        1 / 3,
        "half of the untrained kernels answering more than twice as strongly to one class as to the other",
    ),
    Claim(
        "prefers-both",
        "After training at least one kernel prefers one class of lines, and another the other.",
        ARTICLE,
        "smaller of the strongest preferences for each class",
        "bootstrap over test pictures",
        "above",
        1 / 3,
        "no kernel answering twice as strongly to one of the classes as to the other",
    ),
    Claim(
        "order-matters",
        "Some kernels care about the order of dark and bright (left to right), not only about direction.",
        ARTICLE,
        "highest direction index of the layer (0: a step edge and its reverse alike, 1: one of them only)",
        "exact for a run, as the probes are fixed; p against the highest of as many random kernels",
        "above",
        1 / 3,
        "no kernel answering twice as strongly to a step edge as to its reverse",
    ),
    Claim(
        "one-side-lower",
        "A kernel that cares about the order has lower weights on one side and higher ones on the other.",
        ARTICLE,
        "difference between the sides of the kernel with the highest direction index, in standard deviations "
        "of its weights, less the 95 % point of random kernels chosen likewise",
        "exact for a run, as the weights are known; p against random kernels chosen likewise",
        "above",
        0.0,
        "the sides of that kernel differing no more than those of random kernels",
    ),
    *(
        Claim(
            f"like-prewitt-{name}",
            f"The learned kernels resemble the Prewitt operator or its relatives more than {chance} do.",
            ARTICLE,
            "share of kernels more like an edge operator than 95 % of the null’s kernels",
            "Clopper–Pearson interval and binomial test over the run’s kernels",
            "above",
            0.05,
            "no more than one kernel in twenty beyond the null’s 95 % point",
            "shuffled-labels" if name == "shuffled" else "",
        )
        for name, chance in NULLS.items()
    ),
    Claim(
        "edges-not-lines",
        "The learned kernels are like edges (first derivatives) rather than like lines (second derivatives).",
        COMMON,
        "best edge match less best line match (|cosine|), mean over kernels, less that of untrained ones",
        "t interval over the run’s kernels",
        "above",
        0.0,
        "line operators matching as well as edge operators do",
    ),
    Claim(
        "each-learns",
        "Each kernel learns something, but for a few dead ones.",
        ARTICLE,
        "share of kernels that are not dead and moved by a tenth of their norm or more",
        "Clopper–Pearson interval over the run’s kernels",
        "above",
        0.75,
        "more than a quarter of the kernels dead or unmoved",
    ),
    Claim(
        "edges-sum-to-zero",
        "Kernels that resemble an edge operator sum to about zero, as the operator does.",
        COMMON,
        "median share of the mean (DC) in the energy of edge-like kernels, over that of random ones",
        "binomial interval of the median over the run’s edge-like kernels",
        "below",
        1.0,
        "edge-like kernels having as large a mean as random ones",
    ),
    Claim(
        "learning-needed",
        "Learned kernels are needed: with frozen random ones the network does worse.",
        COMMON,
        "test accuracy, less that with the first layer frozen at its untrained weights",
        "Bonett–Price interval of paired shares over test pictures",
        "above",
        0.01,
        "frozen random kernels losing less than 1 picture in 100",
        "frozen-random",
    ),
    Claim(
        "prewitt-serves",
        "The real Prewitt operators would serve as well as learned kernels.",
        COMMON,
        "test accuracy with the first layer frozen at Prewitt operators, less the run’s own",
        "Bonett–Price interval of paired shares over test pictures",
        "above",
        -0.01,
        "Prewitt operators losing more than 1 picture in 100",
        "frozen-prewitt",
    ),
    Claim(
        "early-keeps-detail",
        "Early layers keep the detail of the picture, deeper ones lose it.",
        TUTORIALS,
        "share of the pixels’ variance that a linear readout recovers, first block less last",
        "bootstrap over test pictures",
        "above",
        0.0,
        "the last block’s maps giving the picture back as well as the first’s",
    ),
    Claim(
        "deeper-selective",
        "Deeper layers respond more selectively to the class.",
        TUTORIALS,
        "share of the classes’ variance that a linear readout explains, last block less first",
        "bootstrap over test pictures",
        "above",
        0.0,
        "the class being no easier to read from the last block than from the first",
    ),
    Claim(
        "deeper-sparser",
        "In deeper layers fewer cells are active.",
        TUTORIALS,
        "share of active cells, first convolution less last",
        "bootstrap over test pictures",
        "above",
        0.0,
        "as many cells active in the last convolution as in the first",
    ),
    Claim(
        "pooling-steadier",
        "Pooling makes the answer steadier under shifts of the line by a pixel or two.",
        TUTORIALS,
        "relative change of the maps under such a shift, before pooling less after it",
        "bootstrap over test pictures",
        "above",
        0.0,
        "pooled maps changing as much as unpooled ones",
    ),
)
