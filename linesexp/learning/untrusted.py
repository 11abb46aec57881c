"""What a .keras file says of itself, checked before Keras unpacks it: its classes, and sizes that are true."""

import contextlib
import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from linesexp.errors import InputError

SETTINGS, WEIGHTS = "config.json", "model.weights.h5"
MOST_SETTINGS = 2**26  # bytes
SLACK = 2**26  # bytes that any file may unpack to
UNPACKED = 20  # times its size that a file may unpack to: Keras does not compress


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


@contextlib.contextmanager
def no_more_weights_than_stored(path: Path) -> Iterator[None]:
    """While this lasts, a model that asks for far more weights than its file holds raises InputError.

    Its settings alone could ask for any number, and they would be made before any are read.
    """
    with zipfile.ZipFile(path) as archive:
        left = 2 * sum(member.file_size for member in archive.infolist()) + SLACK
    original = keras.layers.Layer.add_weight

    def add_weight(layer: keras.layers.Layer, shape: Any = None, *arguments: Any, **how: Any) -> Any:
        nonlocal left
        left -= 2 * math.prod(side or 0 for side in shape or ())  # bytes; the smallest usual kind has two each
        if left < 0:
            raise InputError(f"{path}: layer {layer.name!r} asks for more weights than the file holds")
        return original(layer, shape, *arguments, **how)

    keras.layers.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = original
