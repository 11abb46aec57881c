"""Bytes ↔ arrays in the formats of a run folder. Nothing here runs code from a file."""

import csv
import io
import json
import math
import zipfile
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import safetensors.numpy

from linesexp.errors import InputError

MOST_ARRAYS = 2**26  # bytes of an .npz, unpacked, of which nobody knows how many there should be


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


def parse_npz(data: bytes, source: str, most: int = MOST_ARRAYS) -> dict[str, np.ndarray]:
    """Raises InputError for anything but plain arrays of at most so many bytes in all.

    What a member says of itself is checked before it is unpacked; a pickle inside is refused, never run.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if (total := sum(member.file_size for member in members)) > most:
                raise ValueError(f"{total:,} bytes of arrays in {len(data):,}; at most {most:,} are expected")
            return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}
    except Exception as error:  # whatever zip, zlib or NumPy trips over, the file is not one of ours
        raise InputError(f"{source}: not a plain .npz file ({_one_line(error)})") from None


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array; its header must agree with the size of the member."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise ValueError(f"{member.filename} is an array of version {version}")
        count, left = math.prod(shape), member.file_size - file.tell()
        # An element without bytes is no number: of these a few bytes could claim any number.
        if dtype.hasobject or count * dtype.itemsize != left or (count and not dtype.itemsize):
            raise ValueError(f"{member.filename} is no plain array of {left} bytes")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _one_line(error: Exception) -> str:
    """What a library says, on one line and not without end."""
    words = " ".join(str(error).split())
    return words if len(words) <= 200 else words[:200] + " …"


def tensors_bytes(
    tensors: dict[str, np.ndarray], about: dict[str, Any], as_json: Mapping[str, str] = MappingProxyType({})
) -> bytes:
    """Arrays and a JSON object as .safetensors; equal content gives equal bytes.

    as_json: more of the object, of which the values are JSON already.
    """
    # One metadata key: safetensors writes several in an order that changes from call to call.
    values = {name: json.dumps(value) for name, value in about.items()} | dict(as_json)
    words = ", ".join(f"{json.dumps(name)}: {values[name]}" for name in sorted(values))
    header = {"linesexp": f"{{{words}}}"}
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
        raise InputError(f"{source}: not a .safetensors file ({_one_line(error)})") from None


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
        raise InputError(f"{source}: not a table of numbers ({_one_line(error)})") from None


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
        # Halves of signs, which Python reads, and nothing can write: whoever came to one would trip.
        if b"\\ud" in data or b"\\uD" in data:
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: not JSON ({_one_line(error)})") from None
    if not isinstance(found, dict):
        raise InputError(f"{source}: not a JSON object")
    return found
