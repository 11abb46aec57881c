"""inspect: the kernels of any Keras model.

Rooms are imported inside the command, so that `--help` waits for none of them.
"""

from pathlib import Path

import click
import msgspec

from linesexp.commands.speaking import common_options, finish, progress_on, say


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
    "--out", type=click.Path(path_type=Path), help="Folder to write into.  [default: results/inspect/NAME]"
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
    from linesexp.inspecting.page import summary

    folder = out or Path("results/inspect") / (Path(model).resolve().stem or "root")
    with progress_on("step", quiet) as progress:
        found, files = inspect_file(
            model, folder, layers, figures=figures, run_its_code=run_its_code, debug=debug, progress=progress
        )
    for layer in found.layers:
        for note in layer.notes:
            say(quiet)(f"note: {layer.name}: {note}")
    for note in found.notes:
        say(quiet)(f"note: {note}")
    facts = {"model": model, "out": str(folder), "files": files}
    if as_json:
        facts |= {key: value for key, value in msgspec.to_builtins(found).items() if key not in ("source",)}
    following = f"open {folder / ('page.html' if figures else 'inspection.json')}"
    if not as_json and not quiet:
        for sentence in summary(found):
            click.echo(sentence)
    finish(facts, f"{len(files)} file{'s' if len(files) > 1 else ''} in {folder}", following, as_json, quiet)
