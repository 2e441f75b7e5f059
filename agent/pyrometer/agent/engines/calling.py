"""The events of calls on 3.12 and later: where one begins, is suspended, goes on, and how it ends.

Begin and end of a call, and its suspensions, are events of the functions concerned. That an exception leaves a frame,
or is thrown into one, is told of all code or none: so that is on while any call is watched, and costs each frame that
an exception passes a tenth of a microsecond.
"""

from __future__ import annotations

import sys

from pyrometer.agent.engines.bindings import fast_binding
from pyrometer.agent.engines.callbacks import excused
from pyrometer.agent.engines.events import frame_of_event
from pyrometer.agent.engines.following import SUSPENDABLE, follower_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from types import CodeType
    from typing import Any

    from pyrometer.agent.engines import CallPoint
    from pyrometer.agent.engines.events import Monitoring, ToolEvents
    from pyrometer.agent.engines.following import Follower

    Callback = Callable[..., object]

CALLS_NOTE = "calls that began before it was armed are not timed"
_BEGINS, _ENDS = "begins", "ends"
"""Names of the parts that share the tool id (`engines.events`): one is set anew without a gap in the other."""


class CallEvents:
    """Has followers told of the events of their calls."""

    def __init__(self, monitoring: Monitoring) -> None:
        events = monitoring.events
        self._disable = monitoring.DISABLE
        self._start, self._unwind, self._throw = events.PY_START, events.PY_UNWIND, events.PY_THROW
        self._return, self._yield, self._resume = events.PY_RETURN, events.PY_YIELD, events.PY_RESUME
        self._followers: dict[tuple[int, int], Follower] = {}
        """By code object and probe: a point may be made anew for the same calls."""
        self._codes: dict[int, CodeType] = {}
        self._callbacks: _Callbacks | None = None

    def arrange(self, events: ToolEvents, points: Sequence[CallPoint], shared: Container[int]) -> None:
        """Make exactly these points live.

        Args:
            shared: ids of code objects of which other parts need the start: it is not switched off there.
        """
        if not points and not self._followers:
            return
        before = self._followers
        keyed = {(id(point.code), id(point.tally)): point for point in points}
        self._followers = {key: before.get(key) or follower_of(point, fast_binding) for key, point in keyed.items()}
        self._listen(events, _Callbacks(list(self._followers.values()), shared, self._disable) if points else None)
        codes, self._codes = self._codes, {id(point.code): point.code for point in points}
        for key, code in self._codes.items():
            if key not in codes:  # its ends come before its begins: none is missed of a call that is seen to begin
                events.within(_ENDS, code, self._ends_of(code))
                events.within(_BEGINS, code, self._start)
        for key, code in codes.items():
            if key not in self._codes:
                events.within(_BEGINS, code, 0)
                events.within(_ENDS, code, 0)
        for known, follower in before.items():
            if known not in self._followers:
                follower.retire()
        for known, follower in self._followers.items():
            if known not in before:
                self._renew(events, follower)

    def pause(self, events: ToolEvents, probe_id: str, *, paused: bool) -> None:
        """Switch a probe's calls off or on again; those that are open are followed to their ends."""
        concerned = [each for each in self._followers.values() if each.probe_id == probe_id]
        if not concerned:
            return
        if not paused:
            self._listen_to_exceptions(events, self._callbacks)
            for follower in concerned:
                self._renew(events, follower)
        elif not any(each.busy for each in self._followers.values()):
            self._listen_to_exceptions(events, None)

    def open_calls(self, probe_id: str, now: float) -> tuple[int, float]:
        """How many calls that a probe watches are open, and for how many seconds the first of them is."""
        found = [each.open_calls(now) for each in self._followers.values() if each.probe_id == probe_id]
        return sum(number for number, _ in found), max((age for _, age in found), default=0.0)

    def retire(self) -> None:
        """Forget all: the tool id is given back, or lost."""
        if self._callbacks is not None:
            self._callbacks.bury()
        for follower in self._followers.values():
            follower.retire()
        self._followers, self._codes, self._callbacks = {}, {}, None

    def _renew(self, events: ToolEvents, follower: Follower) -> None:
        """Have a follower told of everything again: what was switched off may concern others on the same code, too."""
        code = follower.code
        for each in self._followers.values():
            if each.code is code:
                each.begin_anew(lambda: events.renew(_ENDS, code))
        events.renew(_BEGINS, code)

    def _ends_of(self, code: CodeType) -> int:
        suspensions = self._yield | self._resume
        return self._return | (suspensions if code.co_flags & SUSPENDABLE else 0)

    def _listen(self, events: ToolEvents, callbacks: _Callbacks | None) -> None:
        """Have these callbacks called, instead of those before."""
        for part, event, name in (
            (_BEGINS, self._start, "on_start"),
            (_ENDS, self._return, "on_return"),
            (_ENDS, self._yield, "on_yield"),
            (_ENDS, self._resume, "on_resume"),
        ):
            events.listen(part, event, getattr(callbacks, name, None))
        self._listen_to_exceptions(events, callbacks)
        suspendable = callbacks is not None and callbacks.suspendable
        events.everywhere(_ENDS, (self._unwind if callbacks else 0) | (self._throw if suspendable else 0))
        if self._callbacks is not None:
            self._callbacks.bury()
        self._callbacks = callbacks

    def _listen_to_exceptions(self, events: ToolEvents, callbacks: _Callbacks | None) -> None:
        events.listen(_ENDS, self._unwind, getattr(callbacks, "on_unwind", None))
        events.listen(_ENDS, self._throw, getattr(callbacks, "on_throw", None))


class _Callbacks:
    """The callbacks of one arrangement. They never raise but for a signal's exception.

    The decision to answer DISABLE is the last thing that is done, with no step between it and the return in which the
    interpreter would switch threads: else the governor could have switched the event on meanwhile, and it would be off
    for good. So it is not taken where several followers or parts are concerned.
    """

    def __init__(self, followers: Sequence[Follower], shared: Container[int], disable: object) -> None:
        self.suspendable = any(follower.code.co_flags & SUSPENDABLE for follower in followers)
        grouped: dict[int, list[Follower]] = {}
        for follower in followers:
            grouped.setdefault(id(follower.code), []).append(follower)
        self._grouped = grouped
        self._alone = {key: group[0] for key, group in grouped.items() if len(group) == 1}
        self._free = {key: follower for key, follower in self._alone.items() if key not in shared}
        self._off: list[object] = [disable]
        self.on_start = self._build_start()
        self.on_return = self._build_return()
        self.on_yield = self._build_suspension("suspend")
        self.on_resume = self._build_suspension("resume")
        self.on_unwind, self.on_throw = self._build_unwind(followers[0]), self._build_throw()

    def bury(self) -> None:
        """Make tombstones of them, which answer None: others are in their place."""
        self._off[0] = None

    def _build_start(self) -> Callback:
        free, grouped, off, getframe = self._free, self._grouped, self._off, sys._getframe

        def on_start(code: CodeType, _offset: int) -> object:
            follower = free.get(id(code))
            if follower is None:
                for each in grouped.get(id(code), ()):
                    _tell(each, each.begin, getframe(1))
                return None
            try:
                return None if follower.begin(getframe(1)) else off[0]
            except BaseException as error:
                if not excused(follower.tally, error):
                    raise
                return None

        return on_start

    def _build_return(self) -> Callback:
        alone, grouped, off, getframe = self._alone, self._grouped, self._off, sys._getframe

        def on_return(code: CodeType, _offset: int, returned: object) -> object:
            follower = alone.get(id(code))
            if follower is None:
                for each in grouped.get(id(code), ()):
                    _tell(each, each.end, getframe(1), returned, None)
                return None
            try:
                return None if follower.end(getframe(1), returned, None) else off[0]
            except BaseException as error:
                if not excused(follower.tally, error):
                    raise
                return None

        return on_return

    def _build_suspension(self, name: str) -> Callback:
        """For a yield, or for going on after one."""
        grouped, off, getframe = self._grouped, self._off, sys._getframe
        methods = {key: (follower, getattr(follower, name)) for key, follower in self._alone.items()}

        def on_suspension(code: CodeType, _offset: int, _value: object = None) -> object:
            found = methods.get(id(code))
            if found is None:
                for each in grouped.get(id(code), ()):
                    _tell(each, getattr(each, name), getframe(1))
                return None
            follower, method = found
            try:
                return None if method(getframe(1)) else off[0]
            except BaseException as error:
                if not excused(follower.tally, error):
                    raise
                return None

        return on_suspension

    def _build_unwind(self, first: Follower) -> Callback:
        grouped, pass_by = self._grouped, first.pass_by

        def on_unwind(code: CodeType, _offset: int, exc: BaseException) -> None:
            group = grouped.get(id(code))
            if group is None:
                _tell(first, pass_by)
                return
            for each in group:
                _tell(each, each.end, frame_of_event(), None, exc)

        return on_unwind

    def _build_throw(self) -> Callback:
        grouped = self._grouped

        def on_throw(code: CodeType, _offset: int, _exc: BaseException) -> None:
            for each in grouped.get(id(code), ()):
                _tell(each, each.resume, frame_of_event())

        return on_throw


def _tell(follower: Follower, method: Callable[..., object], *arguments: Any) -> None:
    """Tell a follower of an event, and keep errors of ours from the service."""
    try:
        method(*arguments)
    except BaseException as error:
        if not excused(follower.tally, error):
            raise
