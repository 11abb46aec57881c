import numpy as np
import pytest

from linesexp.kernels.health import died_at, triage


def test_live_silent_and_dead_kernels_are_named():
    on_training = np.array([[1.0, -1.0, -1.0], [-1.0, -2.0, -0.5]])
    on_probes = np.array([[-1.0, 2.0, -1.0]])
    assert triage(on_training, on_probes) == ["live", "silent", "dead"]


def test_exactly_zero_is_no_answer():
    assert triage(np.zeros((3, 1)), np.zeros((2, 1))) == ["dead"]


@pytest.mark.parametrize(
    ("alive", "step"),
    [([1, 1, 1], None), ([1, 0, 0], 1.0), ([1, 0, 1], None), ([0, 1, 0], 2.0), ([0, 0, 0], 0.0)],
)
def test_a_kernel_died_at_the_first_step_from_which_it_stayed_dead(alive, step):
    assert died_at(np.array(alive, dtype=bool), np.array([0.0, 1.0, 2.0])) == step
