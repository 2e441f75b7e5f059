"""The callback of all trampolines of 3.11: one object for as long as any exception is watched.

It is a constant in every function of the scope, so it stays the same while points come and go.
"""

from __future__ import annotations

from sys import _getframe as getframe

from pyrometer.agent.engines.callbacks import is_own
from pyrometer.agent.engines.raises import ExceptionWatch
from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from pyrometer.agent.engines import ExceptionPoint
    from pyrometer.agent.engines.switches import Guard
    from pyrometer.agent.engines.trail import Trail


class TableCallback(ExceptionWatch):
    """Called with each exception in each frame of the scope that it comes to, while `guard` is on."""

    def __init__(self, points: Sequence[ExceptionPoint], guard: Guard, fates: Trail) -> None:
        super().__init__(points)
        self.guard = guard
        self._fates = fates
        self.meter = points[0].meter
        self._last = fates.last
        self.function = self._build()
        self.again = self._build_again()
        """Called with those that a function raises again: they are no hits, but may be followed."""

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
        fates = self._fates.fates  # the one dictionary that it has for good

        def on_exception(exc: BaseException) -> None:
            try:
                left = meter.left
                if left > 1:
                    meter.left = left - 1
                    kind = type(exc)
                    if kind is last[0]:
                        return
                    if fates:
                        self._notice(exc, getframe(1))
                    if id(kind) not in others:
                        look(exc)
                    elif not fates:
                        last[0] = kind
                else:
                    if fates:
                        self._notice(exc, getframe(1))
                    use_up(exc, left)
            except RecursionError:  # no room for our frames here: a frame further out looks at it
                self.missed = id(exc)

        return on_exception

    def rest(self) -> None:
        """Nothing is followed any more: switch off what was left on for that."""
        if self.meter.left <= 0:
            self._switch_off()

    def _build_again(self) -> Callable[[BaseException], None]:
        fates = self._fates.fates

        def on_exception_again(exc: BaseException) -> None:
            try:
                if fates:
                    self._notice(exc, getframe(1))
            except RecursionError:
                pass

        return on_exception_again

    def _notice(self, exc: BaseException, frame: FrameType) -> None:
        """While exceptions are followed: say that one came to a function."""
        try:
            self._fates.notice(exc, frame)
        except RecursionError:
            raise
        except BaseException as error:
            if not is_own(error):
                raise

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
            if meter.left <= 0 and not self._fates.fates:  # what is followed is to be seen on
                self._switch_off()
            elif left == 1:  # another thread may have found it used up meanwhile, and switched off
                self.guard.turn(on=True)

    def _switch_off(self) -> None:
        """Off, unless there is a reason to be on by then: whoever gives one switches on, before this or after."""
        self.guard.turn(on=False)
        if self.meter.left > 0 or self._fates.fates:
            self.guard.turn(on=True)
