from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
import time
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.agent.places import line_of, loaded

from pyrometer.agent import frames
from pyrometer.agent.engines import ExceptionPoint, LinePoint, Meter, Tally
from pyrometer.agent.expressions import compile_expression
from pyrometer.agent.scopes import Scope, TypeName
from pyrometer.guard.redaction import Redactor
from pyrometer.link.errors import EngineUnavailable

pytestmark = pytest.mark.since_python("3.12")

NAME = "shop_shapes"
FAULTS = "shop_faults"
monitoring: Any = getattr(sys, "monitoring", None)


@pytest.fixture
def shapes() -> Iterator[types.ModuleType]:
    with loaded("shapes", NAME) as module:
        yield module


@pytest.fixture
def faults() -> Iterator[types.ModuleType]:
    with loaded("faults", FAULTS) as module:
        yield module


@pytest.fixture
def engine() -> Iterator[Any]:
    from pyrometer.agent.engines.monitoring import MonitoringEngine

    frames.prepare()
    made = MonitoringEngine()
    yield made
    made.arrange([], [])
    assert monitoring.get_tool(4) != "pyrometer"
    assert monitoring.get_tool(3) != "pyrometer"


_name_of = type.__dict__["__name__"].__get__


class Hits:
    """What a probe saw: values of one variable at each hit."""

    def __init__(self, name: str = "") -> None:
        self.seen: list[Any] = []
        self.tally = Tally()
        self.meter = Meter()
        self._name = name

    def line(self, frame: types.FrameType) -> None:
        self.seen.append(frames.read_local(frame, self._name) if self._name else frame.f_lineno)

    def exception(self, frame: types.FrameType, exc: BaseException) -> None:
        self.seen.append((frame.f_code.co_name, _name_of(type(exc))))

    def at(self, code: types.CodeType, line: int, condition: str = "", probe_id: str = "p") -> LinePoint:
        compiled = compile_expression(condition, Redactor(), condition=True) if condition else None
        return LinePoint(code, line, probe_id, compiled, self.line, self.tally, self.meter)

    def of(self, name: str, scope: str = FAULTS, probe_id: str = "p") -> ExceptionPoint:
        return ExceptionPoint(probe_id, TypeName(name), Scope(scope), (), self.exception, self.tally, self.meter)


def nested(code: types.CodeType, name: str) -> types.CodeType:
    """The code object of that name inside another."""
    return next(const for const in code.co_consts if isinstance(const, types.CodeType) and const.co_name == name)


# Lines.


def test_a_line_is_hit_before_it_runs(engine: Any, shapes: types.ModuleType) -> None:
    """The variable that it binds has no value yet."""
    hits = Hits("total")
    engine.arrange([hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))], [])
    assert shapes.plain(1) == 3
    assert hits.seen == [frames.UNSET]
    assert hits.tally.reached == 1


@pytest.mark.parametrize(
    ("condition", "fired", "errors"),
    [
        ("a > 1", [2, 3], 0),
        ("a > 1 and b == 2", [2, 3], 0),
        ("limit == a", [3], 0),
        ("a == 99", [], 0),
        ("total > 1", [], 3),
        ("a > 2 or total > 1", [3], 2),
        ("no_such_name == 1", [], 3),
        ("[x for x in (a, b) if x > b]", [3], 0),
        ("any(a == limit for b in (1, 2))", [3], 0),
        ("f'{a:02d}' == '02'", [2], 0),
        ("[total for total in (a,)] == [2]", [2], 0),
        ("any(x == total for x in (1, 2))", [], 3),
        ("a == 1 or any(total > x for x in (1,))", [1], 2),
        ("isinstance(a, int) and sorted((b, a))[0] == 1", [1], 0),
    ],
)
def test_a_condition_decides(
    engine: Any, shapes: types.ModuleType, condition: str, fired: list[int], errors: int
) -> None:
    """Over locals and globals; what has no value is an error of ours, only where it is really read. Fault 61."""
    shapes.limit = 3
    hits = Hits("a")
    engine.arrange([hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"), condition)], [])
    for a in (1, 2, 3):
        assert shapes.plain(a) == a + 2
    assert hits.seen == fired
    assert (hits.tally.reached, hits.tally.errors) == (3, errors)
    assert hits.tally.condition_false == 3 - len(fired) - errors


def test_a_condition_reads_cells_and_what_a_function_closes_over(engine: Any, shapes: types.ModuleType) -> None:
    """Fault 61."""
    outer = shapes.closing.__code__
    own, inner = Hits("a"), Hits("a")
    engine.arrange(
        [
            own.at(outer, line_of("shapes", "closing: return"), "len(seen) == 1 and a == 5"),
            inner.at(nested(outer, "note"), nested(outer, "note").co_firstlineno + 1, "a == 5", "q"),
        ],
        [],
    )
    assert shapes.closing(5) == [5]
    assert shapes.closing(6) == [6]
    assert (own.seen, inner.seen) == ([5], [5])


def test_a_variable_that_was_never_bound_is_an_error_and_not_a_crash(engine: Any, shapes: types.ModuleType) -> None:
    """Fault 51."""
    hits = Hits("a")
    line = line_of("shapes", "unset_until: done")
    engine.arrange([hits.at(shapes.unset_until.__code__, line, "late == a")], [])
    assert [shapes.unset_until(a) for a in (1, 2)] == [1, 2]
    assert hits.seen == [2]
    assert "late" in hits.tally.last_error


def _call_slowly(shapes: types.ModuleType) -> None:
    asyncio.run(shapes.slowly(1))


CALLS: list[tuple[str, Callable[[Any], types.CodeType], Callable[[Any], object], int]] = [
    ("one_line", lambda m: m.one_line.__code__, lambda m: m.one_line(1), 1),
    ("double", lambda m: m.double.__code__, lambda m: m.double(1), 1),
    ("decorated", lambda m: m.decorated.__wrapped__.__code__, lambda m: m.decorated(1), 1),
    ("cached", lambda m: m.cached.__wrapped__.__code__, lambda m: m.cached(1), 1),
    ("inner", lambda m: nested(m.outer.__code__, "inner"), lambda m: m.outer(1), 1),
    ("numbers: yield", lambda m: m.numbers.__code__, lambda m: list(m.numbers(3)), 3),
    ("slowly", lambda m: m.slowly.__code__, _call_slowly, 1),
    ("listed", lambda m: m.listed.__code__, lambda m: m.listed([1, 2]), 1),
    ("looped: body", lambda m: m.looped.__code__, lambda m: m.looped(4), 4),
    ("classes: body", lambda m: nested(m.classes.__code__, "Local"), lambda m: m.classes(), 1),
    ("Cart: count", lambda m: m.Cart.count.fget.__code__, lambda m: m.Cart([1]).count, 1),
    ("Cart: held", lambda m: m.Cart.held.__wrapped__.__code__, lambda m: m.Cart([1]).held().__enter__(), 1),
    ("matched: card", lambda m: m.matched.__code__, lambda m: m.matched({"kind": "card"}), 1),
    ("with_blank: continuation", lambda m: m.with_blank.__code__, lambda m: m.with_blank(1), 1),
]


@pytest.mark.parametrize(("words", "code_of", "call", "expected"), CALLS, ids=[case[0] for case in CALLS])
def test_every_shape_of_code_is_hit_once_an_execution(
    engine: Any,
    shapes: types.ModuleType,
    words: str,
    code_of: Callable[[Any], types.CodeType],
    call: Callable[[Any], object],
    expected: int,
) -> None:
    """Twice over, since what was switched off at the first call must not be ours. Fault 33."""
    hits = Hits()
    line = line_of("shapes", words)
    engine.arrange([hits.at(code_of(shapes), line)], [])
    call(shapes)
    shapes.cached.cache_clear()
    call(shapes)
    assert hits.seen == [line] * (2 * expected)


def test_two_probes_on_one_line_are_both_served(engine: Any, shapes: types.ModuleType) -> None:
    """One leaves, the other stays. Fault 12."""
    first, second = Hits("a"), Hits("a")
    code, line = shapes.plain.__code__, line_of("shapes", "plain: total")
    points = [first.at(code, line, "a > 1", "one"), second.at(code, line, "", "two")]
    engine.arrange(points, [])
    shapes.plain(1), shapes.plain(2)
    engine.arrange(points[1:], [])
    shapes.plain(3)
    assert (first.seen, second.seen) == ([2], [1, 2, 3])


def test_a_line_that_was_switched_off_as_not_ours_is_switched_on_for_the_next_probe(
    engine: Any, shapes: types.ModuleType
) -> None:
    """DISABLE is undone for this code object and this tool alone: `restart_events` would wake everybody's lines."""
    first, second = Hits("a"), Hits("a")
    code = shapes.plain.__code__
    one = first.at(code, line_of("shapes", "plain: total"), "", "one")
    engine.arrange([one], [])
    shapes.plain(1)
    engine.arrange([one, second.at(code, line_of("shapes", "plain: return"), "", "two")], [])
    shapes.plain(2)
    assert (first.seen, second.seen) == ([1, 2], [2])


def test_a_probe_that_comes_to_a_line_that_is_off_is_served(engine: Any, shapes: types.ModuleType) -> None:
    """It was switched off for a neighbour that is over its budget, or done; the new one is served. Fault 12."""
    first, second, third = Hits("a"), Hits("a"), Hits("a")
    first.meter = Meter(1, lambda _: None)
    code, line = shapes.plain.__code__, line_of("shapes", "plain: total")
    points = [hits.at(code, line, "", name) for hits, name in ((first, "one"), (second, "two"), (third, "three"))]
    engine.arrange(points[:1], [])
    shapes.plain(1), shapes.plain(2)
    engine.arrange(points[:2], [])
    shapes.plain(3)
    engine.arrange(points[:1], [])
    shapes.plain(4)
    engine.arrange(points[2:], [])
    shapes.plain(5)
    assert (first.seen, second.seen, third.seen) == ([1], [3], [5])


def test_more_code_objects_than_one_callback_takes_are_served_too(engine: Any, shapes: types.ModuleType) -> None:
    """Through a table then. Fault 34."""
    line = line_of("shapes", "plain: total")
    copies = [types.FunctionType(shapes.plain.__code__.replace(), shapes.__dict__, argdefs=(2,)) for _ in range(40)]
    hits = [Hits("a") for _ in copies]
    engine.arrange(
        [hit.at(copy.__code__, line, "a > 3", str(n)) for n, (hit, copy) in enumerate(zip(hits, copies, strict=True))],
        [],
    )
    for number, copy in enumerate(copies):
        copy(number)
        copy(number)
    shapes.plain(7)
    assert [hit.seen for hit in hits] == [[n, n] if n > 3 else [] for n in range(40)]


def test_what_is_armed_stays_armed_while_others_come_and_go(engine: Any, shapes: types.ModuleType) -> None:
    """One of many leaves; the callbacks of the others are the same ones. Fault 34."""
    line = line_of("shapes", "plain: total")
    copies = [types.FunctionType(shapes.plain.__code__.replace(), shapes.__dict__, argdefs=(2,)) for _ in range(20)]
    hits = [Hits("a") for _ in copies]
    points = [hit.at(copy.__code__, line, "", str(n)) for n, (hit, copy) in enumerate(zip(hits, copies, strict=True))]
    engine.arrange(points, [])
    parts = set(engine._lines.parts)
    engine.arrange(points[1:], [])
    assert set(engine._lines.parts) < parts
    for copy in copies:
        copy(1)
    assert [hit.seen for hit in hits] == [[], *[[1]] * 19]


def test_a_function_that_would_be_held_up_for_long_is_refused(engine: Any) -> None:
    """Before 3.14 the interpreter walks a table for each line of a very long function. Fault 34."""
    place: dict[str, Any] = {}
    lines = "\n".join(f"    b{number} = a + {number}" for number in range(6000))
    exec(f"def long(a):\n{lines}\n    return a\ndef short(a):\n    return a\n", place)
    hits = Hits("a")
    long = hits.at(place["long"].__code__, 10)
    (placement,) = engine.arrange([long], [])
    assert bool(placement.error) is (sys.version_info < (3, 14))
    short = hits.at(place["short"].__code__, place["short"].__code__.co_firstlineno + 1)
    (placement,) = engine.arrange([long, short], [])
    assert placement.error == ""
    assert ("1 of 2" in placement.note) is (sys.version_info < (3, 14))
    place["long"](1), place["short"](2)
    assert 2 in hits.seen


def test_a_frame_that_runs_already_is_seen(engine: Any, shapes: types.ModuleType) -> None:
    """A loop that began before the probe was armed, and never ends. Fault 36."""
    hits = Hits("number")
    numbers = shapes.numbers(10)
    assert next(numbers) == 0
    engine.arrange([hits.at(shapes.numbers.__code__, line_of("shapes", "numbers: yield"))], [])
    assert [next(numbers), next(numbers)] == [1, 2]
    assert hits.seen == [1, 2]


def test_disarmed_code_is_as_it_was(engine: Any, shapes: types.ModuleType) -> None:
    """The bytecode, the events and the tool id. Fault 9."""
    hits = Hits("a")
    code = shapes.plain.__code__
    before = code.co_code
    engine.arrange([hits.at(code, line_of("shapes", "plain: total"))], [hits.of("CardError")])
    tool = next(tool for tool in (4, 3) if monitoring.get_tool(tool) == "pyrometer")
    assert monitoring.get_events(tool) == monitoring.events.RAISE
    shapes.plain(1)
    engine.arrange([], [])
    shapes.plain(2)
    assert code.co_code == before
    assert monitoring.get_tool(tool) is None
    monitoring.use_tool_id(tool, "test")
    try:
        assert monitoring.get_local_events(tool, code) == 0
        assert monitoring.get_events(tool) == 0
    finally:
        monitoring.free_tool_id(tool)
    assert hits.seen == [1]


def test_a_callback_that_comes_after_disarming_is_a_tombstone(engine: Any, shapes: types.ModuleType) -> None:
    """It is on its way in another thread while the probe goes; by then its DISABLE could switch off another's line."""
    hits = Hits("a")
    code, line = shapes.plain.__code__, line_of("shapes", "plain: total")
    engine.arrange([hits.at(code, line)], [hits.of("CardError")])
    tool = next(tool for tool in (4, 3) if monitoring.get_tool(tool) == "pyrometer")
    on_line = monitoring.register_callback(tool, monitoring.events.LINE, None)
    on_raise = monitoring.register_callback(tool, monitoring.events.RAISE, None)
    engine.arrange([], [])
    assert on_line(code, line) is None
    assert on_line(code, line + 1) is None
    assert on_raise(code, 0, ValueError()) is None
    assert hits.seen == []


def test_a_dispatcher_that_comes_after_disarming_is_a_tombstone_too(engine: Any, shapes: types.ModuleType) -> None:
    """For code that it does not know as well: that may be its successor's by then."""
    line = line_of("shapes", "plain: total")
    codes = [shapes.plain.__code__.replace() for _ in range(40)]
    engine.arrange([Hits().at(code, line, "", str(number)) for number, code in enumerate(codes)], [])
    tool = next(tool for tool in (4, 3) if monitoring.get_tool(tool) == "pyrometer")
    on_line = monitoring.register_callback(tool, monitoring.events.LINE, None)
    assert on_line(shapes.plain.__code__, line) is monitoring.DISABLE
    engine.arrange([], [])
    assert on_line(shapes.plain.__code__, line) is None
    assert on_line(codes[0], line) is None


# The meter.


def test_a_line_goes_off_when_its_meter_is_used_up_and_comes_back_when_it_is_refilled(
    engine: Any, shapes: types.ModuleType
) -> None:
    """The governor's duty cycle: no event comes while it is off. Fault 63."""
    asked: list[float] = []
    hits = Hits("a")
    hits.meter = Meter(2, asked.append)
    engine.arrange([hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))], [])
    for a in range(5):
        shapes.plain(a)
    assert (hits.seen, len(asked)) == ([0, 1], 1)
    hits.meter.give(1)
    engine.pause("p", paused=False)
    for a in range(5, 8):
        shapes.plain(a)
    assert (hits.seen, len(asked)) == ([0, 1, 5], 2)
    assert hits.tally.reached == 3


def test_a_meter_that_is_refilled_at_once_loses_nothing(engine: Any, shapes: types.ModuleType) -> None:
    """A line that is reached seldom stays on."""
    hits = Hits("a")
    hits.meter = Meter(1, lambda _: hits.meter.give(1))
    engine.arrange([hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))], [])
    for a in range(5):
        shapes.plain(a)
    assert hits.seen == [0, 1, 2, 3, 4]


def test_a_probe_that_is_off_leaves_its_neighbour_on(engine: Any, shapes: types.ModuleType) -> None:
    """Two lines of one function; the events are the code object's."""
    first, second = Hits("a"), Hits("a")
    first.meter = Meter(1, lambda _: None)
    code = shapes.plain.__code__
    engine.arrange(
        [
            first.at(code, line_of("shapes", "plain: total"), "", "one"),
            second.at(code, line_of("shapes", "plain: return"), "", "two"),
        ],
        [],
    )
    for a in range(3):
        shapes.plain(a)
    assert (first.seen, second.seen) == ([0], [0, 1, 2])


def test_exceptions_go_off_together_and_come_back(engine: Any, faults: types.ModuleType) -> None:
    """They share one callback, so they share one meter."""
    hits = Hits()
    hits.meter = Meter(4, lambda _: None)
    engine.arrange([], [hits.of("CardError")])
    for _ in range(3):
        faults.checkout(1)
    seen = len(hits.seen)
    assert seen < 3
    engine.pause("p", paused=True)
    faults.checkout(1)
    hits.meter.give(1000)
    engine.pause("p", paused=False)
    faults.checkout(1)
    assert len(hits.seen) == seen + 1


# Errors and signals.


def test_an_error_of_ours_is_counted_and_swallowed(engine: Any, shapes: types.ModuleType) -> None:
    """The service never sees it."""
    hits = Hits()
    point = hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))
    broken: Any = frames.read_local  # called with too little
    engine.arrange([point._replace(hit=broken)], [])
    assert shapes.plain(1) == 3
    assert hits.tally.errors == 1


class Late(Exception):
    pass


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, Late, TimeoutError, ValueError])
def test_what_a_signals_handler_raises_in_a_callback_reaches_the_service_once(
    engine: Any, shapes: types.ModuleType, kind: type[BaseException]
) -> None:
    """As if it had come a line earlier. Fault 24."""

    def handler(number: int, frame: types.FrameType | None) -> None:
        raise kind

    def hit(frame: types.FrameType) -> None:
        signal.raise_signal(signal.SIGUSR1)
        for _ in range(1000):
            time.sleep(0)

    hits = Hits()
    point = hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))._replace(hit=hit)
    engine.arrange([point], [])
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(kind):
            shapes.plain(1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    engine.arrange([], [])
    assert shapes.plain(1) == 3
    assert hits.tally.errors == 0


def test_the_services_own_recursion_error_is_what_it_sees(engine: Any, faults: types.ModuleType) -> None:
    """At the limit there is no room for our frames. Fault 23."""
    hits = Hits()
    code = faults.forever.__code__
    engine.arrange([hits.at(code, code.co_firstlineno + 1, "depth > 100000")], [hits.of("CardError")])
    with pytest.raises(RecursionError) as raised:
        faults.forever(0)
    assert hits.tally.reached > 100
    assert "pyrometer" not in str(raised.traceback[-1].path)
    assert faults.checkout(1) is None


# Exceptions.


@pytest.mark.parametrize(
    ("function", "frames_seen"),
    [
        ("checkout", ["decline"]),
        ("passed_on", ["decline"]),
        ("again", ["decline"]),
        ("replaced", ["decline"]),
        ("through_c", ["decline"]),
        ("consume", ["decline"]),
    ],
)
def test_an_exception_is_hit_once_where_it_is_first_seen(
    engine: Any, faults: types.ModuleType, function: str, frames_seen: list[str]
) -> None:
    """However many frames it passes, and however often it is raised again. Fault 64."""
    hits = Hits()
    engine.arrange([], [hits.of("PaymentError")])
    faults.swallow(getattr(faults, function), 5)
    assert hits.seen == [(name, "CardError") for name in frames_seen]
    assert hits.tally.reached == 1


def test_an_exception_that_was_raised_out_of_scope_is_hit_in_the_first_frame_of_it(
    engine: Any, faults: types.ModuleType
) -> None:
    """What a library raises is seen in the service's own frame that called it."""
    hits = Hits()

    def in_library(amount: int) -> None:
        raise faults.PaymentError

    faults.decline = in_library
    engine.arrange([], [hits.of("PaymentError")])
    faults.swallow(faults.passed_on, 5)
    assert hits.seen == [("charge", "PaymentError")]


def test_each_exception_is_one_even_of_one_type(engine: Any, faults: types.ModuleType) -> None:
    """The type is remembered, not the exception."""
    hits = Hits()
    engine.arrange([], [hits.of("PaymentError"), hits.of("ValueError", probe_id="q")])
    for _ in range(3):
        faults.swallow(faults.replaced, 5)
    assert hits.seen == [("decline", "CardError"), ("replaced", "ValueError")] * 3


def test_other_exceptions_and_ends_of_loops_are_none_of_ours(engine: Any, faults: types.ModuleType) -> None:
    """StopIteration in a `for` is no raise event; a lookup's KeyError is another type's."""
    hits = Hits()
    engine.arrange([], [hits.of("PaymentError", scope="")])
    list(iter([1, 2]))
    for _ in range(3):
        with pytest.raises(KeyError):
            {}["a"]
    assert hits.seen == []


def test_a_hostile_type_is_not_asked_anything(engine: Any, faults: types.ModuleType) -> None:
    """Tables are keyed by ids: hashing a class runs its metaclass. Fault 42."""

    class Meta(type):
        def __hash__(cls) -> int:
            raise AssertionError

        def __eq__(cls, other: object) -> bool:
            raise AssertionError

        def __getattribute__(cls, name: str) -> object:
            raise AssertionError

    hostile = Meta("Hostile", (Exception,), {})

    def decline(amount: int) -> None:
        raise Exception.__new__(hostile)

    faults.decline = decline
    hits = Hits()
    engine.arrange([], [hits.of("Hostile"), hits.of("CardError", probe_id="q")])
    for _ in range(3):
        faults.swallow(faults.charge, 1)
    assert [name for name, _ in hits.seen] == ["charge"] * 3


def test_types_are_let_go_of_when_the_probe_is_gone(engine: Any, faults: types.ModuleType) -> None:
    """The table holds them, so that an id stays theirs, only as long as it is used. Fault 52."""
    kind = type("Passing", (Exception,), {})
    hits = Hits()
    engine.arrange([], [hits.of("PaymentError")])
    try:
        raise kind
    except kind:
        pass
    gone = weakref.ref(kind)
    engine.arrange([], [])
    del kind
    gc.collect()
    assert gone() is None


def test_the_number_of_types_remembered_is_bounded(
    engine: Any, faults: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service may make exception classes without end."""
    from pyrometer.agent.engines import raises

    monkeypatch.setattr(raises, "MAX_TYPES", 8)
    hits = Hits()
    engine.arrange([], [hits.of("PaymentError")])
    for number in range(50):
        kind = type(f"Kind{number}", (Exception,), {})
        try:
            raise kind
        except kind:
            pass
    faults.checkout(1)
    assert len(engine._raises._others) <= 8
    assert hits.seen == [("decline", "CardError")]


# Other tools.


@pytest.fixture
def other_tool() -> Iterator[Callable[[int], list[int]]]:
    """Takes a tool id as another tool would, with line events on all code; gives the lines of the places it saw."""
    taken: list[int] = []

    def take(tool: int) -> list[int]:
        lines: list[int] = []
        monitoring.use_tool_id(tool, "other")
        taken.append(tool)

        def on_line(code: types.CodeType, line: int) -> object:
            if code.co_filename.endswith("shapes.py"):
                lines.append(line)
            return monitoring.DISABLE

        monitoring.register_callback(tool, monitoring.events.LINE, on_line)
        monitoring.set_events(tool, monitoring.events.LINE)
        return lines

    yield take
    for tool in taken:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, monitoring.events.LINE, None)
        monitoring.free_tool_id(tool)


def test_an_id_that_is_taken_is_left_alone(engine: Any, shapes: types.ModuleType, other_tool: Any) -> None:
    """4, else 3. Fault 38."""
    other_tool(4)
    hits = Hits("a")
    engine.arrange([hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))], [])
    assert (monitoring.get_tool(4), monitoring.get_tool(3)) == ("other", "pyrometer")
    shapes.plain(1)
    assert hits.seen == [1]


def test_without_an_id_nothing_is_armed_and_the_holders_are_named(
    engine: Any, shapes: types.ModuleType, other_tool: Any
) -> None:
    """Never stolen. Fault 38."""
    other_tool(4)
    other_tool(3)
    with pytest.raises(EngineUnavailable, match="other and other"):
        engine.arrange([Hits().at(shapes.plain.__code__, 1)], [])


def test_another_tools_lines_stay_as_they_are(engine: Any, shapes: types.ModuleType, other_tool: Any) -> None:
    """What coverage has switched off is not woken by arming, pausing and disarming.

    But for the first events ever set on that one code object: there the interpreter begins to keep tools apart.
    """
    lines = other_tool(1)
    shapes.plain(1)
    hits = Hits("a")
    engine.arrange([hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))], [])
    shapes.plain(1)
    engine.arrange([], [])
    before = list(lines)
    engine.arrange([hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))], [hits.of("CardError")])
    shapes.plain(2)
    engine.pause("p", paused=False)
    shapes.plain(3)
    engine.arrange([], [])
    shapes.plain(4)
    assert lines == before
    assert hits.seen == [1, 2, 3]


def test_an_id_that_was_lost_is_noticed_and_its_new_holder_left_alone(
    engine: Any, shapes: types.ModuleType, other_tool: Any
) -> None:
    """Whoever frees our id and takes it keeps it. Fault 38."""
    hits = Hits("a")
    code = shapes.plain.__code__
    engine.arrange([hits.at(code, line_of("shapes", "plain: total"))], [])
    monitoring.free_tool_id(4)
    assert not engine.owned()
    lines = other_tool(4)
    with pytest.raises(EngineUnavailable, match="another tool took"):
        engine.arrange([hits.at(code, line_of("shapes", "plain: total"))], [])
    engine.arrange([], [])
    assert monitoring.get_tool(4) == "other"
    assert monitoring.get_events(4) == monitoring.events.LINE
    shapes.plain(1)
    assert hits.seen == []
    assert lines


def test_a_tracer_of_the_service_keeps_working(engine: Any, shapes: types.ModuleType) -> None:
    """Before, while and after. Fault 39."""
    calls: list[str] = []

    def tracer(frame: types.FrameType, event: str, arg: object) -> None:
        calls.append(frame.f_code.co_name)

    hits = Hits("a")
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        shapes.plain(1)
        engine.arrange([hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))], [])
        shapes.plain(2)
        engine.arrange([], [])
        shapes.plain(3)
    finally:
        sys.settrace(before)
    assert calls.count("plain") == 3
    assert hits.seen == [2]


# Threads.


def test_arming_and_disarming_under_load_hurts_nobody(engine: Any, shapes: types.ModuleType) -> None:
    """Eight threads in the code meanwhile: right results, no wrong hit. Faults 25 and 37."""
    stop = threading.Event()
    wrong: list[object] = []

    def work() -> None:
        while not stop.is_set():
            if shapes.looped(20) != 190 or list(shapes.numbers(3)) != [0, 1, 2] or shapes.plain(1) != 3:
                wrong.append("result")

    hits = Hits("total")
    body = hits.at(shapes.looped.__code__, line_of("shapes", "looped: body"), "number >= 0", "one")
    total = hits.at(shapes.plain.__code__, line_of("shapes", "plain: return"), "", "two")
    threads = [threading.Thread(target=work) for _ in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for turn in range(300):
            engine.arrange([body, total][: 1 + turn % 2], [hits.of("CardError", probe_id="three")] if turn % 5 else [])
            engine.pause("one", paused=False)
            engine.arrange([], [])
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert wrong == []
    assert {type(seen) for seen in hits.seen} <= {int, type(frames.UNSET)}
    seen = len(hits.seen)
    shapes.looped(3)
    assert len(hits.seen) == seen
