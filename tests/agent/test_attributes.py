"""Attributes: what is stored is read as Python reads it, what is computed is refused by its name."""

from __future__ import annotations

import datetime as dt
import gc
import sys
import threading
import weakref
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrometer.agent.attributes import (
    ABSENT,
    Missing,
    Unreadable,
    attribute_reader,
    instance_dict,
    qualified_name,
    read_attribute,
    slot_items,
)


class Sprung(BaseException):
    pass


class Overriding:
    """A data descriptor."""

    def __get__(self, instance: object, owner: object) -> object:
        raise Sprung

    def __set__(self, instance: object, value: object) -> None:
        raise Sprung


class Computing:
    """A descriptor that gives way to the instance's own value."""

    def __get__(self, instance: object, owner: object) -> object:
        raise Sprung


class Base:
    constant = 5
    shadowed = "class"
    overriding = Overriding()
    computing = Computing()

    def __init__(self) -> None:
        self.own = 1
        self.shadowed = "instance"
        self.__dict__["overriding"] = "hidden"
        self.__dict__["computing"] = "stored"
        self.__dict__["method"] = "stored too"

    @property
    def computed(self) -> object:
        raise Sprung

    def method(self) -> object:
        raise Sprung

    def another(self) -> object:
        raise Sprung

    @staticmethod
    def static() -> object:
        raise Sprung

    @classmethod
    def of_class(cls) -> object:
        raise Sprung


class Child(Base):
    inherited = 7


class Slotted:
    __slots__ = ("__dict__", "_hidden", "given", "missing")

    def __init__(self) -> None:
        self.given = 3
        self._hidden = 4
        self.loose = 5

    @property
    def hidden(self) -> object:
        raise Sprung


class Asking:
    def __init__(self) -> None:
        self.own = 1

    def __getattr__(self, name: str) -> object:
        raise Sprung


class Proxy:
    def __getattribute__(self, name: str) -> object:
        raise Sprung


class Meta(type):
    @property
    def computed(cls) -> object:
        raise Sprung


class Classy(metaclass=Meta):
    limit = 9


class Row(NamedTuple):
    first: int
    second: str


class Failure(Exception):
    code = 3

    def __init__(self) -> None:
        super().__init__("declined", 7)
        self.reason = "limit"


def _module(**content: Any) -> ModuleType:
    module = ModuleType("settings")
    vars(module).update(content)
    return module


ALIVE = Base()

READ = {
    "own": (Child(), "own", 1),
    "of the class": (Child(), "constant", 5),
    "inherited": (Child(), "inherited", 7),
    "shadowed": (Child(), "shadowed", "instance"),
    "before a descriptor that gives way": (Child(), "computing", "stored"),
    "before a method": (Child(), "method", "stored too"),
    "a slot": (Slotted(), "given", 3),
    "beside slots": (Slotted(), "loose", 5),
    "beside __getattr__": (Asking(), "own", 1),
    "of a namespace": (SimpleNamespace(x=1), "x", 1),
    "of a named tuple": (Row(1, "a"), "second", "a"),
    "of an exception": (Failure(), "reason", "limit"),
    "of an exception's class": (Failure(), "code", 3),
    "arguments of an exception": (Failure(), "args", ("declined", 7)),
    "a field of a builtin exception": (OSError(2, "gone", "file"), "filename", "file"),
    "of a module": (_module(DEBUG=True), "DEBUG", True),
    "of a class object": (Classy, "limit", 9),
    "of a date": (dt.datetime(2026, 1, 2), "year", 2026),
    "of a slice": (slice(1, 2), "stop", 2),
}
REFUSED = {
    "a property": (Child(), "computed", "a property of"),
    "a property over a slot": (Slotted(), "hidden", "_hidden is stored"),
    "an overriding descriptor": (Child(), "overriding", "Overriding of"),
    "a method": (Child(), "another", "a method of"),
    "a static method": (Child(), "static", "a method of"),
    "a class method": (Child(), "of_class", "a method of"),
    "a slot without a value": (Slotted(), "missing", "not set"),
    "nothing": (Child(), "nothing", "no attribute nothing"),
    "__getattr__": (Asking(), "nothing", "__getattr__ would run"),
    "__getattribute__": (Proxy(), "own", "__getattribute__"),
    "a thread's own": (threading.local(), "x", "__getattribute__"),
    "a weak proxy": (weakref.proxy(ALIVE), "limit", "__getattribute__"),
    "what super() gives": (super(Child, Child()), "own", "__getattribute__"),
    "of a module, absent": (_module(), "DEBUG", "no attribute DEBUG"),
    "of a module that asks": (_module(__getattr__=len), "DEBUG", "__getattr__ would run"),
    "of a metaclass": (Classy, "computed", "metaclass"),
    "a function of a class object": (Base, "another", "not a value"),
    "of a number": (5, "bit_length", "method_descriptor"),
    "the class": (Child(), "__class__", "interpreter"),
    "the dictionary": (Child(), "__dict__", "interpreter"),
}


@pytest.mark.parametrize(("obj", "name", "value"), READ.values(), ids=READ.keys())
def test_what_is_stored_is_read_as_python_reads_it(obj: object, name: str, value: object) -> None:
    """The same value as `getattr`, whichever of the two ways it is read."""
    reader = attribute_reader(name)
    assert [read_attribute(obj, name), reader(obj), reader(obj)] == [value] * 3
    assert getattr(obj, name) == value


@pytest.mark.parametrize(("obj", "name", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_computed_is_refused_by_its_name(obj: object, name: str, why: str) -> None:
    """Design section 6: a property or `__getattr__` is refused with its name, not run (fault 58)."""
    reader = attribute_reader(name)
    for read in (lambda: read_attribute(obj, name), lambda: reader(obj), lambda: reader(obj)):
        with pytest.raises(Unreadable) as caught:
            read()
        assert why in caught.value.why


def test_what_is_not_there_is_told_from_what_can_not_be_read() -> None:
    """Missing is an Unreadable of its own."""
    with pytest.raises(Missing):
        read_attribute(Child(), "nothing")
    with pytest.raises(Unreadable) as caught:
        read_attribute(Child(), "computed")
    assert not isinstance(caught.value, Missing)


@given(
    levels=st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)), min_size=1, max_size=4),
    own=st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9)),
    asked=st.booleans(),
)
def test_plain_classes_are_read_as_python_reads_them(
    levels: list[dict[str, int]], own: dict[str, int], *, asked: bool
) -> None:
    """Any inheritance of plain values, with and without a dictionary that was already asked for."""
    cls: type = object
    for number, level in enumerate(levels):
        cls = type(f"Level{number}", (cls,), level)
    obj: Any = cls()
    for name, value in own.items():
        setattr(obj, name, value)
    if asked:
        assert obj.__dict__ == own
    for name in "abcd":
        try:
            value = read_attribute(obj, name)
        except Missing:
            value = ABSENT
        assert value == getattr(obj, name, ABSENT)


@pytest.mark.parametrize("count", [0, 1, 2, 20, 29, 30, 31, 100])
@pytest.mark.parametrize("way", ["inserted", "replaced"])
def test_keys_of_an_instance_are_not_compared(count: int, way: str) -> None:
    """Fault 49: an instance's dictionary may hold keys that have a comparison of their own."""

    class Key(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            raise Sprung

    obj: Any = type("Keyed", (), {})()
    for number in range(count):
        setattr(obj, f"attribute{number}", number)
    if way == "inserted":
        obj.__dict__[Key("wanted")] = 1
    else:
        obj.__dict__ = {Key("wanted"): 1, **{f"attribute{number}": number for number in range(count)}}
    reader = attribute_reader("wanted")
    for read in (lambda: read_attribute(obj, "wanted"), lambda: reader(obj), lambda: reader(obj)):
        with pytest.raises(Missing):
            read()
    if count:
        assert read_attribute(obj, "attribute0") == 0


@pytest.mark.parametrize("base", [object, Exception])
def test_an_instances_dictionary_of_a_class_of_its_own_is_asked_nothing(base: type) -> None:
    """Neither whether it is true, nor how long it is, nor for an item. Fault 49."""

    class Fields(dict[str, int]):
        def _spring(self, *_: object) -> Any:
            raise Sprung

        __bool__ = __len__ = __getitem__ = __contains__ = get = _spring

    obj: Any = type("Keeper", (base,), {})()
    obj.__dict__ = Fields(amount=5)
    reader = attribute_reader("amount")
    assert [read_attribute(obj, "amount"), reader(obj), reader(obj)] == [5, 5, 5]
    with pytest.raises(Missing):
        read_attribute(obj, "nothing")


def test_reading_makes_no_dictionary() -> None:
    """An object keeps its values without one; asking for it would make it larger for as long as it lives."""

    class Plain:
        def __init__(self) -> None:
            self.first = 1
            self.by_number = {1: "one"}

    obj, asked = Plain(), Plain()
    assert read_attribute(obj, "first") == 1
    reader = attribute_reader("first")
    assert reader(obj) == reader(obj) == 1
    dictionaries = [value for value in gc.get_referents(obj) if type(value) is dict]
    assert dictionaries == [{1: "one"}]
    assert asked.__dict__


def test_the_dictionary_of_an_instance_is_the_real_one() -> None:
    """Fault 41: a `__dict__` that a class computes is passed over, or there is none."""

    class Lying(Base):
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            raise Sprung

    class AllLies:
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            raise Sprung

    lying = object.__new__(Lying)
    lying.own = 1
    assert instance_dict(lying) == {"own": 1}
    assert instance_dict(AllLies()) is None
    assert instance_dict(Row(1, "a")) is None
    assert instance_dict(5) is None
    assert instance_dict(Base) is None
    assert instance_dict(Failure()) == {"reason": "limit"}
    assert instance_dict(SimpleNamespace(x=1)) == {"x": 1}
    assert (instance_dict(sys) or {})["maxsize"] == sys.maxsize


def test_slots_are_read_with_those_of_the_bases() -> None:
    """Fault 51: unset ones are told; of two with one name, the one that Python reads."""

    class Lower:
        __slots__ = ("low", "same")

    class Upper(Lower):
        __slots__ = ("same", "up")

    obj = Upper()
    obj.low, obj.same = 1, 2
    Lower.same.__set__(obj, 3)  # type: ignore[attr-defined]
    assert dict(slot_items(obj)) == {"same": 2, "up": ABSENT, "low": 1}


def test_names_of_classes_are_bounded_and_never_asked_for() -> None:
    """Fault 42: whatever the metaclass and the class say of themselves."""

    class Liar(type):
        def __getattribute__(cls, name: str) -> object:
            raise Sprung

    assert qualified_name(int) == "int"
    assert qualified_name(Base) == f"{__name__}.Base"
    assert qualified_name(Liar("Named", (), {"__module__": "shop"})) == "shop.Named"
    assert qualified_name(Liar("x" * 1_000_000, (), {"__module__": 5})) == "?." + "x" * 200


def test_a_descriptor_that_is_known_to_give_what_is_stored_does() -> None:
    """SQLAlchemy's columns: what is loaded is read, what is not would be a query."""
    column = type("InstrumentedAttribute", (Overriding,), {"__module__": "sqlalchemy.orm.attributes"})
    order: Any = type("Order", (), {"total": column(), "customer": column()})()
    order.__dict__["total"] = 5
    assert read_attribute(order, "total") == 5
    with pytest.raises(Unreadable, match="InstrumentedAttribute"):
        read_attribute(order, "customer")
