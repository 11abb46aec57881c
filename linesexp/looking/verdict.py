"""What a network's output says of one picture: a class, probabilities or scores, or why there is none."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from linesexp.errors import ConfigError
from linesexp.looking.networks import Network
from linesexp.seeing.forward import LayerOutput
from linesexp.wording import nearest_among

ONE = "1"  # the class that a single number speaks for: Keras' convention


def classes_of(outputs: Sequence[LayerOutput], network: Network) -> dict[str, Any]:
    """The class, its probability or score, and those of all, from the layers' outputs for one picture.

    Probabilities are what lies in 0..1 and sums to 1; other numbers are scores. A single number in 0..1 is
    the probability of class 1, unless the model is known not to end with a sigmoid. Where no class can be
    named, `class` is None and `no_class` says why.
    """
    if reason := why_no_classes(outputs):
        return {"class": None, "no_class": reason}
    values = class_values(outputs)
    inside = bool(values.min() >= 0 and values.max() <= 1)
    if len(values) == 1 and not network.class_names:
        return _of_one(float(values[0]), inside and network.squashes is not False)
    named = dict(zip(class_names_for(values, network), values.tolist(), strict=True))
    kind = "probabilities" if inside and abs(values.sum() - 1) < 1e-3 else "scores"
    top = int(np.argmax(values))
    one = {"probabilities": "probability", "scores": "score"}[kind]
    return {"class": list(named)[top], one: float(values[top]), kind: named}


def why_no_classes(outputs: Sequence[LayerOutput]) -> str | None:
    """Why a network's output for one picture names no class; None if it can."""
    heads = [output for output in outputs if output.final]
    if len(heads) > 1:
        return f"the model has {len(heads)} outputs: {', '.join(head.name for head in heads)}"
    if not heads or heads[0].values.ndim != 1:
        return "the model's output is no list of numbers"
    return None if np.isfinite(heads[0].values).all() else "the model's output is not finite"


def class_values(outputs: Sequence[LayerOutput]) -> np.ndarray:
    """(classes,): the network's output. Only where `why_no_classes` has nothing to say."""
    return next(output.values for output in outputs if output.final)


def class_names_for(values: np.ndarray, network: Network) -> list[str]:
    """The names of an output's numbers (classes,): the classes', or their own numbers."""
    if network.class_names:
        return list(network.class_names)
    return [ONE] if len(values) == 1 else [str(index) for index in range(len(values))]


def class_index(wanted: str | None, values: np.ndarray, network: Network) -> int:
    """Which number of an output to explain, by class; the largest unless given. Raises ConfigError."""
    known = class_names_for(values, network)
    if wanted is None:
        return int(np.argmax(values))
    if wanted in known:
        return known.index(wanted)
    if len(known) == 1:
        raise ConfigError(f"--class {wanted}: the model gives one number alone, for class {ONE}")
    if wanted.isdecimal() and int(wanted) < len(known):
        return int(wanted)
    among = ", ".join(known) if len(known) <= 10 else f"0..{len(known) - 1}"
    raise ConfigError(f"--class {wanted}: no such class{nearest_among(wanted, known, among)}")


def _of_one(value: float, is_probability: bool) -> dict[str, Any]:
    if not is_probability:
        return {
            "class": None,
            "scores": {ONE: value},
            "single": f"one number: the score of class {ONE}, if any",
        }
    both = {"0": 1 - value, ONE: value}
    top = max(both, key=lambda name: both[name])
    return {
        "class": top,
        "probability": both[top],
        "probabilities": both,
        "single": f"one number: the probability of class {ONE}",
    }
