"""Inputs that nobody would write: hypothesis strategies of files that are nearly right, or not at all.

Each gives what a file holds. Most begin from something that is right, and change a little of it: what is read
first is then right, and what comes later is reached.
"""

import io
import json
import math
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import wraps
from typing import Any

import numpy as np
from hypothesis import strategies as st

ANY_SIGN = st.characters(exclude_categories=())  # halves of signs too, which no file can hold
WORDS = (
    "",
    "\0",
    "..",
    "../up",
    "/etc/passwd",
    "a\nb",
    "\x1b[31m",
    "nan",
    "1e999",
    "-0",
    "０",
    "\ud800",
    "x" * 300,
)
TEXTS = st.one_of(st.sampled_from(WORDS), st.text(ANY_SIGN, max_size=12))
NUMBERS = st.one_of(
    st.integers(-3, 70),
    st.sampled_from((2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400, 1e-320, 1e308)),
    st.floats(),
)
FLAT = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
ODD = st.one_of(
    FLAT, st.lists(FLAT, max_size=4), st.dictionaries(TEXTS, FLAT, max_size=3), st.just([[[[[[[[]]]]]]]])
)


def from_content(make: Callable[..., Any]) -> Callable[..., st.SearchStrategy]:
    """make(draw, content, …) as a strategy of that content, which hypothesis need not print."""

    @wraps(make)
    def strategy(*content: Any) -> st.SearchStrategy:
        return st.composite(lambda draw: make(draw, *content))()

    return strategy


def some_bytes_changed(draw: st.DrawFn, whole: bytes) -> bytes:
    """Some bytes flipped, cut out, doubled or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.sampled_from((0, 1, 2, 8, 64, len(whole)))), len(data))
        how = draw(st.sampled_from(("flip", "cut", "double", "put in", "truncate")))
        if how == "flip" and start < len(data):
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del data[start:end]
        elif how == "double":
            data[start:start] = data[start:end]
        elif how == "put in":
            data[start:end] = draw(st.binary(max_size=8))
        else:
            del data[start:]
    return bytes(data)


changed_bytes = from_content(some_bytes_changed)

# JSON.


def paths_in(value: Any, above: tuple = ()) -> Iterator[tuple]:
    """The way to every value inside."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*above, key)
        yield from paths_in(part, (*above, key))


def ways_in(document: Any) -> list[tuple]:
    """One way to each kind of value: equal records in a list are alike."""
    kinds: dict[tuple, tuple] = {}
    for path in paths_in(document):
        kinds.setdefault(tuple("*" if isinstance(key, int) else key for key in path), path)
    return list(kinds.values())


def json_changed(draw: st.DrawFn, document: Any, ways: list[tuple]) -> Any:
    """A document in which a few values are others, are gone, or are there twice under odd names."""
    copy = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(ways))
        place = copy
        for key in above:
            place = place[key] if _holds(place, key) else None
        if not _holds(place, last):
            continue
        how = draw(st.sampled_from(("other", "other", "gone", "also")))
        if how == "other":
            place[last] = deepcopy(draw(ODD))  # or a later change would change what is drawn from
        elif how == "gone":
            del place[last]
        elif isinstance(place, dict):
            place[draw(TEXTS)] = deepcopy(place[last])
        else:
            place.append(deepcopy(draw(ODD)))
    return copy


def changed_json(document: Any) -> st.SearchStrategy[Any]:
    ways = ways_in(document)
    return st.composite(lambda draw: json_changed(draw, document, ways))()


def _holds(place: Any, key: Any) -> bool:
    if isinstance(place, dict):
        return key in place
    return isinstance(place, list) and isinstance(key, int) and key < len(place)


def json_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


# TOML.


def toml_text(settings: dict[str, Any]) -> str:
    """Settings as TOML; what TOML cannot say is written as it comes, and is no TOML then."""
    lines = []
    for section, values in settings.items():
        if not isinstance(values, dict):
            lines.insert(0, f"{_key(section)} = {_toml(values)}")
            continue
        lines.append(f"[{_key(section)}]")
        lines += [f"{_key(name)} = {_toml(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def _key(name: Any) -> str:
    text = str(name)
    return text if text.isascii() and text.replace("_", "").isalnum() else json.dumps(text, ensure_ascii=False)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(key)} = {_toml(part)}' for key, part in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)


def _text_bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def settings_files(defaults: dict[str, dict[str, Any]]) -> st.SearchStrategy[bytes]:
    """Settings files: the defaults with odd values, or any text at all."""
    whole = {
        section: {k: v for k, v in values.items() if v is not None} for section, values in defaults.items()
    }
    nearly = changed_json(whole).map(toml_text).map(_text_bytes)
    words = st.sampled_from(
        ("[images]\n", "size = ", "[", "]", "'", '"', "\n", "=", "1979-05-27T07:32:00Z", "0x")
    )
    pieces = st.lists(st.one_of(words, TEXTS), max_size=12).map("".join).map(_text_bytes)
    return st.one_of(
        nearly, nearly, changed_bytes(_text_bytes(toml_text(whole))), pieces, st.binary(max_size=40)
    )


# Kernels.


def kernel_texts() -> st.SearchStrategy[str]:
    """Kernels as somebody types them: nearly rows of numbers."""
    number = st.one_of(
        st.integers(-9, 9).map(str),
        st.floats().map(repr),
        st.tuples(st.integers(-9, 9), st.integers(-2, 9)).map(lambda parts: f"{parts[0]}/{parts[1]}"),
        st.sampled_from(
            ("1,5", "−1", "1e9", "1e999", "1/", "/", "½", "١", "1_0", "0x1", "nan", "infinity", "9" * 5000)
        ),
        TEXTS,
    )
    between = st.sampled_from((" ", ",", ";", "\t", ", ", " ; ", "\n", "\r\n", "\u2028", "\x1c", "\ufeff", ""))
    ragged = st.lists(st.tuples(number, between), max_size=20).map(lambda parts: "".join(map("".join, parts)))

    @st.composite
    def square(draw: st.DrawFn) -> str:
        side, gap, end = draw(st.integers(1, 5)), draw(between), draw(between)
        numbers = [draw(number) if draw(st.booleans()) else "1" for _ in range(side * side)]
        rows = [gap.join(numbers[side * row : side * (row + 1)]) for row in range(side)]
        return end.join(rows)

    return st.one_of(square(), ragged, st.text(ANY_SIGN, max_size=40))


def kernel_files() -> st.SearchStrategy[bytes]:
    """The same as the bytes of a CSV file, in one of several encodings."""
    encodings = st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-32"))
    written = st.tuples(kernel_texts(), encodings).map(
        lambda parts: parts[0].encode(parts[1], errors="surrogatepass" if "utf" in parts[1] else "replace")
    )
    return st.one_of(written, written, st.binary(max_size=60))


# Arrays.

TYPES = ("<f4", ">f8", "<f2", "|u1", "<i8", "<u8", "|b1", "<c8", "<U3", "|S2", "<M8[s]", "<U0", "|V4")


def odd_array(draw: st.DrawFn, array: np.ndarray) -> np.ndarray:
    """An array of another shape or kind, or with other numbers in it."""
    how = draw(st.sampled_from(("numbers", "kind", "shape", "fewer")))
    copy = array.copy()
    if how == "numbers" and copy.size:
        values = np.array([np.nan, np.inf, -np.inf, 1e30, -1.0, 0.0, 255.0, 7.0])
        for _ in range(draw(st.integers(1, 4))):
            place, value = draw(st.integers(0, copy.size - 1)), draw(st.sampled_from(values.tolist()))
            if copy.dtype.kind == "f":
                copy.flat[place] = value
            elif copy.dtype.kind in "iu":
                copy.flat[place] = draw(st.integers(0, np.iinfo(copy.dtype).max))
            elif copy.dtype.kind == "U":
                copy.flat[place] = draw(TEXTS)
        return copy
    if how == "kind":
        return np.zeros(copy.shape, draw(st.sampled_from(TYPES)))
    if how == "shape":
        shapes = [
            (),
            (0,),
            (1,),
            (0, 3),
            (1,) * 5,
            (2, 0, 2, 1, 1),
            copy.shape[::-1],
            (*copy.shape, 1),
            (copy.size,),
        ]
        shape = draw(st.sampled_from(shapes))
        return copy.reshape(shape) if math.prod(shape) == copy.size else np.zeros(shape, copy.dtype)
    return copy[: draw(st.integers(0, max(len(copy) - 1, 0)))] if copy.ndim else copy


def odd_arrays(draw: st.DrawFn, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of which one or two are odd, gone, or under another name."""
    changed = dict(arrays)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(arrays)))
        how = draw(st.sampled_from(("odd", "odd", "odd", "gone", "renamed")))
        if name not in changed:
            continue
        if how == "odd":
            changed[name] = odd_array(draw, changed[name])
        elif how == "gone":
            del changed[name]
        else:
            changed[draw(st.sampled_from(("", "..", "/a", "x/y", "\x1b[2J", *arrays)))] = changed.pop(name)
    return changed


@from_content
def npz_files(draw: st.DrawFn, arrays: dict[str, np.ndarray]) -> bytes:
    """An .npz of odd arrays, or with an odd header in one of them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in odd_arrays(draw, arrays).items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            data = member.getvalue()
            if draw(st.integers(0, 5)) == 0:
                data = some_bytes_changed(draw, data[:128]) + data[128:]
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


SAFE = {"<f4": "F32", "<f8": "F64", "<f2": "F16", "|u1": "U8", "<i8": "I64", "<u8": "U64", "|b1": "BOOL"}


@from_content
def tensor_files(draw: st.DrawFn, tensors: dict[str, np.ndarray], about: dict[str, Any]) -> bytes:
    """A .safetensors file of odd tensors, with odd words about them, or an odd header."""
    odd = draw(st.sampled_from(("tensors", "about", "header")))
    if odd == "tensors":
        tensors = odd_arrays(draw, tensors)
    told = json_changed(draw, about, ways_in(about)) if odd == "about" else about
    header: dict[str, Any] = {"__metadata__": {"linesexp": json.dumps(told)}}
    data = b""
    for name, tensor in tensors.items():
        kind = SAFE.get(tensor.dtype.str, "BF16" if tensor.dtype.itemsize == 2 else "U8")
        content = tensor.tobytes()
        header[name] = {
            "dtype": kind,
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    if odd == "header":
        header = json_changed(draw, header, ways_in(header))
    said = json.dumps(header).encode()
    length = len(said) if draw(st.integers(0, 9)) else draw(st.integers(0, 2**64 - 1))
    return length.to_bytes(8, "little") + said + data


# Tables.


@from_content
def csv_files(draw: st.DrawFn, whole: bytes) -> bytes:
    """A table with odd cells, rows or columns."""
    rows = [line.split(",") for line in whole.decode().splitlines()]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(rows) - 1))
        how = draw(st.sampled_from(("cell", "cell", "cut", "longer", "gone", "again")))
        if how == "cell" and rows[row]:
            rows[row][draw(st.integers(0, len(rows[row]) - 1))] = str(draw(FLAT))
        elif how == "cut":
            rows[row] = rows[row][:-1]
        elif how == "longer":
            rows[row] = [*rows[row], str(draw(FLAT))]
        elif how == "gone" and len(rows) > 1:
            del rows[row]
        else:
            rows.insert(row, list(rows[row]))
    return "\n".join(",".join(row) for row in rows).encode(errors="surrogatepass")


# Pictures, and names.

NAMES = st.one_of(
    st.sampled_from(
        (
            "a.png",
            "b.PNG",
            "c.jpg",
            ".hidden.png",
            "d.bmp",
            "e.gif",
            "f.txt",
            "-.png",
            "\udcff.png",
            "\x1b[2J.png",
        )
    ),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=8).map(
        lambda name: name[:8] + ".png"
    ),
)
FOLDERS = st.one_of(
    st.sampled_from(
        (
            "cats",
            "dogs",
            "train",
            "validation",
            "test",
            ".git",
            "__MACOSX",
            "Cats",
            "\x1b]0;x\x07",
            "\udcff",
            "-r",
        )
    ),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=6).filter(
        lambda name: name not in (".", "..")
    ),
)


@from_content
def picture_files(draw: st.DrawFn, pictures: list[bytes]) -> bytes:
    """Whole pictures, broken ones, and what is none."""
    how = draw(st.sampled_from(("whole", "whole", "changed", "none")))
    if how == "none":
        return draw(st.binary(max_size=30))
    whole = draw(st.sampled_from(pictures))
    return whole if how == "whole" else some_bytes_changed(draw, whole)


def class_folders(pictures: list[bytes]) -> st.SearchStrategy[dict[str, bytes | None]]:
    """Path → content of every file below a folder, or None for an empty folder."""
    files = st.dictionaries(NAMES, picture_files(pictures), max_size=4)
    classes = st.dictionaries(FOLDERS, files, max_size=3)
    flat = classes.map(
        lambda found: {
            f"{home}/{name}": data
            for home, inside in found.items()
            for name, data in (inside or {"": None}).items()
        }
    )
    split = st.dictionaries(st.sampled_from(("train", "validation", "test", "more")), flat, max_size=4).map(
        lambda found: {
            f"{part}/{name}": data
            for part, inside in found.items()
            for name, data in (inside or {"": None}).items()
        }
    )
    return st.one_of(flat, split, st.tuples(flat, split).map(lambda both: both[0] | both[1]))
