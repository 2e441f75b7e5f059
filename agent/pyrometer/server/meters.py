"""What a process and its threads use of the processor between two moments, as the kernel counts it."""

from __future__ import annotations

import time

from pyrometer.server import kernel


class Meter:
    """What a process and its threads use of the processor between two looks."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._used = kernel.cpu_seconds_of(pid)
        self.before = self.after = kernel.threads_of(pid)
        self.began = time.monotonic()
        self.seconds = 0.0

    def stop(self) -> None:
        """Take the second look."""
        self._used = kernel.cpu_seconds_of(self._pid) - self._used
        self.after = kernel.threads_of(self._pid)
        self.seconds = time.monotonic() - self.began

    def percent(self, own: set[int]) -> float:
        """Of one core, without the threads `own`. What threads that ended used is known to a tick only."""
        used = {
            number: thread.cpu_seconds - (self.before[number].cpu_seconds if number in self.before else 0.0)
            for number, thread in self.after.items()
        }
        ours = sum(seconds for number, seconds in used.items() if number in own)
        theirs = sum(used.values()) - ours
        return 100 * max(0.0, theirs, self._used - ours - kernel.TICK) / self.seconds

    def delay_percent(self, own: set[int]) -> float | None:
        """Time for which threads but for `own` were ready and had no processor, of one core; None: nobody counts it."""
        delayed = [
            thread.delay_seconds - (self.before[number].delay_seconds or 0.0 if number in self.before else 0.0)
            for number, thread in self.after.items()
            if number not in own and thread.delay_seconds is not None
        ]
        return 100 * max(0.0, sum(delayed)) / self.seconds if delayed else None
