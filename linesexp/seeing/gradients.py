"""Gradients of what a model makes of pictures, by whatever computes them in Keras' backend."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from linesexp.environment import BACKENDS
from linesexp.errors import InputError

Function = Callable[[Any], Sequence[Any]]  # a tensor of the backend → tensors that are computed from it
Slopes = Callable[[int], Any]  # the number of such a tensor → the gradient of its sum; None: no part in it


def gradient_of(function: Callable[[Any], Any], values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tensor that function gives for values, and ∂ its sum / ∂ values, both as arrays."""
    (result,), slopes = gradients_of(lambda at: [function(at)], values)
    return result, next(slopes)


def gradients_of(function: Function, values: np.ndarray) -> tuple[list[np.ndarray], Iterator[np.ndarray]]:
    """The tensors that function gives for values, and of each the gradient of its sum, computed when asked for.

    function is called once, and can read no numbers off its tensors. Raises InputError under a backend without
    gradients.
    """
    ways = dict(zip(BACKENDS, (_by_tensorflow, _by_jax, _by_torch), strict=True))
    backend = keras.backend.backend()
    if backend not in ways:
        raise InputError(f"gradients need Keras' backend {' or '.join(BACKENDS)}, and this is {backend}")
    results, slopes = ways[backend](function, keras.ops.convert_to_tensor(values))

    def each() -> Iterator[np.ndarray]:
        for number in range(len(results)):
            found = slopes(number)
            yield np.zeros_like(values) if found is None else keras.ops.convert_to_numpy(found)

    return [keras.ops.convert_to_numpy(result) for result in results], each()


def _by_tensorflow(function: Function, at: Any) -> tuple[Sequence[Any], Slopes]:
    import tensorflow

    # Weights are left alone: their gradients would take as long again.
    with tensorflow.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(at)
        results = function(at)
    return results, lambda number: tape.gradient(results[number], at)


def _by_jax(function: Function, at: Any) -> tuple[Sequence[Any], Slopes]:
    import jax

    results, pull = jax.vjp(function, at)

    def slopes(number: int) -> Any:
        (found,) = pull([jax.numpy.full_like(result, place == number) for place, result in enumerate(results)])
        return found

    return results, slopes


def _by_torch(function: Function, at: Any) -> tuple[Sequence[Any], Slopes]:
    import torch

    at.requires_grad_()
    results = function(at)

    def slopes(number: int) -> Any:
        total = results[number].sum()
        if not total.requires_grad:
            return None
        return torch.autograd.grad(total, at, retain_graph=True, allow_unused=True)[0]

    return results, slopes
