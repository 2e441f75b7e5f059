"""Where in this process's memory the GIL's state lies.

Whoever runs Python code to look who holds the GIL finds itself. So the server reads it from outside, where the kernel
permits that, and we tell it where: the state is found in the interpreter's own by what it must hold at this moment.
"""

from __future__ import annotations

import struct
import sys

from pyrometer.agent.memory import Memory
from pyrometer.agent.unpatched import native

_MOST = 4 * 1024 * 1024
"""Bytes of the interpreter's state that are searched; it has half a million."""
_THREAD_STATE = 256
"""Bytes of a thread's state that are searched for its ident."""
_WORD = struct.Struct("=Q")
_HELD = struct.Struct("=QQI")
"""Switch interval in microseconds, the state of the thread that held it last, whether it is held."""

_known: dict[str, int] | None = None


def gil_place() -> dict[str, int] | None:
    """{"holder": address of the pointer to the last holder's state, "ident": offset of its ident in that state}.

    After the pointer comes an `int` that tells whether the GIL is held. None: it was not found, or there is no GIL.
    """
    global _known
    if _known is None:
        try:
            _known = _find()
        except Exception:
            return None
    return _known


def _find() -> dict[str, int] | None:
    """Look for it while this very thread holds it."""
    memory = Memory()
    start, own = memory.symbol("_PyRuntime"), memory.call("PyThreadState_Get")
    state = memory.read(start, min(_MOST, _end_of_mapping(start) - start))
    mark = _HELD.pack(round(sys.getswitchinterval() * 1e6), own, 1)
    at = state.find(mark)
    thread = memory.read(own, _THREAD_STATE)
    ident = thread.find(_WORD.pack(native.get_ident()))
    if at < 0 or ident < 0 or state.find(mark, at + 1) >= 0:
        return None
    return {"holder": start + at + _WORD.size, "ident": ident}


def _end_of_mapping(address: int) -> int:
    """Where the memory ends that an address lies in. Raises OSError, ValueError."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        for line in maps:
            first, _, last = line.partition(" ")[0].partition("-")
            if int(first, 16) <= address < int(last, 16):
                return int(last, 16)
    raise ValueError("the interpreter's state is in no mapping")
