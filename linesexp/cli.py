"""The command line: `linesexp COMMAND`, from the first word to the exit code."""

import os
import sys
from typing import NoReturn

import click

from linesexp import __version__, stopping
from linesexp.commands import runs
from linesexp.commands.beginning import begin
from linesexp.commands.ending import complain, explain, leave
from linesexp.commands.filter import filter_command
from linesexp.commands.inspect import inspect
from linesexp.commands.see import see
from linesexp.commands.study import study


def main() -> NoReturn:
    """Entry point: run the command line and turn every end into an exit code."""
    begin()
    stopping.listen()
    code = 1
    try:
        try:
            code = _run()
        except Exception as error:
            code = stopping.exit_code() or explain(error)
    except stopping.Stopped:
        pass
    stopping.listen_no_more()
    if (stopped := stopping.exit_code()) is not None:
        complain(stopping.farewell())
        code = stopped
    leave(code)


def _run() -> int:
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except (SystemExit, BrokenPipeError):  # a reader of our output went away; click exits where it sees that
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code or 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="linesexp")
def cli() -> None:
    """Watch convolution kernels learn from pictures of lines, and measure what they became.

    RUN is a folder, results/default unless given: `linesexp generate && linesexp train && linesexp
    report` works as it stands.
    """


ON_RUNS = (runs.generate, runs.train, runs.report, runs.predict, runs.verify)
for command in (*ON_RUNS, study, inspect, see, filter_command):
    cli.add_command(command)
