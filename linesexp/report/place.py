"""A run's place in a study: the section of its page, and its figure."""

from typing import Any

from linesexp.report.evidence import Table
from linesexp.study.place import Place, Standing
from linesexp.views.place import MarkedRow, place_figure
from linesexp.views.style import png_bytes
from linesexp.wording import percent

CAPTION = (
    "Each dot a member of the study, trained from other initial weights; the diamond and its line are this run."
)


def place_png(place: Place) -> bytes:
    """The figure."""
    rows = [
        MarkedRow(standing.measure.words, standing.members, standing.value, standing.measure.unit == "share")
        for standing in place.standings
    ]
    return png_bytes(place_figure(rows))


def place_section(place: Place, figure: str) -> dict[str, Any]:
    """The section's content; figure: its address."""
    return {"words": about_place(place), "figure": figure, "caption": CAPTION, "table": place_table(place)}


def about_place(place: Place) -> list[str]:
    """What it is placed among, and where it is out of the ordinary."""
    sentences = [
        f"The study in the folder {place.study} trained {place.members} networks of these settings (condition "
        f"{place.condition}), alike but for their seeds."
    ]
    if place.itself:
        sentences.append("One of them has this run’s seeds, and is the same network.")
    odd = [standing for standing in place.standings if _is_extreme(standing)]
    if odd:
        named = "; ".join(f"{each.measure.words} ({_value(each, each.value)})" for each in odd)
        sentences.append(f"Fewer than one in twenty of them lie as far out as this run in: {named}.")
    else:
        sentences.append("In none of these measures is it among the one in twenty that lie farthest out.")
    return sentences


def place_table(place: Place) -> Table:
    """Each measure: of this run, of the members, and how many of them lie below, at and above it."""
    rows = []
    for standing in place.standings:
        above = len(standing.members) - standing.below - standing.equal
        ends = f"{_value(standing, standing.members.min())} – {_value(standing, standing.members.max())}"
        middle = _value(standing, float(standing.members.mean()))
        counts = (str(standing.below), str(standing.equal), str(above))
        rows.append([standing.measure.words, _value(standing, standing.value), middle, ends, *counts])
    head = [("measure", True), ("this run", False), ("members’ mean", False), ("from – to", False)]
    head += [("below it", False), ("like it", False), ("above it", False)]
    return {"caption": "This run among the members of the study", "head": head, "rows": rows}


def _is_extreme(standing: Standing) -> bool:
    """Whether fewer than one in forty members lie at least as far out on its side."""
    above = len(standing.members) - standing.below
    below = standing.below + standing.equal
    return min(above, below) < 0.025 * len(standing.members)


def _value(standing: Standing, value: float) -> str:
    if standing.measure.unit == "share":
        return percent(value)
    return f"{value:.{1 if standing.measure.unit == 'epochs' else 2}f}".replace("-", "−")
