"""Probe engines: two ways to be called at a line or an exception, behind one interface.

The registry (`pyrometer.agent.probes`) says what is to be armed as a whole; an engine makes the interpreter match
that, by whatever difference there is. So arming, disarming, a reload and a lost watcher are the same call, and there is
no order to get wrong.
"""

from __future__ import annotations

import sys

from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType, FunctionType
    from typing import Protocol

    from pyrometer.agent.engines.fates import Fates
    from pyrometer.agent.engines.following import CallEnd
    from pyrometer.agent.expressions import Expression
else:
    Protocol = object


class Tally:
    """Counters of one probe, written by the service's threads without a lock.

    Each increment costs a tenth of a condition's bar, so that what can be derived is not counted: the events of lines
    are what their meter gave out. On interpreters with a GIL no thread switch comes between reading and writing.
    """

    __slots__ = ("_failed_at", "_meter", "errors", "fired", "in_a_row", "last_error", "seen")

    def __init__(self) -> None:
        self.seen = 0
        """Exceptions that were looked at; of lines the meter knows."""
        self.fired = 0
        """Events whose condition was true: counted by the engine for lines, by the hit for exceptions."""
        self.errors = 0
        self.in_a_row = 0
        """Errors of the latest events, with none between them that went well."""
        self.last_error = ""
        self._failed_at = 0
        self._meter: Meter | None = None

    def follow(self, meter: Meter) -> None:
        """Take the events of this meter for those that were reached."""
        self._meter = meter

    @property
    def reached(self) -> int:
        """Events that were looked at."""
        return self.seen if self._meter is None else self._meter.used

    @property
    def condition_false(self) -> int:
        """Events that did not fire, errors apart."""
        return max(0, self.reached - self.fired - self.errors)

    def failed(self, why: str) -> None:
        """Count an error of the latest event."""
        reached = self.reached
        self.in_a_row = self.in_a_row + 1 if reached <= self._failed_at + 1 else 1
        self._failed_at = reached
        self.errors += 1
        self.last_error = why


class Meter:
    """Countdown of the events that a probe may still look at before the governor is asked: its duty cycle.

    An engine looks at an event only while `left` is over 0, and takes 1 off for each. The event that brings it to 0 is
    timed (two readings of the clock), and `spent(seconds)` is called after it, in the service's thread: it may have
    raised `left` again when it returns. While `left` is 0 the engine switches the point off by itself, in the quickest
    way that it has, and leaves it off until `Engine.pause(probe_id, paused=False)`. All exception points of an
    arrangement share one meter, since they share one callback.
    """

    __slots__ = ("_given", "deciding", "left", "spent")

    def __init__(self, left: int = 1 << 29, spent: Callable[[float], None] | None = None) -> None:
        self.left = self._given = left  # numbers beyond 2^30 would make the countdown slower
        self.spent = spent or self._unlimited
        self.deciding = False
        """Whether a thread has used it up and is about to know whether there is more: until then nobody switches off.

        It is set before `left` is 0, and read before `left` is: who switches off where more has come does so for good.
        """

    @property
    def used(self) -> int:
        """Events that were looked at."""
        return self._given - max(self.left, 0)

    def give(self, left: int) -> None:
        """Set what is left."""
        self._given += left - max(self.left, 0)
        self.left = left
        self.deciding = False

    def decide(self, seconds: float) -> None:
        """Ask for more, after an event that took so long; `deciding` was set, and then `left` to 0, before the event.

        That is no call, for which there may be no room at the recursion limit. Where there is none for this one either,
        what the governor gives later says that nobody decides.
        """
        try:
            self.spent(seconds)
        finally:
            self.deciding = False

    def _unlimited(self, _seconds: float) -> None:
        """Where no governor is at work, go on."""
        self.give(1 << 29)


class LinePoint(NamedTuple):
    """Call `hit` before `line` of `code` runs, where `condition` holds."""

    code: CodeType
    line: int
    probe_id: str
    condition: Expression | None
    hit: Callable[[FrameType], None]
    """Called in the service's thread with the frame; never raises but for a signal's exception."""
    tally: Tally
    meter: Meter


class ExceptionPoint(NamedTuple):
    """Call `hit` when an exception that `matches` is first seen in a frame of the scope.

    The condition of an exception probe is evaluated by `hit`, which knows the exception.
    """

    probe_id: str
    matches: Callable[[BaseException], bool]
    """Runs none of the service's code; its answer may be remembered for the exact type."""
    in_scope: Callable[[CodeType, FrameType], bool]
    functions: Sequence[FunctionType]
    """The functions of the scope that are loaded now: what `bytecode` rewrites."""
    hit: Callable[[FrameType, BaseException], None]
    tally: Tally
    meter: Meter


class CallPoint(NamedTuple):
    """Call `hit` when a call of `code` ends, where `condition` holds, which may ask for `ret`, `exc` and `elapsed` too.

    Calls that began before it was armed are none of its.
    """

    code: CodeType
    probe_id: str
    condition: Expression | None
    hit: Callable[[FrameType, CallEnd], None]
    """Called in the service's thread with the frame at its end; never raises but for a signal's exception."""
    tally: Tally
    meter: Meter
    """Counts events: where a call begins, ends, is suspended, goes on."""
    owe: Callable[[int], None]
    """Told how many events came beside those of the meter."""
    parameters: Sequence[tuple[str, bool]] = ()
    """For `CallEnd`."""
    withheld: bool = False
    """Whether what it returns is kept from conditions, as its name says that it is secret."""


class Placement(NamedTuple):
    """What came of an arrangement, for one probe."""

    probe_id: str
    error: str = ""
    """Why it is not in place; empty: it is."""
    note: str = ""
    """What the user should know: "frames that already run are not seen"."""


class Engine(Protocol):
    """Makes the interpreter call points. One per process; used under the registry's lock."""

    name: str

    @property
    def fates(self) -> Fates:
        """Follows the exceptions of hits."""

    def arrange(
        self, lines: Sequence[LinePoint], exceptions: Sequence[ExceptionPoint], calls: Sequence[CallPoint] = ()
    ) -> list[Placement]:
        """Make exactly these points live: all others are disarmed.

        Raises:
            EngineUnavailable: nothing can be armed in this process at the moment.
        """

    def pause(self, probe_id: str, *, paused: bool) -> None:
        """Switch a probe's events off or on again, quickly and in any thread: the governor's duty cycle.

        Off is what the engine does by itself where the meter is at 0; on comes after the meter was refilled.
        """

    def open_calls(self, probe_id: str, now: float) -> tuple[int, float]:
        """How many calls that a probe watches have begun and not ended, and for how many seconds the first of them."""

    def leave(self) -> None:
        """Hold nothing of the service's any more, at once: the process ends."""

    def owned(self) -> bool:
        """Whether the engine still has what it took (its tool id): asked once a second while something is armed."""


def choose() -> Engine:
    """The engine for this interpreter.

    Raises:
        EngineUnavailable: the interpreter has neither `sys.monitoring` nor 3.11's bytecode.
    """
    if sys.version_info >= (3, 12):
        from pyrometer.agent.engines.monitoring import MonitoringEngine

        return MonitoringEngine()
    from pyrometer.agent.engines.bytecode import BytecodeEngine

    return BytecodeEngine()
