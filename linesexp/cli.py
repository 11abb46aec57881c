"""The command line: parse, call one function, print what to look at next.

Rooms are imported inside the commands, so that `--help` waits for none of them.
"""

import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from linesexp import __version__, stopping
from linesexp.ending import complain, explain, leave
from linesexp.errors import InputError, LinesexpError
from linesexp.following import DEFAULT_RUN, following, named, remedy
from linesexp.options import chosen_config, config_options


def main() -> NoReturn:
    """Entry point: run the command line and turn every end into an exit code."""
    stopping.listen()
    try:
        code = _run()
    except Exception as error:
        code = stopping.exit_code() or explain(error)
    except stopping.Stopped:
        code = stopping.exit_code() or 1
    if stopping.exit_code() is not None:
        complain(f"stopped; what is done is kept, and this goes on from there: {_this_command()}")
    leave(code)


def _run() -> int:
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except (SystemExit, BrokenPipeError):  # a reader of our output went away; click exits where it sees that
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code or 0


def common_options(command: Callable) -> Callable:
    """--json, -q and --debug, which every command has."""
    for option in (
        click.option("--debug", is_flag=True, help="Show tracebacks and TensorFlow's log."),
        click.option("-q", "--quiet", is_flag=True, help="Errors only."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
    ):
        command = option(command)
    return command


run_argument = click.argument("run", default=DEFAULT_RUN, envvar="LINESEXP_RUN")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="linesexp")
def cli() -> None:
    """Watch convolution kernels learn from pictures of lines, and measure what they became.

    RUN is a folder, results/default unless given: `linesexp generate && linesexp train && linesexp
    report` works as it stands.
    """


@cli.command()
@run_argument
@click.option(
    "--as-folders",
    "folders",
    type=click.Path(path_type=Path),
    help="Also write the pictures as PNG class folders into this new folder.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Keep an existing RUN under another name and begin anew, with its settings where none are given.",
)
@config_options("images", "network", "training")
@common_options
def generate(
    run: str,
    folders: Path | None,
    force: bool,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **given: Any,
) -> None:
    """Draw the pictures of RUN.

    Keeps the settings of the network and its training, which `train` will use.
    """
    from linesexp import experiment

    config = chosen_config(given, config_file, _settings_so_far(run, force))
    done = experiment.generate(run, config, force=force, say=_say(quiet))
    facts = {"run": run, "made": done.made} | done.facts
    if folders:
        facts["files"] = experiment.write_class_folders(run, folders)
    splits = ", ".join(f"{sum(counts.values())} {split}" for split, counts in done.facts["splits"].items())
    words = f"{done.facts['pictures']} pictures, no two alike ({splits})"
    words = f"{words} in {run}" if done.made else f"{run} holds them already: {words}"
    if folders:
        words += (
            f"\n{facts['files']} PNG files in {folders}; Keras reads them with "
            f'keras.utils.image_dataset_from_directory("{folders}/train", color_mode="grayscale", '
            f"image_size={(config.images.size,) * 2})"
        )
    _finish(facts, words, f"linesexp train{named(run)}", as_json, quiet)


@cli.command()
@run_argument
@click.option(
    "--force",
    is_flag=True,
    help="Keep a trained RUN under another name and train anew, with its settings where none are given.",
)
@click.option("--controls", is_flag=True, help="Also train RUN's controls, in RUN/controls.")
@config_options("network", "training")
@common_options
def train(
    run: str,
    force: bool,
    controls: bool,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **given: Any,
) -> None:
    """Train the network of RUN and record its kernels; goes on where it was stopped."""
    from linesexp import experiment
    from linesexp.controls import describe_outcome, train_with_controls

    config = chosen_config(given, config_file, _settings_so_far(run, force))
    with progress_on("epoch", quiet) as progress:
        go_on = train_with_controls if controls else experiment.train
        done = go_on(run, config, force=force, debug=debug, say=_say(quiet), progress=progress)
    facts = done.facts
    words = (
        f"{facts['epochs']} epochs, validation accuracy {facts['validation_accuracy']:.3f}, "
        f"loss {facts['validation_loss']:.4f}"
    )
    words = f"{words}; kernels of every epoch in {run}/kernels" if done.made else f"{run} is trained: {words}"
    for name, control in facts.get("controls", {}).items():
        words += f"\n{name}: {describe_outcome(control)}"
    _finish({"run": run, "made": done.made} | facts, words, f"linesexp report{named(run)}", as_json, quiet)


@cli.command()
@run_argument
@common_options
def report(run: str, as_json: bool, quiet: bool, debug: bool) -> None:
    """Measure RUN, and make its figures, GIFs and report.html."""
    from linesexp.reporting import MAKERS, make
    from linesexp.run import open_run

    opened = open_run(run)
    with progress_on("file", quiet) as progress:
        made = make(opened, *MAKERS, progress=progress)
    facts = {"run": run, "made": made, "page": f"{run}/report.html"}
    for line in opened.analysis.missing:
        _say(quiet)(f"note: {line}")
    if as_json:
        facts["analysis"] = msgspec.json.decode(opened.folder.read("analysis.json"))
    words = f"{len(made)} of {len(MAKERS)} files made, the others were current"
    _finish(facts, words, f"open {run}/report.html", as_json, quiet)


@cli.command()
@click.argument("run")
@click.argument("pictures", nargs=-1, required=True)
@common_options
def predict(run: str, pictures: tuple[str, ...], as_json: bool, quiet: bool, debug: bool) -> None:
    """Class and probability of each of PICTURES, by the network of RUN.

    Pictures are stretched to the size that the network learned. It knows lines like those of RUN's data
    set only: with bright lines on dark, dark ones on bright mean nothing to it.
    """
    from linesexp.predicting import predict as predict_pictures
    from linesexp.run import open_run

    found = predict_pictures(run, pictures)
    if as_json:
        click.echo(_json({"run": run, "predictions": found}))
        return
    for record in found:
        click.echo(f"{record['picture']}: {record['class']} ({record['probability']:.4f})")
        if record["note"] and not quiet:
            complain(f"{record['picture']}: {record['note']}")
    if not quiet:
        opened = open_run(run)
        if "model.keras" not in opened.folder:
            complain(f"training has not ended: weights of epoch {opened.history.steps[-1]:g}")
        click.echo(f"next: {following(run)}", err=True)


@cli.command()
@run_argument
@common_options
def verify(run: str, as_json: bool, quiet: bool, debug: bool) -> int:
    """Check every file of RUN against its manifest."""
    from linesexp import experiment

    count, damaged = experiment.verify(run)
    if as_json:
        found = [{"file": error.name, "stage": error.stage, "found": error.found} for error in damaged]
        click.echo(_json({"run": run, "files": count, "damaged": found}))
    elif not damaged and not quiet:
        click.echo(f"{count} files, all as they were written")
        click.echo(f"next: {following(run)}", err=True)
    if damaged:
        for error in damaged:
            complain(str(error))
        complain(remedy(run, damaged))
        return InputError.exit_code
    return 0


@contextlib.contextmanager
def progress_on(unit: str, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """Progress lines on stderr, imported when they are needed."""
    from linesexp.progress import ProgressLines

    with ProgressLines(unit, quiet) as progress:

        def checked(done: int, total: int, words: str) -> None:
            stopping.check()
            progress(done, total, words)

        yield checked


def _settings_so_far(run: str, force: bool) -> Any:
    """The run's settings; None without a run, or where a damaged one is to be set aside."""
    from linesexp.run import Run
    from linesexp.runs.folder import MissingFile, RunFolder

    try:
        return Run(RunFolder(run)).config
    except MissingFile:
        return None
    except LinesexpError:
        if force:
            return None
        raise


def _finish(facts: dict[str, Any], words: str, following: str, as_json: bool, quiet: bool) -> None:
    if as_json:
        click.echo(_json(facts))
    elif not quiet:
        click.echo(words, err=True)
        click.echo(f"next: {following}", err=True)


def _say(quiet: bool) -> Callable[[str], None]:
    return lambda words: None if quiet else click.echo(words, err=True)


def _json(facts: dict[str, Any]) -> str:
    """One line of JSON; what is not a number becomes null."""
    return msgspec.json.encode(facts).decode()


def _this_command() -> str:
    # Without --force, which would begin anew once more.
    return shlex.join(["linesexp", *(word for word in sys.argv[1:] if word != "--force")])
