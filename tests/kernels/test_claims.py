"""Verdicts follow from the numbers: what one run can say, what many can, and what nothing can."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from linesexp.kernels.claims import CLAIMS, NULLS, Claim
from linesexp.kernels.verdicts import Finding, judge

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


def exact(*effects):
    return [Finding(effect, "words") for effect in effects]


# One run.


@settings(max_examples=100, deadline=None)
@given(wanted=wanted, reference=numbers, effect=st.none() | numbers, width=st.none() | st.floats(0, 10))
def test_one_run_never_supports_a_claim(wanted, reference, effect, width):
    interval = None if width is None or effect is None else (effect - width, effect + width)
    found = judge(a_claim(wanted, reference), [Finding(effect, "words", interval)])
    assert found.verdict in (NOT_MEASURED, ONE_RUN, "refuted")
    assert (found.verdict == NOT_MEASURED) == (effect is None)
    assert found.runs == (effect is not None)


@settings(max_examples=100, deadline=None)
@given(wanted=wanted, reference=numbers, low=numbers, width=st.floats(0, 100))
def test_one_run_refutes_if_its_interval_lies_wholly_on_the_wrong_side(wanted, reference, low, width):
    high = low + width
    found = judge(a_claim(wanted, reference), [sampled((low + high) / 2, low, high)])
    wrong = high < reference if wanted == "above" else low > reference
    assert found.verdict == ("refuted" if wrong else ONE_RUN)
    assert found.interval == (low, high)


def test_one_run_refutes_only_claims_about_every_run():
    against = sampled(0.1, 0.05, 0.2)
    assert judge(a_claim(), [against]).verdict == "refuted"
    assert judge(dataclasses.replace(a_claim(), universal=False), [against]).verdict == ONE_RUN
    assert judge(dataclasses.replace(a_claim(), universal=False), [against] * 3).verdict == "refuted"


@pytest.mark.parametrize("wanted", ["above", "below"])
def test_a_sample_too_small_for_an_interval_refutes_nothing(wanted):
    wrong = {"above": 0.0, "below": 1.0}[wanted]
    few = Finding(wrong, "words", None, counted="2 test pictures")
    assert judge(a_claim(wanted), [few]).verdict == ONE_RUN


@settings(max_examples=50, deadline=None)
@given(wanted=wanted, reference=numbers, effects=st.lists(numbers, min_size=1, max_size=5))
def test_turning_claim_and_effects_round_changes_no_verdict(wanted, reference, effects):
    claim = a_claim(wanted, reference)
    turned = exact(*(-effect for effect in effects))
    assert judge(claim, exact(*effects)).verdict == judge(mirrored(claim), turned).verdict


@pytest.mark.parametrize("wanted", ["above", "below"])
def test_touching_the_reference_is_not_beyond_it(wanted):
    claim = a_claim(wanted, 0.5)
    for low, high in ((0.4, 0.5), (0.5, 0.6), (0.5, 0.5)):
        assert judge(claim, [sampled(0.5, low, high)]).verdict == ONE_RUN
    assert judge(claim, exact(0.5)).verdict == ONE_RUN
    assert judge(claim, exact(0.5, 0.5, 0.5)).verdict == "undecided"


def test_what_one_run_says_is_handed_on():
    claim = a_claim()
    found = judge(claim, [Finding(0.7, "In words.", (0.6, 0.8), 0.01, "9 kernels")])
    assert (found.effect, found.interval, found.p) == (0.7, (0.6, 0.8), 0.01)
    assert (found.words, found.counted, found.runs, found.test) == ("In words.", "9 kernels", 1, claim.test)
    for name in ("id", "made_in", "measure", "wanted", "reference", "refuted_by"):
        assert getattr(found, name) == getattr(claim, name)
    assert found.claim == claim.sentence


@pytest.mark.parametrize("count", [1, 3])
def test_without_an_effect_nothing_was_measured_and_the_reason_is_kept(count):
    found = judge(a_claim(), [Finding(None, "no data")] * count)
    assert (found.verdict, found.effect, found.interval, found.p) == (NOT_MEASURED, None, None, None)
    assert (found.runs, found.words) == (0, "no data")


# Many runs.


@settings(max_examples=100, deadline=None)
@given(wanted=wanted, reference=numbers, effects=st.lists(numbers, min_size=3, max_size=9))
def test_many_runs_are_judged_by_the_t_interval_of_their_mean(wanted, reference, effects):
    assume(np.ptp(effects) > 0.01)
    low, high = stats.ttest_1samp(effects, 0).confidence_interval(0.95)
    assume(min(abs(low - reference), abs(high - reference)) > 1e-6)
    found = judge(a_claim(wanted, reference), exact(*effects))
    assert found.interval == pytest.approx((low, high), rel=1e-6, abs=1e-6)
    assert found.effect == pytest.approx(np.mean(effects))
    beyond = {"above": low > reference, "below": high < reference}
    other = {"above": "below", "below": "above"}[wanted]
    assert found.verdict == ("supported" if beyond[wanted] else "refuted" if beyond[other] else "undecided")
    assert (found.runs, found.p, found.test) == (len(effects), None, "t interval over runs")


def test_two_runs_decide_nothing_however_alike():
    for effects in ((0.9, 0.9), (0.0, 0.0)):
        found = judge(a_claim("above", 0.5), exact(*effects))
        assert (found.verdict, found.interval, found.runs) == ("undecided", None, 2)


def test_many_runs_give_each_of_the_three_verdicts():
    high, low, both = exact(0.8, 0.81, 0.79), exact(0.1, 0.12, 0.11), exact(0.2, 0.9, 0.4)
    assert [judge(a_claim("above"), runs).verdict for runs in (high, low, both)] == [
        *("supported", "refuted", "undecided")
    ]
    assert [judge(a_claim("below"), runs).verdict for runs in (high, low, both)] == [
        *("refuted", "supported", "undecided")
    ]


def test_the_intervals_of_single_runs_do_not_count_among_many():
    wide = [sampled(effect, -9, 9) for effect in (0.8, 0.81, 0.79)]
    assert judge(a_claim(), wide).verdict == "supported"


def test_runs_without_an_effect_do_not_count():
    runs = exact(None, 0.8, 0.81, None, 0.79)
    found, among_measured = judge(a_claim(), runs), judge(a_claim(), exact(0.8, 0.81, 0.79))
    assert (found.runs, found.interval) == (3, among_measured.interval)
    assert found.counted == "3 runs"
    alone = judge(a_claim(), [Finding(None, "none"), sampled(0.2, 0.1, 0.3), Finding(None, "none")])
    assert (alone.runs, alone.interval, alone.verdict) == (1, (0.1, 0.3), "refuted")


def test_runs_of_pure_chance_support_a_true_null_in_one_of_forty_studies():
    rng = np.random.default_rng(0)
    verdicts = [judge(a_claim(reference=0.0), exact(*rng.normal(size=5))).verdict for _ in range(2000)]
    for word in ("supported", "refuted"):
        assert verdicts.count(word) / 2000 == pytest.approx(0.025, abs=0.012)


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
