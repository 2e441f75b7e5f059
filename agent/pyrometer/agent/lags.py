"""How long event loops are kept from their work, seen from beside them: nothing is scheduled on a loop or left in it.

A loop is late for as long as one callback runs. So its thread's stack is looked at some dozen times a second: where the
same handle is being run in two looks, it has run all the time between them. Where the loop has timers, the earliest one
tells the same without a second look: it is overdue. Both are lower bounds, and hold for asyncio's own loop. Of another
one that `asyncio.run` runs (uvloop) there is to see whether it runs a callback, but not which.
"""

from __future__ import annotations

import sys
from _weakref import ref
from types import FunctionType, MemberDescriptorType

from pyrometer.agent.attributes import class_value, instance_dict
from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.loaded import module_global
from pyrometer.agent.mappings import held
from pyrometer.agent.stacks import module_of, outward, thread_names
from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

PERIOD = 0.02
"""Seconds between two looks, where they are cheap enough."""
LONGEST = 1.0
"""Seconds that one watch may take: after that it is known whether anybody still asks."""
MAX_LOOPS = 32
_MAX_DEPTH = 3000
"""Frames of a thread that are gone through for its loop."""
_MAX_FILES = 10_000
"""Descriptors of a loop among whose callbacks one is sought."""
_DESCRIBED = 30
"""Innermost frames of the longest callback that are told."""
_DISCOVERY = 0.25
"""Seconds after which it is looked for loops that have started meanwhile."""


class LoopWatch:
    """Watches all loops of the process in pieces of time. One link uses it; it keeps no frame, handle or loop.

    `own` gives the idents of the agent's threads, which run none; `cpu_share` is the share of one core that looking
    may cost.
    """

    def __init__(self, own: Callable[[], set[int]], cpu_share: float) -> None:
        self._own = own
        self._cpu_share = max(cpu_share, 1e-6)
        self._running: dict[int, _Callback] = {}

    def watch(self, seconds: float) -> list[dict[str, Any]]:
        """Look for so long, at most `LONGEST`, and tell each loop's lag. Shape: `link.model.vitals_reply`."""
        codes = _Codes()
        seen: dict[int, _Seen] = {}
        now = native.monotonic()
        end, discover_at = now + min(seconds, LONGEST), now
        while now < end:
            paid = native.thread_time()
            everyone = now >= discover_at
            if everyone:
                discover_at = now + _DISCOVERY
            if codes.forever is not None and (everyone or seen):
                self._look(codes, seen, everyone=everyone)
            pause = max(PERIOD, (native.thread_time() - paid) / self._cpu_share)
            native.sleep(min(pause, max(0.0, end - native.monotonic())))
            now = native.monotonic()
        self._running = {ident: found for ident, found in self._running.items() if ident in seen}
        return _told(seen)

    def _look(self, codes: _Codes, seen: dict[int, _Seen], *, everyone: bool) -> None:
        frames = sys._current_frames()
        own = self._own()
        now = native.monotonic()
        for ident in list(frames):
            top = frames.pop(ident)
            if ident in own or not (everyone or ident in seen):
                continue
            moment = codes.moment(top)
            if moment is not None and (ident in seen or len(seen) < MAX_LOOPS):
                self._note(seen.setdefault(ident, _Seen()), ident, moment, now, codes)

    def _note(self, loop: _Seen, ident: int, moment: _Moment, now: float, codes: _Codes) -> None:
        loop.looks += 1
        loop.busy += moment.busy
        loop.exact = loop.exact and moment.exact
        late = max(codes.overdue(moment.loop, now), self._running_for(ident, moment, now, codes))
        if late > loop.lag:
            loop.lag = late
            loop.frames = moment.described()

    def _running_for(self, ident: int, moment: _Moment, now: float, codes: _Codes) -> float:
        """Seconds for which the moment's callback has been seen to run."""
        if moment.handle is None:
            self._running.pop(ident, None)
            return 0.0
        running = self._running.get(ident)
        if running is None or running.handle() is not moment.handle:
            self._running[ident] = _Callback(ref(moment.handle), now)
            return 0.0
        if running.lasting is None:  # one that a descriptor calls again and again is no single callback
            running.lasting = codes.is_of_a_file(moment.loop, moment.handle)
        return 0.0 if running.lasting else now - running.since


def _told(seen: dict[int, _Seen]) -> list[dict[str, Any]]:
    names = thread_names()
    told = []
    for ident, loop in seen.items():
        name, native_id, _ = names.get(ident, (f"thread {ident:#x}", 0, False))
        lag = loop.lag if loop.exact else None
        busy = loop.busy / loop.looks
        told.append(
            {
                "thread": name,
                "native_id": native_id,
                "lag": lag,
                "busy": busy,
                "looks": loop.looks,
                "frames": loop.frames,
            }
        )
    return told


class _Callback:
    """A callback that is running: its handle, since when it has been seen, and whether it may run again and again.

    The reference is a weak one, so that the handle and what it refers to end when they would have ended.
    """

    __slots__ = ("handle", "lasting", "since")

    def __init__(self, handle: Callable[[], object], since: float) -> None:
        self.handle = handle
        self.since = since
        self.lasting: bool | None = None


class _Seen:
    """What the looks of one watch have seen of a loop."""

    __slots__ = ("busy", "exact", "frames", "lag", "looks")

    def __init__(self) -> None:
        self.looks = self.busy = 0
        self.exact = True
        self.lag = 0.0
        self.frames: list[list[Any]] = []


class _Moment:
    """What a loop's thread does in one look, which it does not outlive: it holds frames, the loop and the handle."""

    __slots__ = ("_top", "busy", "exact", "handle", "loop")

    def __init__(self, top: FrameType, loop: object, handle: object, *, busy: bool, exact: bool) -> None:
        self.loop = loop
        self.handle = handle
        self.busy = busy
        """Whether it runs a callback."""
        self.exact = exact
        """Whether it is asyncio's own loop, of which more is known than whether it is busy."""
        self._top = top

    def described(self) -> list[list[Any]]:
        """[function, file, line, module] of the innermost frames; none where no callback runs."""
        return [
            [name_of(frame.f_code), file_of(frame.f_code), frame.f_lineno or 0, module_of(frame)]
            for frame in outward(self._top, _DESCRIBED if self.busy else 0)
        ]


class _Codes:
    """How asyncio's loops are told: by the code that runs them. Made anew for each watch: it may be imported late."""

    def __init__(self) -> None:
        base, handle = module_global("asyncio.base_events", "BaseEventLoop"), module_global("asyncio.events", "Handle")
        self.forever = _method(base, "run_forever")
        self._callback = _method(handle, "_run")
        self._runner = _method(module_global("asyncio.runners", "Runner"), "run")
        self._complete = _method(base, "run_until_complete")
        self._loop = module_global("asyncio.unix_events", "_UnixSelectorEventLoop")
        self._selector = module_global("selectors", "EpollSelector")
        self._key = module_global("selectors", "SelectorKey")
        self._timer = module_global("asyncio.events", "TimerHandle")
        self._handles = (
            handle,
            self._timer,
            module_global("asyncio.events", "_ThreadSafeHandle"),
        )  # the last from 3.14 on
        self._when, self._cancelled = _slot(self._timer, "_when"), _slot(handle, "_cancelled")

    def moment(self, top: FrameType) -> _Moment | None:
        """What a thread's innermost loop does; None: it runs none, or one that can't be told."""
        inner = running = None
        for frame in outward(top, _MAX_DEPTH):
            code = frame.f_code
            if code is self._callback:
                running = frame
            elif code is self.forever:
                handle = None if running is None else self._known_handle(_local(running, "self"))
                loop = _local(frame, "self")
                return _Moment(top, loop, handle, busy=running is not None, exact=type(loop) is self._loop)
            elif code is self._runner:
                if inner is not None and inner.f_code.co_name == "run_until_complete":
                    return None  # it begins or ends, or it is a loop of the service's own
                return _Moment(top, None, None, busy=inner is not None, exact=False)
            inner = frame
        return None

    def overdue(self, loop: object, now: float) -> float:
        """Seconds for which the earliest timer of a loop has been due; 0 where there is none.

        Its heap is a plain list, and its clock is the monotonic one.
        """
        timers = held(instance_dict(loop), "_scheduled") if type(loop) is self._loop else None
        first = timers[:1] if type(timers) is list else []
        if not first or type(first[0]) is not self._timer or self._when is None or self._cancelled is None:
            return 0.0
        when = self._when(first[0])
        return max(0.0, now - when) if type(when) is float and self._cancelled(first[0]) is False else 0.0

    def is_of_a_file(self, loop: object, handle: object) -> bool:
        """Whether a handle is what a loop runs whenever a descriptor is ready; also where that can't be told."""
        selector = held(instance_dict(loop), "_selector") if type(loop) is self._loop else None
        keys = held(instance_dict(selector), "_fd_to_key") if type(selector) is self._selector else None
        if type(keys) is not dict or len(keys) > _MAX_FILES:
            return True
        for key in list(keys.values()):
            handles = key[3] if type(key) is self._key else ()
            if type(handles) is tuple and any(each is handle for each in handles):
                return True
        return False

    def _known_handle(self, handle: object) -> object:
        """A handle of asyncio's own classes; of others nothing is known."""
        return handle if any(type(handle) is known for known in self._handles) else None


def _local(frame: FrameType, name: str) -> object:
    """A variable of a frame of asyncio's own whose locals live as long as it does, so that none is kept by looking."""
    return frame.f_locals.get(name)


def _method(cls: object, name: str) -> CodeType | None:
    """Code of a plain function of a class; None where there is none."""
    function = class_value(cls, name) if type(cls) is type else None
    return function.__code__ if type(function) is FunctionType else None


def _slot(cls: object, name: str) -> Callable[[Any], object] | None:
    member = class_value(cls, name) if type(cls) is type else None
    return member.__get__ if type(member) is MemberDescriptorType else None
