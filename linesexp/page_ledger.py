"""The ledger on the page: what was asked and what came out, and a card for each claim."""

from linesexp.kernels.verdicts import REFUTED, SUPPORTED, UNDECIDED, Judgement


def about_ledger(judgements: list[Judgement]) -> list[str]:
    """What was asked and what came out, in three sentences."""
    refuted = [j for j in judgements if j.verdict == REFUTED]
    measured = [j for j in judgements if j.effect is not None]
    supported = sum(j.verdict == SUPPORTED for j in judgements)
    against = f"{len(refuted)} of them {'is' if len(refuted) == 1 else 'are'} refuted"
    leaning = sum(leans(j) == "for" for j in measured if j not in refuted)
    runs = max((j.runs for j in judgements), default=0)
    last = (
        "A claim about all such networks falls with one that clearly contradicts it, but no single one can "
        "prove it, as another seed gives other kernels: “undecided (one run)” is the best that a claim can "
        "get here."
        if runs <= 1
        else f"{supported} are supported by all {runs} runs together."
    )
    return [
        f"Asked were {len(judgements)} things that people say about such networks, each with a test that could "
        "prove it wrong.",
        f"{against}; of the rest, this run’s numbers lean towards {leaning} and against "
        f"{len(measured) - len(refuted) - leaning}, and {len(judgements) - len(measured)} could not be "
        "measured.",
        last,
    ]


LEANINGS = {
    "for": "this run’s numbers lean towards it",
    "against": "this run’s numbers lean against it",
    "": "",
}


def leans(judgement: Judgement) -> str:
    """for or against: on which side of its reference the effect lies; empty where there is none."""
    if judgement.effect is None:
        return ""
    above = judgement.effect > judgement.reference
    return "for" if above == (judgement.wanted == "above") else "against"


def ledger_cards(judgements: list[Judgement]) -> list[dict[str, str]]:
    """A card for each claim; kind is the class that colours it: supported, refuted or undecided."""
    return [
        {
            "id": j.id,
            "kind": next(word for word in (SUPPORTED, REFUTED, UNDECIDED) if j.verdict.startswith(word)),
            "verdict": j.verdict,
            "leans": LEANINGS[leans(j)] if j.verdict.startswith(UNDECIDED) else "",
            "claim": j.claim,
            "words": j.words[:1].upper() + j.words[1:].rstrip(".") + ".",
            "measure": j.measure,
            "effect": _effect(j),
            "wanted": f"{j.wanted} {_short(j.reference)}",
            "test": j.test + (f", p = {j.p:.2g}" if j.p is not None else ""),
            "n": f"{j.runs} run{'s' if j.runs != 1 else ''}"
            + (f", {j.counted}" if j.counted and j.runs == 1 else ""),
            "refuted_by": j.refuted_by,
            "made_in": j.made_in,
        }
        for j in judgements
    ]


def _counted(judgement: Judgement) -> str:
    if judgement.runs == 1:
        return f"1 run, {judgement.counted}" if judgement.counted else "1 run"
    return f"{judgement.runs} runs"


def _effect(judgement: Judgement) -> str:
    if judgement.effect is None:
        return "–"
    if judgement.interval is None:
        return _short(judgement.effect)
    return f"{_short(judgement.effect)} (95 %: {' to '.join(map(_short, judgement.interval))})"


def _short(value: float) -> str:
    """Three digits at most."""
    return f"{0.0 if abs(value) < 5e-4 else value:.3g}".replace("-", "−")
