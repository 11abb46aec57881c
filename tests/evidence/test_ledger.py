"""The ledger on networks whose truth is known: random, planted, dead, diverged, with and without controls."""

import itertools

import numpy as np
import pytest
from scipy import stats

from linesexp.config import build_config, settings_of
from linesexp.evidence.ledger import ledger
from linesexp.evidence.measuring import analyse
from linesexp.evidence.on_kernels import on_kernels
from linesexp.evidence.on_network import on_network
from linesexp.images.dataset import make_dataset
from linesexp.kernels.claims import CLAIMS, NULLS
from linesexp.kernels.effects import order_chance
from linesexp.kernels.match import initializer_kernels, p_values
from linesexp.kernels.operators import line
from linesexp.kernels.shape import side_contrast
from linesexp.kernels.tuning import order_strength
from linesexp.seeing.depth import change_under_shifts

NOT_MEASURED, ONE_RUN = "undecided (not measured)", "undecided (one run)"
# What random networks have as well: reference is a size, and no more than chance is asked for.
TRUE_OF_RANDOM = {"untrained-vague", "each-learns", "early-keeps-detail", "pooling-steadier"}
PREFERENCES = ("prefers-both", "order-matters", "one-side-lower")
OF_DEPTH = ("early-keeps-detail", "deeper-selective")


def judged(run):
    return {judgement.id: judgement for judgement in analyse(run).ledger}


def findings(run, analysis):
    return on_kernels(run, analysis) | on_network(run, analysis)


def verdicts(found):
    return {id: judgement.verdict for id, judgement in found.items()}


@pytest.fixture(scope="session")
def drawn(draw, settings):
    """drawn(seed, **settings): settings, and the weights of an untrained network."""

    def make(seed=0, channels=1, **changes):
        config = settings(**changes)
        return config, draw(config, np.random.default_rng(seed), channels)

    return make


def analysed(drawn, plant, seed):
    config, start = drawn(seed)
    run = plant(config, {0: start, 1: drawn(seed + 1)[1]})
    return run, analyse(run)


@pytest.fixture(scope="session")
def random_run(drawn, plant):
    """A run whose kernels are drawn anew at every step, and its analysis."""
    return analysed(drawn, plant, 0)


@pytest.fixture(scope="session")
def random_runs(random_run, drawn, plant):
    """Twelve such runs with their analyses."""
    return [random_run, *(analysed(drawn, plant, seed) for seed in range(2, 24, 2))]


# Chance.


def test_the_findings_are_those_of_the_claims_and_each_is_judged_once(random_run):
    run, analysis = random_run
    ids = [claim.id for claim in CLAIMS]
    kernels, network = on_kernels(run, analysis), on_network(run, analysis)
    assert not kernels.keys() & network.keys()
    assert kernels.keys() | network.keys() == set(ids)
    assert [judgement.id for judgement in analysis.ledger] == ids
    assert analysis.ledger == ledger(run, analysis)
    assert {judgement.runs for judgement in analysis.ledger} == {0, 1}


def test_random_kernels_support_no_claim(random_run):
    assert {judgement.verdict for judgement in random_run[1].ledger} <= {"refuted", ONE_RUN, NOT_MEASURED}


@pytest.mark.slow
def test_untrained_networks_do_not_tell_lines_apart_and_it_shows(random_runs):
    found = [{j.id: j for j in analysis.ledger}["tells-lines-apart"].verdict for _, analysis in random_runs]
    assert found.count("refuted") > 6


@pytest.mark.slow
def test_random_kernels_are_like_prewitt_as_often_as_chance_says(random_runs):
    records = [record for _, analysis in random_runs for record in analysis.kernels]
    for name in ("initialiser", "step0"):
        p = [getattr(record.rivals, f"p_edge_{name}") for record in records]
        # Those that are more like lines all have 1; below that, p is uniform.
        lines = np.mean(np.array(p) == 1)
        assert 0.3 < lines < 0.7
        assert stats.kstest([value for value in p if value < 1], "uniform", args=(0, 1 - lines)).pvalue > 0.01
        assert np.mean(np.array(p) < 0.05) < 0.15
    of_runs = [{j.id: j for j in analysis.ledger}["like-prewitt-initialiser"].p for _, analysis in random_runs]
    assert np.mean(np.array(of_runs) < 0.1) < 0.3


@pytest.mark.slow
def test_edge_kernels_of_chance_sum_to_zero_no_more_nearly_than_chance(random_runs):
    effects = [findings(*one)["edges-sum-to-zero"].effect for one in random_runs]
    known = [value for value in effects if value is not None]
    assert 0.35 < np.mean(known) < 0.65


def test_the_choosiest_of_untrained_kernels_has_p_values_of_chance():
    """Its sides are compared with those of kernels that were chosen as it was."""
    strength, contrast = order_chance("glorot_uniform", 5, 8)
    kernels = initializer_kernels("glorot_uniform", 5, 4000, np.random.default_rng(0))
    choosy = order_strength(kernels).reshape(500, 8)
    sides = side_contrast(kernels).reshape(500, 8)[np.arange(500), choosy.argmax(axis=1)]
    for values, null in ((sides, contrast), (choosy.max(axis=1), strength)):
        assert 0.01 < np.mean(p_values(values, null) < 0.05) < 0.08
        assert stats.kstest(p_values(values, null), "uniform").statistic < 0.1


# Planted kernels.


def test_prewitt_operators_are_like_prewitt_and_edges(drawn, plant, operators):
    config, start = drawn()
    found = judged(plant(config, {0: start, 1: operators("prewitt", start)}))
    for null in ("initialiser", "covariance", "step0"):
        assert found[f"like-prewitt-{null}"].effect == 1
        assert found[f"like-prewitt-{null}"].p == pytest.approx(0.05**8)
        assert found[f"like-prewitt-{null}"].interval[0] > 0.6
    assert found["edges-not-lines"].interval[0] > 0.5
    assert found["one-side-lower"].effect > 0.5
    assert found["one-side-lower"].p < 0.01
    assert found["edges-sum-to-zero"].effect == 1
    assert found["order-matters"].interval[0] > 0.1
    assert "refuted" not in {found[id].verdict for id in (*PREFERENCES, "edges-sum-to-zero", "each-learns")}


@pytest.mark.slow
def test_lines_are_not_edges_and_care_for_no_order(drawn, plant, operators):
    config, start = drawn()
    found = judged(plant(config, {0: start, 1: operators("line", start)}))
    assert found["edges-not-lines"].interval[1] < -0.3
    for id in ("order-matters", "one-side-lower"):
        assert found[id].interval[1] < 0
        assert found[id].verdict == ONE_RUN  # a claim about some kernels of some networks
    assert found["edges-sum-to-zero"].verdict == NOT_MEASURED
    assert found["prefers-both"].interval[0] > 0.2  # bright lines, bright in the middle


@pytest.mark.slow
def test_edges_with_a_mean_do_not_sum_to_zero(drawn, plant, operators):
    config, start = drawn()
    weights = operators("prewitt", start)
    brighter = weights | {"conv1/kernel": weights["conv1/kernel"] + np.float32(0.2)}
    found = judged(plant(config, {0: start, 1: brighter}))
    assert found["edges-sum-to-zero"].effect == 0
    assert found["edges-sum-to-zero"].interval[1] < 0.5
    assert found["like-prewitt-initialiser"].effect == 1


@pytest.mark.slow
def test_kernels_of_one_direction_do_not_prefer_both(drawn, plant, operators):
    config, start = drawn()
    weights = operators("line", start)
    upright = np.repeat(weights["conv1/kernel"][..., :1], 8, axis=3)
    found = judged(plant(config, {0: start, 1: weights | {"conv1/kernel": upright}}))["prefers-both"]
    assert found.interval[1] < 0


@pytest.mark.slow
def test_choosy_kernels_at_the_start_are_not_vague(drawn, plant, operators):
    config, start = drawn(thickness_px=(1, 1), length_px=(10, 20))
    found = judged(plant(config, {0: operators("line", start), 1: start}))["untrained-vague"]
    assert found.interval[0] > found.reference
    assert found.words.startswith("8 of 8 untrained kernels")


@pytest.mark.parametrize("gain", [1.0, 1.09, 1.11])
def test_a_kernel_has_learned_if_it_moved_by_a_tenth(gain, drawn, plant):
    config, start = drawn()
    moved = start | {"conv1/kernel": np.float32(gain) * start["conv1/kernel"]}
    found = judged(plant(config, {0: start, 1: moved}))["each-learns"]
    assert found.effect == float(gain > 1.1)
    assert (found.interval[1] < found.reference) == (gain < 1.1)


def deep(drawn, plant, bias):
    """A second layer of one constant map, above zero or not: nothing of the picture reaches the end."""
    config, start = drawn(seed=3)
    second = np.zeros_like(start["conv2/kernel"])
    after = start | {"conv2/kernel": second, "conv2/bias": np.full(4, bias, np.float32)}
    run = plant(config, {0: start, 1: after})
    return run, judged(run)


def test_a_layer_that_hands_nothing_on_loses_detail_and_class(drawn, plant):
    _, found = deep(drawn, plant, 1.0)
    detail, selective = found["early-keeps-detail"], found["deeper-selective"]
    assert 0 < detail.interval[0] <= detail.effect <= detail.interval[1]
    assert detail.verdict == ONE_RUN
    assert selective.interval[0] <= selective.effect <= selective.interval[1]
    recovered = int(detail.words.split("recovers ")[1].split(" %")[0]) / 100
    assert detail.effect == pytest.approx(recovered, abs=0.006)  # less 0 in the end


@pytest.mark.slow
def test_a_class_that_only_the_last_layer_tells_makes_it_more_selective(expert, plant):
    """The expert's maps are summed by a second layer; without it the class must be put together."""
    config, able, _ = expert
    two = build_config(settings_of(config), {"network": {"filters": (2, 2), "kernel_sizes": (5, 7)}})
    second = np.zeros((7, 7, 2, 2), np.float32)
    second[..., 0, 0] = second[..., 1, 1] = 1
    dense = np.zeros((2, 2), np.float32)
    after = {name: values for name, values in able.items() if "conv1" in name} | {
        "conv2/kernel": second,
        "conv2/bias": np.zeros(2, np.float32),
        "dense/kernel": dense,
        "dense/bias": np.zeros(2, np.float32),
    }
    found = judged(plant(two, {0: after, 1: after}))["deeper-selective"]
    assert 0 < found.interval[0] <= found.effect <= found.interval[1]


def test_pooling_is_steadier_by_the_change_before_less_that_after(random_run):
    run, analysis = random_run
    change = change_under_shifts(run.dataset.part("test")[0], run.history.at(-1), run.config.network)
    change = change[np.isfinite(change).all(axis=1)].mean(axis=0)
    found = {judgement.id: judgement for judgement in analysis.ledger}["pooling-steadier"]
    assert found.effect == pytest.approx(change[0] - change[1])
    assert 0 < found.interval[0] <= found.effect <= found.interval[1]


# What cannot be measured.


def test_a_dead_layer_learned_nothing_and_prefers_nothing(drawn, plant):
    config, start = drawn()
    dead = drawn(1)[1] | {"conv1/bias": np.full(8, -100, np.float32)}
    found = judged(plant(config, {0: start, 1: dead}))
    assert found["each-learns"].effect == 0
    assert found["each-learns"].interval[1] < found["each-learns"].reference
    assert "8 dead" in found["each-learns"].words
    for id in PREFERENCES:
        assert found[id].verdict == NOT_MEASURED
    assert found["untrained-vague"].verdict == ONE_RUN
    assert found["pooling-steadier"].verdict == NOT_MEASURED


QUICKLY = {("conv1/kernel", False, -np.inf), ("conv1/bias", True, np.inf), ("dense/kernel", False, np.inf)}
BROKEN = itertools.product(
    ["conv1/kernel", "conv1/bias", "conv2/kernel", "dense/kernel"], [False, True], [np.inf, -np.inf]
)


@pytest.mark.parametrize(
    ("name", "everywhere", "bad"),
    [
        ("conv2/kernel", True, np.nan),
        *(pytest.param(*case, marks=[] if case in QUICKLY else pytest.mark.slow) for case in BROKEN),
    ],
)
def test_weights_that_are_no_numbers_support_nothing_and_warn_of_nothing(name, everywhere, bad, drawn, plant):
    config, start = drawn()
    broken = start[name].copy()
    broken[..., slice(None) if everywhere else 1] = bad
    analysis = analyse(plant(config, {0: start, 1.5: start | {name: broken}}))
    named = [f"{name}, unit {unit}: not finite from step 1.5 on" for unit in range(broken.shape[-1])]
    named = named if everywhere else named[1:2]
    assert [line.split(" (")[0] for line in analysis.missing if "not finite" in line] == named
    found = {judgement.id: judgement for judgement in analysis.ledger}
    for judgement in found.values():
        assert judgement.effect is None or np.isfinite(judgement.effect)
        assert judgement.verdict in ("refuted", ONE_RUN, NOT_MEASURED)
    for id in (*OF_DEPTH, "pooling-steadier"):
        assert (found[id].verdict, "diverged" in found[id].words) == (NOT_MEASURED, True)
    whole = 8 if name.startswith(("conv2", "dense")) else 7
    if not everywhere and name == "conv1/kernel":
        assert found["like-prewitt-initialiser"].counted == f"{whole} kernels"


def test_a_network_that_was_broken_from_the_start_is_no_news(drawn, plant):
    config, start = drawn()
    broken = {name: np.full_like(values, np.nan) for name, values in start.items()}
    found = judged(plant(config, {0: broken, 1: broken}))
    measured = {id for id, judgement in found.items() if judgement.effect is not None}
    assert measured == {"tells-lines-apart", "each-learns"}


def test_the_start_alone_says_nothing_about_learning(drawn, plant):
    config, start = drawn()
    analysis = analyse(plant(config, {0: start}))
    assert any("Only one step is recorded" in line for line in analysis.missing)
    measured = {judgement.id for judgement in analysis.ledger if judgement.effect is not None}
    assert measured == {"untrained-vague"}
    assert {j.verdict for j in analysis.ledger} == {ONE_RUN, NOT_MEASURED}
    assert len(analysis.kernels) == 8  # the rest is measured all the same


def test_one_convolution_has_no_depth(drawn, plant):
    config, start = drawn(filters=(4,), kernel_sizes=(5,))
    found = judged(plant(config, {0: start, 1: start}))
    for id in OF_DEPTH:
        assert (found[id].verdict, found[id].words) == (NOT_MEASURED, "the network has one convolution only")
    assert found["pooling-steadier"].effect is not None


@pytest.mark.slow
def test_without_pooling_nothing_is_said_about_it(drawn, plant):
    config, start = drawn(pool_size=1)
    found = judged(plant(config, {0: start, 1: start}))
    assert found["pooling-steadier"].verdict == NOT_MEASURED
    assert found["early-keeps-detail"].effect is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "tanh", "padding": "same", "pooling": "average"},
        {"angles_deg": (30.0, 60.0, 120.0), "contrast": "dark"},
        pytest.param({"kernel_sizes": (3, 3)}, marks=pytest.mark.slow),
        pytest.param({"activation": "sigmoid"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_other_networks_and_pictures_are_judged_too(changes, drawn, plant):
    config, start = drawn(**changes)
    found = judged(plant(config, {0: start, 1: drawn(1, **changes)[1]}))
    assert set(verdicts(found).values()) <= {"refuted", ONE_RUN, NOT_MEASURED}


def test_one_kernel_is_one_kernel(drawn, plant):
    config, start = drawn(filters=(1, 1))
    found = judged(plant(config, {0: start, 1: start}))
    assert (found["edges-not-lines"].effect, found["edges-sum-to-zero"].effect) == (None, None)
    assert found["prefers-both"].effect <= 0  # it cannot prefer both classes
    assert found["each-learns"].interval == pytest.approx((0, 0.975))


@pytest.mark.slow
def test_colour_pictures_are_judged_too(drawn, plant):
    config, start = drawn(channels=3)
    grey = make_dataset(config.images)
    colour = type(grey)(np.repeat(grey.pixels, 3, axis=3), grey.labels, grey.split, grey.class_names)
    found = judged(plant(config, {0: start, 1: drawn(1, channels=3)[1]}, dataset=colour))
    assert found["like-prewitt-initialiser"].counted == "8 kernels"
    assert set(verdicts(found).values()) <= {"refuted", ONE_RUN, NOT_MEASURED}


@pytest.mark.slow
def test_two_test_pictures_refute_nothing_about_preferences(drawn, plant, operators):
    config, start = drawn(pictures_per_class=3)
    found = judged(plant(config, {0: operators("line", start), 1: start}))
    for id in ("untrained-vague", "prefers-both"):
        assert (found[id].interval, found[id].verdict) == (None, ONE_RUN)


@pytest.mark.slow
def test_kernels_that_one_picture_alone_rouses_have_no_interval(drawn, plant):
    """Resamples of pictures without that one have no preference; nothing warns."""
    config, start = drawn()
    run = plant(config, {0: start, 1: start})
    images, labels = run.dataset.part("test")
    template = images[0, 5:10, 5:10, 0]
    answers = [picture[r : r + 5, c : c + 5, 0] for picture in images for r in range(16) for c in range(16)]
    template = max(answers, key=lambda patch: patch.sum())
    peak = max(float((patch * template).sum()) for patch in answers)
    kernel = np.repeat(template[:, :, None, None], 8, axis=3).astype(np.float32)
    rare = start | {"conv1/kernel": kernel, "conv1/bias": np.full(8, -0.999 * peak, np.float32)}
    found = judged(plant(config, {0: start, 1: rare}))["prefers-both"]
    assert found.verdict in (ONE_RUN, "refuted", NOT_MEASURED)
    assert len(labels) == 8


# Controls.


@pytest.fixture(scope="session")
def expert(drawn):
    """Settings, a network that tells the lines apart by their direction, and one that always says the same."""
    config, start = drawn(filters=(2,), kernel_sizes=(5,), pictures_per_class=100)
    kernel = np.stack([line(5, "horizontal"), line(5)], axis=-1)[:, :, None, :].astype(np.float32)
    flat = start["dense/kernel"].shape[0]
    dense = np.tile(np.eye(2, dtype=np.float32), (flat // 2, 1))  # each class adds up the map of its kernel
    able = start | {"conv1/kernel": kernel, "dense/kernel": dense}
    return config, able, able | {"dense/kernel": np.zeros_like(dense)}


def with_controls(plant, config, own, theirs):
    run = plant(config, {0: own, 1: own})
    for name in ("frozen-random", "frozen-prewitt", "shuffled-labels"):
        plant(config, {0: theirs, 1: theirs}, name=name, inside=run)
    return run


@pytest.mark.slow
def test_an_expert_tells_lines_apart_and_needs_what_it_learned(expert, plant):
    config, able, blind = expert
    found = judged(with_controls(plant, config, able, blind))
    assert found["tells-lines-apart"].effect > 0.9
    assert found["tells-lines-apart"].verdict == ONE_RUN
    lost = found["learning-needed"]
    assert lost.effect == pytest.approx(found["tells-lines-apart"].effect - 0.5)
    assert lost.interval[0] > 0.01
    assert lost.verdict == ONE_RUN
    assert found["prewitt-serves"].effect == pytest.approx(-lost.effect)
    assert found["prewitt-serves"].verdict == "refuted"


def test_controls_that_do_better_refute_that_learning_is_needed(expert, plant):
    config, able, blind = expert
    found = judged(with_controls(plant, config, blind, able))
    assert (found["learning-needed"].verdict, found["prewitt-serves"].verdict) == ("refuted", ONE_RUN)
    assert found["tells-lines-apart"].verdict == "refuted"


@pytest.mark.slow
def test_a_few_pictures_on_which_run_and_control_agree_decide_nothing(expert, plant):
    config, able, _ = expert
    found = judged(with_controls(plant, config, able, able))
    for id in ("learning-needed", "prewitt-serves"):
        assert found[id].effect == 0
        assert found[id].interval[0] < -0.01 < 0.01 < found[id].interval[1]
        assert found[id].verdict == ONE_RUN


def test_without_controls_their_claims_are_not_measured(random_run):
    _, analysis = random_run
    found = {judgement.id: judgement for judgement in analysis.ledger}
    for id in ("like-prewitt-shuffled", "learning-needed", "prewitt-serves"):
        assert found[id].verdict == NOT_MEASURED
    assert any("--controls" in line for line in analysis.missing)
    assert [control.name for control in analysis.controls] == ["this run"]


@pytest.mark.slow
def test_the_null_of_shuffled_labels_is_that_of_the_controls_kernels(drawn, plant, operators):
    config, start = drawn()
    weights = operators("prewitt", start)
    by_control = {}
    for name, control in (("random", drawn(5)[1]), ("prewitt", weights)):
        run = plant(config, {0: start, 1: weights})
        plant(config, {0: start, 1: control}, name="shuffled-labels", inside=run)
        analysis = analyse(run)
        by_control[name] = [record.rivals.p_edge_shuffled for record in analysis.kernels]
        own = [record.rivals.p_edge_covariance for record in analysis.kernels]
        assert not any("--controls" in line for line in analysis.missing)
        assert [control.name for control in analysis.controls] == ["this run", "shuffled-labels"]
    assert max(by_control["random"]) < 0.001
    assert max(own) < 0.001
    assert by_control["prewitt"] == pytest.approx(own, abs=0.001)


def test_all_nulls_have_a_claim_and_a_field(random_runs):
    record = random_runs[0][1].kernels[0]
    for name in NULLS:
        assert hasattr(record.rivals, f"p_edge_{name}")
        assert hasattr(record.match, f"p_{name}")
