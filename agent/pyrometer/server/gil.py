"""Who holds the GIL between two looks: read from outside, where the agent says that its state lies.

The agent itself can't tell, since it must hold it to look. A reading takes some microseconds and stops nobody; the
kernel permits it where it permits reading from outside at all. What an address holds is taken for a thread only if the
agent knows one of that ident.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pyrometer.server.stacks import ThreadStack

_READINGS = 25
_MOSTLY = 50.0
"""Per cent of the readings from which on a thread is the one that holds it."""
_HOLDER = struct.Struct("=QI")
_WORD = struct.Struct("=Q")
_NOT_READABLE = (OSError, struct.error, KeyError, TypeError, ValueError, OverflowError)
"""It is not permitted, the thread has ended meanwhile, or the place is none."""


class GilWatch:
    """Readings of one process. `place` is what `agent.gil.gil_place` found; without it nothing is read."""

    def __init__(self, pid: int, place: Any) -> None:
        self._pid = pid
        self._place = place if isinstance(place, Mapping) else {}
        self._held: Counter[int] = Counter()
        self._read = 0

    def wait(self, seconds: float) -> None:
        """Let so much time pass, and read meanwhile."""
        end = time.monotonic() + seconds
        with contextlib.suppress(*_NOT_READABLE), self._memory() as memory:
            for left in range(_READINGS, 0, -1):
                time.sleep(max(0.0, end - time.monotonic()) / (left + 1))
                self._read_once(memory)
        time.sleep(max(0.0, end - time.monotonic()))

    def marked(self, threads: tuple[ThreadStack, ...]) -> tuple[ThreadStack, ...]:
        """Threads with how often each was seen to hold the GIL; as they were if nothing could be read."""
        return tuple(self._marked(thread) for thread in threads) if self._read else threads

    def _marked(self, thread: ThreadStack) -> ThreadStack:
        percent = 100 * self._held[thread.ident] / self._read if thread.ident else 0.0
        return replace(thread, holds_gil=percent >= _MOSTLY, gil_percent=percent)

    @contextlib.contextmanager
    def _memory(self) -> Iterator[int]:
        if not self._place:
            raise KeyError("the agent does not say where")
        memory = os.open(f"/proc/{self._pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield memory
        finally:
            os.close(memory)

    def _read_once(self, memory: int) -> None:
        holder, held = _HOLDER.unpack(os.pread(memory, _HOLDER.size, int(self._place["holder"])))
        if held and holder:
            (ident,) = _WORD.unpack(os.pread(memory, _WORD.size, holder + int(self._place["ident"])))
            self._held[ident] += 1
        self._read += 1
