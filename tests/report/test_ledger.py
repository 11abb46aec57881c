"""The ledger on the page: its words and colours follow from the numbers."""

import dataclasses

import pytest

from linesexp.kernels.claims import CLAIMS
from linesexp.kernels.verdicts import Finding, OverMembers, judge, judge_members
from linesexp.report.ledger import about_ledger, leans, ledger_cards

CLAIM = dataclasses.replace(CLAIMS[0], wanted="above", reference=0.5, universal=True)


def judged(interval, claim=CLAIM):
    """By one run, from (low, high)."""
    return judge(claim, Finding(sum(interval) / 2, "words", interval, counted="9 things"))


def together(interval, p_holm=0.01):
    """By three members."""
    mean = sum(interval) / 2
    return judge_members(CLAIM, OverMembers(mean, interval, 0.001, p_holm, 3, 2, 0, "a test", "words"))


HIGH, LOW, WIDE = (0.8, 0.9), (0.1, 0.2), (0.2, 0.9)
KINDS = {
    "one run, for": (judged(HIGH), "undecided", "undecided (one run)", "lean towards"),
    "one run, against": (judged(LOW), "refuted", "refuted", ""),
    "one run, against some networks": (
        judged(LOW, claim=dataclasses.replace(CLAIM, universal=False)),
        "undecided",
        "undecided (one run)",
        "lean against",
    ),
    "one run, unclear": (judged(WIDE), "undecided", "undecided (one run)", "nothing clear"),
    "not measured": (judge(CLAIM, Finding(None, "why not")), "undecided", "undecided (not measured)", ""),
    "members, for": (together(HIGH), "supported", "supported", ""),
    "members, against": (together(LOW), "refuted", "refuted", ""),
    "members, too few for all claims": (together(HIGH, 0.1), "undecided", "undecided", "lean towards"),
}


@pytest.mark.parametrize("name", KINDS)
def test_colour_verdict_and_leaning_of_a_card_follow_from_the_numbers(name):
    judgement, kind, verdict, leaning = KINDS[name]
    (card,) = ledger_cards([judgement])
    assert (card["kind"], card["verdict"]) == (kind, verdict)
    assert leaning in card["leans"]
    assert bool(card["leans"]) == bool(leaning)


def test_a_claim_that_wants_less_leans_the_other_way():
    below = dataclasses.replace(CLAIM, wanted="below", universal=False)
    assert [leans(judged(interval, claim=below)) for interval in (HIGH, LOW, WIDE)] == ["against", "for", ""]


def test_the_summary_counts_every_claim_once():
    judgements = [judgement for judgement, *_ in KINDS.values() if judgement.runs <= 1]
    asked, counted, last = about_ledger(judgements)
    assert asked.startswith("Asked were 5 things")
    words = "the numbers clearly lean towards 1 and against 1, say nothing clear on 1, and 1 could not"
    assert counted.startswith("1 of them is refuted; of the rest, " + words)
    assert counted.endswith("and 1 could not be measured.")
    assert "undecided (one run)" in last


def test_a_card_says_how_many_said_so_and_with_which_p():
    of_run, of_study = ledger_cards([judged(HIGH), together(HIGH)])
    assert of_run["n"] == "1 run, 9 things"
    assert of_study["n"] == "3 members"
    assert of_study["test"] == "a test, p = 0.001; 0.01 corrected for all claims (Holm)"
