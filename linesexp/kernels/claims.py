"""The ledger's claims: sentences that people believe, each with a test that could refute it.

A run contributes a Finding to each; `kernels.verdicts` judges them.
"""

from dataclasses import dataclass

ARTICLE = "the article whose experiment the default settings repeat"
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
    of_own: str = ""  # the sentence for a run on somebody's own pictures, where that is another one


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
        of_own="Untrained kernels have no clear preference for one of two classes.",
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
        of_own="After training at least one kernel prefers one of two classes, and another the other.",
    ),
    Claim(
        "order-matters",
        "Some kernels care about the order of dark and bright (left to right), not only about direction.",
        ARTICLE,
        "highest direction index of the layer (0: a step edge and its reverse alike, 1: one of them only)",
        "exact for a run, as the probes are fixed",
        "above",
        1 / 3,
        "no kernel answering twice as strongly to a step edge as to its reverse",
    ),
    Claim(
        "order-learned",
        "It is training that makes them care about the order.",
        COMMON,
        "highest direction index of the layer, less the median of that of untrained layers",
        "exact for a run, as the probes are fixed; p against untrained layers",
        "above",
        0.0,
        "untrained kernels caring about the order as much",
    ),
    Claim(
        "one-side-lower",
        "A kernel that cares about the order has lower weights on one side and higher ones on the other.",
        ARTICLE,
        "difference between the sides of the kernel with the highest direction index, in standard deviations "
        "of its weights, less the median of untrained kernels chosen likewise",
        "exact for a run, as the weights are known; p against untrained kernels chosen likewise",
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
        of_own="Pooling makes the answer steadier under shifts of the picture by a pixel or two.",
    ),
)
