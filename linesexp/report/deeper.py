"""What the page says of the convolutions after the first."""

from typing import Any

import numpy as np

from linesexp.kernels.analysis import DeeperRecord
from linesexp.report.evidence import Table
from linesexp.wording import signed

FAITHFUL = 0.9  # correlation from which a field is called a fair description of its filter


def about_deeper(layers: list[DeeperRecord]) -> list[str]:
    """What the fields are, and how far each layer's describe what its filters really do."""
    sentences = [
        "A deeper kernel works on maps, one slice for each of them; its numbers alone say little about "
        "pictures. If activations let everything through and pooling took means, all layers up to it would be "
        "one kernel on pixels, and that is what the figure shows. A real network is not so straight: r says "
        "how far what the filter gives before its own activation, at all places of all test pictures, goes "
        "with what its kernel on pixels gives. The lower r is, the more the filter does that no single kernel "
        "on pixels can do, and the less its picture says."
    ]
    for layer in layers:
        before, after = (
            sum(value is not None and value >= FAITHFUL for value in values)
            for values in (layer.agreement_before, layer.agreement)
        )
        sentences.append(
            f"In {layer.layer}, {after} of {len(layer.agreement)} filters have an r of {FAITHFUL:g} or more "
            f"(untrained: {before})."
        )
    return sentences


def deeper_table(layers: list[DeeperRecord]) -> Table:
    """Receptive field, agreement and change of each layer, medians over its filters."""
    head = [("layer", False), ("kernels", False), ("sees", False), ("95 % of it", False)]
    head += [("r, untrained", False), ("r, trained", False), ("change", False)]
    rows = [
        [
            layer.layer,
            f"{len(layer.agreement)} × {layer.channels}",
            f"{layer.receptive_px} px",
            _median(layer.effective_px, "g", " px"),
            _median(layer.agreement_before, "+.2f"),
            _median(layer.agreement, "+.2f"),
            _median(layer.change, ".2f"),
        ]
        for layer in layers
    ]
    caption = (
        "Deeper layers, medians over filters. kernels: filters × channels; sees: side of the square of pixels "
        "that can reach a filter; 95 % of it: side of the centred square that holds 95 % of its energy; "
        "change: distance from the untrained filter relative to its norm"
    )
    return {"caption": caption, "head": head, "rows": rows}


def _median(values: list[float | None], form: str, unit: str = "") -> str:
    known = [value for value in values if value is not None]
    return signed(float(np.median(known)), form) + unit if known else "–"


def deeper_section(layers: list[DeeperRecord], figure: str, sheets: list[str]) -> dict[str, Any]:
    """The section's content: the layers on pixels, and a sheet of kernels for each."""
    return {
        "words": about_deeper(layers),
        "table": deeper_table(layers),
        "figure": figure,
        "caption": "One scale a layer. Upper row of each pair untrained, lower row trained.",
        "sheets": [
            {
                "source": sheet,
                "alt": f"All channels of the kernels of {layer.layer}, untrained and trained",
                "caption": f"{layer.layer}: {len(layer.agreement)} filters of {layer.channels} channels, each "
                "untrained above and trained below. "
                f"While they learn: gifs/{layer.layer}.gif beside this page.",
            }
            for layer, sheet in zip(layers, sheets, strict=True)
        ],
    }
