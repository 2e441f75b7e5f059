"""Calls that are being timed: when each began, how long it was suspended, and what is made of its end.

A call is told from all others by its frame's identity: so recursion, threads, tasks and greenlets take care of
themselves. Frames are not held, and what is noted of one goes with its end, of which every way is seen: what was noted
while any of them is not is dropped.

Each event takes one off the meter, since each costs about the same. Once that is at 0 no further call is followed;
those that are open are followed to their ends, for as long as that is not dear itself.
"""

from __future__ import annotations

from pyrometer.agent.engines.callbacks import build, excused, fire_once, is_own
from pyrometer.agent.engines.owners import Owner, owner_finder
from pyrometer.agent.unpatched import native
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType
    from typing import Any

    from pyrometer.agent.engines import CallPoint
    from pyrometer.agent.engines.callbacks import Source

    Bind = Callable[[tuple[str, ...], CodeType, str, str], Source]

SUSPENDABLE = 0x20 | 0x80 | 0x200
"""Flags of the code of generators, coroutines and asynchronous generators."""
MAX_OPEN = 10_000
"""Calls of one function that are followed from one allowance to the next."""
MAX_TRAIL = 50_000
"""Events that are seen, after an allowance, for the sake of calls that are open: some milliseconds of work. Those that
are still open then are given up."""
_BILL = 1024
"""Events of a trail that are paid for together."""
_OUR_NAMES = ("ret", "exc", "elapsed")

_clock = native.perf_counter


class CallEnd(NamedTuple):
    """How a call ended."""

    returned: object
    """None where an exception left it."""
    exception: BaseException | None
    elapsed: float
    """Seconds inside it."""
    suspended: float | None
    """Seconds for which it was suspended; None: it never was."""
    parameters: Sequence[tuple[str, bool]]
    """Names of what it was given, each with whether its variable still holds that."""
    withheld: bool
    """Whether what it returned is withheld, as the function's name says that it is secret."""


class _Open:
    """A call that has begun."""

    __slots__ = ("began", "owner", "since", "suspended")

    def __init__(self) -> None:
        self.began = 0.0
        self.suspended: float | None = None
        self.since = 0.0
        """When it was suspended; 0: it is not."""
        self.owner: Owner | None = None
        """Whose frame it is, where that must be asked whether it has ended."""


class Follower:
    """Times the calls of one code object for one probe, whatever engine tells it of their events.

    What an event's method answers is whether more events of its kind are wanted; False: only when the governor says so,
    and the decision is the last thing that is done, without a step in which the interpreter would switch threads.
    """

    __slots__ = (
        *("_accepts", "_ended", "_is_deaf", "_meter", "_open", "_owe", "_owner_of", "_trail"),
        *("code", "given_up", "probe_id", "tally"),
    )

    def __init__(self, point: CallPoint, bind: Bind) -> None:
        self.code = point.code
        self.tally = point.tally
        self.probe_id = point.probe_id
        self.given_up = 0
        """Calls that were dropped before their end."""
        self._meter = point.meter
        self._owe = point.owe
        self._open: dict[int, Any] = {}
        self._ended = _end_function(point, bind)
        self._trail = MAX_TRAIL
        self._accepts = True
        self._is_deaf = False
        self._owner_of = owner_finder() if point.code.co_flags & SUSPENDABLE else None

    def begin(self, frame: FrameType) -> bool:
        """A call begins. False: calls that begin are not looked at."""
        meter = self._meter
        left = meter.left
        if left > 0 and self._accepts:
            call = _Open()
            self._open[id(frame)] = call
            if left > 1:
                meter.left = left - 1
            else:
                self._use_up(_clock())
            call.began = _clock()
        return meter.deciding or meter.left > 0

    def end(self, frame: FrameType, returned: object, exc: BaseException | None) -> bool:
        """A call ends: by a return, or by an exception, which is then not None."""
        now = _clock()
        call = self._open.pop(id(frame), None)
        if call is not None and (call.owner is None or call.owner.has(frame)):
            suspended = call.suspended
            if call.since:  # the exception was thrown into it where it was suspended
                suspended = (suspended or 0.0) + now - call.since
            elapsed = now - call.began - (suspended or 0.0)
            self._ended(frame, returned, exc, elapsed, suspended)
        return self._count(now)

    def suspend(self, frame: FrameType) -> bool:
        """A call yields, or waits for what it awaits."""
        now = _clock()
        call = self._open.get(id(frame))
        if call is not None:
            if self._owner_of is not None and (call.owner is None or not call.owner.has(frame)):
                self._note_owner(frame, call)
            call.since = now
        return self._count(now)

    def resume(self, frame: FrameType) -> bool:
        """A call goes on, perhaps with an exception that is thrown into it. It may be told several times."""
        now = _clock()
        call = self._open.get(id(frame))
        if call is not None and call.since:
            call.suspended = (call.suspended or 0.0) + now - call.since
            call.since = 0.0
        return self._count(now)

    def pass_by(self) -> None:
        """An event that has nothing to do with these calls took our time all the same."""
        self._count(_clock())

    def _note_owner(self, frame: FrameType, call: _Open) -> None:
        """Hear of the end of the generator that a call is in, which may be no event."""
        assert self._owner_of is not None
        key, calls = id(frame), self._open
        if call.owner is not None:  # it ended unseen, and this is another call, which was not followed
            del calls[key]
            return

        def gone(_: object) -> None:
            if calls.get(key) is call:
                del calls[key]

        call.owner = Owner(self._owner_of(frame), gone)

    def begin_anew(self, renew: Callable[[], None]) -> None:
        """Be told again of all events, which `renew` sees to: what was open while some were not told is dropped."""
        if self._is_deaf:
            self._accepts = False
            renew()
            self._is_deaf = False
            self._drop()
            self._accepts = True

    @property
    def accepts(self) -> bool:
        """Whether calls that begin are looked at."""
        return self._meter.left > 0

    @property
    def busy(self) -> bool:
        """Whether any event matters at the moment."""
        return self._meter.left > 0 or bool(self._open)

    def open_calls(self, now: float) -> tuple[int, float]:
        """How many calls are open, and for how long the first of them is."""
        for key, call in list(self._open.items()):
            if call.owner is not None and call.owner.is_over and self._open.get(key) is call:
                del self._open[key]
        began = [call.began for call in list(self._open.values()) if call.began]
        return len(began), now - min(began, default=now)

    def retire(self) -> None:
        """Be over: a thread may be on its way into it, and frames may keep it for long."""
        self._ended = _ignore
        self._owe = _ignore
        self._open = {}

    def _count(self, began: float) -> bool:
        meter = self._meter
        left = meter.left
        if left > 1:
            meter.left = left - 1
        elif left == 1:
            self._use_up(began)
        elif self._open:
            self._follow_on()
        if meter.deciding or meter.left > 0 or self._open:
            return True
        self._is_deaf = True
        return False

    def _use_up(self, began: float) -> None:
        """The last event of an allowance: it is timed. The governor may have given more when this returns."""
        self._meter.deciding = True
        self._meter.left = 0
        self._trail = MAX_TRAIL
        if len(self._open) > MAX_OPEN:
            self._drop()
        self._meter.decide(_clock() - began)

    def _follow_on(self) -> None:
        """An event after the allowance: it is paid for later, and there is an end to it."""
        self._trail -= 1
        if not self._trail % _BILL:
            self._owe(_BILL)
        if self._trail <= 0:
            self._drop()

    def _drop(self) -> None:
        self.given_up += len(self._open)
        self._open.clear()


class PlainFollower(Follower):
    """One for functions that are never suspended: of a call it notes when it began, and is quicker."""

    __slots__ = ()

    def begin(self, frame: FrameType) -> bool:
        """A call begins."""
        meter = self._meter
        left = meter.left
        if left > 1:
            if self._accepts:
                meter.left = left - 1
                self._open[id(frame)] = _clock()
            return True
        if left == 1 and self._accepts:
            return self._begin_last(frame)
        return left == 1 or meter.deciding or meter.left > 0

    def end(self, frame: FrameType, returned: object, exc: BaseException | None) -> bool:
        """A call ends."""
        now = _clock()
        began = self._open.pop(id(frame), None)
        if began is not None:
            self._ended(frame, returned, exc, now - began, None)
        meter = self._meter
        left = meter.left
        if left > 1:
            meter.left = left - 1
            return True
        return self._count(now)

    def open_calls(self, now: float) -> tuple[int, float]:
        """How many calls are open, and for how long the first of them is."""
        began = list(self._open.values())
        return len(began), now - min(began, default=now)

    def _begin_last(self, frame: FrameType) -> bool:
        self._use_up(_clock())
        self._open[id(frame)] = _clock()
        return self._meter.left > 0


def follower_of(point: CallPoint, bind: Bind) -> Follower:
    """The one for such functions."""
    return (Follower if point.code.co_flags & SUSPENDABLE else PlainFollower)(point, bind)


def _end_function(point: CallPoint, bind: Bind) -> Callable[..., None]:
    """What looks at a call that has ended: count, test, hit."""
    condition = point.condition
    names = condition.names if condition is not None else ()
    lines = [f"v_{name} = {name}" for name in _OUR_NAMES if name in names]
    if "ret" in names:
        lines.append("if exc is not None or withheld: del v_ret")
    binding = bind(tuple(name for name in names if name not in _OUR_NAMES), point.code, "frame", "0")
    bound = "frame0" if binding.lines else "frame"
    lines += [
        *binding.lines,
        f"if {condition.source if condition is not None else True}:",
        f"    fire(tally, hit, {bound}, CallEnd(ret, exc, elapsed, suspended, parameters, withheld))",
    ]
    source = [
        "tally.seen += 1",
        "try:",
        *(f"    {line}" for line in lines),
        "except (KeyboardInterrupt, SystemExit): raise",
        "except BaseException as error:",
        "    if not excused(tally, error, quietly=reads_exc if exc is None else reads_ret): raise",
    ]
    namespace: dict[str, Any] = {
        "tally": point.tally,
        "hit": point.hit,
        "fire": fire_once,
        "excused": _excused,
        "CallEnd": CallEnd,
        "withheld": point.withheld,
        "parameters": point.parameters,
        "reads_ret": "ret" in names,
        "reads_exc": "exc" in names,
        **binding.namespace,
        **(condition.namespace if condition is not None else {}),
    }
    return build("at_end", ("frame", "ret", "exc", "elapsed", "suspended"), source, namespace)


def _excused(tally: Any, error: BaseException, *, quietly: bool) -> bool:
    """Count an error of ours, but for one that asks the exception of a call that returned, or the reverse: false."""
    return is_own(error) if quietly else excused(tally, error)


def _ignore(*_: object) -> None:
    return None
