"""Arrays and scripts as text that a page can carry."""

import base64
import json
import re
import zlib
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np

IMPORT = re.compile(r'^import \{[^}]*\} from "(\./[\w.-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(async function|function|const|class)\b)", re.MULTILINE)


def packed(array: np.ndarray) -> dict[str, Any]:
    """A float32 or uint8 array as {shape, type, deflated, data}: base64, deflated where that saves bytes."""
    if array.dtype not in (np.float32, np.uint8):
        raise ValueError(f"array must be float32 or uint8, got {array.dtype}")
    raw = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
    small = zlib.compress(raw, 9)
    deflated = len(small) < 0.95 * len(raw)
    return {
        "shape": list(array.shape),
        "type": array.dtype.name,
        "deflated": deflated,
        "data": base64.b64encode(small if deflated else raw).decode(),
    }


def json_for_script(data: Any) -> str:
    """JSON that may stand inside of a script element: nothing in it can end that element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def joined_modules(folder: Traversable, entry: str) -> str:
    """A module and all that it imports, as one module: each file once, after those that it needs.

    Files import names only (`import { a } from "./b.js";` on one line or several), from their own folder, and
    never rename; so their text can simply follow one another.
    """
    parts: dict[str, str] = {}

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"{name} imports itself, through {' → '.join(above)}")
        if name in parts:
            return
        text = (folder / name).read_text(encoding="utf-8")
        for needed in IMPORT.findall(text):
            add(needed.removeprefix("./"), (*above, name))
        parts[name] = EXPORT.sub("", IMPORT.sub("", text))

    add(entry, ())
    return "\n".join(parts.values())
