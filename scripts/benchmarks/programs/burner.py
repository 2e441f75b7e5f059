"""A service that works as hard as it can in as many threads as are asked for, and counts what it gets done in a file.

Arguments: service, threads, file. The counters are in the file, one a thread, so that whoever reads them need not ask.
"""

from __future__ import annotations

import mmap
import sys
import threading
from pathlib import Path

import talk

import pyrometer.agent

_DEPTH = 18


def piece(number: int) -> int:
    """A piece of work, of some 20 µs."""
    total = 0
    for step in range(200):
        total += step * number & 7
    return total


def descend(depth: int, slot: int) -> None:
    """Work for ever, so many frames further in."""
    if depth:
        descend(depth - 1, slot)
    while True:
        piece(slot)
        counters[slot] += 1


service, threads, path = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
path.write_bytes(bytes(8 * threads))
with path.open("r+b") as file:
    counters = memoryview(mmap.mmap(file.fileno(), 8 * threads)).cast("Q")
pyrometer.agent.start(service=service, strict=True)
for index in range(threads):
    threading.Thread(target=descend, args=(_DEPTH, index), name=f"worker-{index}", daemon=True).start()
talk.serve({})
