"""The console script, and `python -m linesexp`: hears of Ctrl-C before anything that takes time is imported."""

import os
import sys
from typing import NoReturn

from linesexp import stopping
from linesexp.commands.beginning import begin


def main() -> NoReturn:
    """Entry point: import the command line, and run it."""
    begin()
    stopping.listen()
    try:
        from linesexp.cli import main as run
    except BaseException:  # a module with a C++ part makes another error of Stopped
        if (code := stopping.exit_code()) is None:
            raise
        os.write(sys.stderr.fileno(), f"{stopping.farewell()}\n".encode())
        os._exit(code)
    run()


if __name__ == "__main__":
    main()
