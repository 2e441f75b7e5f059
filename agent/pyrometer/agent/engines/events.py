"""The events and callbacks of the one tool id that all our parts share: each has a name, and sees only its own.

`sys.monitoring` knows one callback for an event of a tool, one set of events for all code, and one for a code object.
A part says what it needs, and what is registered is what all of them need together.

Any thread may call anything here, inside a callback too: there is no lock, since the service could hold it. What is
wanted is written in one step, then registered, and looked at again, until what is registered is what is wanted.
"""

from __future__ import annotations

import sys
from itertools import count

from pyrometer.link.errors import EngineUnavailable
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any, Protocol

    Callback = Callable[..., object]

    class Events(Protocol):
        """The events that are asked for."""

        LINE: int
        PY_START: int
        PY_RETURN: int
        PY_YIELD: int
        PY_RESUME: int
        PY_THROW: int
        PY_UNWIND: int
        RAISE: int
        RERAISE: int
        EXCEPTION_HANDLED: int

    class Monitoring(Protocol):
        """What is used of `sys.monitoring`: the types are checked for 3.11 too, which has none."""

        DISABLE: object
        events: Events

        def get_tool(self, tool_id: int, /) -> object:
            """Who has it; None: nobody."""

        def use_tool_id(self, tool_id: int, name: str, /) -> None:
            """Take it."""

        def free_tool_id(self, tool_id: int, /) -> None:
            """Give it back."""

        def register_callback(self, tool_id: int, event: int, func: Callable[..., object] | None, /) -> object:
            """Have a function called at an event."""

        def set_events(self, tool_id: int, event_set: int, /) -> None:
            """Have these events on, in all code."""

        def set_local_events(self, tool_id: int, code: CodeType, event_set: int, /) -> None:
            """Have these events on, in this code."""


MAX_GLOBAL_CHANGES = 1 << 20
"""Times that events of all code are switched on or off in the life of a process. Each is a new version of all
instrumentation in the interpreter, and its counter overflows at 2^24 (gh-141845)."""

_changes = count(1)
_changed = 0
"""How many there were."""


class _Local(NamedTuple):
    """A code object with events of its own. Holding it keeps its id from meaning another one."""

    code: CodeType
    shares: dict[str, int]
    """Each part's events."""


class ToolEvents:
    """Those of a tool id that is ours, from taking it until `clear`."""

    def __init__(self, monitoring: Monitoring, tool: int) -> None:
        self.tool = tool
        self._monitoring = monitoring
        self._callbacks: dict[int, dict[str, Callback]] = {}
        self._everywhere: dict[str, int] = {}
        self._is_everywhere = 0
        self._local: dict[int, _Local] = {}

    def listen(self, part: str, event: int, callback: Callback | None) -> None:
        """Have a part's callback called at an event, or none of it any more: quick, the event itself stays on or off.

        What a callback answers (DISABLE) counts only where no other part listens to the same event.
        """
        held = self._callbacks.setdefault(event, {})
        if callback is not None:
            held[part] = callback
        elif held.pop(part, None) is None:
            return
        while True:
            wanted = tuple(held.values())
            self._monitoring.register_callback(self.tool, event, _together(wanted))
            if tuple(held.values()) == wanted:
                return

    def everywhere(self, part: str, events: int) -> None:
        """Have these events of all code on, for a part. A change takes time in proportion to the code that runs.

        Raises:
            EngineUnavailable: that was changed too often in the life of this process.
        """
        if events and self._everywhere.get(part, 0) & events != events:
            self._check_changes()
        self._everywhere[part] = events
        while (wanted := self._wanted_everywhere()) != self._is_everywhere:
            self._count_change()
            self._is_everywhere = wanted
            self._monitoring.set_events(self.tool, wanted)

    def within(self, part: str, code: CodeType, events: int) -> None:
        """Have these events of one code object on, for a part; 0: none."""
        local = self._local.setdefault(id(code), _Local(code, {}))
        if events:
            local.shares[part] = events
        else:
            local.shares.pop(part, None)
        self._set_within(local)
        if not local.shares:
            self._local.pop(id(code), None)
            if local.shares:  # another thread came in between
                self._local[id(code)] = local

    def renew(self, part: str, code: CodeType) -> None:
        """Undo DISABLE for a part's events of a code object: they are set anew, which is the one way for one tool."""
        local = self._local.get(id(code))
        events = local.shares.pop(part, 0) if local is not None else 0
        if local is not None and events:
            self._set_within(local)
            local.shares[part] = events
            self._set_within(local)

    def clear(self) -> None:
        """Switch everything off, before the tool id is given back."""
        for event in list(self._callbacks):
            self._monitoring.register_callback(self.tool, event, None)
        self._callbacks = {}
        self._everywhere = {}
        if self._is_everywhere:
            self._count_change()
            self._monitoring.set_events(self.tool, 0)
        for local in list(self._local.values()):
            self._monitoring.set_local_events(self.tool, local.code, 0)
        self._local = {}

    def _wanted_everywhere(self) -> int:
        return _union(tuple(self._everywhere.values()))

    def _set_within(self, local: _Local) -> None:
        while True:
            wanted = tuple(local.shares.values())
            self._monitoring.set_local_events(self.tool, local.code, _union(wanted))
            if tuple(local.shares.values()) == wanted:
                return

    def _check_changes(self) -> None:
        if _changed >= MAX_GLOBAL_CHANGES:
            raise EngineUnavailable("exceptions were watched too often in the life of this process; restart it first")

    def _count_change(self) -> None:
        global _changed
        _changed = next(_changes)


def _union(shares: tuple[int, ...]) -> int:
    events = 0
    for share in shares:
        events |= share
    return events


def _together(callbacks: tuple[Callback, ...]) -> Callback | None:
    """One callback for several. It answers None: what one of them may do without, another may need."""
    if len(callbacks) < 2:
        return callbacks[0] if callbacks else None

    def all_of_them(*arguments: Any) -> None:
        for callback in callbacks:
            callback(*arguments)

    return all_of_them


_FAN_OUT = _together((print, print)).__code__  # type: ignore[union-attr]


def frame_of_event() -> FrameType:
    """The service's frame: asked by a callback, which may be called by another function of ours."""
    frame = sys._getframe(2)
    return frame if frame.f_code is not _FAN_OUT else frame.f_back  # type: ignore[return-value]
