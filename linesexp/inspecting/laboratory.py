"""What the laboratory needs of somebody's own model: kernels of its layers at every step, operators, chance."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from linesexp.inspecting.records import Inspection
from linesexp.kernels.any_layer import DEFAULT_INITIALIZER, Layer, SliceNull, bank_for, nulls_of
from linesexp.report.likeness import operators_of, packed_tail
from linesexp.views.embedding import packed
from linesexp.wording import megabytes

MOST_WEIGHT_BYTES = 400_000  # of all embedded layers and steps
ENOUGH_STEPS = 12  # a layer that leaves room for fewer is left out, unless it is the first
QUESTION = "kernels drawn as the layer’s initialiser{} draws them: is the likeness more than luck?"


def kernels_laboratory(
    layers: Sequence[Layer],
    history: Callable[[int, np.ndarray], np.ndarray],
    steps: np.ndarray,
    inspection: Inspection,
) -> tuple[dict[str, Any] | None, list[str]]:
    """All that the laboratory is given of these layers, fit for JSON, and what it leaves out, in sentences.

    history: index of a layer and indices of steps → its kernels (steps, kh, kw, channels, filters); steps:
    (steps,) in epochs, none for a model that did not record any. None where no layer fits, or none has
    kernels that can be compared.
    """
    count = max(1, len(steps))
    chosen, shown, left_out = _chosen(layers, count)
    if not chosen:
        return None, left_out
    usual = {(each.layer, each.index): each.channel for each in inspection.kernels}
    nulls: dict[int, tuple[int, SliceNull, Layer]] = {}

    def number(null: SliceNull | None, layer: Layer) -> int | None:
        if null is None:
            return None
        return nulls.setdefault(id(null), (len(nulls), null, layer))[0]

    embedded = []
    for index in chosen:
        layer = layers[index]
        own, of_luminance = nulls_of(layer)
        embedded.append(
            {
                "name": layer.name,
                "colour": layer.colour,
                "drawsWith": layer.draws_with,
                "usual": [0] * layer.kernels.shape[3] if layer.colour else _usual(layer, usual),
                "weights": packed(history(index, shown).astype(np.float32)),
                "null": number(own, layer),
                "luminanceNull": number(of_luminance, layer),
            }
        )
    sizes = sorted({layers[index].size[0] for index in chosen})
    operators = {size: operators_of(bank) for size in sizes if (bank := bank_for((size, size))) is not None}
    return {
        "network": None,
        "steps": steps[shown].tolist() if len(steps) else [],
        "kernels": {
            "layers": embedded,
            "operators": {size: known for size, known in operators.items() if known is not None},
            "nulls": [
                {"name": "luck", "question": QUESTION.format(_drawn(of)), **packed_tail(null.cosine)}
                for _, null, of in nulls.values()
            ],
        },
    }, left_out


def about_kernels(data: dict[str, Any] | None, recorded: int, left_out: Sequence[str]) -> list[str]:
    """What the laboratory says first. recorded: number of steps, 0 for a model without any."""
    if data is None:
        return ["There is nothing to try out in this page, as it carries no kernels.", *left_out]
    shown = len(data["steps"])
    at = " at its recorded steps" if recorded > 1 else ""
    words = [f"The kernels of this model{at}, measured here in the page. Nothing leaves this page."]
    if shown < recorded:
        words.append(f"{shown} of {recorded} recorded steps fit into the page, evenly taken.")
    return [*words, *left_out]


def _chosen(layers: Sequence[Layer], count: int) -> tuple[list[int], np.ndarray, list[str]]:
    """Which layers the page carries, at which of its `count` steps, and sentences on the others."""
    chosen: list[int] = []
    each, large, others = 0, [], []
    for index, layer in enumerate(layers):
        size = layer.kernels.size * 4
        steps = min(count, ENOUGH_STEPS if chosen else 2)
        if bank_for(layer.size) is None:
            others.append(layer)
        elif (each + size) * steps > MOST_WEIGHT_BYTES:
            large.append(layer)
        else:
            chosen.append(index)
            each += size
    fitting = min(count, MOST_WEIGHT_BYTES // each) if each else 1
    shown = np.unique(np.linspace(0, count - 1, fitting).round().astype(int))
    return chosen, shown, [*_too_large(large, count), *_not_square(others)]


def _too_large(layers: Sequence[Layer], count: int) -> list[str]:
    if not layers:
        return []
    first = layers[0]
    many = f"{first.name} and {len(layers) - 1} more are" if len(layers) > 1 else f"{first.name} is"
    steps = " a step" if count > 1 else ""
    size = first.kernels.size * 4
    return [
        f"{many} too large to embed: {first.name} takes {megabytes(size)}{steps}, and the page has room for "
        f"{megabytes(MOST_WEIGHT_BYTES)} of kernels{' at all steps' if count > 1 else ''}."
    ]


def _not_square(layers: Sequence[Layer]) -> list[str]:
    if not layers:
        return []
    names = ", ".join(layer.name for layer in layers[:3])
    more = f" and {len(layers) - 3} more" if len(layers) > 3 else ""
    return [f"Left out, as operators are square and 3×3 or larger: {names}{more}."]


def _usual(layer: Layer, known: dict[tuple[str, int], int | None]) -> list[int]:
    """The channel of each filter that resembles an operator most; 0 without one."""
    filters = layer.kernels.shape[3]
    offset = np.zeros(filters, dtype=int) if layer.first_channel is None else layer.first_channel
    found = [known.get((layer.name, index)) for index in range(filters)]
    return [0 if channel is None else int(channel - offset[index]) for index, channel in enumerate(found)]


def _drawn(layer: Layer) -> str:
    if layer.initializer is None:
        return f" (not known here: {DEFAULT_INITIALIZER})"
    return f" ({layer.initializer})"
