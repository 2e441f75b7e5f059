"""Futures and tasks of asyncio, read where either implementation keeps its fields: C's descriptors, Python's dict.

None of the methods of a service's subclass is called, and `asyncio` is not imported: where nobody has, there are none.
"""

from __future__ import annotations

from pyrometer.agent.attributes import MAX_NAME, class_value, instance_dict, is_builtin, mro, qualified_name
from pyrometer.agent.loaded import module_global
from pyrometer.agent.mappings import ABSENT, held
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TASK, FUTURE, OTHER = "task", "future", "other"
_TYPES = {
    "_asyncio.Task": TASK,
    "asyncio.tasks.Task": TASK,
    "_asyncio.Future": FUTURE,
    "asyncio.futures.Future": FUTURE,
}


class TaskFields(NamedTuple):
    """What reads the fields of tasks of one type."""

    state: Callable[[Any], object]
    coro: Callable[[Any], object]
    loop: Callable[[Any], object]
    waiter: Callable[[Any], object]


class Futures:
    """Tells what is a task and what a future, and reads their fields. Made anew for each look."""

    def __init__(self) -> None:
        self._kinds: dict[int, tuple[type, str, type | None]] = {}
        """For each type that was met: it, what it is, and the C type that it derives from."""
        self._getters: dict[tuple[int, str], Any] = {}
        self._fields: dict[int, TaskFields | None] = {}
        self.gathering = module_global("asyncio.tasks", "_GatheringFuture")

    def kind(self, obj: object) -> str:
        """What an object is: TASK, FUTURE or OTHER."""
        cls = type(obj)
        known = self._kinds.get(id(cls)) or self._learn(cls)
        return known[1]

    def field(self, obj: object, name: str) -> Any:
        """A field of a task or future, by the name that both implementations have for it; None where it has none."""
        cls = type(obj)
        native = (self._kinds.get(id(cls)) or self._learn(cls))[2]
        if native is None:
            return _of_python(obj, name)
        getter = self._getters.get((id(native), name))
        if getter is None:
            getter = self._getters[id(native), name] = _reader(native, name)
        return getter(obj)

    def fields(self, task: object) -> TaskFields | None:
        """What reads the fields of a task, for who reads those of thousands; None where it is none."""
        cls = type(task)
        try:
            return self._fields[id(cls)]
        except KeyError:
            _, kind, native = self._learn(cls)
            readers = [self._field_reader(native, name) for name in ("_state", "_coro", "_loop", "_fut_waiter")]
            found = self._fields[id(cls)] = TaskFields(*readers) if kind is TASK else None
            return found

    def _field_reader(self, native: type | None, name: str) -> Callable[[Any], object]:
        return _reader(native, name) if native is not None else lambda task: _of_python(task, name)

    def name(self, task: object) -> str:
        """A task's name."""
        cls = type(task)
        native = (self._kinds.get(id(cls)) or self._learn(cls))[2]
        name = held(instance_dict(task), "_name") if native is None else class_value(native, "get_name")(task)  # type: ignore[operator]
        return str.__getitem__(name, slice(MAX_NAME)) if issubclass(type(name), str) else "?"  # type: ignore[index]

    def is_cancelled(self, task: object) -> bool:
        """Whether it was asked to end and has not."""
        cls = type(task)
        native = (self._kinds.get(id(cls)) or self._learn(cls))[2]
        if native is None:
            asked = held(instance_dict(task), "_num_cancels_requested")
        else:
            asked = class_value(native, "cancelling")(task)  # type: ignore[operator]
        return type(asked) is int and asked > 0

    def _learn(self, cls: type) -> tuple[type, str, type | None]:
        found: tuple[type, str, type | None] = (cls, OTHER, None)
        for base in mro(cls):
            name = qualified_name(base)
            if name in _TYPES and (name[0] != "_" or is_builtin(base)):
                found = (cls, _TYPES[name], base if name[0] == "_" else None)
                break
        self._kinds[id(cls)] = found
        return found


def _of_python(obj: object, name: str) -> Any:
    """A field of one that is written in Python: its own, else what its class begins with."""
    value = held(instance_dict(obj), name)
    if value is None and (begun := class_value(type(obj), name)) is not ABSENT:
        return begun
    return value


def _reader(native: type, name: str) -> Any:
    """What reads a field that the C type has; of one that this version has not, nothing."""
    descriptor = class_value(native, name)
    return (lambda _obj: None) if descriptor is ABSENT else descriptor.__get__  # type: ignore[attr-defined]
