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
