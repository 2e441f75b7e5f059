"""A service of a hundred threads that wait, each some twenty frames deep; one more can spin, and feels every pause.

What the processor was taken away for is no pause of the process: the kernel counts that apart, and it is left out.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import talk

import pyrometer.agent

_NOTICED = 0.0002
"""Seconds: shorter ones are the switching of threads."""
_event = threading.Event()


class Spinner:
    """A thread that does nothing but look at the clock."""

    def __init__(self) -> None:
        self._longest = 0.0
        self._spinning = False
        self._thread = threading.Thread()

    def start(self) -> None:
        """Begin to spin."""
        self._spinning = True
        self._thread = threading.Thread(target=self._spin, name="spinner", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._spinning = False
        self._thread.join()

    def take(self) -> float:
        """Milliseconds of the longest pause since the last time."""
        longest, self._longest = self._longest, 0.0
        return 1000 * longest

    def _spin(self) -> None:
        waited = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        delay = _delay(waited)
        last = time.perf_counter()
        while self._spinning:
            now = time.perf_counter()
            if now - last > _NOTICED:
                before, delay = delay, _delay(waited)
                self._longest = max(self._longest, now - last - (delay - before))
                now = time.perf_counter()
            last = now


def _delay(schedstat: Path) -> float:
    """Seconds that a thread was ready and had no processor."""
    return int(schedstat.read_text().split()[1]) / 1e9


def wait(depth: int) -> None:
    """Wait, so many frames further in."""
    if depth:
        wait(depth - 1)
    else:
        _event.wait()


pyrometer.agent.start(service=sys.argv[1], strict=True)
for number in range(100):
    threading.Thread(target=wait, args=(20,), name=f"worker-{number}", daemon=True).start()
spinner = Spinner()
talk.serve({"spin": spinner.start, "rest": spinner.stop, "pause": spinner.take})
