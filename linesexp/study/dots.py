"""Every member as a dot that leads to its kernels: the one drawing of the page that can be clicked."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from linesexp.kernels.records import SIGNIFICANT
from linesexp.study.analysis import StudyAnalysis
from linesexp.study.gathering import Members
from linesexp.study.roles import role_of
from linesexp.study.sheets import anchor, page_of_member
from linesexp.views.swarm import swarm
from linesexp.wording import short_name

WIDTH, LEFT, RIGHT, TOP, ROW = 760, 150, 24, 10, 46
MOST = 250  # dots in a row; of more members so many are drawn, evenly chosen
LETTERS = 20


def dots(analysis: StudyAnalysis, study: Mapping[str, Members]) -> dict[str, Any]:
    """Share of each member's kernels that resemble an operator beyond chance, in px of a drawing."""
    across = WIDTH - LEFT - RIGHT

    def place(share: float) -> float:
        return round(LEFT + across * share, 1)

    rows = []
    for index, condition in enumerate(analysis.conditions):
        members, number = study[condition.name], condition.measures["matched"]
        chosen = np.unique(np.linspace(0, len(members) - 1, min(len(members), MOST)).round().astype(int))
        shares = members.values["matched"][chosen]
        middle = TOP + (index + 0.5) * ROW
        aside = swarm(shares, 0.012, 0.42 * ROW, 4.2)
        rows.append(
            {
                "name": short_name(condition.name, LETTERS),
                "kind": role_of(condition, analysis),
                "middle": middle,
                "page": page_of_member(condition.name, 0),
                "mean": None if number.mean is None else place(number.mean),
                "low": None if number.low is None else place(number.low),
                "high": None if number.high is None else place(number.high),
                "dots": [
                    {
                        "x": place(share),
                        "y": round(middle + offset, 1),
                        "link": f"{page_of_member(condition.name, member)}#{_anchor(members, member)}",
                        "title": f"seed {members.seeds[member]}: {share * condition.filters:.0f} of "
                        f"{condition.filters}",
                    }
                    for member, share, offset in zip(chosen.tolist(), shares, aside, strict=True)
                    if np.isfinite(share)
                ],
            }
        )
    bottom = TOP + len(rows) * ROW
    return {
        "width": WIDTH,
        "height": bottom + 46,
        "left": LEFT,
        "bottom": bottom,
        "chance": place(SIGNIFICANT),
        "ticks": [{"x": place(share), "words": f"{100 * share:.0f} %"} for share in (0, 0.25, 0.5, 0.75, 1)],
        "rows": rows,
        "left_out": any(len(study[each.name]) > MOST for each in analysis.conditions),
    }


def _anchor(members: Members, member: int) -> str:
    return anchor(int(members.data_seeds[member]), int(members.seeds[member]))
