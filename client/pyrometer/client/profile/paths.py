"""Whose code a file holds, and how to name the file in few characters."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from enum import Enum

_PACKAGES = re.compile(r"^.*/(?:site|dist)-packages/")
_DEMO = "/pyrometer/demo/app/"
"""The demo plays a service: its code is one's own wherever it is installed."""
_STDLIB = re.compile(r"^.*/lib(?:64)?/python3\.\d+t?/")
_NATIVE = re.compile(r"\.(?:so(?:\.\d+)*|c|cc|cpp|pyx|rs)$")
_INSTALLED_SCRIPT = re.compile(r"/bin/[^/.]+$")
_EXECUTED = "<string>"
"""Text that somebody executes: what multiprocessing starts, a dataclass's methods; `python -c` too."""


class Origin(Enum):
    """Whose code it is."""

    SERVICE = "service"
    LIBRARY = "library"
    STDLIB = "stdlib"
    NATIVE = "native"


def origin_of(file: str, prefixes: Sequence[str] = ()) -> Origin:
    """Tell by the path; `prefixes` are folders of the standard library, as the agent named them."""
    if not file or _NATIVE.search(file):
        return Origin.NATIVE
    if _DEMO in file:
        return Origin.SERVICE
    if file == _EXECUTED or _PACKAGES.match(file) or _INSTALLED_SCRIPT.search(file):
        return Origin.LIBRARY
    if file.startswith("<frozen") or _STDLIB.match(file) or any(file.startswith(f"{each}/") for each in prefixes):
        return Origin.STDLIB
    return Origin.SERVICE


def shorten(files: Sequence[tuple[str, Origin]]) -> tuple[str, ...]:
    """Name files by what tells them apart: libraries from their package on, the service's without what all share."""
    own = sorted({file for file, origin in files if origin is Origin.SERVICE and file.startswith("/")})
    common = os.path.commonpath([os.path.dirname(file) for file in own]) if own else ""
    base = os.path.dirname(common).rstrip("/") + "/"
    return tuple(_short(file, origin, base) for file, origin in files)


def _short(file: str, origin: Origin, base: str) -> str:
    if origin is Origin.SERVICE:
        return file.removeprefix(base)
    return _STDLIB.sub("", _PACKAGES.sub("", file))
