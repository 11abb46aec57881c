"""Verdicts follow from the numbers: what one run can say, what many can, and what nothing can."""

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linesexp.kernels.claims import CLAIMS, NULLS, Claim
from linesexp.kernels.verdicts import Finding, OverMembers, judge, judge_members

NOT_MEASURED, ONE_RUN = "undecided (not measured)", "undecided (one run)"
OF_THE_ISSUE = {
    "a network tells horizontal from vertical lines at unseen positions": {"tells-lines-apart"},
    "untrained kernels have no clear preference": {"untrained-vague"},
    "one kernel prefers vertical, another horizontal lines": {"prefers-both"},
    "some kernels care about the order dark to bright": {"order-matters"},
    "such a kernel has lower weights on one side": {"one-side-lower"},
    "the kernels resemble Prewitt operators, a row for each null": {f"like-prewitt-{name}" for name in NULLS},
    "the resemblance is to edges rather than to lines": {"edges-not-lines"},
    "each kernel learns something": {"each-learns"},
    "edge kernels sum to about zero": {"edges-sum-to-zero"},
    "learned kernels are needed": {"learning-needed"},
    "the real Prewitt operators would serve": {"prewitt-serves"},
    "early layers keep detail, deeper ones are selective": {
        *("early-keeps-detail", "deeper-selective"),
    },
    "pooling makes the answer steadier": {"pooling-steadier"},
}

numbers = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))
wanted = st.sampled_from(["above", "below"])


def a_claim(wanted="above", reference=0.5):
    return dataclasses.replace(CLAIMS[0], wanted=wanted, reference=reference, universal=True)


def mirrored(claim):
    """The same claim about the negative of its effect."""
    return a_claim({"above": "below", "below": "above"}[claim.wanted], -claim.reference)


def sampled(effect, low, high):
    return Finding(effect, "words", (low, high), counted="10 pictures")


# One run.


@settings(max_examples=100, deadline=None)
@given(wanted=wanted, reference=numbers, effect=st.none() | numbers, width=st.none() | st.floats(0, 10))
def test_one_run_never_supports_a_claim(wanted, reference, effect, width):
    interval = None if width is None or effect is None else (effect - width, effect + width)
    found = judge(a_claim(wanted, reference), Finding(effect, "words", interval))
    assert found.verdict in (NOT_MEASURED, ONE_RUN, "refuted")
    assert (found.verdict == NOT_MEASURED) == (effect is None)
    assert found.runs == (effect is not None)


@settings(max_examples=100, deadline=None)
@given(wanted=wanted, reference=numbers, low=numbers, width=st.floats(0, 100))
def test_one_run_refutes_if_its_interval_lies_wholly_on_the_wrong_side(wanted, reference, low, width):
    high = low + width
    found = judge(a_claim(wanted, reference), sampled((low + high) / 2, low, high))
    wrong = high < reference if wanted == "above" else low > reference
    assert found.verdict == ("refuted" if wrong else ONE_RUN)
    assert found.interval == (low, high)


def test_one_run_refutes_only_claims_about_every_run():
    against = sampled(0.1, 0.05, 0.2)
    assert judge(a_claim(), against).verdict == "refuted"
    assert judge(dataclasses.replace(a_claim(), universal=False), against).verdict == ONE_RUN


@pytest.mark.parametrize("wanted", ["above", "below"])
def test_a_sample_too_small_for_an_interval_refutes_nothing(wanted):
    wrong = {"above": 0.0, "below": 1.0}[wanted]
    few = Finding(wrong, "words", None, counted="2 test pictures")
    assert judge(a_claim(wanted), few).verdict == ONE_RUN


@settings(max_examples=50, deadline=None)
@given(wanted=wanted, reference=numbers, effect=numbers, width=st.floats(0, 10))
def test_turning_claim_and_effect_round_changes_no_verdict(wanted, reference, effect, width):
    claim = a_claim(wanted, reference)
    one, other = (sampled(value, value - width, value + width) for value in (effect, -effect))
    assert judge(claim, one).verdict == judge(mirrored(claim), other).verdict


@pytest.mark.parametrize("wanted", ["above", "below"])
def test_touching_the_reference_is_not_beyond_it(wanted):
    claim = a_claim(wanted, 0.5)
    for low, high in ((0.4, 0.5), (0.5, 0.6), (0.5, 0.5)):
        assert judge(claim, sampled(0.5, low, high)).verdict == ONE_RUN
    assert judge(claim, Finding(0.5, "words")).verdict == ONE_RUN


def test_what_one_run_says_is_handed_on():
    claim = a_claim()
    found = judge(claim, Finding(0.7, "In words.", (0.6, 0.8), 0.01, "9 kernels"))
    assert (found.effect, found.interval, found.p) == (0.7, (0.6, 0.8), 0.01)
    assert (found.words, found.counted, found.runs, found.test) == ("In words.", "9 kernels", 1, claim.test)
    for name in ("id", "made_in", "measure", "wanted", "reference", "refuted_by"):
        assert getattr(found, name) == getattr(claim, name)
    assert found.claim == claim.sentence


def test_without_an_effect_nothing_was_measured_and_the_reason_is_kept():
    found = judge(a_claim(), Finding(None, "no data"))
    assert (found.verdict, found.effect, found.interval, found.p) == (NOT_MEASURED, None, None, None)
    assert (found.runs, found.words) == (0, "no data")


# Many members.


def over(interval=(0.6, 0.8), p_holm=0.01, contradicting=0, members=20, effect=0.7):
    return OverMembers(effect, interval, 0.001, p_holm, members, 15, contradicting, "a test", "words")


def verdict(wanted="above", universal=False, **how):
    return judge_members(dataclasses.replace(a_claim(wanted), universal=universal), over(**how)).verdict


def test_members_together_give_each_of_the_three_verdicts():
    high, low, both = (0.6, 0.8), (0.1, 0.3), (0.4, 0.6)
    found = [[verdict(wanted, interval=each) for each in (high, low, both)] for wanted in ("above", "below")]
    assert found == [["supported", "refuted", "undecided"], ["refuted", "supported", "undecided"]]


@pytest.mark.parametrize("p_holm", [None, 0.05, 1.0])
def test_without_a_p_below_the_level_nothing_is_decided(p_holm):
    assert verdict(p_holm=p_holm) == verdict(p_holm=p_holm, interval=(0.1, 0.2)) == "undecided"


def test_one_member_that_contradicts_refutes_only_a_claim_about_every_run():
    assert verdict(contradicting=1, universal=True) == "refuted"
    assert verdict(contradicting=1) == verdict(contradicting=0, universal=True) == "supported"


def test_too_few_members_for_an_interval_decide_nothing_and_say_how_many_they_are():
    assert verdict(interval=None, p_holm=None, members=4) == "undecided (4 members)"
    assert verdict(interval=None, p_holm=None, members=1) == "undecided (1 member)"
    assert verdict(interval=None, effect=None, members=0) == NOT_MEASURED


def test_what_members_say_is_handed_on():
    found = judge_members(a_claim(), over(contradicting=None))
    assert (found.effect, found.interval, found.p, found.p_holm) == (0.7, (0.6, 0.8), 0.001, 0.01)
    assert (found.runs, found.wanted_side, found.contradicting) == (20, 15, None)
    assert (found.counted, found.test, found.words) == ("20 members", "a test", "words")


# The claims themselves.


def test_ids_are_unique_and_plain():
    ids = [claim.id for claim in CLAIMS]
    assert len(set(ids)) == len(ids)
    assert all(id.replace("-", "").isalnum() and id == id.lower() for id in ids)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_says_everything_about_itself(claim):
    texts = {field.name for field in dataclasses.fields(Claim)} - {"reference", "universal", "of_own"}
    assert all(getattr(claim, name).strip() for name in texts)
    assert claim.wanted in ("above", "below")
    assert math.isfinite(claim.reference)
    assert claim.sentence.endswith(".")
    assert not claim.refuted_by.endswith(".")


@pytest.mark.parametrize("sentence", OF_THE_ISSUE)
def test_the_claims_of_the_issue_are_there(sentence):
    assert OF_THE_ISSUE[sentence] <= {claim.id for claim in CLAIMS}


def test_no_claim_is_about_something_else():
    assert {claim.id for claim in CLAIMS} == set().union(*OF_THE_ISSUE.values())
