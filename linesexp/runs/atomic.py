"""Write a file whole or not at all."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from linesexp.errors import StorageError

# What folders' syncing gives on file systems that have none: some of FUSE, SMB.
NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF)


def write_atomically(path: Path, data: bytes, synced: bool = True) -> None:
    """Write beside the place, sync, and move there in one step; a crash leaves old or new, never half.

    For one writer at a time. Raises StorageError naming the path if the disk refuses. The file beside it
    is removed then; what a killed process left of one is written over by the next. Not synced, it outlives
    the process but not a power cut, after which it may be there in part.
    """
    beside = path.with_name(f".{path.name}.part")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with contextlib.suppress(FileNotFoundError):
                beside.unlink()  # and not follow a link that lies there
            with open(beside, "xb") as file:
                file.write(data)
                if synced:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
        if synced:
            sync_folder(path.parent)


@contextlib.contextmanager
def storage_errors(path: Path, what: str = "written") -> Iterator[None]:
    """Turn what the disk refuses (full, read-only, broken) into a StorageError that names the path."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: cannot be {what} ({error.strerror or error})") from error


def sync_folder(folder: Path) -> None:
    """Make a move into the folder last through a power cut, where the file system can do that."""
    if os.name == "nt":  # Windows cannot open a folder
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # it may be written and not read
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(handle)


def check_writable(folder: Path) -> None:
    """Raise StorageError where a folder, there already or not yet, cannot be written into. Leaves nothing."""
    there = Path(os.path.realpath(folder))  # which minds no links that lead in a circle
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    with storage_errors(folder), tempfile.TemporaryFile(dir=there):  # a right to write may still be of no use
        pass
