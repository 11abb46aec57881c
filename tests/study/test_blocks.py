"""What a block hands back, as bytes and back; what is not one is refused by name."""

from dataclasses import replace

import numpy as np
import pytest

from linesexp.config import build_config
from linesexp.errors import ConfigError, InputError
from linesexp.runs.formats import parse_tensors, tensors_bytes
from linesexp.study.blocks import LOG, Block, BlockResult, parse_result, result_bytes

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


RESULT = BlockResult(
    steps=np.array([0.0, 0.25, 0.5, 1.0, 2.0]),
    kernels=floats(3, 5, 4, 7, 7),
    untrained={"conv1/kernel": floats(3, 7, 7, 1, 4), "conv1/bias": floats(3, 4), "a/kernel": floats(3, 2)},
    trained={"conv1/kernel": floats(3, 7, 7, 1, 4), "conv1/bias": floats(3, 4), "a/kernel": floats(3, 2)},
    log={name: RNG.random((3, 3)) for name in LOG},
    test_probabilities=floats(3, 6, 2),
    seconds=1.5,
)


def block(seeds, **images):
    config = build_config({"images": images, "training": {"seed": seeds[0] if seeds else 0}})
    return Block("weight-decay", config, seeds)


@pytest.mark.parametrize(
    ("seeds", "words"),
    [((0, 1, 2), "0-2"), ((4,), "4"), ((8, 9), "8-9"), ((0, 1, 5), "0-1+5"), ((3, 2, 1), "3+2+1")],
)
def test_key_and_file_name_the_condition_the_data_seed_and_the_seeds(seeds, words):
    found = block(seeds, data_seed=2)
    assert found.key == f"weight-decay/d2/s{words}"
    assert found.file == f"blocks/weight-decay/d2-s{words}.safetensors"


@pytest.mark.parametrize("seeds", [(), (1, 1), (2, -1)])
def test_seeds_that_are_none_repeat_or_are_negative_are_refused(seeds):
    with pytest.raises(ConfigError, match="one seed ≥ 0 a member"):
        block(seeds)


def test_the_settings_seed_is_the_first_members():
    with pytest.raises(ConfigError, match=r"that of the first member, got 0"):
        Block("default", build_config(), (1, 2))


def test_bytes_and_back_is_the_same_in_the_same_order():
    found = parse_result(result_bytes(RESULT), "here")
    np.testing.assert_equal(vars(found), vars(RESULT))
    assert list(found.trained) == list(found.untrained) == list(RESULT.trained)
    assert result_bytes(found) == result_bytes(RESULT)


def test_losses_of_a_network_that_diverged_are_kept():
    diverged = replace(RESULT, log={name: np.full((3, 3), np.nan) for name in LOG})
    assert np.isnan(parse_result(result_bytes(diverged), "here").log["loss"]).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": np.array([0.0, 1.0, 2.0])}, r"kernels has shape \(3, 5, 4, 7, 7\) for 3 steps"),
        ({"steps": np.array([0.0, 0.5, 0.25, 1.0, 2.0])}, "steps do not rise"),
        ({"steps": RESULT.steps.astype(np.float32)}, "steps is float32"),
        ({"kernels": RESULT.kernels[0]}, r"kernels is float32 of shape \(5, 4, 7, 7\)"),
        ({"kernels": RESULT.kernels[:2]}, "are of 3 members, not of 2"),
        ({"trained": RESULT.trained | {"conv1/bias": floats(2, 4)}}, "conv1/bias has shapes"),
        ({"trained": RESULT.trained | {"conv1/bias": np.zeros((3, 4))}}, "conv1/bias is not float32"),
        ({"log": RESULT.log | {"loss": np.zeros((3, 2))}}, "log loss is float64 of shape"),
        ({"log": {"loss": np.zeros((3, 3))}}, "log/accuracy is missing"),
        ({"untrained": {}}, "untrained/a/kernel is missing"),
    ],
)
def test_what_does_not_fit_together_is_refused_by_name(change, words):
    with pytest.raises(InputError, match=f"^blocks/x: .*{words}"):
        parse_result(result_bytes(replace(RESULT, **change)), "blocks/x")


@pytest.mark.parametrize("about", [{}, {"weights": [1]}, {"seconds": "long", "weights": list(RESULT.trained)}])
def test_a_header_that_says_too_little_is_refused(about):
    tensors, _ = parse_tensors(result_bytes(RESULT), "here")
    with pytest.raises(InputError, match=r"^blocks/x: "):
        parse_result(tensors_bytes(tensors, about), "blocks/x")


@pytest.mark.parametrize("data", [b"", b"junk", result_bytes(RESULT)[:-1]])
def test_other_bytes_are_refused(data):
    with pytest.raises(InputError, match=r"^blocks/x: not a \.safetensors file"):
        parse_result(data, "blocks/x")


@pytest.mark.parametrize("seconds", [10**400, -1, True, "1", float("nan"), float("inf")])
def test_seconds_that_are_none_are_refused(seconds):
    tensors, about = parse_tensors(result_bytes(RESULT), "x")
    with pytest.raises(InputError, match="here: does not say how many seconds the block took"):
        parse_result(tensors_bytes(tensors, about | {"seconds": seconds}), "here")
