"""Pages that need nothing outside themselves: their policy, their theme, and the data that stands in them.

A page is made of a template and files beside it; what all pages share is here. Its policy lets it load nothing, and run
nothing but its own script. Data is JSON in which `<` is escaped, and reaches the page as text, never as markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib import resources
from typing import Any

MARK = b'<meta name="generator" content="pyrometer">'
"""In the head of each of our pages."""
_HEAD = 4096
_SHARED = {"@HEAD@": "head.html", "@MARK@": "mark.svg", "@THEME@": "theme.html"}
"""What is the same on each page, by where it goes."""
_SCRIPT_HOSTILE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def build(template: str, *, title: str, style: str, script: str, data: Any, **parts: str) -> str:
    """Put a page together; `parts` are markup, for places of the template that have their names in capitals."""
    style = part(__name__, "theme.css") + style
    for name, file in _SHARED.items():
        template = template.replace(name, part(__name__, file).strip())
    places = {
        "TITLE": html.escape(title),
        "POLICY": _policy(style, script),
        "STYLE": style,
        "SCRIPT": script,
        "DATA": _json(data),
        **{name.upper(): markup for name, markup in parts.items()},
    }
    return re.sub(r"@([A-Z]+)@", lambda found: places[found[1]], template)


def part(package: str, name: str, folder: str = "") -> str:
    """Read a file of a package."""
    place = resources.files(package)
    return (place / folder / name if folder else place / name).read_text(encoding="utf-8")


def data_of(page: str, name: str) -> Any:
    """The data in a page, by the id of its element.

    Raises:
        ValueError: there is none in it, or it is broken.
    """
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    if not found:
        raise ValueError("a page without data")
    return json.loads(found[1])


def is_page(data: bytes) -> bool:
    """Whether it is a page, ours or another's, and not packed."""
    return data[:_HEAD].lstrip().lower().startswith((b"<!doctype", b"<html"))


def is_ours(page: bytes) -> bool:
    """Whether a page is one of ours: another is the browser's business."""
    return MARK in page[:_HEAD]


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _json(data: Any) -> str:
    """JSON that can stand in a script element: nothing in it ends that, or begins a comment."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    for sign, spelled in _SCRIPT_HOSTILE.items():
        text = text.replace(sign, spelled)
    return text
