"""Pythons that are not CPython, told by their programs and libraries."""

from __future__ import annotations

import os
import re

from pyrometer.server import kernel

_PROGRAMS = {
    "pypy": "PyPy",
    "graalpy": "GraalPy",
    "graalpython": "GraalPy",
    "micropython": "MicroPython",
    "jython": "Jython",
    "ipy": "IronPython",
}
_PROGRAM = re.compile(r"([a-z]+)[0-9.]*(?:-c|\.exe)?")
_LIBRARY = re.compile(r"/lib(pypy|graalpy|pythonvm)[^/]*$")


def other_implementation(pid: int) -> str:
    """The name of a Python that neither the agent nor py-spy can be in; empty: it is none that we know."""
    match = _PROGRAM.fullmatch(os.path.basename(kernel.program_of(pid)))
    if match and match[1] in _PROGRAMS:
        return _PROGRAMS[match[1]]
    try:
        with open(f"/proc/{pid}/maps", errors="replace") as file:
            found = (_LIBRARY.search(line.rstrip()) for line in file)
            library = next((match[1] for match in found if match), "")
    except OSError:
        return ""
    return {"pypy": "PyPy", "graalpy": "GraalPy", "pythonvm": "GraalPy"}.get(library, "")
