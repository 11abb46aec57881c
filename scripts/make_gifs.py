"""Make the GIFs of a run while it learns: the kernels of every layer, and responses to two pictures.

Usage: python scripts/make_gifs.py [RUN]
"""

import sys

import linesexp
from linesexp.report.making import gifs, make


def main(path: str) -> None:
    """Make what is not current, and say what there is."""
    run = linesexp.open_run(path)
    made = make(run, *gifs(run))
    for name in gifs(run):
        print(f"{path}/{name}: {len(run.history.steps)} frames{'' if name in made else ' (was current)'}")


if __name__ == "__main__":
    if sys.argv[1:2] in (["-h"], ["--help"]):
        sys.exit(print(__doc__))
    try:
        main(*(sys.argv[1:] or ["results/default"]))
    except linesexp.LinesexpError as error:
        sys.exit(f"Error: {error}")
