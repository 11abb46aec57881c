"""Names of files and folders, made from names that others gave to pictures and layers."""

import re
from collections.abc import Iterable

# What Windows takes for a device wherever it lies and whatever follows a dot.
DEVICES = {"con", "prn", "aux", "nul"} | {port + digit for port in ("com", "lpt") for digit in "123456789"}
MOST_LETTERS = 60  # a file's name may have 255 bytes, and a letter up to four


def plain_name(name: str) -> str:
    """A name with nothing in it that a file's name may not hold, and not too long for one."""
    return re.sub(r"[^\w.-]+", "-", name)[:MOST_LETTERS]


def folder_names(names: Iterable[str], reserved: Iterable[str] = ()) -> list[str]:
    """A plain name without dots for each, none of them twice or reserved: the second of a name gets `-2`."""
    return _unique((re.sub(r"[^\w-]+", "-", name).strip("-") for name in names), reserved)


def file_names(names: Iterable[str]) -> list[str]:
    """A plain name for each, none of them twice."""
    return _unique(map(plain_name, names), ())


def _unique(names: Iterable[str], reserved: Iterable[str]) -> list[str]:
    taken = {name.casefold() for name in reserved} | DEVICES  # some disks do not tell A from a
    found = []
    for name in names:
        stem = free = name[:MOST_LETTERS] or "picture"
        number = 1
        while free.casefold() in taken:
            number += 1
            free = f"{stem}-{number}"
        taken.add(free.casefold())
        found.append(free)
    return found
