"""Who waits for what, and who holds it: of the threads of one look, as plain data.

Two passes. The first tells of each thread by its innermost frames what it waits for, without any cost where nobody
waits for a lock. The second one, only if somebody does, walks all frames for `with` statements whose lock that is. A
plain lock itself knows neither its owner nor its name: so it is owned by whoever is in the body of a `with` of it, or
of a `try` between its `acquire()` and its `release()`, if that is exactly one thread and the lock is taken. Who is in
`Condition.wait` has let go of its lock and owns nothing.

What could run foreign code is not asked: types are exact (of a subclass of `RLock` the C part is read), attributes are
read where they are stored. Locks that gevent or others put in their place are of other types, and nothing is said.
"""

from __future__ import annotations

import re
import sys
from _queue import SimpleQueue
from types import BuiltinMethodType, GeneratorType, MethodType

from pyrometer.agent import phrases
from pyrometer.agent.attributes import instance_dict, mro
from pyrometer.agent.codes import name_of
from pyrometer.agent.mappings import ABSENT, held
from pyrometer.agent.phrases import Call, Entry, Kept, Site, Step
from pyrometer.agent.slots import slots
from pyrometer.agent.tables import UNIT
from pyrometer.agent.unpatched import native
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from types import CodeType, FrameType
    from typing import Any

_MAX_THREADS = 2000
_MAX_FRAMES = 100_000
"""Frames of all threads together that are looked into for locks held."""
_DEEPEST = 200
_SECONDS = 0.25
"""Time after which a look at locks ends with what it has."""
_OUTWARD = 8
"""Frames from the innermost one out that may be those of the standard library's waiting."""
_WITHIN = 3
"""Generators of `contextlib.contextmanager`, one within the other."""
_ACQUIRE = frozenset(("acquire", "__enter__", "acquire_lock", "_acquire_restore"))

_LOCK = type(native.allocate_lock())
_RLOCK: type = sys.modules["_thread"].RLock
_is_taken: Callable[[object], bool] = _LOCK.locked
_rlock_text: Callable[[Any], str] = _RLOCK.__repr__  # type: ignore[assignment]
_OWNED = re.compile(r"owner=(\d+) count=(\d+) at 0x[0-9a-f]+>\Z")

_WAITS = {
    ("threading", "Event.wait"): "Event",
    ("threading", "Semaphore.acquire"): "Semaphore",
    ("threading", "Condition.wait_for"): "Condition",
    ("threading", "Barrier.wait"): "Condition",
    ("threading", "Barrier._wait"): "Condition",
    ("threading", "Barrier._enter"): "Condition",
    ("queue", "Queue.get"): "Queue",
    ("queue", "Queue.put"): "Queue",
    ("queue", "Queue.join"): "Queue",
    ("concurrent.futures._base", "Future.result"): "Future",
    ("concurrent.futures._base", "Future.exception"): "Future",
    ("concurrent.futures._base", "wait"): "Future",
    ("concurrent.futures._base", "as_completed"): "Future",
}
"""What it means that a function of the standard library waits for a condition."""
_MODULES = ("threading", "queue", "concurrent.futures._base")


class Wait(NamedTuple):
    """What a thread waits for."""

    kind: str
    """Lock, RLock, Condition, Semaphore, Event, Queue, Future or join."""
    name: str
    """The expression in the service's source; empty where it can't be told."""
    at: int
    """Index of the frame that says so, from the innermost."""
    timed: bool
    """Whether it may give up by itself."""
    lock: object = None
    """The lock; None where nothing can be owned."""
    owner: int = 0
    """Ident of the thread that it waits for, where the thing itself tells; 0: it does not."""


class Claim(NamedTuple):
    """That a thread is in the body of a `with` of a lock."""

    ident: int
    code: CodeType
    scope: dict[str, Any]
    """The globals that the code runs with."""
    line: int
    name: str


def waits_of(
    frames: dict[int, FrameType], own: Container[int], number: Callable[[CodeType, dict[str, Any]], int]
) -> list[dict[str, Any]]:
    """What each thread that waits waits for. Shape: `link.model.dump_reply`, "waits".

    `own` are the idents of the agent's threads; `number` tells a code's index in the reply. Never raises: the stacks
    are worth having without.
    """
    try:
        return Look(frames, own).answer(number)
    except Exception:
        return []


class Look:
    """One look at the frames of all threads. Keeps no frame beyond `answer`."""

    def __init__(self, frames: dict[int, FrameType], own: Container[int]) -> None:
        self._frames = {ident: frames[ident] for ident in list(frames)[:_MAX_THREADS] if ident not in own}
        self._slots = slots()
        self._modules = _waiting_modules()
        self._condition = _class_of(self._modules, "Condition")
        self._python_rlock = _class_of(self._modules, "_PyRLock") or _class_of(self._modules, "_RLock")
        self._entries: dict[tuple[int, int], list[Entry | Kept]] = {}
        self._sites: dict[tuple[int, int], Site] = {}
        self._places: dict[int, tuple[FrameType, int]] = {}
        """The innermost frame of each thread that waits, and the instruction it was at."""
        self._codes: list[CodeType] = []
        self._until = native.monotonic() + _SECONDS
        self._left = _MAX_FRAMES

    def answer(self, number: Callable[[CodeType, dict[str, Any]], int]) -> list[dict[str, Any]]:
        """Both passes."""
        waits = self._waits()
        wanted = {id(wait.lock) for wait in waits.values() if wait.lock is not None}
        claims = self._claims(wanted) if wanted else {}
        if wanted:
            waits = self._lasting(waits)
        told = []
        for ident, wait in waits.items():
            owner, claim = self._owner(wait, claims.get(id(wait.lock), []))
            if owner == ident and type(wait.lock) is not _LOCK:  # re-entrant: it goes on as soon as it gets the GIL
                continue
            told.append(
                {
                    "thread": ident,
                    "kind": wait.kind,
                    "name": wait.name,
                    "at": wait.at,
                    "timed": wait.timed,
                    "lock": id(wait.lock) if wait.lock is not None else 0,
                    "owner": owner,
                    "taken": claim and [number(claim.code, claim.scope), claim.line, claim.name],
                }
            )
        return told

    # What a thread waits for

    def _waits(self) -> dict[int, Wait]:
        found = {}
        for ident, frame in self._frames.items():
            lasti = frame.f_lasti
            wait = self._wait(frame, lasti)
            if wait is not None:
                found[ident] = wait
                self._places[ident] = (frame, lasti)
        return found

    def _lasting(self, waits: dict[int, Wait]) -> dict[int, Wait]:
        """Those whose threads have not gone on since: else who was quick would wait for what it has by now."""
        frames = sys._current_frames()
        return {
            ident: wait
            for ident, wait in waits.items()
            if frames.get(ident) is self._places[ident][0] and self._places[ident][0].f_lasti == self._places[ident][1]
        }

    def _wait(self, frame: FrameType, lasti: int) -> Wait | None:
        if frame.f_globals is self._modules.get("threading"):
            return self._wait_in_threading(frame, name_of(frame.f_code), lasti)
        found = self._lock_wanted(frame, lasti)
        if found is None:
            return self._wait_in_subclass(frame, lasti)
        thing, steps, timed = found
        if type(thing) is SimpleQueue:
            return Wait("Queue", phrases.text_of(steps), 0, timed)
        return self._for_lock(thing, phrases.text_of(steps), 0, timed=timed)

    def _wait_in_subclass(self, frame: FrameType, lasti: int) -> Wait | None:
        """Of a thread that is in a method which calls the like of itself, of something not understood: of `super()`."""
        call, outer = self._site(frame.f_code, lasti).call, frame.f_back
        if call is None or call.receiver or call.method not in _ACQUIRE or outer is None:
            return None
        at = outer.f_lasti
        found = self._lock_wanted(outer, at)
        return found and self._for_lock(found[0], phrases.text_of(found[1]), 1, timed=found[2])

    def _wait_in_threading(self, frame: FrameType, function: str, lasti: int) -> Wait | None:
        """Of a thread whose innermost frame is one of `threading`."""
        call = self._site(frame.f_code, lasti).call
        if function in ("Thread.join", "Thread._wait_for_tstate_lock"):
            return self._join(frame, lasti)
        if function == "_shutdown":
            return Wait("join", "", 0, timed=False)
        if function == "Condition.wait" and call is not None and call.method == "acquire":
            kind, name, at = self._outward(frame, "Condition")
            return Wait(kind, name, at, timed=call.limited)
        if function == "_RLock.acquire":
            return self._for_lock(self._own(frame, lasti, "self"), *self._outward(frame, "RLock")[1:], timed=False)
        if function == "Condition.wait":  # about to go on, it wants its lock back
            return self._for_lock(self._own(frame, lasti, "self"), *self._outward(frame, "Lock")[1:], timed=False)
        found = self._lock_wanted(frame, lasti)
        if found is None:
            return None
        thing, _, timed = found
        return self._for_lock(thing, *self._outward(frame, "Lock")[1:], timed=timed)

    def _join(self, frame: FrameType, lasti: int) -> Wait:
        """Who joins waits for a thread; that it ends is what the thread owns."""
        thread = self._own(frame, lasti, "self")
        limit = self._own(frame, lasti, "timeout")
        fields = instance_dict(thread) if thread is not ABSENT else None
        ident = held(fields, "_ident")
        _, name, at = self._outward(frame, "join")
        timed = (type(limit) is int or type(limit) is float) and limit >= 0
        return Wait("join", name, at, timed, owner=ident if type(ident) is int else 0)

    def _lock_wanted(self, frame: FrameType, lasti: int) -> tuple[object, tuple[Step, ...], bool] | None:
        """The thing that a frame takes at this instruction, the expression for it, and whether it may give up."""
        if self._slots is None:
            return None
        entry, call, subject = self._site(frame.f_code, lasti)
        if entry is not None:
            return self._manager(frame, lasti, entry.slot), subject, False
        if call is None or (call.method and call.method not in _ACQUIRE and call.method != "get"):
            return None
        return self._called(frame, lasti, call) if call.receiver else None

    def _called(self, frame: FrameType, lasti: int, call: Call) -> tuple[object, tuple[Step, ...], bool] | None:
        """What a method is called of: where that is waiting for something."""
        thing = self._value(call.receiver, frame, lasti)
        if not call.method:  # the method itself, in a variable
            if type(thing) is not BuiltinMethodType or thing.__name__ not in _ACQUIRE:
                return None
            return thing.__self__, call.receiver, call.limited
        if (call.method == "get") != (type(thing) is SimpleQueue):
            return None
        return thing, call.receiver, call.limited

    def _for_lock(self, thing: object, name: str, at: int, *, timed: bool) -> Wait | None:
        """A wait for a lock, or for the lock of a condition; None: it is nothing of that kind."""
        lock = self._lock_of(thing)
        if lock is None:
            return None
        return Wait("Lock" if type(lock) is _LOCK else "RLock", name, at, timed, lock)

    def _outward(self, frame: FrameType, kind: str) -> tuple[str, str, int]:
        """Leave the standard library's own waiting: what it is in the end, its name, and the frame that has that."""
        at = 0
        outer: FrameType | None = frame
        while outer is not None and at < _OUTWARD and (module := self._module(outer)):
            kind = _WAITS.get((module, name_of(outer.f_code)), kind)
            outer, at = outer.f_back, at + 1
        if outer is None or at == _OUTWARD:
            return kind, "", 0
        return kind, self._subject(outer), at

    def _subject(self, frame: FrameType) -> str:
        """The expression whose method a frame calls, or that its `with` is given."""
        _, call, subject = self._site(frame.f_code, frame.f_lasti)
        return phrases.text_of(subject) if call is None or call.method else ""

    def _module(self, frame: FrameType) -> str:
        """Which of the waiting modules a frame is of; empty: of none."""
        scope = frame.f_globals
        return next((name for name, found in self._modules.items() if found is scope), "")

    # Who holds it

    def _claims(self, wanted: set[int]) -> dict[int, list[Claim]]:
        """Who is in the body of a `with` of these locks: by the lock's id, each thread's outermost one."""
        claims: dict[int, dict[int, Claim]] = {}
        for ident, frame in self._frames.items():
            for key, claim in self._held(ident, frame):
                if key in wanted:
                    claims.setdefault(key, {})[ident] = claim
        return {key: list(found.values()) for key, found in claims.items()}

    def _held(self, ident: int, innermost: FrameType) -> Iterator[tuple[int, Claim]]:
        """The locks of the `with` statements that a thread is in, from the innermost out."""
        released: set[int] = set()
        frame: FrameType | None = innermost
        for _ in range(_DEEPEST):
            if frame is None:
                return
            if not frame.f_code.co_exceptiontable:  # no `with` in it
                frame = frame.f_back
                continue
            if self._slots is None or self._left <= 0 or native.monotonic() > self._until:
                return
            self._left -= 1
            lasti = frame.f_lasti
            if frame.f_globals is self._modules.get("threading") and name_of(frame.f_code) == "Condition.wait":
                released.add(id(self._lock_of(self._own(frame, lasti, "self"))))
            for lock, claim in self._held_in(ident, frame, lasti):
                if id(lock) not in released:
                    yield id(lock), claim
            frame = frame.f_back

    def _held_in(
        self, ident: int, frame: FrameType, lasti: int, within: int = _WITHIN
    ) -> Iterator[tuple[object, Claim]]:
        code = frame.f_code
        for entry in self._entered(code, lasti):
            if isinstance(entry, Kept):
                if (lock := self._lock_of(self._value(entry.subject, frame, lasti))) is not None:
                    line, name = phrases.line_of(code, entry.acquire), phrases.text_of(entry.subject)
                    yield lock, Claim(ident, code, frame.f_globals, line, name)
                continue
            manager = self._manager(frame, lasti, entry.slot)
            lock = self._lock_of(manager)
            if lock is not None:
                name = phrases.text_of(phrases.subject_of(code, entry))
                line = phrases.line_of(code, entry.body - UNIT)
                yield lock, Claim(ident, code, frame.f_globals, line, name)
            elif within and (inner := _generator_frame(manager)) is not None:
                yield from self._held_in(ident, inner, inner.f_lasti, within - 1)

    def _site(self, code: CodeType, lasti: int) -> Site:
        key = (id(code), lasti)
        found = self._sites.get(key)
        if found is None:
            found = self._sites[key] = phrases.site_at(code, lasti)
            self._codes.append(code)
        return found

    def _entered(self, code: CodeType, lasti: int) -> list[Entry | Kept]:
        key = (id(code), lasti)
        found = self._entries.get(key)
        if found is None:
            found = self._entries[key] = phrases.entered(code, lasti)
            self._codes.append(code)
        return found

    def _owner(self, wait: Wait, claims: list[Claim]) -> tuple[int, Claim | None]:
        """Ident of the owner (0: not known, or nobody) and where it took what is waited for."""
        owner = wait.owner
        if wait.lock is None:
            return owner, None
        if type(wait.lock) is _LOCK:
            if len(claims) != 1 or not _is_taken(wait.lock):
                return 0, None
            owner = claims[0].ident
        else:
            owner = _rlock_owner(wait.lock)
        return owner, next((claim for claim in claims if claim.ident == owner), None)

    # Reading

    def _manager(self, frame: FrameType, lasti: int, number: int) -> object:
        """Whose `__exit__` a slot holds. While it is being entered, the slot holds the manager itself.

        From 3.14 on it always does, unless `__exit__` is something else than a method: that stands before it then.
        """
        if self._slots is None:
            return ABSENT
        found = self._slots.read(frame, lasti, number)
        if found is ABSENT and _BEFORE:
            found = self._slots.read(frame, lasti, number - 1)
        if type(found) is MethodType or type(found) is BuiltinMethodType:
            return found.__self__
        return found

    def _own(self, frame: FrameType, lasti: int, name: str) -> object:
        """A variable of a frame of the standard library's."""
        return self._value((Step("variable", name),), frame, lasti)

    def _value(self, steps: tuple[Step, ...], frame: FrameType, lasti: int) -> object:
        """What an expression means in a frame."""
        return phrases.evaluate(steps, frame, lasti, self._slots) if self._slots is not None else ABSENT

    def _lock_of(self, thing: object) -> Any:
        """The lock that a thing is, or is a condition of; None: neither."""
        kind = type(thing)
        if kind is self._condition and self._condition is not None:
            thing = held(instance_dict(thing), "_lock")
            kind = type(thing)
        if kind is _LOCK or kind is self._python_rlock:
            return thing
        return thing if kind is _RLOCK or _RLOCK in mro(kind) else None


_BEFORE = sys.version_info >= (3, 14)


def _rlock_owner(lock: object) -> int:
    """Ident of the thread that holds a re-entrant lock; 0: nobody."""
    if _RLOCK in mro(type(lock)):
        found = _OWNED.search(_rlock_text(lock))
        return int(found[1]) if found and found[2] != "0" else 0
    owner = held(instance_dict(lock), "_owner")
    return owner if type(owner) is int else 0


def _generator_frame(manager: object) -> FrameType | None:
    """The frame of a `contextlib.contextmanager` that is entered."""
    contextlib = sys.modules.get("contextlib")
    if type(manager) is not getattr(contextlib, "_GeneratorContextManager", None):
        return None
    generator = held(instance_dict(manager), "gen")
    return generator.gi_frame if type(generator) is GeneratorType else None


def _waiting_modules() -> dict[str, dict[str, Any]]:
    """The globals of the modules of the standard library in which threads wait, by their names."""
    found = ((name, getattr(sys.modules.get(name), "__dict__", None)) for name in _MODULES)
    return {name: scope for name, scope in found if type(scope) is dict}


def _class_of(modules: dict[str, dict[str, Any]], name: str) -> type | None:
    """A class of `threading`."""
    found = held(modules.get("threading"), name)
    return found if type(found) is type else None
