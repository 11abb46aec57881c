"""Files that wait for a commit, kept so that a process which is killed meanwhile loses none of them.

A commit is synced, which takes its time; this is not. It outlives a killed process, and where it does not
outlive a power cut, what is left of it is found out and ignored.
"""

import contextlib
from collections.abc import Mapping

import numpy as np

from linesexp.errors import InputError, StorageError
from linesexp.runs.atomic import storage_errors, write_atomically
from linesexp.runs.folder import MANIFEST, RunFolder
from linesexp.runs.formats import parse_tensors, tensors_bytes
from linesexp.runs.manifest import lies_inside, sha256
from linesexp.runs.opening import Refused, opened

WAITING = ".waiting"


def keep_waiting(run: RunFolder, files: Mapping[str, bytes], stage: str) -> None:
    """Keep the files that would be committed now. A disk that refuses is left to the commit to tell."""
    arrays = {name: np.frombuffer(data, np.uint8) for name, data in files.items()}
    data = tensors_bytes(arrays, {"stage": stage, "follows": _state(run)})
    with contextlib.suppress(StorageError):
        write_atomically(run.path / WAITING, sha256(data).encode() + data, synced=False)


def commit_waiting(run: RunFolder) -> None:
    """Commit what a killed process kept, if it is whole and nothing was committed since; then forget it."""
    path = run.path / WAITING
    with storage_errors(path, "read"):
        try:
            with opened(run.path, WAITING) as (file, size):
                kept = file.read(size)
        except FileNotFoundError:
            return
        except Refused:  # no file of ours
            kept = b""
    digest, data = kept[:64], kept[64:]
    if digest == sha256(data).encode():
        with contextlib.suppress(InputError):
            arrays, about = parse_tensors(data, str(path))
            if about.get("follows") == _state(run) and all(lies_inside(name) for name in arrays):
                run.commit({name: array.tobytes() for name, array in arrays.items()}, str(about.get("stage")))
    forget_waiting(run)


def forget_waiting(run: RunFolder) -> None:
    """What was kept is committed by now."""
    with contextlib.suppress(OSError):  # it follows a state of the folder that is no more
        (run.path / WAITING).unlink(missing_ok=True)


def _state(run: RunFolder) -> str:
    """Digest of what is committed."""
    path = run.path / MANIFEST
    with storage_errors(path, "read"):
        return sha256(path.read_bytes()) if path.exists() else ""
