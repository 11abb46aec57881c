"""Open a file of a run folder, which somebody else may have made: a regular one, inside the folder, bounded."""

import contextlib
import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

LEADS_OUT = "a link leads out of the folder"


class Refused(OSError):
    """Something that is there, and that nobody should read as a file of the folder."""


def leads_out(root: Path, name: str) -> bool:
    """Whether a link, on the way to this name or there, leads out of a folder."""
    inside = os.path.realpath(root)
    return not f"{os.path.realpath(root / name)}{os.sep}".startswith(f"{inside.rstrip(os.sep)}{os.sep}")


@contextlib.contextmanager
def opened(root: Path, name: str) -> Iterator[tuple[io.BufferedReader, int]]:
    """(file to read, its size). Raises Refused for a link out of the folder, a folder, a device, a pipe."""
    if leads_out(root, name):
        raise Refused(LEADS_OUT)
    # A pipe that nobody writes to would be waited for.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(root / name, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Refused("a link that leads to itself") from None
        raise
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise Refused("not a file")
    with os.fdopen(handle, "rb") as file:
        yield file, about.st_size


def digest_of(file: io.BufferedReader) -> str:
    """SHA-256 of a file, a block at a time; it stands at its beginning afterwards."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest
