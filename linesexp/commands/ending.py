"""How the command line ends: errors in a line or two, and an exit code."""

import contextlib
import os
import sys
from typing import NoReturn

import click

from linesexp.causes import cause_of
from linesexp.errors import InputError, LinesexpError, NoMemory, StorageError
from linesexp.wording import visible


def explain(error: Exception) -> int:
    """Say in a line or two what went wrong; returns the exit code."""
    if "--debug" in sys.argv:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        complain(error.format_message())
        return error.exit_code
    if isinstance(error, click.UsageError):
        hint = f"\nTry: {error.ctx.command_path} --help" if error.ctx else ""
        complain(f"Error: {error.format_message()}{hint}")
        return error.exit_code
    if isinstance(error, LinesexpError):
        complain(f"Error: {error}")
        return error.exit_code
    if isinstance(error, OSError):
        complain(f"Error: {error.filename or 'the output'}: {error.strerror or error}")
        return StorageError.exit_code
    if isinstance(error, MemoryError) or _no_memory_to_load(error):
        said = f" ({error})" if str(error) else ""
        complain(f"Error: out of memory{said}; fewer or smaller pictures, or a smaller network, need less")
        return NoMemory.exit_code
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        complain(f"Error: {error.object}: a name that is no text, which JSON cannot hold; rename the file")
        return InputError.exit_code
    complain(f"Error: {cause_of(error)}\nThis is a bug in linesexp; --debug shows where.")
    return 1


def _no_memory_to_load(error: Exception) -> bool:
    """Whether there was no memory left for a library."""
    return isinstance(error, ImportError) and any(
        words in str(error) for words in ("failed to map segment", "Cannot allocate memory")
    )


def leave(code: int) -> NoReturn:
    """End the process; at once where TensorFlow, whose taking down takes a second, or Dask was loaded.

    Worker processes of Dask's end with this one, however it ends.
    """
    if {"tensorflow", "distributed"} & sys.modules.keys():
        # Every file is committed and synced by now, every lock given back.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def complain(words: str) -> None:
    """Say something on stderr; what a terminal would obey, in a file's name, is shown and not sent."""
    with contextlib.suppress(OSError):  # nobody may be reading stderr any more
        click.echo(visible(words), err=True)
