import numpy as np
import pytest

from linesexp.kernels.course import course, course_chance
from linesexp.kernels.match import best_match, initializer_kernels, operator_bank
from linesexp.kernels.nulls import initializer_null
from linesexp.kernels.operators import line, prewitt
from linesexp.kernels.shape import shares

BANK = operator_bank(7)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_course_holds_what_each_step_alone_has():
    history = rng().uniform(-1, 1, (5, 3, 7, 7))
    found = course(history, BANK)
    for step, kernels in enumerate(history):
        alone = shares(kernels)
        for name in ("dc", "odd", "even"):
            np.testing.assert_allclose(getattr(found, name)[step], getattr(alone, name))
        for name, order in (("edge", 1), ("line", 2)):
            best = np.abs(best_match(kernels, BANK, orders=(order,)).cosine)
            np.testing.assert_allclose(getattr(found, name)[step], best, atol=1e-6)


def test_a_kernel_that_turns_from_edge_to_line_is_seen_to():
    mixture = np.linspace(0, 1, 9)[:, None, None, None]
    unit_edge, unit_line = (kernel / np.linalg.norm(kernel) for kernel in (prewitt(7), line(7)))
    found = course((1 - mixture) * unit_edge + mixture * unit_line, BANK)
    for falls, grows in ((found.odd, found.even), (found.edge, found.line)):
        assert falls[0, 0] == pytest.approx(1, abs=1e-5)
        assert grows[-1, 0] == pytest.approx(1, abs=1e-5)
        assert (np.diff(falls[:, 0]) < 1e-6).all()
        assert (np.diff(grows[:, 0]) > -1e-6).all()
    np.testing.assert_allclose(found.dc, 0, atol=1e-12)


def test_a_kernel_that_diverges_is_known_until_it_does():
    history = rng().uniform(-1, 1, (4, 2, 7, 7))
    history[2, 1, 0, 0], history[3, 1] = np.inf, np.nan
    found = course(history, BANK)
    for values in (found.dc, found.odd, found.even, found.edge, found.line):
        assert np.isfinite(values).tolist() == [[True, True], [True, True], [True, False], [True, False]]


@pytest.mark.parametrize("size", [3, 7])
def test_chance_is_what_untrained_kernels_have(size):
    bank = operator_bank(size)
    chance = course_chance(initializer_null("glorot_uniform", size), size)
    fresh = course(initializer_kernels("glorot_uniform", size, 5000, rng(2))[None], bank)
    for name in ("dc", "odd", "even"):
        assert np.mean(getattr(fresh, name)) == pytest.approx(getattr(chance, name), abs=0.005)
    for name in ("edge", "line"):
        low, middle, high = getattr(chance, name)
        values = getattr(fresh, name)
        assert 0.97 < np.mean((low < values) & (values < high)) < 0.99
        assert 0.47 < np.mean(values < middle) < 0.53


def test_chance_shares_of_seven_by_seven():
    chance = course_chance(initializer_null("he_normal", 7), 7)
    assert (chance.dc, chance.odd, chance.even) == pytest.approx((1 / 49, 24 / 49, 24 / 49))
    assert chance.edge != course_chance(initializer_null("he_uniform", 7), 7).edge
    assert chance.edge_mean == pytest.approx(chance.edge[1], abs=0.02)
