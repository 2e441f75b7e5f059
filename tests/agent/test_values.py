from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import functools
import gc
import json
import math
import pathlib
import sys
import threading
import types
import uuid
import weakref
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrometer.agent import frames, values
from pyrometer.agent.frames import UNSET
from pyrometer.agent.values import REDACTED, Capture, Redacted
from pyrometer.guard.redaction import Redactor
from pyrometer.link.framing import MAX_EVENT
from pyrometer.link.model import ProbeLimits

LIMITS = ProbeLimits()
LARGEST = ProbeLimits(depth=10, items=1000, length=65_536, frames=200)


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets of time are out of the way but for the tests that are about them: the machine may be busy."""
    frames.prepare()
    monkeypatch.setattr(values, "MAX_SECONDS", 60.0)
    monkeypatch.setattr(values, "MAX_WALL", 60.0)


def capture(obj: object, limits: ProbeLimits = LIMITS, *, shape: bool = False) -> dict[str, Any]:
    return Capture(limits, Redactor(), shape=shape).value(obj)


def fields(obj: object, limits: ProbeLimits = LIMITS) -> dict[str, Any]:
    return dict(capture(obj, limits)["fields"])


def plain(node: dict[str, Any]) -> Any:
    """The value that a node stands for, as far as it is whole."""
    kind = node["kind"]
    assert "why" not in node, node
    if kind in ("list", "tuple", "set"):
        items = [plain(item) for item in node["items"]]
        return {"list": list, "tuple": tuple, "set": set}[kind](items)
    if kind == "dict":
        return {plain(key): plain(value) for key, value in node["entries"]}
    convert = {"none": lambda _: None, "int": int, "float": float, "bytes": lambda text: text.encode("latin-1")}
    return convert.get(kind, lambda value: value)(node.get("value"))


class Color(enum.Enum):
    RED = 1
    BLUE = "b"


class Level(enum.IntEnum):
    HIGH = 5


class Header(enum.StrEnum):
    SIGNED = "Authorization"
    API_KEY = "x-key"
    HOST = "host"


class Point(NamedTuple):
    x: int
    password: str


@dataclasses.dataclass
class Card:
    holder: str
    card_number: str


@dataclasses.dataclass(slots=True)
class Item:
    name: str
    count: int = 1


@pytest.mark.parametrize(
    ("obj", "node"),
    [
        (None, {"type": "NoneType", "kind": "none"}),
        (True, {"type": "bool", "kind": "bool", "value": True}),
        (7, {"type": "int", "kind": "int", "value": "7"}),
        (-0.0, {"type": "float", "kind": "float", "value": "-0.0"}),
        (math.inf, {"type": "float", "kind": "float", "value": "inf"}),
        ("text", {"type": "str", "kind": "str", "value": "text"}),
        (b"\xff\0", {"type": "bytes", "kind": "bytes", "value": "\xff\0"}),
        (bytearray(b"x"), {"type": "bytearray", "kind": "bytes", "value": "x"}),
        ((), {"type": "tuple", "kind": "tuple", "items": []}),
        ({}, {"type": "dict", "kind": "dict", "entries": []}),
        (1j, {"type": "complex", "kind": "other", "value": "1j"}),
        (..., {"type": "ellipsis", "kind": "other", "value": "Ellipsis"}),
        (object(), {"type": "object", "kind": "other"}),
        (len, {"type": "builtin_function_or_method", "kind": "other", "value": "len"}),
        (json, {"type": "module", "kind": "other", "value": "json"}),
        (int, {"type": "type", "kind": "other", "value": "int"}),
        (json.dumps, {"type": "function", "kind": "other", "value": "json.dumps"}),
        (Color, {"type": f"enum.{type(Color).__name__}", "kind": "other", "value": f"{__name__}.Color"}),
        (Color.RED, {"type": f"{__name__}.Color", "kind": "other", "value": "Color.RED = 1"}),
        (Color.BLUE, {"type": f"{__name__}.Color", "kind": "other", "value": "Color.BLUE = 'b'"}),
        (Level.HIGH, {"type": f"{__name__}.Level", "kind": "other", "value": "Level.HIGH = 5"}),
        (dt.date(2026, 1, 2), {"type": "datetime.date", "kind": "other", "value": "2026-01-02"}),
        (decimal.Decimal("1.50"), {"type": "decimal.Decimal", "kind": "other", "value": "1.50"}),
        (UNSET, {"type": "", "kind": "unset"}),
        (REDACTED, {"type": "", "kind": "redacted", "why": "name"}),
        (Redacted("value: JWT"), {"type": "", "kind": "redacted", "why": "value: JWT"}),
    ],
)
def test_a_value_has_its_node(obj: object, node: dict[str, Any]) -> None:
    """The wire form of `link.model.hit_event`, kind by kind."""
    assert capture(obj) == node


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (dt.datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02T03:04:05.000006"),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00"),
        (
            dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=-2.5))),
            "2026-01-02T00:00:00-02:30",
        ),
        (dt.time(1, 2), "01:02:00"),
        (dt.timedelta(days=-1, seconds=3661), "-1d 01:01:01"),
        (uuid.UUID("550e8400-e29b-41d4-a716-446655440000"), "550e8400-e29b-41d4-a716-446655440000"),
        (pathlib.Path("/srv") / "shop", "/srv/shop"),
        (pathlib.PurePosixPath("a", "b/c"), "a/b/c"),
        (pathlib.PurePosixPath("a", "/b"), "/b"),
        (pathlib.PurePosixPath(), "."),
    ],
)
def test_known_types_are_shown_as_one_writes_them(obj: object, text: str) -> None:
    """Section 7: more than a type, without a line of their Python."""
    assert capture(obj)["value"] == text
    assert capture(obj)["kind"] == "other"


def test_objects_show_what_they_hold() -> None:
    """Instance dictionaries, slots, dataclasses, named tuples and exceptions have fields."""
    assert fields(Card("Ann", "4111"))["holder"] == {"type": "str", "kind": "str", "value": "Ann"}
    assert [name for name, _ in capture(Item("x"))["fields"]] == ["count", "name"]
    assert plain(fields(Point(1, "x"))["x"]) == 1
    assert plain(fields(types.SimpleNamespace(a=1))["a"]) == 1
    assert plain(fields(functools.partial(int, base=2))["keywords"]) == {"base": 2}
    assert plain(fields(OSError(2, "gone"))["errno"]) == 2

    class Base:
        __slots__ = ("first",)

    class Derived(Base):
        second: int

    derived = Derived()
    derived.first, derived.second = 1, 2
    assert {name: plain(node) for name, node in fields(derived).items()} == {"first": 1, "second": 2}


def test_subclasses_of_builtin_types_show_their_content() -> None:
    """What a subclass holds is read by the builtin's own methods; its type is named."""
    for base, content, kind in ((list, [1], "list"), (dict, {1: 2}, "dict"), (str, "x", "str"), (int, 5, "int")):
        cls = type("Sub", (base,), {})
        node = capture(cls(content))
        assert node["type"] == f"{__name__}.Sub"
        assert node["kind"] == kind
        assert plain(node) == content
    assert plain(capture(collections.OrderedDict(a=1))) == {"a": 1}
    assert plain(capture(collections.deque([1, 2]))) == [1, 2]


def test_the_five_ways_of_not_being_there_differ() -> None:
    """Unset, None, redacted, truncated, unreadable: each is said in another way."""

    class Computed:
        @property
        def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
            raise AssertionError

    nodes = [capture(obj) for obj in (UNSET, None, REDACTED, "x" * 300, Computed())]
    assert [node["kind"] for node in nodes] == ["unset", "none", "redacted", "str", "unreadable"]
    assert nodes[3]["why"] == "length"
    assert "__dict__" in nodes[4]["why"]


class Test_limits:  # noqa: N801 - groups tests
    def test_length(self) -> None:
        """Fault 45: only the head of a text is read, and its true size is told."""
        node = capture("a" * 100_000_000)
        assert (len(node["value"]), node["size"], node["why"]) == (LIMITS.length, 100_000_000, "length")
        node = capture(bytearray(50_000_000))
        assert (len(node["value"]), node["size"], node["why"]) == (LIMITS.length, 50_000_000, "length")

    def test_items(self) -> None:
        """Fault 49: the first items, and how many there are."""
        for obj in (list(range(500)), tuple(range(500)), set(range(500)), collections.deque(range(500))):
            node = capture(obj)
            assert (len(node["items"]), node["size"], node["why"]) == (LIMITS.items, 500, "items")
        node = capture(dict.fromkeys(range(500)))
        assert (len(node["entries"]), node["size"], node["why"]) == (LIMITS.items, 500, "items")

    def test_fields(self) -> None:
        """An object of 100,000 attributes is shown by the first of them."""
        node = capture(types.SimpleNamespace(**{f"a{n}": n for n in range(100_000)}))
        assert (len(node["fields"]), node["size"], node["why"]) == (values.MAX_FIELDS, 100_000, "items")

    def test_depth(self) -> None:
        """Fault 44: nesting without end ends at the limit."""
        nested: list[Any] = []
        for _ in range(100_000):
            nested = [nested]
        node = capture(nested)
        for _ in range(LIMITS.depth):
            node = node["items"][0]
        assert (node["why"], node["size"]) == ("depth", 1)
        while nested:  # unwound by hand: the interpreter would do it by recursion
            nested = nested.pop()

    def test_nodes(self) -> None:
        """Fault 44: a cube of a million lists costs what a thousand nodes cost."""
        cube = [[list(range(100)) for _ in range(100)] for _ in range(100)]
        assert _count(capture(cube)) < 2 * values.MAX_NODES
        assert _count(capture(cube, LARGEST)) < 4 * values.MAX_NODES

    def test_a_large_value_leaves_room_for_those_beside_it(self) -> None:
        """Breadth first and by shares: the tenth variable is shown although the first is a cube."""

        def service() -> list[list[Any]]:
            cube = [[list(range(20)) for _ in range(20)] for _ in range(20)]
            other = [[list(range(20)) for _ in range(20)] for _ in range(20)]
            last = {"total": 1249.5}
            return Capture(LIMITS, Redactor()).locals(sys._getframe()) if cube and other and last else []

        shown = dict(service())
        assert plain(shown["last"]) == {"total": 1249.5}
        assert len(shown["other"]["items"]) == 20

    def test_an_int_beyond_all_bounds(self) -> None:
        """Fault 46: the interpreter refuses to write out 4,300 digits, and takes for ever for more."""
        node = capture(1 << 4_000_000)
        assert node["value"].startswith("0x1000")
        assert len(node["value"]) <= LIMITS.length + 3
        assert (node["size"], node["why"]) == (1_000_001, "length")
        assert capture(-(10**700))["value"].startswith("-0x")
        assert capture(10**600)["value"] == str(10**600)

    def test_a_decimal_of_a_million_digits(self) -> None:
        """Fault 46: its type is enough."""
        assert capture(decimal.Decimal("1" * 1_000_000)) == {"type": "decimal.Decimal", "kind": "other"}

    def test_an_event_stays_within_its_size(self) -> None:
        """Whatever is in the frame, the event's limit of the link is kept."""
        wide = ["\U0001f600" * 65_536 for _ in range(1000)]
        assert len(json.dumps(capture(wide, LARGEST))) < MAX_EVENT
        named = [type("\U0001d6fc" * 400, (), {})() for _ in range(900)]
        assert len(json.dumps(capture(named, LARGEST))) < MAX_EVENT
        keyed = [{"\x01" * 65_536 + str(n): "\x01" * 65_536 for n in range(10)} for _ in range(100)]
        assert len(json.dumps(capture(keyed, LARGEST))) < MAX_EVENT

    def test_a_table_that_is_mostly_empty_is_not_walked(self) -> None:
        """Fault 49: the first item of a set that was drained may be 30 million places away."""
        drained = set(range(6_000_000))
        for number in range(5_999_990):
            drained.discard(number)
        assert (capture(drained)["size"], capture(drained)["why"]) == (10, "budget")
        emptied = dict.fromkeys(range(6_000_000))
        for number in range(5_999_990):
            del emptied[number]
        assert (capture(emptied)["size"], capture(emptied)["why"]) == (10, "budget")


def _count(node: Any) -> int:
    if isinstance(node, dict):
        return ("kind" in node) + sum(map(_count, node.values()))
    return sum(map(_count, node)) if isinstance(node, list) else 0


def test_cycles_and_aliases_are_references() -> None:
    """Fault 44: what occurs twice is shown once, by number, over all the values of a hit."""
    order: dict[str, Any] = {"id": 1}
    order["self"] = order
    taken = Capture(LIMITS, Redactor())
    first = taken.value({"order": order})
    again = taken.value(order)
    shown = first["entries"][0][1]
    assert again == {"type": "dict", "kind": "ref", "ref": shown["ref"]}
    assert shown["entries"][1][1] == again


def test_what_was_cut_is_shown_where_it_is_met_again() -> None:
    """A reference to something of which nothing was shown would be a dead end."""
    deep = [1, 2, 3]
    taken = Capture(LIMITS, Redactor())
    assert taken.value([[[deep]]])["items"][0]["items"][0]["items"][0]["why"] == "depth"
    assert plain(taken.value(deep)) == [1, 2, 3]


def test_a_diamond_costs_what_its_nodes_cost() -> None:
    """Fault 44: 2^40 paths, 40 objects."""
    diamond: list[Any] = []
    for _ in range(40):
        diamond = [diamond, diamond]
    assert _count(capture(diamond, LARGEST)) < 50


class Test_redaction:  # noqa: N801
    def test_by_name_wherever_names_are(self) -> None:
        """Fault 53: variables, attributes, slots, named items, keys of text and bytes, pairs."""
        slotted = types.SimpleNamespace()
        slotted.api_key = "x"
        pairs = [("Authorization", "x"), [b"cookie", b"x"]]
        for node in (
            Capture(LIMITS, Redactor()).value("x", "db_password"),
            fields(Card("Ann", "x"))["card_number"],
            fields(Point(1, "x"))["password"],
            fields(slotted)["api_key"],
            capture({"token": "x"})["entries"][0][1],
            capture({b"token": "x"})["entries"][0][1],
            capture({type("Key", (str,), {})("secret"): "x"})["entries"][0][1],
            capture({Header.API_KEY: "x"})["entries"][0][1],
            capture({Header.SIGNED: "x"})["entries"][0][1],
            capture([(Header.SIGNED, "x")])["items"][0]["items"][1],
            capture({enum.Enum("Field", "PASSWORD").PASSWORD: "x"})["entries"][0][1],  # type: ignore[attr-defined]
            capture({Header.API_KEY: "x"}, shape=True)["entries"][0][1],
            capture(pairs)["items"][0]["items"][1],
            capture(pairs)["items"][1]["items"][1],
        ):
            assert node["kind"] == "redacted"
            assert node["why"] == "name"
            assert "value" not in node

    def test_by_value(self) -> None:
        """Fault 53: whatever the name is."""
        for obj, rule in (
            ("postgres://u:p@db/x", "URL userinfo"),
            (b"GET / HTTP/1.1\r\nCookie: a=b", "named secret"),
            (4111111111111111, "card number"),
            ('{"user": "bob", "password": "x"}', "named secret"),
            ("x" * 250 + " ghp_" + "a1" * 20, "GitHub token"),
        ):
            assert capture(obj)["why"] == f"value: {rule}"
            assert capture([{"note": obj}])["items"][0]["entries"][0][1]["kind"] == "redacted"

    def test_of_a_key_by_its_value(self) -> None:
        """A dictionary may be keyed by tokens."""
        node = capture({"AKIAIOSFODNN7EXAMPLE": 1})
        assert node["entries"][0][0]["why"] == "value: AWS key"

    def test_of_a_long_text_in_pieces(self) -> None:
        """A raised limit shows more, and so more is searched."""
        text = "x " * 20_000 + "AKIAIOSFODNN7EXAMPLE " + "x " * 1000
        assert capture(text, LARGEST)["why"] == "value: AWS key"

    def test_a_name_is_cut_before_it_is_looked_up(self) -> None:
        """A pair's first text may be a whole page, which nobody has hashed yet."""
        looked_up = []

        class Verdicts(dict[str, bool]):
            def __missing__(self, name: str) -> bool:
                looked_up.append(len(name))
                return False

        redactor = Redactor()
        redactor.verdicts = Verdicts()  # type: ignore[assignment]
        page = "x" * 1_000_000
        Capture(LIMITS, redactor).value([(page, 200), [page.encode(), 200], (type("Page", (str,), {})(page), 200)])
        assert looked_up == [200, 200, 200]

    def test_a_withheld_value_is_not_shown_elsewhere_by_reference(self) -> None:
        """What is withheld under one name may be shown under another; a reference never leads to it."""
        taken = Capture(LIMITS, Redactor())
        shared = {"id": 1}
        node = taken.value({"password": shared, "order": shared})
        assert node["entries"][0][1]["kind"] == "redacted"
        assert plain(node["entries"][1][1]) == {"id": 1}


def test_shapes_show_no_content() -> None:
    """`values = "shape"`: types, sizes and structure are left, nothing of what is in them."""
    marks = ("mark" * 5, b"mark" * 5, 987654321, 98765.4321, Color.RED, Card("mark", "mark"), {"mark": "mark"})
    node = capture([*marks, dt.datetime(2027, 1, 1), pathlib.Path("/mark"), ValueError("mark")], shape=True)
    text = json.dumps(node)
    for content in ("markmark", '"mark', "987654321", "98765.4", "RED", "2027", "/mark"):
        assert content not in text
    assert node["items"][0] == {"type": "str", "kind": "str", "why": "shape", "size": 20}
    assert [name for name, _ in node["items"][5]["fields"]] == ["holder", "card_number"]
    assert Capture(LIMITS, Redactor(), shape=True).draft_message(ValueError("mark")).to_wire() == ""


@pytest.mark.parametrize(
    ("exc", "message"),
    [
        (ValueError(), ""),
        (ValueError("no"), "no"),
        (ValueError(5), "5"),
        (KeyError("k"), "'k'"),
        (ValueError("no", 5, None), "('no', 5, None)"),
        (FileNotFoundError(2, "No such file", "/x"), "[Errno 2] No such file: '/x'"),
        (ValueError(object()), "<object>"),
        (ValueError("bad token=abc"), "bad token=<redacted: name>"),
        (ValueError("x" * 5000), "x" * values.MAX_MESSAGE),
    ],
)
def test_an_exceptions_message_is_made_of_its_arguments(exc: Exception, message: str) -> None:
    """Fault 54: what `str()` gives for builtin exceptions, bounded and redacted."""
    assert Capture(LIMITS, Redactor()).draft_message(exc).to_wire() == message


def test_an_exceptions_own_str_is_not_run() -> None:
    """Fault 54: a service's `__str__` may query a database."""

    class Declined(Exception):
        def __init__(self, reason: str, code: int) -> None:
            self.reason = reason
            super().__init__(reason, code)

        def __str__(self) -> str:
            raise AssertionError

    assert Capture(LIMITS, Redactor()).draft_message(Declined("no", 402)).to_wire() == "('no', 402)"


def test_variables_are_named_in_order_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 51: a frame of 10,000 variables shows the first, and how many there are."""
    monkeypatch.setattr(values, "MAX_SECONDS", 60.0)  # the bound on their number is the rule here, not that on time
    source = "\n".join(f"    v{n} = {n}" for n in range(10_000))
    namespace: dict[str, Any] = {}
    exec(f"import sys\ndef many():\n{source}\n    return sys._getframe()", namespace)
    shown = Capture(LIMITS, Redactor()).locals(namespace["many"]())
    assert [name for name, _ in shown[:3]] == ["v0", "v1", "v2"]
    assert shown[-1] == ["…", {"type": "", "kind": "other", "why": "items", "size": 10_000}]
    assert len(shown) == values.MAX_LOCALS + 1


def test_nothing_that_was_seen_is_kept() -> None:
    """Fault 52: the object dies when the service drops it, not when a collector comes by."""

    class Thing:
        pass

    thing = Thing()
    thing.me = {"list": [thing]}  # type: ignore[attr-defined]
    gone = weakref.ref(thing)
    before = sys.getrefcount(thing)
    gc.disable()
    try:
        capture(thing)
        assert sys.getrefcount(thing) == before
        thing.me = None  # type: ignore[attr-defined]
        del thing
        assert gone() is None
    finally:
        gc.enable()


def test_a_class_may_die_and_another_get_its_place() -> None:
    """What was found out about a class is never taken for one that got its address."""
    for number in range(2000):
        cls = type(f"C{number}", (), {"__slots__": (f"s{number}",)})
        assert capture(cls())["type"] == f"{__name__}.C{number}"
        del cls


def test_iterators_are_not_consumed() -> None:
    """Fault 50: looking at a generator must not run it."""
    generator = (number for number in range(3))
    iterator = iter([1, 2])
    mapped = map(str, [1])
    with open(__file__, encoding="utf-8") as file:
        position = file.tell()
        for obj in (generator, iterator, mapped, file, threading.Lock(), memoryview(b"x"), zip([1], strict=True)):
            assert capture(obj)["kind"] in ("other", "unreadable", "object")
        assert file.tell() == position
    assert (list(generator), list(iterator), list(mapped)) == ([0, 1, 2], [1, 2], ["1"])


def test_a_dead_proxy_and_a_released_view_are_harmless() -> None:
    """Fault 43: asking them anything raises."""

    class Thing:
        pass

    view = memoryview(b"x")
    view.release()
    assert capture(weakref.proxy(Thing()))["kind"] == "other"
    assert capture(view)["kind"] == "other"


def test_another_threads_local_data_is_not_made() -> None:
    """Fault 43: reading a `threading.local` from a new thread runs its `__init__` there."""
    made: list[int] = []

    class Context(threading.local):
        def __init__(self) -> None:
            made.append(threading.get_ident())

    context = Context()
    thread = threading.Thread(target=capture, args=(context,))
    thread.start()
    thread.join()
    assert made == [threading.get_ident()]


def test_values_that_change_meanwhile_are_survived() -> None:
    """Fault 48: another thread adds and removes while we read."""
    shared: dict[str, Any] = {"d": {}, "s": set(), "l": [], "q": collections.deque(), "o": types.SimpleNamespace()}
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number = (number + 1) % 50
            key = f"k{number}"
            shared["d"][key] = shared["o"].__dict__[key] = number
            shared["s"].add(number)
            shared["l"].append(number)
            shared["q"].append(number)
            if number == 49:
                for container in (shared["d"], shared["s"], shared["l"], shared["q"], shared["o"].__dict__):
                    container.clear()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(1000):
            assert capture(shared)["kind"] == "dict"
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)


def test_a_signals_exception_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 24: an exception that is not the iterator's own reaches the service."""

    class Timeout(RuntimeError):
        pass

    def interrupted(*_: object) -> None:
        raise Timeout

    monkeypatch.setattr(values, "islice", interrupted)
    with pytest.raises(Timeout):
        capture({"a": 1})


def test_when_the_time_is_over_the_rest_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget of time is kept between any two values; what is not shown says so."""
    taken = Capture(LIMITS, Redactor())
    monkeypatch.setattr(values, "MAX_SECONDS", -1.0)
    taken._deadline = -1.0
    assert taken.value([1, 2]) == {"type": "list", "kind": "list", "why": "budget", "size": 2}
    assert taken.value(5)["value"] == "5"
    assert taken.value("x" * 100)["why"] == "budget"

    def service() -> list[list[Any]]:
        number = 1
        return taken.locals(sys._getframe()) if number else []

    assert [name for name, _ in service()] == ["…"]


def test_odd_text_stays_what_it_is() -> None:
    """Fault 47: lone surrogates, controls and wide characters survive the frame, escaped."""
    for text in ("\ud800", "\0\x1b[31m", "\u202eabc", "\U0001f600" * 300):
        node = capture(text)
        assert json.loads(json.dumps(node))["value"] == text[: LIMITS.length]


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(), inner, max_size=4) | st.tuples(inner),
    max_leaves=20,
)


@given(_TREES)
@settings(max_examples=200)
def test_what_fits_is_copied_whole(tree: Any) -> None:
    """A value within the limits comes out as it went in."""
    node = capture({"tree": tree}, LARGEST)
    if '"why"' not in json.dumps(node) and '"ref"' not in json.dumps(node):
        assert plain(node) == {"tree": tree}
