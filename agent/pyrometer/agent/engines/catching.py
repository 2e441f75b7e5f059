"""The callback of all trampolines of 3.11: one object for as long as any exception is watched.

It is a constant in every function of the scope, so it stays the same while points come and go.
"""

from __future__ import annotations

from pyrometer.agent.engines.raises import ExceptionWatch
from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyrometer.agent.engines import ExceptionPoint
    from pyrometer.agent.engines.switches import Guard


class TableCallback(ExceptionWatch):
    """Called with each exception in each frame of the scope that it comes to, while `guard` is on."""

    def __init__(self, points: Sequence[ExceptionPoint], guard: Guard) -> None:
        super().__init__(points)
        self.guard = guard
        self.meter = points[0].meter
        self._last: list[type | None] = [None]
        """The type of the latest exception that is nobody's: one comes by again in each frame that it passes."""
        self.function = self._build()

    def change(self, points: Sequence[ExceptionPoint]) -> None:
        """Serve other points, of the same meter."""
        if self.points != list(points):
            self.points = list(points)
            self._forget()

    def retire(self) -> None:
        """Switch it off for good."""
        self.guard.turn(on=False)
        super().retire()

    def _forget(self) -> None:
        super()._forget()
        self._last[0] = None

    def _build(self) -> Callable[[BaseException], None]:
        meter, others, last, look, use_up = self.meter, self._others, self._last, self._look, self._use_up

        def on_exception(exc: BaseException) -> None:
            try:
                left = meter.left
                if left > 1:
                    meter.left = left - 1
                    kind = type(exc)
                    if kind is last[0]:
                        return
                    if id(kind) in others:
                        last[0] = kind
                    else:
                        look(exc)
                else:
                    use_up(exc, left)
            except RecursionError:  # no room for our frames here: a frame further out looks at it
                self.missed = id(exc)

        return on_exception

    def _use_up(self, exc: BaseException, left: int) -> None:
        """The last event of an allowance: it is timed. Then all is off, unless the governor has given more."""
        meter, began = self.meter, native.perf_counter()
        try:
            if left == 1:
                meter.left = 0
                if id(type(exc)) not in self._others:
                    self._look(exc)
        finally:
            if left == 1:
                meter.spent(native.perf_counter() - began)
            if meter.left <= 0:
                self.guard.turn(on=False)
                self.guard.turn(on=meter.left > 0)
