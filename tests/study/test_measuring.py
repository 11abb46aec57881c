"""What is measured on members: a study of one run says what the run's analysis says; alone or side by side."""

import dataclasses

import msgspec
import numpy as np
import pytest

from linesexp import open_run
from linesexp.errors import InputError
from linesexp.images.dataset import make_dataset
from linesexp.kernels.claims import CLAIMS
from linesexp.study.blocks import Block
from linesexp.study.chances import chances_of, control_of, gather, is_control
from linesexp.study.measuring import MEASURES, PAIRED, measure
from linesexp.study.networks import LOOKED_THROUGH, OF_DEPTH, looked_through, network_measures
from linesexp.study.of_kernels import emergence
from linesexp.study.place import as_block
from linesexp.study.plan import planned


def with_seed(config, seed):
    return msgspec.structs.replace(config, training=msgspec.structs.replace(config.training, seed=seed))


def measured(block, result, labels=None):
    labels = make_dataset(block.config.images).part("test")[1] if labels is None else labels
    chances = chances_of("it", {"it": block.config}, gather([(Block("it", block.config, block.seeds), result)]))
    return measure(block, result, labels, chances)


@pytest.fixture(scope="module")
def block(planted):
    return next(iter(planned(planted.settings_of())))


@pytest.fixture(scope="module")
def result(block, planted):
    return planted.result_of(block)


@pytest.fixture(scope="module")
def analysed(tiny_run):
    """(analysis of the tiny run, what a study of it alone measures)."""
    run = open_run(tiny_run)
    block, result = as_block(run)
    return run.analysis, measured(block, result, run.dataset.part("test")[1])


# One run.


@pytest.mark.parametrize("claim", [claim.id for claim in CLAIMS if claim.id not in PAIRED])
def test_a_study_of_one_run_has_the_effects_of_the_runs_ledger(claim, analysed):
    analysis, found = analysed
    expected = {judgement.id: judgement.effect for judgement in analysis.ledger}[claim]
    effect = found.members[claim][0]
    assert (expected is None and np.isnan(effect)) or effect == pytest.approx(expected, abs=2e-6, rel=1e-5)


def test_a_study_of_one_run_has_the_runs_records_of_kernels(analysed):
    analysis, found = analysed
    for record in analysis.kernels:
        kernel = {name: values[0, record.index] for name, values in found.kernels.items()}
        match, rivals = record.match, record.rivals
        assert (kernel["operator"], kernel["detects"] or None) == (match.operator, record.detects)
        for name in ("order", "size", "row", "column", "cosine", "p_initialiser", "q_initialiser"):
            assert kernel[name] == pytest.approx(getattr(match, name), abs=1e-6), name
        for null in ("covariance", "step0"):
            assert kernel[f"p_{null}"] == pytest.approx(getattr(match, f"p_{null}"), abs=2e-4)
            assert kernel[f"p_edge_{null}"] == pytest.approx(getattr(rivals, f"p_edge_{null}"), abs=2e-4)
        assert (
            np.isnan(kernel["polarity"]) if record.polarity is None else kernel["polarity"] == record.polarity
        )
        for part in (rivals, record.shares, record.tuning):
            for name, value in vars(part).items():
                if not name.startswith("p_"):
                    assert kernel[name] == pytest.approx(
                        np.nan if value is None else value, abs=1e-5, nan_ok=True
                    )
        assert kernel["change"] == pytest.approx(record.change.relative_norm, abs=1e-6)
        assert kernel["cosine_to_start"] == pytest.approx(record.change.cosine, abs=1e-6)
        assert kernel["preference"] == pytest.approx(record.preference, abs=1e-5)
        assert kernel["health"] == record.health


def test_a_study_of_one_run_has_its_scores(analysed):
    analysis, found = analysed
    control = analysis.controls[0]
    assert found.members["accuracy"][0] == control.accuracy
    assert found.members["matched"][0] == control.matched / control.kernels
    epochs = control.epochs_to_95
    assert found.members["epochs_to_95"][0] == pytest.approx(np.nan if epochs is None else epochs, nan_ok=True)
    assert found.correct[0].sum() == analysis.after.correct


# Many members.


def test_members_are_measured_alike_in_a_block_of_any_size(block, result):
    whole = measured(block, result)
    chances = chances_of("it", {"it": block.config}, gather([(Block("it", block.config, block.seeds), result)]))
    labels = make_dataset(block.config.images).part("test")[1]
    for member in (0, 5):
        alone = dataclasses.replace(
            result,
            kernels=result.kernels[[member]],
            test_probabilities=result.test_probabilities[[member]],
            **{
                group: {name: values[[member]] for name, values in getattr(result, group).items()}
                for group in ("untrained", "trained", "log", "measures")
            },
        )
        config = block.config
        seed = block.seeds[member]
        small = Block(
            block.condition,
            with_seed(config, seed),
            (seed,),
        )
        found = measure(small, alone, labels, chances)
        for name, values in whole.members.items():
            np.testing.assert_allclose(found.members[name][0], values[member], atol=1e-6, err_msg=name)
        for name, values in whole.kernels.items():
            if values.dtype.kind == "f":
                np.testing.assert_allclose(found.kernels[name][0], values[member], atol=1e-5, err_msg=name)


def test_planted_operators_are_what_every_member_has(block, result):
    found = measured(block, result)
    assert (found.kernels["operator"] == "prewitt").all()
    assert found.kernels["detects"][0].tolist() == ["vertical", "horizontal"] * 4
    assert found.kernels["polarity"][0].tolist() == [1, 1, -1, -1] * 2
    assert (found.members["matched"] == 1).all()
    assert (found.members["like-prewitt-initialiser"] == 1).all()
    assert (found.members["edges-not-lines"] > 0.3).all()
    assert np.isin(found.kernels["emergence"], (0, 1)).all()  # 0: lucky from the start
    assert 0.85 < (found.kernels["emergence"] == 1).mean() < 1
    assert (found.curves["matched"][:, -1] == 1).all()
    assert found.curves["matched"][:, 0].mean() < 0.3


def test_planted_operators_are_odd_and_have_no_mean(block, planted):
    found = measured(block, planted.result_of(block, noise=0))
    np.testing.assert_allclose(found.members["odd"], 1, atol=1e-6)
    np.testing.assert_allclose(found.members["dc"], 0, atol=1e-6)
    np.testing.assert_allclose(found.members["axis"], 1, atol=1e-6)
    lines = measured(block, planted.result_of(block, learn="line", noise=0))
    np.testing.assert_allclose(lines.members["odd"], 0, atol=1e-6)


def test_a_match_emerges_where_it_stays():
    beyond = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1]], dtype=bool).T[None]
    found = emergence(beyond, np.array([0.0, 0.5, 1.0, 2.0]))
    np.testing.assert_array_equal(found[0], [1.0, np.nan, 0.0, 2.0])


def test_a_kernel_that_is_not_finite_is_compared_with_nothing(block, result):
    kernels = result.kernels.copy()
    kernels[2, -1, 3] = np.nan
    kernels[4, -1] = np.inf
    found = measured(block, dataclasses.replace(result, kernels=kernels))
    assert np.isnan(found.kernels["cosine"][2, 3])
    assert found.kernels["operator"][2, 3] == ""
    assert found.members["matched"][2] == 7 / 8
    assert np.isnan(found.members["cosine"][4])
    assert found.members["matched"][4] == 0
    assert np.isfinite(found.members["cosine"][[0, 1, 2, 3, 5, 6, 7]]).all()


def test_dead_kernels_count_for_nothing(block, result):
    health = result.measures["health"].copy()
    health[1, :4] = 2
    found = measured(block, dataclasses.replace(result, measures=result.measures | {"health": health}))
    assert found.members["matched"][1] == 0.5
    assert found.members["each-learns"][1] == 0.5
    assert found.members["dead"].tolist() == [0, 0.5, 0, 0, 0, 0, 0, 0]
    assert found.members["like-prewitt-initialiser"][1] == 1  # of the live ones
    kernels = result.kernels.copy()
    kernels[1, -1, :4] = np.eye(5)  # whatever dead ones hold
    other = measured(
        block, dataclasses.replace(result, kernels=kernels, measures=result.measures | {"health": health})
    )
    for name in ("cosine", "edge_like", "odd", "dc", "axis"):
        assert other.members[name][1] == found.members[name][1], name


def test_without_the_workers_measures_the_rest_is_known(block, planted):
    found = measured(block, planted.result_of(block, measured=False))
    assert np.isnan(found.members["prefers-both"]).all()
    assert np.isnan(found.members["dead"]).all()
    assert (found.members["matched"] == 1).all()
    assert (found.kernels["health"] == "").all()


def test_accuracy_counts_pictures_and_epochs_from_the_log(block, planted):
    found = measured(block, planted.result_of(block, right=0.75, measured=False))
    assert found.members["accuracy"][0] == pytest.approx(0.75, abs=0.05)
    assert (found.members["accuracy_before"] == 0.5).all()
    assert (found.members["epochs_to_95"] == 3).all()


def test_a_result_of_other_pictures_is_refused(block, result):
    with pytest.raises(InputError, match=r"default/d0/s20-27: holds probabilities of 8 .* draw 5"):
        measured(block, result, np.zeros(5, dtype=int))


def test_every_measure_and_claim_is_a_number_for_every_member(block, result):
    found = measured(block, result)
    assert found.members.keys() == {measure.id for measure in MEASURES} | {claim.id for claim in CLAIMS}
    assert all(values.shape == (8,) and values.dtype == float for values in found.members.values())


# What the worker measures.


def test_only_the_first_of_every_hundred_seeds_are_looked_through():
    seeds = np.arange(250)
    assert np.flatnonzero(looked_through(tuple(seeds))).tolist() == [
        *range(LOOKED_THROUGH),
        *range(100, 100 + LOOKED_THROUGH),
        *range(200, 200 + LOOKED_THROUGH),
    ]


def test_networks_that_are_not_looked_through_have_no_depth(block, planted):
    config = with_seed(block.config, 14)
    later = Block("default", config, (14, 15, 16, 17))
    found = planted.result_of(later).measures
    for name in OF_DEPTH:
        assert np.isfinite(found[name]).tolist() == [True, True, False, False]
    assert np.isfinite(found["preference"]).all()


def test_a_network_that_diverged_is_not_looked_through(block, planted):
    block = Block("default", with_seed(block.config, 0), tuple(range(8)))
    result = planted.result_of(block)
    trained = {name: values.copy() for name, values in result.trained.items()}
    trained["dense/bias"][3] = np.nan
    dataset = make_dataset(block.config.images)
    found = network_measures(block, result.untrained, trained, dataset)
    for name in OF_DEPTH:
        assert np.isnan(found[name]).tolist() == [member == 3 for member in range(8)]


# Controls and chance.


def test_a_control_is_the_same_settings_but_for_its_change(planted):
    conditions = planted.settings_of(
        ("default", "weight-decay", "shuffled-labels", "frozen-random", "frozen-prewitt")
    ).conditions
    for name in ("shuffled-labels", "frozen-random", "frozen-prewitt"):
        assert control_of("default", name, conditions) == name
        assert control_of("weight-decay", name, conditions) is None
        assert control_of(name, name, conditions) is None
        assert is_control(conditions[name])


def test_chance_is_as_smooth_as_all_members_together(block, result, planted):
    """The second moment is that of all kernels, free of direction; so many copies of all change nothing."""
    blocks = list(planned(planted.settings_of(("default",), seeds=16)))
    results = [(each, planted.result_of(each, noise=1.0, measured=False)) for each in blocks]
    conditions = {"default": block.config}
    together = gather(results)["default"]
    kernels = np.concatenate([each.kernels[:, -1].reshape(-1, 5, 5) for _, each in results])
    free = kernels - kernels.mean(axis=(1, 2), keepdims=True)
    free /= np.linalg.norm(free, axis=(1, 2), keepdims=True)
    assert together.kernels == 128
    assert np.trace(together.moment) == pytest.approx(128)
    turned = np.rot90(together.moment.reshape(5, 5, 5, 5), axes=(0, 1))
    np.testing.assert_allclose(np.rot90(turned, axes=(2, 3)).reshape(25, 25), together.moment, atol=1e-6)
    once = chances_of("default", conditions, {"default": together})
    twice = chances_of("default", conditions, gather([*results, *results]))
    # Other draws, as equal variances have axes that rounding turns, of the same distribution.
    np.testing.assert_allclose(
        *(np.quantile(each.nulls.covariance.any, (0.1, 0.5, 0.9)) for each in (once, twice)), atol=0.01
    )
