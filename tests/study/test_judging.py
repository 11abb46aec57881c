"""Verdicts of a study: claims are supported where they are true, fail where they are not, or say why not."""

import dataclasses

import numpy as np
import pytest

from linesexp.kernels.claims import CLAIMS
from linesexp.study.analysing import OF_MEMBERS, analyse_study
from linesexp.study.gathering import members_of, partners
from linesexp.study.judging import contradicting, ledger_of
from linesexp.study.plan import planned
from linesexp.study.sentences import about_controls, summary, too_few

ALL = ("default", "weight-decay", "shuffled-labels", "frozen-random", "frozen-prewitt")
LIKE = ("like-prewitt-initialiser", "like-prewitt-covariance", "like-prewitt-step0", "like-prewitt-shuffled")


def gathered(settings, make):
    return members_of([(block, make(block)) for block in planned(settings)], settings.conditions)


@pytest.fixture(scope="module")
def settings(planted):
    return planted.settings_of(ALL, seeds=16)


@pytest.fixture(scope="module")
def study(planted, settings):
    return gathered(settings, planted.usual)


@pytest.fixture(scope="module")
def ledgers(study, settings):
    return {name: {j.id: j for j in ledger_of(name, study, settings.conditions)} for name in study}


# Truth and falsehood.


def test_what_was_planted_is_supported(ledgers):
    found = ledgers["default"]
    for claim in (
        LIKE[0],
        LIKE[2],
        LIKE[3],
        "edges-not-lines",
        "each-learns",
        "order-matters",
        "tells-lines-apart",
    ):
        assert found[claim].verdict == "supported", claim
        assert found[claim].p_holm < 0.05
        assert found[claim].wanted_side == found[claim].runs == 16


def test_kernels_that_learned_nothing_support_no_claim_on_learning(ledgers):
    for name in ("shuffled-labels", "frozen-random"):
        for claim in (*LIKE, "edges-not-lines", "order-matters", "one-side-lower", "prefers-both"):
            assert ledgers[name][claim].verdict != "supported", (name, claim)
    assert ledgers["frozen-random"]["each-learns"].verdict == "refuted"
    assert ledgers["shuffled-labels"]["tells-lines-apart"].verdict == "refuted"


@pytest.mark.parametrize(
    ("learn", "refuted"), [("line", ("edges-not-lines", *LIKE[:3])), ("nothing", ("each-learns",))]
)
def test_claims_are_refuted_by_members_that_contradict_them(learn, refuted, planted):
    settings = planted.settings_of(("default",), seeds=16)
    study = gathered(settings, lambda block: planted.result_of(block, learn, measured=False))
    found = {j.id: j for j in ledger_of("default", study, settings.conditions)}
    for claim in refuted:
        assert found[claim].verdict == "refuted", claim
        assert found[claim].wanted_side == 0


def test_a_study_of_chance_decides_nothing_about_learning(planted):
    settings = planted.settings_of(("default",), seeds=24)
    study = gathered(settings, lambda block: planted.result_of(block, "chance", measured=False))
    found = {j.id: j for j in ledger_of("default", study, settings.conditions)}
    for claim in ("like-prewitt-initialiser", "edges-not-lines", "order-matters", "one-side-lower"):
        assert found[claim].verdict == "undecided", claim


def test_p_is_corrected_over_the_claims_that_were_tested(ledgers):
    p = [j.p for j in ledgers["default"].values() if j.p is not None]
    smallest = min(ledgers["default"].values(), key=lambda j: (j.p is None, j.p))
    assert smallest.p_holm == pytest.approx(min(p) * len(p))
    assert all(j.p_holm >= j.p for j in ledgers["default"].values() if j.p is not None)


# Controls.


def test_accuracy_is_compared_with_the_control_of_the_same_seed(study, ledgers):
    default, control = study["default"], study["frozen-random"]
    own, theirs = partners(default, control)
    assert default.seeds[own].tolist() == control.seeds[theirs].tolist() == list(range(20, 36))
    expected = default.values["accuracy"][own] - control.values["accuracy"][theirs]
    np.testing.assert_allclose(default.values["learning-needed"], expected)
    assert ledgers["default"]["learning-needed"].effect == pytest.approx(expected.mean())
    assert ledgers["default"]["learning-needed"].verdict == "supported"


def test_a_condition_without_a_control_says_which_to_add(planted, ledgers):
    found = ledgers["weight-decay"]["learning-needed"]
    assert found.verdict == "undecided (not measured)"
    assert found.words == "add a condition: the settings of weight-decay with network.first_layer = random"
    assert ledgers["frozen-random"]["learning-needed"].words == "this condition is a control itself"
    settings = planted.settings_of(("default",), seeds=6)
    study = gathered(settings, lambda block: planted.result_of(block, measured=False))
    alone = {j.id: j for j in ledger_of("default", study, settings.conditions)}
    assert "(built in: frozen-prewitt)" in alone["prewitt-serves"].words
    assert "(built in: shuffled-labels)" in alone["like-prewitt-shuffled"].words
    assert alone["early-keeps-detail"].words.startswith("none of these networks was looked through")


def test_networks_that_diverged_are_not_said_to_be_outside_the_first_of_a_hundred(planted):
    words = {}
    for first in (0, 20):
        settings = planted.settings_of(("default",), seeds=6, first=first)
        study = gathered(settings, lambda block: planted.result_of(block, measured=False))
        words[first] = {j.id: j.words for j in ledger_of("default", study, settings.conditions)}
    for claim in ("early-keeps-detail", "pooling-steadier"):
        assert words[0][claim].startswith("the networks that would be looked through diverged")
        assert words[20][claim].startswith("none of these networks was looked through")


def test_a_control_that_is_not_trained_yet_is_named(planted, settings):
    study = gathered(planted.settings_of(("default",), seeds=6), planted.usual)
    found = {j.id: j for j in ledger_of("default", study, settings.conditions)}
    assert found["learning-needed"].words == "no member of frozen-random is trained yet"


# Claims about every run.


def with_right(study, right):
    """The study with these numbers of test pictures named rightly by the default members."""
    members = study["default"]
    correct = np.arange(members.correct.shape[1])[None] < np.array(right)[:, None]
    values = members.values | {"accuracy": correct.mean(axis=1), "tells-lines-apart": correct.mean(axis=1)}
    return study | {"default": dataclasses.replace(members, correct=correct, values=values)}


def test_one_member_that_clearly_fails_refutes_a_claim_about_every_run(study, settings):
    claim = CLAIMS[0]
    assert claim.id == "tells-lines-apart"
    one = with_right(study, [8] * 15 + [2])
    assert contradicting(claim, "default", one, settings.conditions) == 1
    found = ledger_of("default", one, settings.conditions)[0]
    assert found.verdict == "refuted"
    assert "by itself, beyond luck, 1 of them contradicts the claim" in found.words


def test_a_member_that_may_have_had_bad_luck_does_not(study, settings):
    assert contradicting(CLAIMS[0], "default", with_right(study, [8] * 15 + [6]), settings.conditions) == 0


def test_the_level_allows_for_how_many_were_asked(study, settings):
    """5 of 8 right is beyond the luck of one member at the reference, not beyond that of the worst of 16."""
    claim = CLAIMS[0]
    one = with_right(study, [5] + [8] * 15)
    assert contradicting(claim, "default", one, settings.conditions) == 0
    alone = dataclasses.replace(
        one["default"],
        **{name: getattr(one["default"], name)[:1] for name in ("seeds", "data_seeds", "correct")},
    )
    assert contradicting(claim, "default", one | {"default": alone}, settings.conditions) == 1


# Differences and sentences.


def test_differences_are_those_of_pairs_and_planted_ones_are_found(study, settings):
    analysis = analyse_study(study, settings.conditions, {})
    gap = analysis.condition("frozen-random").differences["matched"]
    expected = study["frozen-random"].values["matched"] - study["default"].values["matched"]
    assert gap.mean == pytest.approx(expected.mean())
    assert gap.low < gap.mean < gap.high < -0.5
    assert (gap.n, gap.p_holm < 0.05) == (16, True)
    same = analysis.condition("weight-decay").differences["accuracy"]
    assert (same.mean, same.low, same.p) == (0, 0, 1)
    assert analysis.condition("default").differences == {}


def picked(members, chosen):
    """Some members of a condition, in this order."""
    chosen = np.asarray(chosen)
    return dataclasses.replace(
        members,
        seeds=members.seeds[chosen],
        data_seeds=members.data_seeds[chosen],
        values={name: values[chosen] for name, values in members.values.items()},
        curves={name: values[chosen] for name, values in members.curves.items()},
        correct=members.correct[chosen],
    )


def test_pairs_are_of_the_same_seed_in_whatever_order_and_number_members_come(study, settings):
    """By place instead of seed, the mean of the differences would be another."""
    default = picked(study["default"], range(16))
    default.values["dc"] = np.arange(16.0) ** 2  # seeds 20 … 35
    other = picked(study["weight-decay"], [15, 3, 0, 9, 4, 7, 8])
    other.values["dc"] = np.array([15.0, 3, 0, 9, 4, 7, 8]) ** 2 + 1
    assert [pair.tolist() for pair in partners(other, default)] == [
        [0, 1, 2, 3, 4, 5, 6],
        [15, 3, 0, 9, 4, 7, 8],
    ]
    analysis = analyse_study({"default": default, "weight-decay": other}, settings.conditions, {})
    gap = analysis.condition("weight-decay").differences["dc"]
    assert (gap.mean, gap.n) == (1, 7)


def test_p_of_differences_is_corrected_over_the_measures_that_were_tested(study, settings):
    gaps = analyse_study(study, settings.conditions, {}).condition("frozen-random").differences
    tested = [gaps[name] for name in OF_MEMBERS if gaps[name].p is not None]
    assert 5 < len(tested) <= len(OF_MEMBERS)
    smallest = min(tested, key=lambda gap: gap.p)
    assert smallest.p_holm == pytest.approx(len(tested) * smallest.p)
    assert all(gap.p_holm >= gap.p for gap in tested)


def test_bands_hold_95_of_100_members(study, settings):
    default = picked(study["default"], range(16))
    default.curves["matched"] = np.tile(np.linspace(0, 1, 16, dtype=np.float32)[:, None], len(default.steps))
    band = analyse_study({"default": default}, settings.conditions, {}).conditions[0].curves["matched"]
    # The 2.5 % point of 16 evenly spread values, linear between the first two: 15 · 0.025 of a fifteenth.
    assert band.low[0] == pytest.approx(0.025)
    assert band.high[0] == pytest.approx(0.975)
    assert band.mean[0] == pytest.approx(0.5)


def test_controls_that_support_what_the_reference_supports_are_named(study, settings):
    analysis = analyse_study(study, settings.conditions, {})
    supported = {
        name: {j.id for j in analysis.condition(name).ledger if j.verdict == "supported"}
        for name in ("default", "frozen-prewitt")
    }
    both = supported["default"] & supported["frozen-prewitt"]
    [words] = [sentence for sentence in about_controls(analysis) if sentence.startswith("But frozen-prewitt")]
    assert both
    assert set(words.partition("supports ")[2].partition(" as well")[0].split(", ")) == both
    assert any("one and the same shuffle" in sentence for sentence in about_controls(analysis))


def test_eight_members_are_too_few_and_it_is_said(planted):
    settings = planted.settings_of(("default",), seeds=8)
    study = gathered(settings, planted.usual)
    analysis = analyse_study(study, settings.conditions, {})
    words = too_few(analysis.conditions[0], analysis.method)
    tests = sum(j.p is not None for j in analysis.conditions[0].ledger)
    assert f"8 members are too few to decide {tests} claims at once" in words
    assert f"is {tests * 2 / 256:.2f}; 9 members could" in words
    assert words in summary(analysis)
    assert not {j.verdict for j in analysis.conditions[0].ledger} & {"supported"}


def test_where_members_suffice_the_summary_counts_verdicts(study, settings):
    analysis = analyse_study(study, settings.conditions, {})
    ledger = analysis.condition("default").ledger
    supported, refuted = (sum(j.verdict == word for j in ledger) for word in ("supported", "refuted"))
    assert f"support {supported} and refute {refuted}" in summary(analysis)[0]
    assert not any("too few" in sentence for sentence in summary(analysis))


def test_several_data_seeds_say_what_comes_from_the_pictures(planted):
    settings = planted.settings_of(("default",), seeds=6, data_seeds=(0, 1, 2))
    study = gathered(settings, lambda block: planted.result_of(block, measured=False))
    moved = np.array([0.3, 0.0, -0.3])[study["default"].data_seeds]
    study["default"].values["axis"] = study["default"].values["axis"] + moved
    condition = analyse_study(study, settings.conditions, {}).conditions[0]
    axis = condition.variation["axis"]
    assert axis.data / (axis.data + axis.seed + axis.rest) > 0.9
    assert axis.p_data < 0.001
    assert condition.measures["axis"].high - condition.measures["axis"].low > 0.5
