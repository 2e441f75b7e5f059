"""The probe engine of Python 3.12 and later: local line events and the global raise event of `sys.monitoring`.

Two rules decide the shape of all this. What a callback raises reaches the service; and a callback may be on its way
in another thread while its probe is disarmed. So callbacks are written for the probes that they serve
(`engines.callbacks`), and one that was replaced stays behind as a tombstone: inert, and never answering DISABLE, which
by then might switch off a line of its successor.
"""

from __future__ import annotations

import sys

from pyrometer.agent.engines import Placement, line_costs
from pyrometer.agent.engines.bindings import fast_binding
from pyrometer.agent.engines.callbacks import build, indented, point_source, retire
from pyrometer.agent.engines.calling import CALLS_NOTE, CallEvents
from pyrometer.agent.engines.events import ToolEvents
from pyrometer.agent.engines.pursuit import Pursuit
from pyrometer.agent.engines.raises import RaiseCallback
from pyrometer.link.errors import EngineUnavailable
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType
    from typing import Any

    from pyrometer.agent.engines import CallPoint, ExceptionPoint, LinePoint
    from pyrometer.agent.engines.events import Monitoring

    OnLine = Callable[[CodeType, int], object]


TOOL_IDS = (4, 3)
"""In the order that they are tried. 0 to 2 are the debugger's, coverage's and the profiler's."""
MAX_INLINE = 16
"""Code objects in one callback; where there are more, each has its own, found by one look-up."""
MAX_FIRST_CALL = 0.02
"""Seconds that the first run through a function may take longer, once after each arming."""

_LINES, _EXCEPTIONS = "lines", "exceptions"
"""Names of the parts that share the tool id (`engines.events`)."""
_LASTING = "" if sys.version_info >= (3, 13) else "on Python 3.12 the functions touched stay a little slower"
_NAME = "".join(("pyro", "meter"))
"""An object of its own: ownership is told by identity, so that another copy of us is not taken for this one."""


class MonitoringEngine:
    """Arms lines and exceptions by `sys.monitoring`. Holds a tool id while something is armed."""

    name = "monitoring"

    def __init__(self) -> None:
        monitoring: Monitoring | None = getattr(sys, "monitoring", None)
        if monitoring is None or sys.version_info < (3, 12, 1):
            raise EngineUnavailable("probes need CPython 3.11, or 3.12.1 or later")
        self._monitoring = monitoring
        self.fates = Pursuit(monitoring)
        events = monitoring.events
        self._line = events.LINE
        self._raise = events.RAISE
        # LINE alone misses one-line functions on 3.13+; PY_START has no callback, and must not have one: one that
        # answers DISABLE loses nine entries of ten.
        self._local = events.LINE | events.PY_START
        self._events: ToolEvents | None = None
        self._armed: dict[int, _Armed] = {}
        self._lengths: dict[int, tuple[CodeType, bool]] = {}
        self._lines: _LineCallback | None = None
        self._raises: RaiseCallback | None = None
        self._calls = CallEvents(monitoring)

    def arrange(
        self, lines: Sequence[LinePoint], exceptions: Sequence[ExceptionPoint], calls: Sequence[CallPoint] = ()
    ) -> list[Placement]:
        """Make exactly these points live; with none, the tool id is free again.

        Raises:
            EngineUnavailable: other tools hold both tool ids, or somebody took ours.
        """
        if not lines and not exceptions and not calls:
            self._release()
            return []
        events = self._take()
        short = [point for point in lines if self._is_short(point.code)]
        self._arrange_lines(events, short)
        self._arrange_raises(events, exceptions)
        if exceptions:
            self.fates.attend()
        else:
            self.fates.dismiss()
        self._calls.arrange(events, calls, {id(point.code) for point in short})
        return [
            *_placements(lines, short),
            *(Placement(point.probe_id) for point in exceptions),
            *(Placement(name, note=CALLS_NOTE) for name in dict.fromkeys(point.probe_id for point in calls)),
        ]

    def pause(self, probe_id: str, *, paused: bool) -> None:
        """Switch a probe's events off or on again.

        A line's callback answers DISABLE once its meter is at 0, so there is nothing to do for "off". "On" sets the
        events of its code objects anew, which is the one way to undo DISABLE for one code object and one tool.
        """
        events = self._events
        if events is None or not self.owned():
            return
        if self._raises is not None and self._raises.serves(probe_id):
            events.listen(_EXCEPTIONS, self._raise, None if paused else self._raises.function)
        elif not paused:
            for armed in self._armed.values():
                if probe_id in armed.probe_ids:
                    events.renew(_LINES, armed.code)
        self._calls.pause(events, probe_id, paused=paused)

    def open_calls(self, probe_id: str, now: float) -> tuple[int, float]:
        """How many calls that a probe watches are open, and for how many seconds the first of them is."""
        return self._calls.open_calls(probe_id, now)

    def leave(self) -> None:
        """Hold nothing of the service's any more."""
        self._release()

    def owned(self) -> bool:
        """Whether the tool id is still ours, or none is needed."""
        return self._events is None or self._monitoring.get_tool(self._events.tool) is _NAME

    def _is_short(self, code: CodeType) -> bool:
        """Whether the first call after arming is not held up for long."""
        known = self._lengths.get(id(code))
        if known is None:
            known = self._lengths[id(code)] = (code, line_costs.first_events(code) <= MAX_FIRST_CALL)
        return known[1]

    def _take(self) -> ToolEvents:
        """Have a tool id. One that was lost is not fought for: what was armed is forgotten, and its callbacks inert."""
        if not self.owned():
            self._forget()
            raise EngineUnavailable("another tool took the tool id of sys.monitoring that the probes used")
        if self._events is not None:
            return self._events
        for tool in TOOL_IDS:
            if self._monitoring.get_tool(tool) is None:
                try:
                    self._monitoring.use_tool_id(tool, _NAME)
                except ValueError:  # somebody was quicker
                    continue
                self._events = self.fates.events = ToolEvents(self._monitoring, tool)
                return self._events
        raise EngineUnavailable(
            f"the tool ids 3 and 4 of sys.monitoring are in use by {self._holders()}",
            next="stop the other tool (a debugger, coverage, a profiler), or use `record`, which needs no tool id",
        )

    def _holders(self) -> str:
        names = [self._monitoring.get_tool(tool) for tool in sorted(TOOL_IDS)]
        return " and ".join(name if type(name) is str else "another tool" for name in names)

    def _release(self) -> None:
        events = self._events
        if events is None or not self.owned():
            self._forget()
            return
        self.fates.dismiss()
        events.clear()
        self._forget()
        self._monitoring.free_tool_id(events.tool)

    def _forget(self) -> None:
        if self._lines is not None:
            self._lines.retire(None)
        if self._raises is not None:
            self._raises.retire()
        self._calls.retire()
        self._lines = self._raises = self._events = self.fates.events = None
        self.fates.dismiss()
        self._armed = {}
        self._lengths = {}

    def _arrange_lines(self, events: ToolEvents, points: Sequence[LinePoint]) -> None:
        """Make these lines live. The events of code with a new point are set anew: its line may be off for another."""
        wanted = _by_code(points)
        callback = _LineCallback(wanted, self._monitoring.DISABLE, self._lines) if points else None
        events.listen(_LINES, self._line, callback.function if callback is not None else None)
        if self._lines is not None:
            self._lines.retire(callback)
        self._lines = callback
        before, self._armed = self._armed, {**self._armed, **wanted}  # both, until all is set: a fork may come between
        for key, armed in wanted.items():
            if key not in before:
                events.within(_LINES, armed.code, self._local)
            elif armed.has_more_than(before[key]):
                events.renew(_LINES, armed.code)
        for key, armed in before.items():
            if key not in wanted:
                events.within(_LINES, armed.code, 0)
        self._armed = wanted

    def _arrange_raises(self, events: ToolEvents, points: Sequence[ExceptionPoint]) -> None:
        if self._raises is not None and self._raises.points == list(points):
            return
        callback = RaiseCallback(points) if points else None
        events.listen(_EXCEPTIONS, self._raise, callback.function if callback is not None else None)
        if self._raises is not None:
            self._raises.retire()
        self._raises = callback
        events.everywhere(_EXCEPTIONS, self._raise if points else 0)


class _Armed(NamedTuple):
    """A code object with the points in it. Holding it keeps its id from meaning another one."""

    code: CodeType
    points: list[LinePoint]
    lines: set[int]
    probe_ids: set[str]

    def has_more_than(self, before: _Armed) -> bool:
        """Whether any of the points was not there before."""
        known = {id(point) for point in before.points}
        return any(id(point) not in known for point in self.points)


def _by_code(points: Sequence[LinePoint]) -> dict[int, _Armed]:
    grouped: dict[int, _Armed] = {}
    for point in points:
        armed = grouped.setdefault(id(point.code), _Armed(point.code, [], set(), set()))
        armed.points.append(point)
        armed.lines.add(point.line)
        armed.probe_ids.add(point.probe_id)
    return grouped


def _placements(asked: Sequence[LinePoint], placed: Sequence[LinePoint]) -> list[Placement]:
    """What came of lines: a probe none of whose functions is short enough is not in place."""
    found = []
    for probe_id in dict.fromkeys(point.probe_id for point in asked):
        wanted = sum(point.probe_id == probe_id for point in asked)
        missing = wanted - sum(point.probe_id == probe_id for point in placed)
        why = f"so long that on this Python the next call would take {MAX_FIRST_CALL * 1e3:.0f} ms longer"
        error = f"the function is {why}; Python 3.14 has not that fault" if missing == wanted else ""
        note = f"{missing} of {wanted} functions are left out, being {why}" if missing else _LASTING
        found.append(Placement(probe_id, error, "" if error else note))
    return found


class _LineCallback:
    """The callback for one arrangement of lines, and what makes it a tombstone."""

    def __init__(self, armed: dict[int, _Armed], disable: object, before: _LineCallback | None) -> None:
        """Make a callback; parts that come out the same are taken over from the one before."""
        apart = len(armed) > MAX_INLINE
        groups = [[group] for group in armed.values()] if apart else [list(armed.values())]
        frame = "getframe(2)" if apart else "getframe(1)"  # behind the dispatcher's own
        known = before.parts if before is not None else {}
        self.parts: dict[tuple[object, ...], _Part] = {}
        for group in groups:
            key = (frame, *[id(point) for each in group for point in each.points])
            self.parts[key] = known.get(key) or _build_part(group, disable, frame)
        functions = [part.function for part in self.parts.values()]
        self._bury: Callable[[], None] | None = None
        self.function = functions[0]
        if apart:
            self.function, self._bury = _dispatcher(dict(zip(armed, functions, strict=True)), disable)

    def retire(self, successor: _LineCallback | None) -> None:
        """Make it inert but for what lives on in its successor. It answers None from now on."""
        living = successor.parts if successor is not None else {}
        kept = {id(point) for part in living.values() for point in part.points.values()}
        if self._bury is not None:
            self._bury()
        for key, part in self.parts.items():
            if living.get(key) is part:
                continue
            part.function.__globals__["off"] = None
            for mark, point in part.points.items():
                if id(point) not in kept:
                    retire(part.function, mark)


class _Part(NamedTuple):
    function: OnLine
    points: dict[str, LinePoint]
    """By the mark that their names bear."""


def _build_part(group: list[_Armed], disable: object, frame: str) -> _Part:
    """A callback for some code objects.

    The decision to answer DISABLE is the last thing that is done, with nothing between it and the return where the
    interpreter would switch threads: else the governor could have switched the line on meanwhile, and it would be off
    for good.
    """
    namespace: dict[str, Any] = {"off": disable}
    points: dict[str, LinePoint] = {}
    lines: list[str] = []
    for number, armed in enumerate(group):
        namespace[f"code{number}"] = armed.code
        lines.append(f"if code is code{number}:")
        for line in sorted(armed.lines):
            lines.append(f"    if line == {line}:")
            lines += indented(indented(_line_source(armed, line, frame, namespace, points)))
        lines.append("    return off")
    return _Part(build("on_line", ("code", "line"), [*lines, "return off"], namespace), points)


def _line_source(
    armed: _Armed, line: int, frame: str, namespace: dict[str, Any], points: dict[str, LinePoint]
) -> list[str]:
    lines: list[str] = []
    marks: list[str] = []
    for point in armed.points:
        if point.line != line:
            continue
        mark = str(len(points))
        points[mark] = point
        marks.append(mark)
        binding = fast_binding(point.condition.names if point.condition is not None else (), armed.code, frame, mark)
        bound = f"frame{mark}" if binding.lines else frame
        source = point_source(point, mark, frame=bound, binding=binding, exhausted=_leave)
        namespace.update(source.namespace)
        lines += source.lines
    live = " or ".join(f"meter{mark}.deciding or meter{mark}.left > 0" for mark in marks)
    # `left` is what the last point's countdown read: while it is over 0 there is nothing to ask the governor's side.
    return [*lines, f"return None if left > 0 or {live} else off"]


def _dispatcher(table: dict[int, OnLine], off: object) -> tuple[OnLine, Callable[[], None]]:
    """The callback of many parts, found by the id of the code; and what makes a tombstone of it."""

    def on_line(code: CodeType, line: int) -> object:
        part = find(id(code))
        return off if part is None else part(code, line)

    def bury() -> None:
        nonlocal off
        off = None

    find = table.get
    return on_line, bury


def _leave() -> None:
    """The callback's answer switches the line off; there is nothing to do besides."""
