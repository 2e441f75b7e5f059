"""Whose code a frame runs, told by its file: the service's own, an installed package's, the standard library's."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PACKAGES = ("/site-packages/", "/dist-packages/")
_DEMO = "/pyrometer/demo/app/"
"""The demo plays a service: its code is one's own wherever it is installed."""
_INSTALLED_SCRIPT = re.compile(r"/bin/[^/.]+$")
_EXECUTED = "<string>"
"""Text that somebody executes: what multiprocessing starts, a dataclass's methods; `python -c` too."""
_NATIVE = re.compile(r"\.(?:so(?:\.\d+)*|c|cc|cpp|pyx|rs)$")
_AGENT = "/pyrometer/agent/"
_STDLIB = re.compile(r"/lib(64)?/python3\.\d+t?/")


def origin_of(file: str, prefixes: Sequence[str] = ()) -> str:
    """SERVICE, LIBRARY, STDLIB, NATIVE or UNSPECIFIED; `prefixes` are the standard library's folders."""
    if _NATIVE.search(file):
        return "NATIVE"
    if any(part in file for part in _PACKAGES):
        return "SERVICE" if _DEMO in file else "LIBRARY"
    if file == _EXECUTED or _INSTALLED_SCRIPT.search(file):
        return "LIBRARY"
    if _STDLIB.search(file) or file.startswith(("<frozen", *(f"{prefix}/" for prefix in prefixes if prefix))):
        return "STDLIB"
    return "SERVICE" if file else "UNSPECIFIED"


def is_agents(file: str) -> bool:
    """Whether it is a file of our agent's: a thread that begins in one is ours, and is left out."""
    return _AGENT in file
