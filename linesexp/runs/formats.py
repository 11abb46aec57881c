"""Bytes ↔ arrays in the formats of a run folder. Nothing here runs code from a file."""

import csv
import io
import json
import zipfile
from typing import Any

import numpy as np
import safetensors.numpy

from linesexp.errors import InputError


def npz_bytes(arrays: dict[str, np.ndarray], compress: bool = True) -> bytes:
    """Arrays as an .npz, compressed or (a tenth of the time) as they are; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", kind, compresslevel=1) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
            # numpy.savez would stamp the time of writing on each member.
            info = zipfile.ZipInfo(f"{name}.npy")
            info.compress_type = kind
            archive.writestr(info, member.getvalue())
    return buffer.getvalue()


def parse_npz(data: bytes, source: str) -> dict[str, np.ndarray]:
    """Raises InputError for anything but plain arrays; a pickle inside is refused, never run."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
            if odd := [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]:
                raise ValueError(f"{odd[0]} is no array")
            return arrays
    except Exception as error:  # whatever zip, zlib or NumPy trips over, the file is not one of ours
        raise InputError(f"{source}: not a plain .npz file ({error})") from None


def tensors_bytes(tensors: dict[str, np.ndarray], about: dict[str, Any]) -> bytes:
    """Arrays and a JSON object as .safetensors; equal content gives equal bytes."""
    # One metadata key: safetensors writes several in an order that changes from call to call.
    header = {"linesexp": json.dumps({name: about[name] for name in sorted(about)})}
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    return safetensors.numpy.save(contiguous, metadata=header)


def parse_tensors(data: bytes, source: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, JSON object). Raises InputError if the bytes hold something else."""
    try:
        tensors = safetensors.numpy.load(data)
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        return tensors, parse_json(metadata.get("linesexp", "{}").encode(), "its header")
    except Exception as error:  # as above
        raise InputError(f"{source}: not a .safetensors file ({error})") from None


def csv_bytes(rows: list[dict[str, Any]]) -> bytes:
    """A table with a header; None becomes an empty cell."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def parse_csv(data: bytes, source: str) -> list[dict[str, float]]:
    """Rows of numbers; an empty cell becomes NaN. Raises InputError for a cell that is no number."""
    try:
        rows = csv.DictReader(io.StringIO(data.decode()), strict=True)
        return [
            {name: float("nan") if cell == "" else float(cell) for name, cell in row.items()} for row in rows
        ]
    except (ValueError, TypeError, AttributeError, csv.Error) as error:
        raise InputError(f"{source}: not a table of numbers ({error})") from None


def parse_table(data: bytes, source: str) -> list[dict[str, str]]:
    """Rows of texts. Raises InputError for what is no table."""
    try:
        return list(csv.DictReader(io.StringIO(data.decode()), strict=True))
    except (ValueError, csv.Error) as error:
        raise InputError(f"{source}: not a table ({error})") from None


def parse_json(data: bytes, source: str) -> dict[str, Any]:
    """Raises InputError for anything but a JSON object."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: not JSON ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"{source}: not a JSON object")
    return found
