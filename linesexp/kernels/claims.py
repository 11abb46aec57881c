"""The ledger's claims: sentences that people believe, each with a test that could refute it.

A run contributes a Finding to each; `kernels.verdicts` judges them.
"""

from dataclasses import dataclass

ARTICLE = "the article whose experiment the default settings repeat"
TUTORIALS = "tutorials on how networks see"
COMMON = "what is often said"


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
    universal: bool = False  # whether one run that clearly contradicts it refutes it
    of_own: str = ""  # the sentence for a run on somebody's own pictures, where that is another one


NULLS = {
    "initialiser": "kernels as they are drawn before training",
    "covariance": "random kernels that are as smooth as the learned ones but prefer no direction",
    "step0": "the run’s own untrained weights in random order",
    "shuffled": "random kernels as smooth as those of the same network trained on shuffled labels",
}

CLAIMS = (
    Claim(
        "tells-lines-apart",
        "A small network (by default eight 7×7 kernels, 400 weights in the first layer) tells the classes of "
        "lines apart at positions that it never saw.",
        ARTICLE,
        "share of test pictures named rightly",
        "Clopper–Pearson interval over test pictures",
        "above",
        0.95,
        "fewer than 95 of 100 test pictures named rightly",
        universal=True,
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
        of_own="Untrained kernels have no clear preference for one of two classes.",
    ),
    Claim(
        "prefers-both",
        "After training at least one kernel prefers one class of lines, and another the other, more than "
        "before.",
        ARTICLE,
        "smaller of the strongest preferences for each class (0 none, 1 this class only), less that before "
        "training",
        "bootstrap over test pictures",
        "above",
        0.0,
        "the preference for one of the classes being no stronger than in the untrained network",
        of_own="After training at least one kernel prefers one of two classes, and another the other, more "
        "than before.",
    ),
    Claim(
        "order-matters",
        "Some kernels care about the order of dark and bright (left to right), more than untrained ones do.",
        ARTICLE,
        "strongest difference of a kernel’s responses to an edge and to its reverse (0 none, 1 as a Prewitt "
        "operator’s), less the median of untrained layers",
        "against 10,000 untrained layers; the interval is as wide as theirs",
        "above",
        0.0,
        "no kernel telling an edge from its reverse as well as the best of most untrained layers does",
    ),
    Claim(
        "one-side-lower",
        "A kernel that cares about the order has lower weights on one side and higher ones on the other.",
        ARTICLE,
        "difference between the sides of the kernel that cares most about the order, in standard deviations "
        "of its weights, less the median of untrained kernels chosen likewise",
        "against 10,000 untrained layers; the interval is as wide as theirs",
        "above",
        0.0,
        "the sides of that kernel differing no more than those of the median untrained one",
    ),
    *(
        Claim(
            f"like-prewitt-{name}",
            f"The learned kernels resemble the Prewitt operator or its relatives more than {chance} do.",
            ARTICLE,
            "share of kernels that are like an edge rather than a line, more so than 95 % of the null’s "
            "kernels",
            "Clopper–Pearson interval and binomial test over the run’s kernels, which are not independent: p "
            "is rather too small",
            "above",
            0.05,
            "no more than one kernel in twenty beyond the null’s 95 % point",
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
        "share of the edge-like kernels whose mean (DC) has less of their energy than that of the middle one "
        "of random kernels (a half of those have)",
        "Clopper–Pearson interval over the run’s edge-like kernels",
        "above",
        0.5,
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
        universal=True,
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
        universal=True,
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
        "pooling-steadier",
        "Pooling makes the answer steadier under shifts of the line by a pixel or two.",
        TUTORIALS,
        "relative change of the maps under such a shift, thinned out as much without pooling, less with it",
        "bootstrap over test pictures",
        "above",
        0.0,
        "pooled maps changing as much as thinned out ones",
        of_own="Pooling makes the answer steadier under shifts of the picture by a pixel or two.",
    ),
)
