"""Gradients of functions whose slopes are known."""

import keras
import numpy as np
import pytest

from linesexp.seeing.gradients import gradient_of, gradients_of

VALUES = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)


def test_the_gradient_is_that_of_the_sum_beside_what_the_function_gives():
    cubes, slopes = gradient_of(lambda at: at * at * at, VALUES)
    np.testing.assert_allclose(cubes, VALUES**3, rtol=1e-6)
    np.testing.assert_allclose(slopes, 3 * VALUES**2, rtol=1e-6)


def test_each_of_several_tensors_has_its_own_and_the_function_is_called_once():
    calls = []

    def function(at):
        calls.append(at)
        return [keras.ops.sum(at * at), at[0] * 5, keras.ops.ones((3,))]

    results, slopes = gradients_of(function, VALUES)
    squares, first, none = slopes
    assert [result.shape for result in results] == [(), (2,), (3,)]
    np.testing.assert_allclose(squares, 2 * VALUES, rtol=1e-6)
    np.testing.assert_array_equal(first, [[5, 5], [0, 0]])
    np.testing.assert_array_equal(none, np.zeros_like(VALUES))  # values play no part in it
    assert len(calls) == 1


def test_weights_that_learn_are_left_alone():
    layer = keras.layers.Dense(1, use_bias=False)
    layer.build((None, 2))
    layer.kernel.assign([[2.0], [-1.0]])
    _, slopes = gradient_of(layer, VALUES)
    np.testing.assert_allclose(slopes, [[2, -1], [2, -1]], rtol=1e-6)


@pytest.mark.parametrize("backend", ["numpy", "openvino"])
def test_a_backend_without_gradients_is_named(backend, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    with pytest.raises(ValueError, match=f"tensorflow or jax or torch, and this is {backend}"):
        gradient_of(lambda at: at, VALUES)
