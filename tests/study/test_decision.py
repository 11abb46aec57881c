"""What a study decides, in the one sentence that the last command ends with: right for any study."""

import dataclasses
from pathlib import Path

import pytest

from linesexp.study.analysis import parse_study
from linesexp.study.sentences import decision

REFERENCE = Path(__file__).parents[2] / "results/reference/study/study-analysis.json"


@pytest.fixture(scope="module")
def analysis():
    """Of 100 networks under each of eleven conditions."""
    return parse_study(REFERENCE.read_bytes(), "here")


def changed(analysis, name="default", **how):
    """The analysis with another record of the headline claim under a condition."""
    condition = analysis.condition(name)
    ledger = [
        dataclasses.replace(each, **how) if each.id == "like-prewitt-initialiser" else each
        for each in condition.ledger
    ]
    other = dataclasses.replace(condition, ledger=ledger)
    conditions = [other if each is condition else each for each in analysis.conditions]
    return dataclasses.replace(analysis, conditions=conditions)


def only(analysis, *names):
    return dataclasses.replace(analysis, conditions=[analysis.condition(name) for name in names])


def test_the_sentence_holds_the_numbers_of_the_headline_claim_and_of_its_control(analysis):
    found = changed(analysis, wanted_side=97, runs=98, effect=0.5, interval=(0.4, 0.6))
    found = changed(found, "shuffled-labels", effect=0.2, interval=(0.1, 0.3))
    words = decision(found)
    assert words.startswith(
        "1,100 networks under 11 conditions: in 97 of 98 default networks, more kernels match"
    )
    assert (
        "than the 5 % expected under the initializer null; the mean is 50 % (95 % interval 40 to 60)" in words
    )
    assert ", with shuffled training labels 20 % (10 to 30); of 17 claims: " in words
    assert words.count("\n") == 0


def test_the_claims_are_counted_by_their_verdicts(analysis):
    verdicts = [judgement.verdict for judgement in analysis.condition("default").ledger]
    assert set(verdicts) == {"supported", "refuted"}
    assert decision(analysis).endswith(
        f"of 17 claims: {verdicts.count('supported')} supported, {verdicts.count('refuted')} refuted."
    )
    assert verdicts[5] == "supported"
    open_one = changed(analysis, verdict="undecided (8 members)")
    assert decision(open_one).endswith(
        f"{verdicts.count('supported') - 1} supported, {verdicts.count('refuted')} refuted, 1 undecided."
    )


def test_where_no_claim_is_decided_it_says_why(analysis):
    condition = analysis.condition("default")
    ledger = [dataclasses.replace(each, verdict="undecided (8 members)") for each in condition.ledger]
    few = dataclasses.replace(
        only(analysis, "default"), conditions=[dataclasses.replace(condition, ledger=ledger)]
    )
    assert decision(few).endswith("; too few networks to decide any of 17 claims tested together.")


def test_an_interval_that_holds_what_is_expected_is_said_to(analysis):
    assert "does not exclude" not in decision(analysis)
    words = decision(changed(analysis, effect=0.07, interval=(0.03, 0.12)))
    assert "7 % (95 % interval 3 to 12), which does not exclude 5 %" in words


def test_a_study_of_one_condition_or_of_controls_alone_says_what_it_has(analysis):
    words = decision(only(analysis, "default"))
    assert words.startswith("100 networks under 1 condition: ")
    assert "shuffled" not in words
    controls = dataclasses.replace(only(analysis, "shuffled-labels", "noise"), reference="shuffled-labels")
    words = decision(controls)
    assert words.startswith("200 networks under 2 conditions: in ")
    assert " shuffled-labels networks, more kernels match" in words
    assert "with shuffled training labels" not in words


def test_what_cannot_be_known_is_left_out(analysis):
    words = decision(changed(analysis, effect=None, interval=None, verdict="undecided (not measured)"))
    assert "no kernel can be compared with edge operators; of 17 claims: " in words
    words = decision(changed(analysis, effect=0.5, interval=None, runs=2, wanted_side=2))
    assert "in 2 of 2 default networks" in words
    assert "the mean is 50 %, with shuffled" in words
    words = decision(changed(analysis, "shuffled-labels", effect=None, interval=None))
    assert "shuffled" not in words
