"""Where an interpreter keeps its state, as it tells debuggers from 3.14 on: read from outside, without a word to it.

The state begins with a mark and a table of offsets (CPython's `pycore_debug_offsets.h`). It lies in the data of the
program or of its library, which is where it is sought: no file is opened, whatever its name.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from collections.abc import Iterator

_MARK = b"xdebugpy"
_PROGRAM = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ \S+ +\S*/(?:lib)?python3[^/]*$", re.MULTILINE)
_MOST = 32 * 1024 * 1024
"""Bytes of a program's data that are searched; 3.14 has two million."""
_TABLE = struct.Struct("=8sQQ 3Q 16Q 10Q")
"""Mark, version, whether there is no GIL; the offsets of the runtime, of an interpreter, of a thread."""
_IDENT = {(3, 14): 5, (3, 15): 8}
"""Which of a thread's offsets is that of its ident, by version."""
_HEAD, _LOCKED, _HOLDER, _THREAD = 5, 18, 19, 22
"""Numbers in the table: where the first interpreter is, what its GIL says, the first of a thread."""
_WORD = struct.Struct("=Q")
_NOT_READABLE = (OSError, struct.error, ValueError, OverflowError)


def gil_place(pid: int) -> dict[str, int] | None:
    """Where the state of a process's GIL lies, in the words of `agent.gil.gil_place`; None: not known, or not readable.

    From 3.14 on the agent knows it only where the service has ctypes.
    """
    with contextlib.suppress(*_NOT_READABLE):
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _find(memory, pid)
        finally:
            os.close(memory)
    return None


def _find(memory: int, pid: int) -> dict[str, int] | None:
    for first, data in _program_data(memory, pid):
        at = data.find(_MARK)
        while at >= 0:
            place = _place(memory, data[at : at + _TABLE.size], first + at)
            if place is not None:
                return place
            at = data.find(_MARK, at + 1)
    return None


def _program_data(memory: int, pid: int) -> Iterator[tuple[int, bytes]]:
    """The data of the program and of the interpreter's library, with their addresses."""
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
        found = _PROGRAM.findall(maps.read())
    for start, end in found:
        first = int(start, 16)
        yield first, os.pread(memory, min(int(end, 16) - first, _MOST), first)


def _place(memory: int, table: bytes, runtime: int) -> dict[str, int] | None:
    """What a table leads to; None: it is none, or of a version that we do not know, or there is no GIL."""
    fields = _TABLE.unpack(table)
    ident = _IDENT.get((fields[1] >> 24, fields[1] >> 16 & 0xFF))
    if ident is None or fields[2] or fields[_LOCKED] != fields[_HOLDER] + _WORD.size:
        return None
    (interpreter,) = _WORD.unpack(os.pread(memory, _WORD.size, runtime + fields[_HEAD]))
    return {"holder": interpreter + fields[_HOLDER], "ident": fields[_THREAD + ident]}
