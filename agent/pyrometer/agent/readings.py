"""How instances of a class are read without running its code: found out once for a class, then remembered.

Everything goes through what the interpreter itself made: flags and bases through the descriptors of `type`, slots and
the members of builtin types through their member descriptors, the instance dictionary through the getter that `type`
gave to the class. A type of an extension module may have a `__dict__` of its own that forwards to another object: where
one stands among the bases, there is no dictionary for us.
"""

from __future__ import annotations

from _weakref import ref
from collections import deque
from gc import get_referents
from types import GetSetDescriptorType, MemberDescriptorType, SimpleNamespace

from pyrometer.agent.attributes import is_ordinary_getter, mro, qualified_name
from pyrometer.agent.getters import EXCEPTION_SUBCLASS, args_of, flags_of, scope_of
from pyrometer.agent.known import text_reader
from pyrometer.agent.mappings import ABSENT, Unreadable, find
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

MAX_SCOPE = 5000
"""Names of a class and its bases together that are looked through; a class with more is shown by its type alone."""
MAX_REMEMBERED = 1024


class Reading(NamedTuple):
    """How instances of one class are read."""

    type: str
    """Module and qualified name."""
    kind: str
    """A kind of `link.model.hit_event`; `object` where there are fields to read."""
    base: Any = None
    """The builtin type whose own methods read the content; of a subclass they see what that type holds."""
    slots: tuple[tuple[str, Callable[[Any], Any]], ...] = ()
    """Names and getters that raise AttributeError where there is no value."""
    dict_of: Callable[[Any], Any] | None = None
    """Gets the instance dictionary."""
    names: tuple[str, ...] = ()
    """Names of a named tuple's items."""
    text: Callable[[Any], str | None] | None = None
    """Makes the text of a known type; None where this one can't be shown so."""
    why: str = ""
    """Why it can't be read, where it is `unreadable`."""


def reading_of(cls: type) -> Reading:
    """How instances of `cls` are read."""
    known = _readings.get(id(cls))
    if known is not None and known[0]() is cls:
        return known[1]
    reading = _find_out(cls)
    if len(_readings) >= MAX_REMEMBERED:
        _readings.clear()
    _readings[id(cls)] = (ref(cls), reading)
    return reading


def _find_out(cls: type) -> Reading:
    name, bases = qualified_name(cls), mro(cls)
    if sum(len(scope_of(base)) for base in bases) > MAX_SCOPE:
        return Reading(name, "unreadable", why="a class with too many names")
    text = text_reader(cls, bases)
    if text is not None:
        return Reading(name, "other", text=text)
    kind, base = _content_of(cls, bases)
    if kind == "tuple" and (names := _field_names(bases)):
        return Reading(name, "object", base=tuple, names=names)
    if kind:
        return Reading(name, kind, base=base)
    return _read_fields(cls, name, bases)


def _content_of(cls: type, bases: tuple[type, ...]) -> tuple[str, Any]:
    """Kind and builtin type of what holds other values or is a scalar; "" for the rest."""
    flags = flags_of(cls)
    for flag, kind, base in _BY_FLAG:
        if flags & flag:
            return kind, base
    for kind, base in _BY_BASE:
        if any(candidate is base for candidate in bases):
            return kind, base
    return "", None


def _read_fields(cls: type, name: str, bases: tuple[type, ...]) -> Reading:
    slots = tuple(_slots(bases))
    if flags_of(cls) & EXCEPTION_SUBCLASS:
        return Reading(name, "object", slots=(("args", args_of), *slots), dict_of=_exception_dict_of)
    dict_of, why = _dict_getter(bases)
    if slots or dict_of:
        return Reading(name, "object", slots=slots, dict_of=dict_of)
    if why:
        return Reading(name, "unreadable", why=why)
    return Reading(name, "object" if _own(cls, "__slots__") is not None else "other")


def _slots(bases: tuple[type, ...]) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield slots, those of the first base first; what a subclass hides is left out."""
    seen: set[str] = set()
    for base in reversed(bases):
        for key, held in list(scope_of(base).items()):
            if type(held) is MemberDescriptorType and type(key) is str and key[:2] != "__" and key not in seen:
                seen.add(key)
                yield key[:200], held.__get__


def _dict_getter(bases: tuple[type, ...]) -> tuple[Callable[[Any], Any] | None, str]:
    """The getter of the instance dictionary; None with the reason, empty where such objects have none."""
    getter, why = None, ""
    for base in bases:
        held = _own(base, "__dict__")
        if held is None or base is object:
            continue
        if not _is_genuine(base, held):
            why = f"{qualified_name(base)} has a __dict__ of its own, which would run"
            if type(held) is GetSetDescriptorType:
                return None, why
        elif getter is None:
            getter = held.__get__
    return getter, "" if getter else why


def _is_genuine(base: type, held: Any) -> bool:
    """Whether what a class has under `__dict__` only reads memory."""
    if type(held) is MemberDescriptorType:
        return base is SimpleNamespace
    return is_ordinary_getter(base, held)


def _field_names(bases: tuple[type, ...]) -> tuple[str, ...]:
    """Names of the items of a class that `namedtuple` or `NamedTuple` made, in whatever class of the line."""
    for base in bases:
        names = _own(base, "_fields")
        if names is not None:
            is_plain = type(names) is tuple and all(type(name) is str for name in names)
            return names if is_plain else ()
    return ()


def _own(cls: type, name: str) -> Any:
    """What the namespace of this very class holds, else None; no key that is not plain text is hashed or compared."""
    try:
        held = find(get_referents(scope_of(cls))[0], name)
    except Unreadable:
        return None
    return None if held is ABSENT else held


_exception_dict_of = BaseException.__dict__["__dict__"].__get__
_BY_FLAG: tuple[tuple[int, str, Any], ...] = (
    (1 << 24, "int", int),
    (1 << 25, "list", list),
    (1 << 26, "tuple", tuple),
    (1 << 27, "bytes", bytes),
    (1 << 28, "str", str),
    (1 << 29, "dict", dict),
)
"""Flags by which the interpreter tells subclasses of its own types, whatever a metaclass answers."""
_BY_BASE: tuple[tuple[str, Any], ...] = (
    ("set", set),
    ("set", frozenset),
    ("list", deque),
    ("bytes", bytearray),
    ("float", float),
)

_readings: dict[int, tuple[Callable[[], Any], Reading]] = {}
"""By id, with a weak reference that tells a reused one: hashing a class may run its metaclass."""
