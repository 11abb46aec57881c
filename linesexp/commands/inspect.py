"""inspect: the kernels of any Keras model.

Rooms are imported inside the command, so that `--help` waits for none of them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from linesexp.commands.following import opening
from linesexp.commands.speaking import common_options, default_folder, finish, progress_on, say

if TYPE_CHECKING:
    from linesexp.inspecting.records import Inspection


@click.command()
@click.argument("model")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME",
    help="Only this layer, or all in this model within the model; may be given more than once.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder to write into.  [default: results/inspect/FOLDER-MODEL]",
)
@click.option("--figures/--no-figures", default=True, help="Without: inspection.json alone.")
@click.option("--run-its-code", is_flag=True, help="Load a model with Lambda layers: runs code from its file.")
@common_options
def inspect(
    model: str,
    layers: tuple[str, ...],
    out: Path | None,
    figures: bool,
    run_its_code: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Look at the kernels of MODEL, a .keras file.

    All two-dimensional convolutions, every channel of every filter: what they resemble, beside what chance
    does, how large a part of a picture they depend on, and what they look like, in figures, a page and
    numbers. For a recording by KernelRecorder: `linesexp report`.
    """
    from linesexp.inspecting.inspect import inspect_file

    folder = out or default_folder("results/inspect", model)
    with progress_on("step", quiet) as progress:
        found, files = inspect_file(
            model, folder, layers, figures=figures, run_its_code=run_its_code, debug=debug, progress=progress
        )
    _tell(found, as_json, quiet)
    facts = {"model": model, "out": str(folder), "files": files}
    if as_json:
        facts |= msgspec.to_builtins(found)
    following = opening(folder, "page.html" if figures else "inspection.json")
    finish(facts, f"{len(files)} file{'s' if len(files) > 1 else ''} in {folder}", following, as_json, quiet)


def report_recording(run: str, opened: Any, as_json: bool, quiet: bool) -> None:
    """`report` of a recording (a Run): measure it, and make its figures, GIFs and report.html."""
    from linesexp.inspecting.recording import Recording
    from linesexp.report.making import make

    recording = Recording(opened)
    makers = recording.makers
    with progress_on("file", quiet) as progress:
        made = make(opened, *makers, by=makers, needs=(), progress=progress)
    found = recording.inspection
    _tell(found, as_json, quiet)
    facts = {"run": run, "made": made, "page": f"{run}/report.html"}
    if as_json:
        facts |= msgspec.to_builtins(found)
    words = f"{len(made)} of {len(makers)} files made, the others were current"
    finish(facts, words, opening(run, "report.html"), as_json, quiet)


def _tell(found: "Inspection", as_json: bool, quiet: bool) -> None:
    """What was found in short on stdout, and what could not be on stderr; of many alike notes the first."""
    from linesexp.inspecting.page import summary

    notes: dict[str, list[str]] = {}
    for layer in found.layers:
        for note in layer.notes:
            notes.setdefault(note, []).append(layer.name)
    for note, layers in notes.items():
        others = f" and {len(layers) - 1} other{'s' if len(layers) > 2 else ''}" if len(layers) > 1 else ""
        say(quiet)(f"note: {layers[0]}{others}: {note}")
    for note in found.notes:
        say(quiet)(f"note: {note}")
    if not as_json and not quiet:
        for sentence in summary(found):
            click.echo(sentence)
