"""Compare a run's learned kernels with the Prewitt operator and its relatives: a table and figures.

Usage: python scripts/compare_prewitt.py [RUN]
"""

import sys

import linesexp
from linesexp.report.making import MEASURES, make


def main(path: str) -> None:
    """Print a row for each kernel, and make the figures that show the same."""
    run = linesexp.open_run(path)
    make(run, *MEASURES)
    print("kernel  most similar operator     detects     cosine  p luck  p smooth  odd  even")
    for kernel in run.analysis.kernels:
        match, energy = kernel.match, kernel.shares
        if match is None:
            continue  # a constant kernel
        operator = f"{match.operator} {match.size}×{match.size} at ({match.row}, {match.column})"
        print(
            f"{kernel.index:>6}  {operator:24}  {kernel.detects or '–':10} {match.cosine:>+7.2f} "
            f"{match.p_initialiser:>7.4f} {match.p_covariance:>9.4f} {energy.odd:>4.2f} {energy.even:>5.2f}"
        )
    _, middle, high = run.analysis.chance.any
    print(f"chance: |cosine| {middle:.2f} in the middle, above {high:.2f} for 1 % of untrained kernels")
    for judgement in run.analysis.ledger:
        if judgement.id.startswith(("like-prewitt", "edges")):
            print(f"{judgement.verdict}: {judgement.claim}")
    print(f"see {path}/figures/similarity.png and {path}/figures/kernels_before_after.png")


if __name__ == "__main__":
    if sys.argv[1:2] in (["-h"], ["--help"]):
        sys.exit(print(__doc__))
    try:
        main(*(sys.argv[1:] or ["results/default"]))
    except linesexp.LinesexpError as error:
        sys.exit(f"Error: {error}")
