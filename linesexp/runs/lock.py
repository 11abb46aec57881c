"""One writer for each run folder."""

import contextlib
import errno
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import filelock

from linesexp.errors import FolderBusy, StorageError
from linesexp.runs.atomic import storage_errors, write_atomically

HOLDER = ".holder.json"
NO_LOCKS = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)  # flock, of some FUSE, SMB, NFS
PATIENCE = 0.5  # seconds that a process which has the lock may take to sign, or to give it back


@contextlib.contextmanager
def one_writer(folder: Path, patience_s: float = 0.0) -> Iterator[bool]:
    """Hold the folder's lock; yields whether the last process that held it ended in the middle of its work.

    Raises FolderBusy, naming the process that holds it, within a second after this patience, or StorageError.
    The system drops the lock when its process ends, however it ends, so none is ever stale.
    """
    lock = filelock.FileLock(folder / ".lock", timeout=0)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _acquire(lock, folder, patience_s)
    try:
        with storage_errors(folder):
            unfinished = (folder / HOLDER).exists()
        # Beside the lock and not inside it: asking for a lock empties the lock's own file.
        write_atomically(folder / HOLDER, _this_process(), synced=False)
        yield unfinished
    finally:
        with contextlib.suppress(OSError):  # a signature that stays does no harm; a lock would
            (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _acquire(lock: filelock.BaseFileLock, folder: Path, patience_s: float) -> None:
    """Take the lock, or raise FolderBusy with the name of who has it.

    Who has it may not have signed yet, or have erased its signature already: that is worth a moment.
    """
    began = time.monotonic()
    while True:
        try:
            lock.acquire()
            return
        except filelock.Timeout:
            holder = _holder(folder)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            raise StorageError(f"{folder}: its disk has no file locks; name a folder on another one") from error
        if time.monotonic() - began > (patience_s if holder else max(PATIENCE, patience_s)):
            holder = holder or "it has just begun"
            raise FolderBusy(f"{folder}: another process writes here ({holder})")
        time.sleep(0.01)


def _this_process() -> bytes:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "command": command}).encode()


def _holder(folder: Path) -> str:
    """Who has signed, unless that process has ended since: then it is the one before the holder."""
    try:
        holder = json.loads((folder / HOLDER).read_bytes())
        if _has_ended(holder["pid"], holder["host"]):
            return ""
        return f"process {holder['pid']} on {holder['host']}: {holder['command']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def _has_ended(pid: int, host: str) -> bool:
    """Whether there is no such process; False where that cannot be known."""
    if os.name != "posix" or host != socket.gethostname() or not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
