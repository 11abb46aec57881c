"""What a .keras file says of itself, checked before Keras unpacks it: its classes, and sizes that are true."""

import json
import math
import zipfile
from pathlib import Path
from typing import Any

from linesexp.errors import InputError

SETTINGS, WEIGHTS = "config.json", "model.weights.h5"
MOST_SETTINGS = 2**26  # bytes
SLACK = 2**26  # bytes that any file may unpack to
UNPACKED = 20  # times its size that a file may unpack to: Keras does not compress


def check_file(path: Path, run_its_code: bool = False) -> None:
    """Raise InputError, with what to do, for another file than a .keras one, or one that would run code.

    Needs no Keras, so that it is said before that is imported.
    """
    if not path.exists():
        raise InputError(f"{path}: cannot be read (No such file or directory)")
    if path.suffix.lower() in (".h5", ".hdf5"):
        raise InputError(
            f"{path}: Keras' old .h5 format; if you trust it, save it anew in Python: "
            f"keras.models.load_model({str(path)!r}, compile=False).save({str(path.with_suffix('.keras'))!r})"
        )
    if "Lambda" in classes_in(path) and not run_its_code:
        raise InputError(
            f"{path}: holds a Lambda layer, which is Python code of whoever made the file and would run here; "
            "if you trust them, --run-its-code lets it"
        )


def classes_in(path: Path) -> set[str]:
    """Names of all classes in a .keras file's settings. Raises InputError for another kind of file.

    Also for one that would unpack to far more than it holds.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            total, size = sum(member.file_size for member in archive.infolist()), path.stat().st_size
            if total > max(SLACK, UNPACKED * size) or archive.getinfo(SETTINGS).file_size > MOST_SETTINGS:
                raise InputError(
                    f"{path}: {size:,} bytes that would unpack to {total:,}; no model that Keras saved"
                )
            _check_weights(archive, path)
            waiting = [json.loads(archive.read(SETTINGS))]
    except InputError:
        raise
    except Exception as error:  # whatever zip, HDF5 or JSON trips over
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a .keras file"
        raise InputError(
            f"{path}: {reason}; expected a model that Keras saved as .keras (`linesexp see` also takes a run)"
        ) from None
    found = set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            found.add(str(part.get("class_name")))
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return found


def _check_weights(archive: zipfile.ZipFile, path: Path) -> None:
    """Raise InputError for weights that claim to be more than there are."""
    import h5py

    if WEIGHTS not in archive.namelist():
        return
    size = archive.getinfo(WEIGHTS).file_size
    claimed = 0

    def add(name: str, what: Any) -> None:
        nonlocal claimed
        if isinstance(what, h5py.Dataset):
            claimed += math.prod(what.shape or ()) * what.dtype.itemsize

    with archive.open(WEIGHTS) as member, h5py.File(member, "r") as file:
        file.visititems(add)  # follows no links
    if claimed > size:
        raise InputError(f"{path}: weights that claim {claimed:,} bytes in {size:,}; no model that Keras saved")
