"""Classes whose every method is a trap: whatever runs one is written down in `CALLS`. Faults 41, 42, 49 and 51."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import fractions
import pathlib
import uuid
from collections.abc import Callable
from typing import Any

CALLS: list[str] = []
"""What has been run since the list was last emptied."""

DUNDERS = (
    *("__abs__", "__add__", "__and__", "__bool__", "__bytes__", "__call__", "__complex__", "__contains__", "__copy__"),
    *("__deepcopy__", "__delattr__", "__delitem__", "__dir__", "__divmod__", "__enter__", "__eq__", "__exit__"),
    *("__float__", "__floordiv__", "__format__", "__fspath__", "__ge__", "__getattr__", "__getattribute__"),
    *("__getitem__", "__getnewargs__", "__getstate__", "__gt__", "__hash__", "__iadd__", "__index__", "__int__"),
    *("__invert__", "__iter__", "__le__", "__len__", "__length_hint__", "__lshift__", "__lt__", "__missing__"),
    *("__mod__", "__mul__", "__ne__", "__neg__", "__next__", "__or__", "__pos__", "__pow__", "__radd__", "__reduce__"),
    *("__reduce_ex__", "__repr__", "__reversed__", "__round__", "__rshift__", "__setattr__", "__setitem__"),
    *("__sizeof__", "__str__", "__sub__", "__trunc__", "__xor__"),
)
META_DUNDERS = (
    *(
        "__call__",
        "__contains__",
        "__dir__",
        "__eq__",
        "__getattr__",
        "__getattribute__",
        "__hash__",
        "__instancecheck__",
    ),
    *("__iter__", "__len__", "__ne__", "__repr__", "__str__", "__subclasscheck__"),
)
DESCRIPTORS = ("__class__", "__dict__", "__module__", "__slots__", "__weakref__", "__qualname__", "__doc__", "_fields")


class Sprung(BaseException):
    """A trap was run; nothing of ours catches it by accident."""


def trap(name: str) -> Callable[..., Any]:
    """A function that writes its name down and raises."""

    def sprung(*_args: Any, **_keywords: Any) -> Any:
        CALLS.append(name)
        raise Sprung(name)

    return sprung


class Trap:
    """A descriptor that is one: reading it, as a property is read, springs it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        CALLS.append(self.name)
        raise Sprung(self.name)

    def __set__(self, instance: object, value: object) -> None:
        CALLS.append(self.name)


TrappedType: Any = type("TrappedType", (type,), {name: trap(f"metaclass {name}") for name in META_DUNDERS})

_BASES: tuple[tuple[type, Callable[[type], Any]], ...] = (
    (object, object.__new__),
    (list, lambda cls: _filled(list, list.__new__(cls), [1, 2])),
    (tuple, lambda cls: tuple.__new__(cls, (1, 2))),
    (dict, lambda cls: _filled(dict, dict.__new__(cls), {"a": 1})),
    (set, lambda cls: _filled(set, set.__new__(cls), {1})),
    (frozenset, lambda cls: frozenset.__new__(cls, {1})),
    (str, lambda cls: str.__new__(cls, "text")),
    (bytes, lambda cls: bytes.__new__(cls, b"text")),
    (bytearray, lambda cls: _filled(bytearray, bytearray.__new__(cls), b"text")),
    (int, lambda cls: int.__new__(cls, 7)),
    (float, lambda cls: float.__new__(cls, 7.5)),
    (complex, lambda cls: complex.__new__(cls, 7)),
    (Exception, lambda cls: Exception.__new__(cls, "message")),
    (OSError, lambda cls: OSError.__new__(cls, 2, "message")),
    (KeyError, lambda cls: KeyError.__new__(cls, "message")),
    (collections.deque, lambda cls: _filled(collections.deque, collections.deque.__new__(cls), [1])),
    (collections.OrderedDict, collections.OrderedDict.__new__),
    (collections.defaultdict, lambda cls: _filled(dict, collections.defaultdict.__new__(cls), {"a": 1})),
    (collections.Counter, lambda cls: _filled(dict, dict.__new__(cls), {"a": 1})),
    (collections.UserDict, object.__new__),
    (dt.date, lambda cls: dt.date.__new__(cls, 2026, 1, 2)),
    (dt.datetime, lambda cls: dt.datetime.__new__(cls, 2026, 1, 2)),
    (dt.timedelta, lambda cls: dt.timedelta.__new__(cls, 1)),
    (decimal.Decimal, lambda cls: decimal.Decimal.__new__(cls, "1.5")),
    (fractions.Fraction, object.__new__),
    (pathlib.PurePosixPath, object.__new__),
    (uuid.UUID, object.__new__),
)


def _filled(base: Any, empty: Any, content: Any) -> Any:
    base.__init__(empty, content)
    return empty


def _make(base: type, create: Callable[[type], Any], meta: type, names: tuple[str, ...], label: str) -> Any:
    namespace: dict[str, Any] = {name: trap(f"{label}.{name}") for name in names}
    namespace |= {name: Trap(f"{label}.{name}") for name in ("total", "items_left")}
    namespace |= {"__module__": "tests.agent.hostile"}
    return create(type.__new__(meta, label, (base,), namespace))


def _with_attributes(obj: Any) -> Any:
    for name, value in (("amount", 5), ("password", "hunter2"), ("total", 9)):
        try:
            mapping = _dict_of(obj)
        except (AttributeError, TypeError):
            return obj
        dict.__setitem__(mapping, name, value)
    return obj


def _dict_of(obj: Any) -> dict[str, Any]:
    for base in type.__dict__["__mro__"].__get__(type(obj)):
        held = type.__dict__["__dict__"].__get__(base).get("__dict__")
        if type(held) is type(type.__dict__["__dict__"]):
            mapping: dict[str, Any] = held.__get__(obj)
            return mapping
    raise AttributeError


def instances() -> dict[str, Any]:
    """Fresh instances of all the classes, by what is hostile about them."""
    made: dict[str, Any] = {}
    for base, create in _BASES:
        names = tuple(name for name in DUNDERS if not (base is object and name == "__new__"))
        made[f"{base.__name__} with traps"] = _make(base, create, type, names, f"Trapped{base.__name__.title()}")
        if type(base) is type:
            label = f"Meta{base.__name__.title()}"
            made[f"{base.__name__} of a trapped metaclass"] = _make(base, create, TrappedType, names, label)
    for name in DUNDERS:
        made[f"{name} alone"] = _with_attributes(_make(object, object.__new__, type, (name,), f"Only{name.strip('_')}"))
    for name in META_DUNDERS:
        meta = type("OneTrap", (type,), {name: trap(f"metaclass {name}")})
        made[f"metaclass with {name} alone"] = _with_attributes(_make(object, object.__new__, meta, (), "Quiet"))
    for name in DESCRIPTORS:
        if name not in ("__slots__", "__qualname__"):
            made[f"{name} is computed"] = object.__new__(type("Computed", (), {name: Trap(name)}))
    return made | _oddities()


def families() -> list[str]:
    """Names of the builtin types of which hostile subclasses are made."""
    return [base.__name__ for base, _ in _BASES]


def of_family(name: str) -> dict[str, Any]:
    """For each method, an instance of a subclass of the builtin type that has a trap for that one alone."""
    base, create = next((base, create) for base, create in _BASES if base.__name__ == name)
    made = {}
    for dunder in (*DUNDERS, "__del__", "__class_getitem__", "__set_name__", "__init_subclass__", "__set__", "__get__"):
        label = f"{name.title()}{dunder.strip('_').title()}"
        made[dunder] = _with_attributes(_make(base, create, type, (dunder,), label))
    return made


def disarm(made: dict[str, Any]) -> None:
    """Take the traps away, so that the instances can end: `__del__` is one."""
    for obj in made.values():
        for name in ("__del__", "__hash__", "__eq__"):
            if name in type.__dict__["__dict__"].__get__(type(obj)):
                type.__delattr__(type(obj), name)


def _oddities() -> dict[str, Any]:
    """What `type()` lets one make, and a class statement does not."""
    named = type("x" * 1_000_000, (), {"__module__": 5})
    colliding = type("Colliding", (), {Colliding(key): 1 for key in ("__module__", "__dict__", "__slots__")})
    keyed = object.__new__(type("Keyed", (), {}))
    _dict_of(keyed)[Colliding("amount")] = 1
    slotted = object.__new__(type("Slotted", (), {"__slots__": ("amount", "password", "__hidden")}))
    parts = {"__qualname__": Text("Odd"), "__module__": Text("odd"), "__slots__": ()}
    return {
        "a name of a million characters and a module that is a number": object.__new__(named),
        "a namespace whose keys collide": object.__new__(colliding),
        "an instance dictionary whose keys collide": keyed,
        "slots without values": slotted,
        "names that are no plain text": object.__new__(type("Odd", (), parts)),
        "a dictionary whose keys collide": {Colliding("password"): 1, Colliding("amount"): 2},
        "an exception whose argument is hostile": ValueError(_make(object, object.__new__, type, DUNDERS, "Argument")),
        "a class": type.__new__(TrappedType, "Bare", (), {}),
        "a range of hostile numbers": range(_make(int, lambda cls: int.__new__(cls, 3), type, ("__repr__",), "Number")),
        "a slice of hostile things": slice(_make(object, object.__new__, type, DUNDERS, "Bound")),
        "a time with a hostile zone": dt.datetime(2026, 1, 2, tzinfo=Zone()),
    }


class Text(str):
    """A str whose own methods are traps, but for those that making a class needs."""

    __slots__ = ()
    __repr__ = __str__ = __len__ = __iter__ = __getitem__ = __add__ = trap("Text")  # type: ignore[assignment]


class Colliding(str):
    """A key that has the hash of a plain text and springs when it is compared with one."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is Colliding:
            return str.__eq__(self, other)
        CALLS.append("Colliding.__eq__")
        return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__
    __repr__ = __str__ = trap("Colliding")  # type: ignore[assignment]


class Zone(dt.tzinfo):
    """A time zone that asks somebody else."""

    utcoffset = dst = tzname = trap("Zone")  # type: ignore[assignment]
