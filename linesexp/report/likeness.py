"""What the laboratory compares kernels with: the bank's operators, and how well chance matches them."""

from typing import Any

import numpy as np

from linesexp.evidence.measuring import nulls_at
from linesexp.kernels.match import Bank, operator_bank
from linesexp.report.evidence import NULL_QUESTIONS
from linesexp.run import Run
from linesexp.views.embedding import packed

MOST_OPERATOR_NUMBERS = 16_000  # of all operators of a bank, each once; those of kernels up to 19×19 fit
TAIL_RATIO = 0.005
NULL_STEPS = 2**22  # to which a null's cosines are rounded: finer than float32 sums agree


def likeness_data(run: Run) -> dict[str, Any] | None:
    """The operators, each null's cosines, and the probes' ground; None for kernels too large to embed."""
    bank = operator_bank(run.kernels.shape[-1])
    operators = operators_of(bank)
    if operators is None:
        return None
    nulls = nulls_at(run, -1)
    known = {name: (getattr(nulls, null), question) for name, (null, question) in NULL_QUESTIONS.items()}
    return {
        **operators,
        "nulls": [
            {"name": name, "question": question, "ofTrained": name == "smooth", "steps": packed_null(null.any)}
            for name, (null, question) in known.items()
            if null is not None
        ],
        "darkLines": run.config.images.contrast == "dark",
    }


def operators_of(bank: Bank) -> dict[str, Any] | None:
    """{operators: [{name, order, detects, size, corners}], kernels: all of them at norm 1, in a row}.

    None for a bank of too many numbers. corners: the rows, and the columns, at which this operator's corner
    stands in the bank, all in its order.
    """
    corners: dict[int, tuple[Any, list[int]]] = {}
    for operator, row, _ in bank.placed:
        rows = corners.setdefault(id(operator), (operator, []))[1]
        if row not in rows:
            rows.append(row)
    if sum(operator.size**2 for operator, _ in corners.values()) > MOST_OPERATOR_NUMBERS:
        return None
    kernels = [operator.kernel / np.linalg.norm(operator.kernel) for operator, _ in corners.values()]
    return {
        "operators": [
            {
                "name": each.name,
                "order": each.order,
                "detects": each.detects,
                "size": each.size,
                "corners": rows,
            }
            for each, rows in corners.values()
        ],
        "kernels": packed(np.concatenate([kernel.ravel() for kernel in kernels]).astype(np.float32)),
    }


def packed_null(cosines: np.ndarray) -> dict[str, Any]:
    """Sorted cosines as whole numbers of 1/NULL_STEPS, each less the one before; low, middle and high bytes."""
    whole = np.round(cosines.astype(np.float64) * NULL_STEPS).astype(np.int64)
    steps = np.diff(whole, prepend=0)
    return packed(np.array([steps >> shift & 255 for shift in (0, 8, 16)], dtype=np.uint8))


def packed_tail(cosines: np.ndarray) -> dict[str, Any]:
    """{steps, above}: of many sorted cosines so few that p is off by TAIL_RATIO, the largest all kept.

    steps: as packed_null; above: from the largest down, by how much more of all cosines are at least as large.
    """
    count = len(cosines)
    ranks = np.geomspace(1, count, 1 + int(np.log(count) / np.log1p(TAIL_RATIO)))
    kept = np.unique(ranks.round().astype(int))  # 1 is the largest
    return {
        "steps": packed_null(cosines[count - kept[::-1]]),
        "above": np.diff(kept, prepend=0).tolist(),
    }
