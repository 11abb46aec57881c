"""manifest.json: what a run folder holds. A file that is not in it does not exist."""

import hashlib
import re
from pathlib import PurePosixPath

import msgspec

from linesexp.errors import InputError


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One committed file: its content, the stage that made it, and what it was made from.

    made_from is a digest of the inputs and the code, for files that can be made again from others.
    previous is there while the file is being replaced: the SHA-256 of the content before. A process
    that is killed meanwhile leaves one or the other, and both are whole.
    """

    sha256: str
    bytes: int
    stage: str
    made_from: str = ""
    previous: str = ""


Manifest = dict[str, Entry]
ITSELF = "manifest.json"
PLAIN = re.compile(r"[a-z0-9][\w.-]*(/[a-z0-9][\w.-]*)*", re.ASCII)  # names as most are, and there may be many


def entry_for(data: bytes, stage: str, made_from: str = "", previous: str = "") -> Entry:
    """The entry of a file that holds `data`."""
    return Entry(sha256(data), len(data), stage, made_from, previous)


def sha256(data: bytes) -> str:
    """Digest as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def parse_manifest(data: bytes, source: str) -> Manifest:
    """Raises InputError, naming the source, for anything but a manifest with names inside the folder.

    Also for one that is not as it was written: its last entry is its own. (Manifests of old have none.)
    """
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{source}: damaged ({error})") from None
    if manifest.pop(ITSELF, None) and data != _signed(data.rpartition(_line(ITSELF, b""))[0]):
        raise InputError(f"{source}: damaged (its SHA-256 is not the one at its end)")
    for name in manifest:
        if not lies_inside(name):
            raise InputError(f"{source}: damaged ({name!r} lies outside the folder)")
    return manifest


def lies_inside(name: str) -> bool:
    """Whether a name stays in its folder on every system: relative, no drive, no way up."""
    if PLAIN.fullmatch(name):
        return True
    path = PurePosixPath(name)
    return bool(path.parts) and not (path.is_absolute() or ".." in path.parts or set(name) & set("\\:\0"))


def manifest_json(manifest: Manifest) -> bytes:
    """One line a file, in the order of their names, and one for the manifest itself: for all before that."""
    encode = msgspec.json.encode
    lines = [_line(name, encode(manifest[name])) + b",\n" for name in sorted(manifest)]
    return _signed(b"{\n" + b"".join(lines))


def _signed(before: bytes) -> bytes:
    """A manifest's lines up to its own, completed by that."""
    own = entry_for(before, "manifest")
    return before + _line(ITSELF, msgspec.json.encode(own)) + b"\n}\n"


def _line(name: str, entry: bytes) -> bytes:
    return msgspec.json.encode(name) + b": " + entry
