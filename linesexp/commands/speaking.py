"""What all commands share: --json, -q, --debug, progress, and how they say what came out."""

import contextlib
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import click
import msgspec

from linesexp import stopping

most_pixels_option = click.option(
    "--most-pixels", type=click.IntRange(1), help="Refuse pictures of more pixels.  [default: 25000000]"
)


def common_options(command: Callable) -> Callable:
    """--json, -q and --debug, which every command has; without --debug matplotlib is silent on its cache."""

    @wraps(command)
    def run(*, debug: bool, **given: Any) -> Any:
        if not debug:
            import logging

            logging.getLogger("matplotlib").setLevel(logging.ERROR)
        return command(debug=debug, **given)

    for option in (
        click.option("--debug", is_flag=True, help="Show tracebacks and TensorFlow's log."),
        click.option("-q", "--quiet", is_flag=True, help="Errors only."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
    ):
        run = option(run)
    return run


@contextlib.contextmanager
def progress_on(unit: str, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """Progress lines on stderr, imported when they are needed."""
    from linesexp.commands.progress import ProgressLines

    with ProgressLines(unit, quiet) as progress:

        def checked(done: int, total: int, words: str) -> None:
            stopping.check()
            progress(done, total, words)

        yield checked


def finish(facts: dict[str, Any], words: str, following: str, as_json: bool, quiet: bool) -> None:
    """Say what came out, and what to open or run next; as one JSON object on stdout if asked."""
    if as_json:
        click.echo(json_line(facts))
    elif not quiet:
        click.echo(words, err=True)
        click.echo(f"next: {following}", err=True)


def say(quiet: bool) -> Callable[[str], None]:
    """Something that writes to stderr, unless quiet."""
    return lambda words: None if quiet else click.echo(words, err=True)


def default_folder(home: str, network: str) -> Path:
    """Where a command writes what it finds on a network: home/RUN, or home/FOLDER-MODEL of a file.

    With the folder, as very many files are called model.keras.
    """
    path = Path(network).resolve()
    parts = [path.name] if path.is_dir() else [path.parent.name, path.stem]
    return Path(home) / ("-".join(filter(None, parts)) or "root")


def shorter(path: Path) -> str:
    """A path as a user would type it: from the folder that the command runs in, where it lies within."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def json_line(facts: dict[str, Any]) -> str:
    """One line of JSON; what is not a number becomes null."""
    return msgspec.json.encode(facts).decode()
