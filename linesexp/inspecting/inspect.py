"""Inspect any Keras model: its kernels, every channel of every filter, in numbers, figures and a page."""

import difflib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from linesexp.errors import ConfigError, InputError
from linesexp.inspecting.figures import depth_png, file_names, matches_pngs, sheet_png
from linesexp.inspecting.laboratory import about_kernels, kernels_laboratory
from linesexp.inspecting.page import page_of
from linesexp.inspecting.records import FieldRecord, Inspection, inspection_json
from linesexp.kernels.any_layer import Layer, measure
from linesexp.kernels.filter_records import FilterRecord, filter_records
from linesexp.kernels.layer_records import LayerRecord, corrected_together, layer_record
from linesexp.learning.backend import quiet_import
from linesexp.learning.untrusted import check_file
from linesexp.room import check_room_to_load
from linesexp.runs.atomic import check_writable, write_atomically
from linesexp.wording import as_argument

if TYPE_CHECKING:
    import keras

    from linesexp.seeing.convolutions import Convolution

Progress = Callable[[int, int, str], None]
IN_PYTHON = "linesexp.inspecting.inspect.inspect_model(model, 'model', 'results/inspect/model')"


def inspect_file(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    layers: Sequence[str] = (),
    *,
    figures: bool = True,
    run_its_code: bool = False,
    debug: bool = False,
    progress: Progress = lambda done, total, words: None,
) -> tuple[Inspection, list[str]]:
    """Inspect the model in a .keras file; writes into the folder `out`, returns what was found and its files.

    layers: names of layers, or of models within the model for all of theirs; none for all. Raises InputError
    for another file, a model without two-dimensional convolutions, or one that would run code from the file.
    """
    if Path(path).is_dir():
        inside, report = Path(path) / "model.keras", f"linesexp report {as_argument(path)}"
        network = f", and `linesexp inspect {as_argument(inside)}` inspects its network"
        raise InputError(
            f"{path}: a folder, and no .keras file; `{report}` is for a run or a recording"
            f"{network if inside.exists() else ''}"
        )
    check_writable(Path(out))
    check_file(Path(path), run_its_code)
    check_room_to_load(path)
    progress(0, 1, "loading")
    with quiet_import(debug):
        from linesexp.learning.models import load_model, undrawn_weights
    with undrawn_weights():
        model = load_model(path, run_its_code=run_its_code, in_python=IN_PYTHON)
    try:
        return inspect_model(model, str(path), out, layers, figures=figures, progress=progress)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def inspect_model(
    model: "keras.Model",
    name: str,
    out: str | os.PathLike[str],
    layers: Sequence[str] = (),
    *,
    figures: bool = True,
    progress: Progress = lambda done, total, words: None,
) -> tuple[Inspection, list[str]]:
    """The same for a model in Python; name: what the page calls it."""
    from linesexp.seeing.convolutions import convolutions_of
    from linesexp.seeing.receptive import receptive_fields

    convolutions = _chosen(convolutions_of(model), layers)
    kernels = [layer for each in convolutions for layer in each.kernels]
    # Steps: measuring, fields, and figures take about as long for each layer.
    total = (3 if figures else 2) * len(kernels) + 1
    records, filters = _measured(kernels, lambda done, words: progress(done, total, words))

    def tell(done: int, of: int, words: str) -> None:
        progress(len(kernels) + done * len(kernels) // max(of, 1), total, words)

    fields, notes = receptive_fields(model, convolutions, progress=tell)
    found = Inspection(
        source=name,
        kind="model",
        layers=records,
        kernels=filters,
        fields=[
            FieldRecord(layer, field.theoretical, field.whole, field.effective, field.picture)
            for layer, field in fields.items()
        ],
        untrained=[],
        steps=[],
        course=[],
        notes=notes,
    )
    files = {"inspection.json": inspection_json(found)}
    if figures:
        files |= _pictures(found, Path(name).stem or name, kernels, lambda at: progress(at, total, "figures"))
    for file, data in files.items():
        write_atomically(Path(out) / file, data)
    progress(total, total, "done")
    return found, list(files)


def _measured(
    kernels: Sequence[Layer], progress: Callable[[int, str], None]
) -> tuple[list[LayerRecord], list[FilterRecord]]:
    layers, filters = [], []
    for done, layer in enumerate(kernels):
        progress(done, layer.name)
        measured = measure(layer)
        of_layer = filter_records(measured)
        layers.append(layer_record(measured, of_layer))
        filters += of_layer
    return corrected_together(layers, filters)


def _pictures(
    found: Inspection, name: str, kernels: Sequence[Layer], progress: Callable[[int], None]
) -> dict[str, bytes]:
    names = file_names([layer.name for layer in kernels], "figures", "png")
    sheets = {}
    for done, layer in enumerate(kernels):
        progress(2 * len(kernels) + done)
        sheets[layer.name] = sheet_png(layer)
    depth, matches = depth_png(found), matches_pngs(found)
    data, left_out = kernels_laboratory(
        kernels, lambda index, _: kernels[index].kernels[None], np.zeros(0), found
    )
    page = page_of(found, name, [depth], matches, sheets, {}, (data, about_kernels(data, 0, left_out)))
    numbered = {f"figures/matches-{number}.png": figure[0] for number, figure in enumerate(matches, 1)}
    return {
        **{names[layer]: data for layer, data in sheets.items()},
        "figures/depth.png": depth[0],
        **numbered,
        "page.html": page.encode(),
    }


def _chosen(convolutions: list["Convolution"], names: Sequence[str]) -> list["Convolution"]:
    """The convolutions of these names, in the model's order. Raises ConfigError for an unknown name."""
    known = [each.name for each in convolutions]
    for name in names:
        if not any(_meant(each, name) for each in known):
            near = difflib.get_close_matches(name, known, 3) or known[:8]
            more = f" … ({len(known)} in all)" if len(known) > len(near) else ""
            raise ConfigError(f"--layer {name}: no such convolution layer; there are {', '.join(near)}{more}")
    return [each for each in convolutions if not names or any(_meant(each.name, name) for name in names)]


def _meant(layer: str, name: str) -> bool:
    return layer == name or layer.startswith(f"{name}/")
