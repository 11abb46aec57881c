"""One writer for each run folder."""

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import filelock

from linesexp.errors import FolderBusy
from linesexp.runs.atomic import storage_errors, write_atomically

HOLDER = ".holder.json"


@contextlib.contextmanager
def one_writer(folder: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the folder's lock. Raises FolderBusy, naming the process that holds it, after this patience.

    The system drops the lock when its process ends, however it ends, so none is ever stale.
    """
    lock = filelock.FileLock(folder / ".lock", timeout=patience_s)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise FolderBusy(f"{folder}: another process writes here ({_holder(folder)})") from None
    try:
        # Beside the lock and not inside it: asking for a lock empties the lock's own file.
        write_atomically(folder / HOLDER, _this_process())
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _this_process() -> bytes:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "command": command}).encode()


def _holder(folder: Path) -> str:
    try:
        holder = json.loads((folder / HOLDER).read_bytes())
        return f"process {holder['pid']} on {holder['host']}: {holder['command']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has just begun"
