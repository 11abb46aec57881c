"""The figures of one look: an overview, a sheet for each layer, and what speaks for a class."""

from collections.abc import Iterator, Sequence

import numpy as np

from linesexp.looking.look import Look
from linesexp.looking.naming import plain_name
from linesexp.looking.networks import Network
from linesexp.looking.verdict import class_names_for, why_no_classes
from linesexp.seeing.forward import LayerOutput
from linesexp.views.seeing import (
    LayerView,
    MethodView,
    Moment,
    Shown,
    attribution_figure,
    in_overview,
    overview_figure,
    sheet_figure,
)
from linesexp.views.style import png_bytes, step_name


def figures_of(
    network: Network, look: Look, methods: Sequence[MethodView] | None, convolutions: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """(file name, PNG) of every figure of a look, one after the other."""
    name = look.picture.name.rpartition("/")[2]
    layers = _layers(network, look)
    named = look.after[-1].final and not why_no_classes(look.after)
    classes = class_names_for(look.after[-1].values, network) if named else []
    chosen = in_overview([layer.name for layer in layers], convolutions)
    left_out = (
        ""
        if len(chosen) == len(layers)
        else f"Here are {len(chosen)} of {len(layers)} layers; all with maps have a sheet."
    )
    about = _about(network, look)
    shown = Shown(look.picture.values, f"{name}: its way through the network", about)
    yield "overview.png", png_bytes(overview_figure(shown, [layers[at] for at in chosen], classes, left_out))
    if methods:
        explained = look.facts["attribution"]
        shown = Shown(look.picture.values, f"{name}: what speaks for class {explained['class']}", about)
        score = f"{explained['explained']} of class {explained['class']}"
        yield (
            "attribution.png",
            png_bytes(attribution_figure(shown, methods, score, explained["untrained"], network.trained_words)),
        )
    digits = len(str(len(layers)))
    for number, layer in enumerate(layers, 1):
        maps = layer.moments[0].values
        if maps.ndim == 3:
            height, width, count = maps.shape
            shown = Shown(
                look.picture.values, f"{layer.name}: {count} maps of {height}×{width}", f"{name}: {about}"
            )
            yield f"{number:0{digits}d}-{plain_name(layer.name)}.png", png_bytes(sheet_figure(shown, layer))


def _layers(network: Network, look: Look) -> list[LayerView]:
    if look.before is None:
        return [LayerView(output.name, [Moment("", _finite(output))]) for output in look.after]
    now = step_name(network.step or 0)
    return [
        LayerView(after.name, [Moment("untrained", _finite(before)), Moment(now, _finite(after))])
        for before, after in zip(look.before, look.after, strict=True)
    ]


def _finite(output: LayerOutput) -> np.ndarray:
    """Maps (h, w, n) or units (n,); other shapes are laid in a row."""
    values = output.values if output.values.ndim in (1, 3) else output.values.reshape(-1)
    return values.astype(np.float32)


def _about(network: Network, look: Look) -> str:
    low, high = network.scale
    lines = [look.picture.change, f"network: {network.source} (black is {low:g}, white {high:g})"]
    named = look.facts["class"]
    if named is not None:
        kind = "probability" if "probability" in look.facts else "score"
        among = f"; it knows nothing but {', '.join(network.class_names)}" if network.class_names else ""
        lines.append(f"class {named}, {kind} {look.facts[kind]:.4g}{among}")
    return "\n".join(lines)
