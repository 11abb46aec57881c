"""Values, and what is wrong with them, in a user's words."""

import math
import re
import shlex
import unicodedata
from collections.abc import Iterable
from typing import Any


def shown(value: Any) -> str:
    """A setting as a user writes it: 1,3 for a pair, 0.1 for a number, quotes around text."""
    if isinstance(value, tuple | list):
        return ",".join(shown(item) for item in value)
    if isinstance(value, float) and math.isfinite(value):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return repr(value)


def counted(count: int, what: str) -> str:
    """`1 member`, `1,100 members`."""
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def as_argument(path: Any) -> str:
    """A path as it is pasted into a shell: in quotes where those are needed, and never taken for an option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def option_words(name: str, value: Any) -> str:
    """A setting as an option of a command: `--batch-size 32`, `--shuffle-labels`, `--contrast mixed`."""
    words = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{words}" if value else f"--no-{words}"
    return f"--{words} {shlex.quote(value) if isinstance(value, str) else shown(value)}"


def visible(text: str) -> str:
    """The text with control characters, which terminals obey and no font shows, written as their codes."""
    return "".join(
        repr(sign)[1:-1] if sign != "\n" and unicodedata.category(sign).startswith("C") else sign
        for sign in text
    )


def percent(share: float, digits: int = 0) -> str:
    """A share as a reader sees it: `75 %`, with a true minus sign."""
    return f"{100 * share:.{digits}f} %".replace("-", "−")


def share_words(share: float) -> str:
    """A share without its unit: `75` of 100; never 0 or 100 for what is not: `99.8`, or `>99.9`."""
    whole = f"{100 * share:.0f}"
    if whole.removeprefix("-") not in ("0", "100") or min(abs(share), abs(1 - abs(share))) < 1e-9:
        return signed(100 * share, ".0f")
    near = f"{100 * abs(share):.1f}"
    bound = {"0.0": "<0.1", "100.0": ">99.9"}.get(near, near)
    return bound if share > 0 or bound != near else f"−{near}"


def megabytes(count: int) -> str:
    """Bytes as a reader sees them: `0.55 MB`, `12 MB`."""
    return f"{count / 1e6:.2g} MB" if count < 1e7 else f"{count / 1e6:,.0f} MB"


def plain(value: float) -> str:
    """A number with three digits at most and a true minus sign; what is next to nothing is 0."""
    return f"{0.0 if abs(value) < 5e-4 else value:.3g}".replace("-", "−")


def short_name(name: str, most: int = 16) -> str:
    """A class's name for a figure: on one line, the end left out where it is longer."""
    line = " ".join(name.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def signed(value: float, form: str) -> str:
    """A number in a format such as `+.2f`, with a true minus sign, and without one before what rounds to 0."""
    text = format(value, form)
    if text.startswith("-") and float(text) == 0:
        text = format(0.0, form)
    return text.replace("-", "−")


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?` for a name that is close to a known one, else all that are known."""
    import difflib

    known = list(known)
    match = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {match[0]}?" if match else f"; known: {', '.join(known)}"


def nearest_among(name: str, known: Iterable[str], among: str) -> str:
    """`; did you mean …? There are AMONG` for a name that is close to a known one, else `; there are AMONG`."""
    hint = nearest(name, known)
    return f"{hint} There are {among}" if hint.startswith("; did") else f"; there are {among}"


def what_is_expected(complaint: str, words: tuple[str, ...]) -> str:
    """msgspec's complaint about a value, without its jargon; words: all that a setting accepts, if few."""
    if words:
        return f"expected one of {', '.join(words)}"
    text = complaint.partition(" - at `")[0].replace("`", "")
    for jargon, plain in (
        ("Expected", "expected"),
        ("int", "whole number"),
        ("float", "number"),
        ("array of length", "a list of numbers, count"),
        ("array", "a list of numbers"),
        ("str", "text"),
        ("bool", "true or false"),
    ):
        text = re.sub(rf"\b{jargon}\b", plain, text)
    return text
