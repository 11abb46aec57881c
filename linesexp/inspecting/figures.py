"""The figures of an inspection: bytes, beside what they show and their captions."""

import re
from collections.abc import Mapping

import numpy as np

from linesexp.inspecting.page import expected
from linesexp.inspecting.records import Inspection
from linesexp.kernels.any_layer import Layer
from linesexp.views.layer_curves import MOST_PANELS, depth_figure, layers_course_figure, matches_figure
from linesexp.views.layer_kernels import layer_gif, layer_sheet
from linesexp.views.style import png_bytes, step_name

Captioned = tuple[bytes, str, str]  # PNG, what it shows, caption


def sheet_png(layer: Layer, start: np.ndarray | None = None, step: float = 0.0) -> bytes:
    """A layer's kernels; below one another untrained and at `step`, where a start is given."""
    if start is None:
        return png_bytes(layer_sheet(layer.kernels[None], _title(layer), colour=layer.colour))
    both, names = np.stack([start, layer.kernels]), ("untrained", step_name(step))
    return png_bytes(layer_sheet(both, _title(layer), names, colour=layer.colour))


def film(layer: Layer, history: np.ndarray, steps: np.ndarray) -> bytes:
    """A layer's kernels (steps, kh, kw, channels, filters) while they learn, as a GIF."""
    return layer_gif(history, steps, _title(layer), colour=layer.colour)


def depth_png(inspection: Inspection) -> Captioned:
    """Measures over depth."""
    fields = {field.layer: field for field in inspection.fields}
    of_layer = [
        fields.get(layer.name) or fields.get(layer.name.rpartition("/")[0]) for layer in inspection.layers
    ]
    matches = [layer.match for layer in inspection.layers]
    figure = depth_figure(
        [layer.name for layer in inspection.layers],
        (
            [layer.axis_share for layer in inspection.layers],
            [layer.chance_axis_share for layer in inspection.layers],
        ),
        [match.beyond_99 / match.slices if match and match.slices else None for match in matches],
        (
            [max(field.theoretical) if field and field.theoretical else None for field in of_layer],
            [field.effective if field else None for field in of_layer],
        ),
        f" (epoch {inspection.steps[-1]:g})" if inspection.steps else "",
    )
    words = (
        "Layers in their order. What lies above chance is more than luck, and may be no more than smoothness."
    )
    if any(field.effective for field in inspection.fields):
        words += " The field that a layer does depend on was measured on pictures of noise."
    return png_bytes(figure), "Measures of each layer's kernels, from the first layer to the last", words


def matches_pngs(inspection: Inspection) -> list[Captioned]:
    """Histograms of the matches of each layer beside chance; several figures for many layers."""
    known = [(layer.name, layer.match) for layer in inspection.layers if layer.match]
    found = []
    for start in range(0, len(known), MOST_PANELS):
        part = known[start : start + MOST_PANELS]
        figure = matches_figure(
            {name: (match.histogram, match.chance_histogram) for name, match in part},
            [
                f"beyond 99 %: {match.beyond_99:,}, by chance {expected(match.by_chance_99)}"
                for _, match in part
            ],
        )
        alt = "Histograms of the best match of each layer's kernels, beside those of chance"
        found.append((png_bytes(figure), alt, "A layer that learned nothing has the histogram of chance."))
    return found


def course_png(inspection: Inspection) -> Captioned:
    """Measures of each layer over training."""
    titles = {
        "Distance from the start, in norms of the start": "distance",
        "Cosine to the start": "cosine",
        "Share of energy along one axis": "axis_share",
        "Share of kernels beyond chance's 99 % point": "beyond_99",
    }
    courses: dict[str, Mapping[str, list[float | None]]] = {
        title: {course.layer: getattr(course, name) for course in inspection.course}
        for title, name in titles.items()
    }
    shares = {layer.chance_axis_share for layer in inspection.layers if layer.chance_axis_share is not None}
    chance = {
        "Share of energy along one axis": shares.pop() if len(shares) == 1 else None,
        "Share of kernels beyond chance's 99 % point": 0.01,
    }
    figure = layers_course_figure(np.array(inspection.steps), courses, chance)
    words = (
        "Medians over a layer's filters or kernels at each recorded step; dashed: chance, if it is one for all."
    )
    return png_bytes(figure), "Curves of four measures of each layer over the epochs", words


def file_names(names: list[str], folder: str, kind: str) -> dict[str, str]:
    """Layer → `figures/03-block-conv.png`, numbered, so that no two are the same."""
    digits = max(2, len(str(len(names))))
    return {
        name: f"{folder}/{number:0{digits}d}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)[:80]}.{kind}"
        for number, name in enumerate(names, 1)
    }


def _title(layer: Layer) -> str:
    height, width, channels, filters = layer.kernels.shape
    kernels = f"{channels} channel{'s' if channels > 1 else ''} × {filters} filter{'s' if filters > 1 else ''}"
    name = layer.name if len(layer.name) <= 60 else "…" + layer.name[-59:]
    return f"{name}: {height}×{width} kernels, {kernels}"
