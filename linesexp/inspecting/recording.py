"""The report of a recording by KernelRecorder: somebody's own model while it learned. Needs no Keras."""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from linesexp.errors import InputError
from linesexp.inspecting.figures import (
    Captioned,
    course_png,
    depth_png,
    file_names,
    film,
    matches_pngs,
    sheet_png,
)
from linesexp.inspecting.laboratory import about_kernels, kernels_laboratory
from linesexp.inspecting.page import page_of
from linesexp.inspecting.records import Inspection, LayerCourse, inspection_json, parse_inspection
from linesexp.kernels.any_layer import (
    INITIALIZERS,
    Layer,
    Measured,
    bank_for,
    depthwise_layer,
    grouped_layer,
    measure,
)
from linesexp.kernels.filter_records import filter_records
from linesexp.kernels.layer_records import corrected_together, layer_record
from linesexp.kernels.shape import change_from_start
from linesexp.report.page import FRAMES
from linesexp.run import Run
from linesexp.runs.formats import parse_json
from linesexp.runs.steps import LAYERS
from linesexp.views.layer_curves import MOST_PANELS
from linesexp.views.style import step_name

INSPECTION = "inspection.json"
MOST_SLICES = 2**24  # that are measured over all steps: of larger models fewer steps are


class Recording:
    """A recording's layers at all steps, and the makers of its report's files."""

    def __init__(self, run: Run) -> None:
        self._run = run
        names = [name for name, values in run.history.weights.items() if values.ndim == 5]
        if not names:
            raise InputError(f"{run.folder.path}: the recorded model has no two-dimensional convolution")
        self._weights = names
        self._layers = [self.layer(name, -1) for name in names]
        titles = [layer.name for layer in self._layers]
        self._sheets, self._films = file_names(titles, "figures", "png"), file_names(titles, "gifs", "gif")

    @property
    def makers(self) -> dict[str, Callable[[Run], bytes]]:
        """File → what makes it, in the order of making: later ones read earlier ones."""
        makers: dict[str, Callable[[Run], bytes]] = {INSPECTION: lambda run: inspection_json(self.inspect())}
        for name, weight in zip(self._sheets, self._weights, strict=True):
            makers[self._sheets[name]] = lambda run, weight=weight: self._sheet(weight)  # type: ignore[misc]
            makers[self._films[name]] = lambda run, weight=weight: self._film(weight)  # type: ignore[misc]
        makers["figures/depth.png"] = lambda run: depth_png(self.inspection)[0]
        makers["figures/course.png"] = lambda run: course_png(self.inspection)[0]
        for index in range(-(-sum(bank_for(layer.size) is not None for layer in self._layers) // MOST_PANELS)):
            name = f"figures/matches-{index + 1}.png"
            makers[name] = lambda run, index=index: matches_pngs(self.inspection)[index][0]  # type: ignore[misc]
        makers["report.html"] = lambda run: self._page().encode()
        return makers

    @property
    def films(self) -> dict[str, str]:
        """Layer → its GIF among these files."""
        return dict(self._films)

    @cached_property
    def inspection(self) -> Inspection:
        """What inspection.json holds."""
        return parse_inspection(self._run.folder.read(INSPECTION), str(self._run.folder.path / INSPECTION))

    def layer(self, weight: str, step: int) -> Layer:
        """A recorded layer's kernels at a step (an index)."""
        values = self._run.history.weights[weight][step]  # (kh, kw, channels, filters), as a rule
        about = self._about.get(weight, {})
        kind = str(about.get("kind", "not recorded"))
        initializer = INITIALIZERS.get(str(about.get("initializer")))
        name = re.sub(r"/(depthwise_|pointwise_)?kernel(_\d+)?$", _renamed, weight)
        if kind == "DepthwiseConv2D" or weight.rpartition("/")[2].startswith("depthwise_kernel"):
            return depthwise_layer(name, values, kind, initializer)
        if kind == "Conv2DTranspose":  # (kh, kw, filters, channels)
            return Layer(name, values.transpose(0, 1, 3, 2), kind, initializer, draws_with=True)
        groups = about.get("groups", 1)
        first = weight == self._weights[0] and values.shape[2] == 3 and not name.endswith("/pointwise")
        return grouped_layer(name, values, kind, initializer, groups if isinstance(groups, int) else 1, first)

    def inspect(self) -> Inspection:
        """Measure the last step, the first, and the way between them."""
        steps, total = (
            self._run.history.steps,
            sum(int(np.prod(each.kernels.shape[2:])) for each in self._layers),
        )
        taken = _evenly(len(steps), max(2, min(FRAMES, MOST_SLICES // max(total, 1))))
        layers, kernels, untrained, before, course = [], [], [], [], []
        for weight in self._weights:
            of_layer = [measure(self.layer(weight, step)) for step in taken]
            start, last = of_layer[0], of_layer[-1]
            records = filter_records(last, start.layer.kernels)
            kernels += records
            layers.append(layer_record(last, records))
            before += filter_records(start)
            untrained.append(layer_record(start, before[-len(records) :]))
            course.append(_course(of_layer))
        layers, kernels = corrected_together(layers, kernels)
        return Inspection(
            source=str(self._run.folder.path),
            kind="recording",
            layers=layers,
            kernels=kernels,
            fields=[],
            untrained=corrected_together(untrained, before)[0],
            steps=steps[taken].tolist(),
            course=course,
            notes=self._notes(len(taken)),
        )

    @cached_property
    def _about(self) -> dict[str, Any]:
        if LAYERS not in self._run.folder:  # an old recording
            return {}
        path = str(self._run.folder.path / LAYERS)
        weights = parse_json(self._run.folder.read(LAYERS), path).get("weights")
        if not isinstance(weights, dict) or not all(isinstance(about, dict) for about in weights.values()):
            raise InputError(f"{path}: does not say what layers there are")
        return weights

    def _notes(self, measured: int) -> list[str]:
        steps = len(self._run.history.steps)
        lines = []
        if not self._about:
            lines.append(
                "This recording does not say what kinds of layers it is of: kernels are taken for those of "
                "Conv2D."
            )
        if steps == 1:
            lines.append(
                "Only one step is recorded, so before and after are the same and nothing was learned yet."
            )
        if (first := float(self._run.history.steps[0])) > 0:
            lines.append(f"The recording begins at {step_name(first)}: the untrained kernels are not in it.")
        if measured < steps:
            lines.append(f"Measures over training are of {measured} of {steps} recorded steps, evenly taken.")
        lines.append("Receptive fields need the model itself: `linesexp inspect MODEL.keras` has them.")
        return lines

    def _sheet(self, weight: str) -> bytes:
        steps = self._run.history.steps
        start = self.layer(weight, 0).kernels if len(steps) > 1 else None
        return sheet_png(self.layer(weight, -1), start, (float(steps[0]), float(steps[-1])))

    def _film(self, weight: str) -> bytes:
        steps = self._run.history.steps
        shown = _evenly(len(steps), FRAMES)
        history = self._history(self._weights.index(weight), shown)
        return film(self.layer(weight, -1), history, steps[shown])

    def _history(self, index: int, steps: np.ndarray) -> np.ndarray:
        """A layer's kernels (steps, kh, kw, channels, filters) at these steps (indices)."""
        return np.stack([self.layer(self._weights[index], step).kernels for step in steps])

    def _page(self) -> str:
        read = self._run.folder.read
        course, depth = course_png(self.inspection), depth_png(self.inspection)
        matches: list[Captioned] = matches_pngs(self.inspection)
        steps = self._run.history.steps
        data, left_out = kernels_laboratory(self._layers, self._history, steps, self.inspection)
        return page_of(
            self.inspection,
            self._run.folder.path.resolve().name,
            [course, depth],
            matches,
            {name: read(file) for name, file in self._sheets.items()},
            {name: read(file) for name, file in self._films.items()},
            (data, about_kernels(data, len(steps), left_out)),
        )


def _course(measured: list[Measured]) -> LayerCourse:
    """A layer's measures at each of its measured steps."""
    start = np.moveaxis(measured[0].layer.kernels, 3, 0)
    distance, cosine, axis, beyond = [], [], [], []
    for each in measured:
        far, alike = change_from_start(np.moveaxis(each.layer.kernels, 3, 0), start)
        distance.append(far)
        cosine.append(_middle(alike))
        axis.append(_middle(np.fmax(each.slices.axis_vertical, each.slices.axis_horizontal)))
        likeness = np.abs(each.slices.cosine[np.isfinite(each.slices.cosine)])
        known = each.null is not None and len(likeness)
        beyond.append(
            float(np.mean(likeness > np.percentile(each.null.cosine, 99))) if each.null and known else None
        )
    return LayerCourse(
        measured[0].layer.name,
        [_middle(far) for far in distance],
        cosine,
        axis,
        beyond,
        [[float(value) if np.isfinite(value) else None for value in far] for far in distance],
    )


def _renamed(found: re.Match[str]) -> str:
    """`conv/kernel_2` → `conv_2`, `separable/depthwise_kernel` → `separable/depthwise`."""
    part, number = (found.group(1) or "").rstrip("_"), found.group(2) or ""
    return (f"/{part}" if part else "") + number


def _evenly(count: int, most: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _middle(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
