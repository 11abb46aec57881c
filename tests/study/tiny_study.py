"""`linesexp study` with work that trains nothing: tiny_study.py WORK study OUT …, WORK from tiny_blocks."""

import sys

import tiny_blocks

from linesexp.study import work

if __name__ == "__main__":
    work.train_members = getattr(tiny_blocks, sys.argv.pop(1))
    from linesexp.cli import main
    from linesexp.commands import study

    study._gathered = lambda out, quiet: []  # there is nothing to learn from them
    main()
