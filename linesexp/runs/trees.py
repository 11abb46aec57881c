"""A folder of many files that is there when it is whole."""

from collections.abc import Iterable
from pathlib import Path

from linesexp.errors import InputError
from linesexp.runs.atomic import storage_errors
from linesexp.runs.leftovers import remove_tree
from linesexp.runs.lock import one_writer


def write_tree(destination: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files, by their names, into a folder that is new or empty; it appears with all of them at once.

    Does nothing to one that holds these very files and no others. Where an empty one cannot be replaced, as
    it is a mount or where this process stands, what lies in the folder appears one by one. Raises InputError
    if it holds anything else, FolderBusy, StorageError.
    """
    place = destination.resolve()
    part = place.with_name(f".{place.name}.part")
    with storage_errors(destination):
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            if not _holds(place, files):
                raise InputError(f"{destination}: not empty; name a new or an empty folder")
            remove_tree(part)  # of a process that was killed at the very end
            return
    with one_writer(part):
        whole = part / "whole"
        remove_tree(whole)  # of a process that was killed
        with storage_errors(destination):
            whole.mkdir()
            for name, data in files:
                path = whole / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            if place.exists() and (place.is_mount() or place.samefile(Path.cwd())):
                for path in whole.iterdir():
                    path.rename(place / path.name)
            else:
                whole.rename(place)
        remove_tree(part)


def _holds(place: Path, files: Iterable[tuple[str, bytes]]) -> bool:
    """Whether a folder holds these files with these bytes, and no others."""
    if not place.is_dir():
        return False
    others = {path.relative_to(place).as_posix() for path in place.rglob("*") if not path.is_dir()}
    for name, data in files:
        path = place / name
        if name not in others or path.is_symlink() or path.read_bytes() != data:
            return False
        others.remove(name)
    return not others
