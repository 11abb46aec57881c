"""`python -m linesexp` is the command line."""

from linesexp.cli import main

main()
