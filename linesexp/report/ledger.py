"""The ledger on the page: what was asked and what came out, and a card for each claim."""

from linesexp.kernels.verdicts import REFUTED, SUPPORTED, UNDECIDED, Judgement, side_of
from linesexp.wording import plain


def about_ledger(judgements: list[Judgement]) -> list[str]:
    """What was asked of one run and what came out, in three sentences."""
    measured = [j for j in judgements if j.effect is not None]
    sides = [leans(j) for j in measured if j.verdict.startswith(UNDECIDED)]
    refuted = sum(j.verdict == REFUTED for j in judgements)
    decided = f"{refuted} of them {'is' if refuted == 1 else 'are'} refuted"
    return [
        f"Asked were {len(judgements)} things that people say about such networks, each with a test that could "
        "prove it wrong.",
        f"{decided}; of the rest, the numbers clearly lean towards {sides.count('for')} and against "
        f"{sides.count('against')}, say nothing clear on {sides.count('')}, and "
        f"{len(judgements) - len(measured)} could not be measured.",
        "One run can prove none of it, as another seed gives other kernels: “undecided (one run)” is the best "
        "that a claim can get here. Only claims about every such network fall with one that contradicts them.",
    ]


LEANINGS = {
    "for": "the numbers lean towards it",
    "against": "the numbers lean against it",
    "": "the numbers say nothing clear",
}


TRY_IN_LABORATORY = {  # claim → the laboratory's part where a reader can try it, and how
    "tells-lines-apart": ("lab-input", "give the network a line at another place"),
    "untrained-vague": ("lab-curves", "move the slider to the untrained network and look at its maps"),
    "prefers-both": ("lab-layers", "compare the kernels’ maps for pictures of both classes, before and after"),
    "order-matters": (
        "lab-comparison",
        "see how much a kernel answers to an edge and to its reverse (brighter to any side, not left or right "
        "alone)",
    ),
    "one-side-lower": ("lab-bench", "read a kernel’s weights, side against side, and flip it"),
    "like-prewitt-initialiser": (
        "lab-comparison",
        "see each kernel’s operator and p (luck) at every step; there it counts lines too, the claim edges "
        "alone: p (luck), edge, under “What chance would give”",
    ),
    "like-prewitt-covariance": (
        "lab-comparison",
        "see each kernel’s operator and p (smooth), which counts lines too",
    ),
    "like-prewitt-step0": (
        "lab-comparison",
        "see each kernel’s operator and p (start), which counts lines too",
    ),
    "like-prewitt-shuffled": (
        "lab-comparison",
        "see each kernel’s operator and its kinds of chance, which count lines too",
    ),
    "edges-not-lines": (
        "lab-comparison",
        "see how well the best edge and the best line operator fit each kernel",
    ),
    "each-learns": ("lab-curves", "move the slider and see which kernels change"),
    "edges-sum-to-zero": ("lab-bench", "take the mean off a kernel and see what changes"),
    "learning-needed": (
        "lab-bench",
        "put random weights into all kernels and count the pictures named rightly; nothing is trained anew "
        "there, so it shows only that the layers behind rely on the kernels that they learned with",
    ),
    "prewitt-serves": (
        "lab-bench",
        "put Prewitt operators into kernels and count the pictures named rightly; nothing is trained anew "
        "there, so few right ones say nothing against a network that learns behind them",
    ),
    "early-keeps-detail": ("lab-layers", "compare the maps of the first and of the last layer"),
    "deeper-selective": ("lab-layers", "compare the last layer’s maps for pictures of both classes"),
    "pooling-steadier": ("lab-layers", "compare a convolution’s maps with those of the pooling behind it"),
}


def kind_of(judgement: Judgement) -> str:
    """supported, refuted or undecided: a verdict without its reason."""
    return next(word for word in (SUPPORTED, REFUTED, UNDECIDED) if judgement.verdict.startswith(word))


def leans(judgement: Judgement) -> str:
    """for or against, where the whole interval lies on that side of the reference; else empty."""
    return side_of(judgement.wanted, judgement.reference, judgement.interval)


def ledger_cards(judgements: list[Judgement]) -> list[dict[str, str]]:
    """A card for each claim; kind is the class that colours it: supported, refuted or undecided."""
    return [
        {
            "id": j.id,
            "kind": kind_of(j),
            "verdict": j.verdict,
            "leans": LEANINGS[leans(j)] if j.effect is not None and j.verdict.startswith(UNDECIDED) else "",
            "claim": j.claim,
            "words": j.words[:1].upper() + j.words[1:].rstrip(".") + ".",
            "measure": j.measure,
            "effect": _effect(j),
            "wanted": f"{j.wanted} {plain(j.reference)}",
            "test": j.test + _p(j),
            "n": _counted(j),
            "refuted_by": j.refuted_by,
            "made_in": j.made_in,
            "where": TRY_IN_LABORATORY[j.id][0],
            "attempt": TRY_IN_LABORATORY[j.id][1],
        }
        for j in judgements
    ]


def _p(judgement: Judgement) -> str:
    if judgement.p is None:
        return ""
    corrected = "" if judgement.p_holm is None else f"; {judgement.p_holm:.2g} corrected for all claims (Holm)"
    return f", p = {judgement.p:.2g}{corrected}"


def _counted(judgement: Judgement) -> str:
    if judgement.wanted_side is not None:  # of a study
        return judgement.counted
    runs = f"{judgement.runs} run{'s' if judgement.runs != 1 else ''}"
    return f"{runs}, {judgement.counted}" if judgement.counted else runs


def _effect(judgement: Judgement) -> str:
    if judgement.effect is None:
        return "–"
    if judgement.interval is None:
        return plain(judgement.effect)
    return f"{plain(judgement.effect)} (95 %: {' to '.join(map(plain, judgement.interval))})"
