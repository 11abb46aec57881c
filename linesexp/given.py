"""Read a file that somebody gave: whole, but no more of it than is ever needed."""

import os

from linesexp.errors import InputError

OF_TEXT = 1_000_000  # bytes: settings, or a kernel's numbers
OF_A_PICTURE = 100_000_000  # as many as its pixels take where nothing is compressed


class TooLarge(InputError):
    """A file of more bytes than are read. limit: that, in words."""

    def __init__(self, path: str, most: int) -> None:
        self.limit = f"too large; at most {most:,} bytes are read"
        super().__init__(f"{path}: {self.limit}")


def read_given(path: str | os.PathLike[str], most: int) -> bytes:
    """The bytes of a file. Raises InputError, naming it, where it cannot be read, TooLarge beyond `most`."""
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{os.fspath(path)}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # a name that no file can have
        raise InputError(f"{os.fspath(path)!r}: cannot be read ({error})") from None
    if len(data) > most:
        raise TooLarge(os.fspath(path), most)
    return data
