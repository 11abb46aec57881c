"""Records of kernels: each number comes from the null and the correction that it names."""

import numpy as np
import pytest
from scipy import stats

from linesexp.kernels.match import (
    edge_rather_than_line,
    initializer_kernels,
    operator_bank,
    order_cosines,
    p_values,
)
from linesexp.kernels.nulls import null_of
from linesexp.kernels.operators import line, prewitt
from linesexp.kernels.records import Behaviour, Nulls, kernel_records
from linesexp.kernels.tuning import tune

BANK = operator_bank(7)


def kernels_of(seed, count):
    return initializer_kernels("glorot_uniform", 7, count, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def nulls():
    """Four nulls of different strength, so that taking one for another shows."""
    patterns = (0.0, 1.0, 2.0, 3.0)
    drawn = [kernels_of(seed, 500) + gain * np.sign(prewitt(7)) for seed, gain in enumerate(patterns)]
    return Nulls(*(null_of(kernels, BANK) for kernels in drawn))


@pytest.fixture(scope="module")
def found(nulls):
    gains = np.array([0.1, 0.3, 0.6])[:, None, None]
    kernels = np.concatenate([gains * prewitt(7) + kernels_of(8, 3), gains * line(7) + kernels_of(9, 3)])
    behaviour = Behaviour(np.zeros(6), tune(kernels, np.zeros(6), "relu"), ["live"] * 6, [None] * 6)
    return kernels, kernel_records(kernels, kernels, behaviour, BANK, nulls, "conv1")


def test_each_p_is_that_of_its_own_null(found, nulls):
    _, records = found
    for name in ("initialiser", "covariance", "step0", "shuffled"):
        expected = p_values(np.array([r.match.cosine for r in records]), getattr(nulls, name).any)
        assert [getattr(r.match, f"p_{name}") for r in records] == pytest.approx(expected)


def test_q_is_benjamini_and_hochbergs_correction_of_p(found):
    _, records = found
    p = [r.match.p_initialiser for r in records]
    assert [r.match.q_initialiser for r in records] == pytest.approx(stats.false_discovery_control(p))
    assert [r.match.q_initialiser for r in records] != p


def test_p_of_edges_is_of_edges_rather_than_lines(found, nulls):
    kernels, records = found
    edge = edge_rather_than_line(order_cosines(kernels, BANK))
    for name in ("initialiser", "covariance", "step0", "shuffled"):
        expected = p_values(edge, getattr(nulls, name).edge_rather)
        assert [getattr(r.rivals, f"p_edge_{name}") for r in records] == pytest.approx(expected)
    assert records[5].rivals.p_edge_initialiser == 1  # a line
