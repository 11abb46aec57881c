"""The analysis of a run: whole, stable, and the same from the same run."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from linesexp import open_run
from linesexp.errors import InputError
from linesexp.evidence.measuring import analyse
from linesexp.kernels.analysis import Analysis, analysis_json, parse_analysis
from linesexp.kernels.claims import CLAIMS
from linesexp.seeing.composition import compositions

# DESIGN, section 8: stable names that others read.
RECORD = {"layer", "index", "detects", "polarity", "match", "shares", "tuning", "change", "health", "died_at"}
OF_RECORD = {
    "match": {"operator", "order", "size", "row", "column", "cosine", "p_initialiser", "p_covariance"}
    | {"p_step0", "p_shuffled", "q_initialiser"},
    "shares": {"dc", "odd", "even", "axis_vertical", "axis_horizontal"},
    "tuning": {"preferred_angle_deg", "one_minus_circular_variance", "direction_index"},
    "change": {"relative_norm", "cosine"},
}
OF_LEDGER = {"id", "claim", "made_in", "test", "effect", "interval", "runs", "verdict", "refuted_by", "words"}


@pytest.fixture(scope="module")
def analysis(tiny_run):
    return analyse(open_run(tiny_run))


def as_data(value):
    """Dataclasses as dictionaries, NaN as None, tuples as lists: what JSON can hold."""
    if dataclasses.is_dataclass(value):
        return {field.name: as_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: as_data(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_data(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def test_the_same_run_gives_the_same_bytes(analysis, tiny_run):
    assert (tiny_run / "analysis.json").read_bytes() == analysis_json(analysis)  # made by another process


def test_an_analysis_survives_its_json(analysis):
    parsed = parse_analysis(analysis_json(analysis), "here")
    assert as_data(parsed) == as_data(analysis)
    assert analysis_json(parsed) == analysis_json(analysis)


@pytest.mark.slow
def test_an_analysis_of_broken_weights_survives_its_json(settings, draw, plant):
    config = settings()
    start = draw(config, np.random.default_rng(0))
    broken = {name: np.full_like(values, np.nan) for name, values in start.items()}
    found = analyse(plant(config, {0: start, 1: broken}))
    data = analysis_json(found)
    assert "NaN" not in json.dumps(json.loads(data))
    assert as_data(parse_analysis(data, "here")) == as_data(found)
    assert [record.health for record in found.kernels] == ["dead"] * 8
    assert [record.died_at for record in found.kernels] == [1] * 8
    assert found.kernels[0].match is None


def test_the_fields_are_those_that_the_design_names(analysis):
    data = json.loads(analysis_json(analysis))
    assert set(data) == {field.name for field in dataclasses.fields(Analysis)}
    for record in data["kernels"] + data["untrained"]:
        assert set(record) >= RECORD
        for name, fields in OF_RECORD.items():
            assert record[name] is None or set(record[name]) >= fields
    for judgement in data["ledger"]:
        assert set(judgement) >= OF_LEDGER
    assert [judgement["id"] for judgement in data["ledger"]] == [claim.id for claim in CLAIMS]


def test_before_and_after_are_the_first_and_the_last_step(analysis, tiny_run):
    run = open_run(tiny_run)
    assert analysis.steps == run.history.steps.tolist()
    assert [record.change.relative_norm for record in analysis.untrained] == [0, 0, 0, 0]
    assert all(record.change.relative_norm > 0 for record in analysis.kernels)
    assert analysis.before != analysis.after
    assert analysis.ablation.whole == analysis.swap.whole == analysis.after
    assert analysis.controls[0].name == "this run"
    assert (analysis.controls[0].correct, analysis.controls[0].loss) == (
        analysis.after.correct,
        analysis.after.loss,
    )


def test_what_cannot_be_known_is_said_once_each(analysis):
    assert "--controls" in analysis.missing[-1]
    assert len(set(analysis.missing)) == len(analysis.missing) <= 2  # random kernels may name at chance


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"steps": "none"}', b"\xff"])
def test_other_json_is_no_analysis(data):
    with pytest.raises(InputError, match=r"here: not an analysis"):
        parse_analysis(data, "here")


@pytest.mark.slow
def test_classes_of_other_names_are_compared_in_their_order(settings, draw, plant):
    config = settings(angles_deg=(30.0, 60.0, 120.0))
    run = plant(config, {0: draw(config, np.random.default_rng(0))})
    assert analyse(run).preference_classes == ("angle_30", "angle_60")


def test_nothing_is_written(run: Path):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert analyse(open_run(run)).ledger
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_deeper_layers_are_measured_on_the_test_pictures_at_both_ends(tiny_run):
    run = open_run(tiny_run)
    (record,) = run.analysis.deeper
    images, _ = run.dataset.part("test")
    for step, agreement in ((0, record.agreement_before), (-1, record.agreement)):
        (expected,) = compositions(images, run.history.at(step), run.config.network)
        np.testing.assert_allclose(np.array(agreement, float), expected.agreement, atol=1e-12)
    assert (record.layer, record.channels, record.receptive_px) == ("conv2", 4, 5 - 1 + 2 * 3)
    start, end = (run.history.at(step)["conv2/kernel"] for step in (0, -1))
    moved = [np.linalg.norm(end[..., f] - start[..., f]) / np.linalg.norm(start[..., f]) for f in range(4)]
    np.testing.assert_allclose(record.change, moved, rtol=1e-5)
