"""What a killed process leaves in and beside a run folder, and how the next one brings it in order."""

import contextlib
import os
import shutil
from pathlib import Path

import msgspec

from linesexp.runs.atomic import storage_errors
from linesexp.runs.manifest import Manifest, sha256


def remove_parts(folder: Path) -> None:
    """Remove files that were being written beside their places. For whoever holds the folder's lock."""
    below = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    for place in (folder, *below):
        for part in place.glob(".*.part*"):
            if not part.is_dir():
                with contextlib.suppress(OSError):  # it will be written over
                    part.unlink()


def settled(manifest: Manifest, folder: Path) -> Manifest:
    """The manifest, each file that was being replaced as it stands on disk, the old or the new one."""
    found = {}
    for name, entry in manifest.items():
        if entry.previous:
            with storage_errors(folder / name, "read"):
                try:
                    data = (folder / name).read_bytes()
                except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    data = b""
            is_old = sha256(data) == entry.previous
            digest, size = (entry.previous, len(data)) if is_old else (entry.sha256, entry.bytes)
            entry = msgspec.structs.replace(entry, sha256=digest, bytes=size, previous="")
        found[name] = entry
    return found


def place_of_new(folder: Path) -> Path:
    """Where a folder is made that will take this one's place."""
    folder = folder.resolve()  # "." has no name
    return folder.with_name(f".{folder.name}.new")


def put_new_in_place(folder: Path) -> bool:
    """Finish what a process began that was killed after it had moved the old folder away; True if it had."""
    new = place_of_new(folder)
    if os.path.lexists(folder) or not (new / "manifest.json").exists():
        return False
    with contextlib.suppress(OSError):  # another one was quicker, or may
        new.rename(folder)
    return folder.exists()


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, if it is there. Raises StorageError."""
    with storage_errors(path, "removed"), contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
