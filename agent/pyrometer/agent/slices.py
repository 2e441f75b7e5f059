"""Work in slices: who looks through much lets the service's threads run every other millisecond."""

from __future__ import annotations

from pyrometer.agent.unpatched import native

_SLICE = 0.002
_PAUSE = 0.0002
_PATIENCE = 3
_STEPS = 127
"""Steps between two looks at the clock; one less than a power of two."""


class Slices:
    """Counts the steps of one piece of work, and makes the pauses. For a thread of the agent's."""

    def __init__(self, seconds: float | None = None) -> None:
        """Begin.

        Args:
            seconds: CPU time that it all may take, and, on the clock, three times that: others may want the processor
                too. None: it is bounded otherwise.
        """
        self._steps = 0
        now = native.perf_counter()
        self._until = now + _SLICE
        self._end = None if seconds is None else (native.thread_time() + seconds, now + _PATIENCE * seconds)
        self.over = False
        """Whether the time is used up."""

    def breathe(self) -> None:
        """Count a step; let others run if it is time to."""
        self._steps += 1
        if not self._steps & _STEPS:
            self.look()

    def look(self) -> None:
        """Look at the clock, after a step that may have been a long one."""
        now = native.perf_counter()
        if now > self._until:
            native.sleep(_PAUSE)
            self._until = native.perf_counter() + _SLICE
        if self._end is not None and (native.thread_time() > self._end[0] or now > self._end[1]):
            self.over = True
