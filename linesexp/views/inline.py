"""HTML for a notebook's output: a run's card, and a GIF. All text in it is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from linesexp.views.animation import first_frame
from linesexp.views.page import data_uri, templates


@dataclass(frozen=True)
class Card:
    """What a notebook shows of a run.

    facts: (name, words); missing: (name, words, command that makes it); problems: what is wrong with the
    run, a line each; kernels: a PNG of the first and the last recorded kernels, about_kernels: what it shows.
    """

    title: str
    path: str
    facts: Sequence[tuple[str, str]] = ()
    missing: Sequence[tuple[str, str, str]] = ()
    problems: Sequence[str] = ()
    kernels: bytes | None = field(default=None, repr=False)
    about_kernels: str = ""


def card_html(card: Card) -> str:
    """A small table that keeps the notebook's own colours, light or dark."""
    picture = data_uri(card.kernels, "image/png") if card.kernels else ""
    return templates().get_template("card.html").render(card=card, picture=picture)


def gif_html(gif: bytes, words: str) -> str:
    """The GIF with its words; its first frame for those whose system asks for little motion."""
    moving, still = data_uri(gif, "image/gif"), data_uri(first_frame(gif), "image/png")
    return templates().get_template("gif.html").render(moving=moving, still=still, words=words)
