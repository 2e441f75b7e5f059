"""An engine that arms nothing, and remembers what it was asked for."""

from __future__ import annotations

from typing import Any

from pyrometer.agent.engines import Placement
from pyrometer.agent.engines.fates import Fates
from pyrometer.link.errors import EngineUnavailable


class FakeEngine:
    """Remembers what it was asked for; `fire` is an event."""

    name = "fake"

    def __init__(self) -> None:
        self.fates = Fates()
        self.lines: list[Any] = []
        self.exceptions: list[Any] = []
        self.ours = True
        self.error = ""
        self.unavailable = ""
        self.paused: list[tuple[str, bool]] = []

    def arrange(self, lines: Any, exceptions: Any, calls: Any = ()) -> list[Placement]:
        if self.unavailable and (lines or exceptions or calls):
            raise EngineUnavailable(self.unavailable)
        self.lines, self.exceptions = list(lines), list(exceptions)
        return [Placement(point.probe_id, error=self.error, note="a note") for point in (*lines, *exceptions)]

    def open_calls(self, _probe_id: str, _now: float) -> tuple[int, float]:
        return 0, 0.0

    def pause(self, probe_id: str, *, paused: bool) -> None:
        self.paused.append((probe_id, paused))

    def leave(self) -> None:
        self.lines, self.exceptions = [], []

    def owned(self) -> bool:
        return self.ours
