"""Render pages: one file each, nothing loaded from anywhere, nothing that runs but its own module."""

import base64
import hashlib
import io
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import jinja2
from markupsafe import Markup
from PIL import Image

from linesexp.views.embedding import joined_modules, json_for_script


def render_page(template: str = "report.html", laboratory: dict[str, Any] | None = None, **content: Any) -> str:
    """A page from one of templates/. content: the names that the template uses; all text is escaped.

    laboratory: what report.laboratory or inspecting.laboratory gives; without it the page only tells.
    """
    style, script = _static("report.css"), _static("report.js")
    if laboratory is not None:
        style += _laboratory_style()
        script += _laboratory_script()
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash_source(style)}'; "
        f"script-src '{_hash_source(script)}'; base-uri 'none'; form-action 'none'"
    )
    # The style and the scripts are ours and must not be escaped, and the data is JSON without any `<`.
    return (
        templates()
        .get_template(template)
        .render(
            style=Markup(style),
            script=Markup(script),
            policy=policy,
            laboratory=None if laboratory is None else Markup(json_for_script(laboratory)),
            **content,
        )
    )


def laboratory_bytes(laboratory: dict[str, Any] | None) -> int:
    """How many bytes a page grows by when it carries this."""
    if laboratory is None:
        return 0
    parts = (_laboratory_style(), _laboratory_script(), json_for_script(laboratory))
    return sum(len(part.encode()) for part in parts)


def data_uri(data: bytes, kind: str) -> str:
    """Bytes as a data: address of this media type, such as image/png."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def fewer_colours(png: bytes) -> bytes:
    """A PNG of a figure with 256 colours: a third of the bytes, hardly a colour off by over 3 of 255."""
    whole = Image.open(io.BytesIO(png)).convert("RGB")
    reduced = whole.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    reduced.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


@cache
def templates() -> jinja2.Environment:
    """The templates of this room, with autoescape: what is put in is text unless it is Markup."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("linesexp.views"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _laboratory_script() -> str:
    return joined_modules(_static_folder() / "laboratory", "main.js")


@cache
def _laboratory_style() -> str:
    files = sorted((_static_folder() / "laboratory").iterdir(), key=lambda file: file.name)
    return "".join(file.read_text(encoding="utf-8") for file in files if file.name.endswith(".css"))


def _static_folder() -> Traversable:
    return resources.files("linesexp.views") / "static"


def _static(name: str) -> str:
    return (_static_folder() / name).read_text(encoding="utf-8")


def _hash_source(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
