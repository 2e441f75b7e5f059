"""What a task of asyncio waits for: other tasks, a lock or queue, a time; and since when, where that can be known.

A task that is awaited by another is known by the other's `_fut_waiter`, or by what asyncio's own functions keep in
their variables: `wait`, `wait_for`, `gather`, `shield`, `TaskGroup`, `as_completed`.
"""

from __future__ import annotations

import gc
from types import FunctionType, MethodType

from pyrometer.agent.attributes import class_value, instance_dict, mro, qualified_name, slot_items
from pyrometer.agent.chains import code_of, frame_of
from pyrometer.agent.frames import read_foreign
from pyrometer.agent.futures import FUTURE, OTHER, TASK
from pyrometer.agent.loaded import module_global
from pyrometer.agent.mappings import held
from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrometer.agent.futures import Futures

_MAX_DEPTH = 5
"""A `gather` of `gather`s, a `shield` of a `shield`."""
_MAX_CALLBACKS = 20
_CONTAINERS = (set, frozenset, list, tuple)
_FUNCTIONS = {
    ("asyncio.tasks", "", "_wait"): ("fs", ""),
    ("asyncio.tasks", "", "wait_for"): ("fut", ""),
    ("asyncio.tasks", "", "_cancel_and_wait"): ("fut", ""),
    ("asyncio.taskgroups", "TaskGroup", "__aexit__"): ("self", "_tasks"),
    ("asyncio.taskgroups", "TaskGroup", "_aexit"): ("self", "_tasks"),
}
"""Functions that wait for tasks: module, class, name → the variable that holds these, and the attribute in it."""
_CALLERS = {("asyncio.tasks", "_AsCompletedIterator", "_wait_for_one"): ("self", "_todo")}
"""The same for functions that call what waits."""
_WAITS = {
    ("asyncio.locks", "Lock", "acquire"): "Lock",
    ("asyncio.locks", "Event", "wait"): "Event",
    ("asyncio.locks", "Condition", "wait"): "Condition",
    ("asyncio.locks", "Semaphore", "acquire"): "Semaphore",
    ("asyncio.queues", "Queue", "get"): "Queue",
    ("asyncio.queues", "Queue", "put"): "Queue",
}
"""Functions that wait for something that is no task: module, class, name → what that is."""
_TIMERS = {
    ("asyncio.tasks", "", "sleep"): ("delay", "h"),
    ("asyncio.tasks", "", "_wait"): ("timeout", "timeout_handle"),
    ("asyncio.tasks", "", "wait_for"): ("timeout", "timeout_handle"),
}
"""Functions that set a timer as they begin to wait: module, class, name → variables of how long, and of the timer."""


class Awaiting:
    """Reads what tasks wait for. Made anew for each look: somebody may have replaced asyncio's functions."""

    def __init__(self, futures: Futures) -> None:
        self._futures = futures
        self._functions = _by_code(_FUNCTIONS)
        self._callers = _by_code(_CALLERS)
        self._waits = _by_code(_WAITS)
        self._timers = _by_code(_TIMERS)
        self._plain = frozenset((self._waits.keys() | self._timers.keys()) - self._functions.keys())
        """Functions that wait for no task."""
        self._lock_exits = _lock_exits()

    def concerns(self, waiter: object, codes: tuple[int, ...]) -> bool:
        """Whether a task may wait for others, by the future that it waits for and the ids of its chain's codes."""
        innermost = codes[-1] if codes else 0
        if innermost in self._plain:
            return len(codes) > 1 and codes[-2] in self._callers
        kind = self._futures.kind(waiter)
        if kind is TASK or innermost in self._functions:
            return True
        if kind is OTHER:
            return False
        if type(waiter) is self._futures.gathering:
            return True
        callbacks = self._futures.field(waiter, "_callbacks")
        return type(callbacks) is list and len(callbacks) > 1  # `shield` has added one

    def tasks(self, waiter: object, chain: list[object]) -> list[object]:
        """The tasks that a task waits for; `chain` are the links of what it runs."""
        found = self._behind(waiter, 0)
        if found:
            return found
        for table, link in zip((self._functions, self._callers), reversed(chain), strict=False):
            variable = table.get(id(code_of(link)))
            if variable is not None:
                return self._in_variable(link, *variable)
        return []

    def _in_variable(self, link: object, name: str, attribute: str) -> list[object]:
        value = self._variables(link).get(name)
        if attribute:
            value = held(instance_dict(value), attribute)
        members = list(value) if type(value) in _CONTAINERS else [value]  # type: ignore[arg-type]
        return [task for member in members for task in self._behind(member, 1)]

    def wait_kind(self, innermost: object) -> str:
        """What a task waits for that is no task: "Lock", "Queue" and the like; empty: something else."""
        kind: str = self._waits.get(id(code_of(innermost)), "")
        return kind

    def lock_of(self, innermost: object) -> object:
        """The lock that a task waits for."""
        return self._variables(innermost).get("self")

    def locks_held(self, link: object) -> list[int]:
        """Ids of the asyncio locks that a suspended coroutine has taken by `async with`, or is about to take.

        What such a block is left by, `__aexit__`, stands on the coroutine's stack as long as it is in it.
        """
        referents = gc.get_referents(link)
        functions = {id(each) for each in referents}
        if not functions.isdisjoint(self._lock_exits):  # 3.14: the function, and its lock beside it
            return [id(each) for each in referents if _is_lock(each)]
        return [
            id(each.__self__)
            for each in referents
            if type(each) is MethodType and id(each.__func__) in self._lock_exits
        ]

    def seconds(self, innermost: object) -> float | None:
        """For how long a task has been suspended; None: not known."""
        names = self._timers.get(id(code_of(innermost)))
        if names is None:
            return None
        variables = self._variables(innermost)
        delay, timer = variables.get(names[0]), variables.get(names[1])
        if (type(delay) is not int and type(delay) is not float) or qualified_name(type(timer)) != _TIMER:
            return None
        due = dict(slot_items(timer)).get("_when")
        return None if type(due) is not float else max(0.0, native.monotonic() - (due - delay))

    def _behind(self, future: object, depth: int) -> list[object]:
        """The tasks that a future stands for: itself, those gathered in it, the one that it shields."""
        kind = self._futures.kind(future)
        if kind is TASK:
            return [future]
        if kind is not FUTURE or depth > _MAX_DEPTH:
            return []
        members = _gathered(future) if type(future) is self._futures.gathering else self._shielded(future)
        return [task for member in members for task in self._behind(member, depth + 1)]

    def _shielded(self, outer: object) -> list[object]:
        """What `shield` protects is held by the callback that it has put on its outer future."""
        callbacks = self._futures.field(outer, "_callbacks")
        found = []
        for entry in callbacks[:_MAX_CALLBACKS] if type(callbacks) is list else ():
            function = entry[0] if type(entry) is tuple else entry
            if type(function) is FunctionType and function.__code__.co_qualname == _SHIELDS:
                found += _closed_over(function, "inner")
        return found

    def _variables(self, link: object) -> dict[str, Any]:
        frame = frame_of(link)
        return {} if frame is None else dict(read_foreign(frame, kept=True) or ())


def _by_code(names: dict[tuple[str, str, str], Any]) -> dict[int, Any]:
    """The same by the id of the function's code; those that this version lacks are left out."""
    found = {}
    for (module, cls, name), value in names.items():
        owner = module_global(module, cls or name)
        function = class_value(owner, name) if cls and type(owner) is type else owner
        if type(function) is FunctionType:
            found[id(function.__code__)] = value
    return found


def _lock_exits() -> frozenset[int]:
    """Ids of the functions that `async with` leaves a lock of asyncio's by."""
    lock = module_global("asyncio.locks", "Lock")
    leave = class_value(lock, "__aexit__") if type(lock) is type else None
    return frozenset((id(leave),)) if type(leave) is FunctionType else frozenset()


def _gathered(future: object) -> list[object]:
    """What a `gather` waits for. Its type is exactly asyncio's: looking an attribute of it up runs no code."""
    try:
        children = object.__getattribute__(future, "_children")
    except AttributeError:
        return []
    return list(children) if type(children) in _CONTAINERS else []


def _is_lock(obj: object) -> bool:
    return any(qualified_name(base) == "asyncio.locks.Lock" for base in mro(type(obj)))


def _closed_over(function: FunctionType, name: str) -> list[object]:
    """What a function closes over under a name, as a list of one; empty where there is no such thing."""
    names = function.__code__.co_freevars
    if name not in names:
        return []
    try:
        return [(function.__closure__ or ())[names.index(name)].cell_contents]
    except (ValueError, IndexError):
        return []


_TIMER = "asyncio.events.TimerHandle"
_SHIELDS = "shield.<locals>._outer_done_callback"
