"""What both engines do alike: these run on whichever the interpreter has."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from tests.agent.engines.hits import Hits, nested, place
from tests.agent.places import FLOWS, line_of

from pyrometer.agent import frames
from pyrometer.agent.engines import Meter
from pyrometer.guard.redaction import Redactor

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
    """Over parameters, globals, and locals that have no value yet; what is not read raises nothing. Fault 61."""
    shapes.limit = 3
    hits = Hits("a")
    place(engine, hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"), condition))
    assert [shapes.plain(a) for a in (1, 2, 3)] == [3, 4, 5]
    assert hits.seen == fired
    assert (hits.tally.reached, hits.tally.errors) == (3, errors)
    assert hits.tally.condition_false == 3 - len(fired) - errors


def test_a_local_that_may_have_no_value_is_read_where_it_has_one(engine: Any, flows: types.ModuleType) -> None:
    """And nothing is raised into the service where it has none. Fault 51."""
    hits = Hits("value")
    place(engine, hits.at(flows.sometimes.__code__, line_of("flows", "sometimes: done"), "value == 5"))
    assert [flows.sometimes(flag) for flag in (False, True)] == [False, True]
    assert hits.seen == [5]
    assert "value" in hits.tally.last_error


def test_a_variable_that_was_never_bound_is_an_error_and_not_a_crash(engine: Any, shapes: types.ModuleType) -> None:
    """Fault 51."""
    hits = Hits("a")
    line = line_of("shapes", "unset_until: done")
    engine.arrange([hits.at(shapes.unset_until.__code__, line, "late == a")], [])
    assert [shapes.unset_until(a) for a in (1, 2)] == [1, 2]
    assert hits.seen == [2]
    assert "late" in hits.tally.last_error


def test_cells_are_read_by_their_contents(engine: Any, flows: types.ModuleType) -> None:
    """Of the function that makes them, of those that close over them, and when they are empty still."""
    made, closed, empty = Hits("count"), Hits("count"), Hits("inner")
    inside = nested(flows.shared.__code__, "step")
    place(
        engine,
        made.at(flows.shared.__code__, line_of("flows", "shared: call"), "count == 5", "made"),
        closed.at(inside, line_of("flows", "shared: step"), "count == 5 and by == 1", "closed"),
        empty.at(flows.not_yet.__code__, line_of("flows", "not_yet: ready"), "later == 2", "empty"),
    )
    assert flows.shared(5)(1) == 7
    assert flows.not_yet() == 2
    assert (made.seen, closed.seen, empty.seen) == ([5], [5], [])
    assert "later" in empty.tally.last_error


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


CALLS: list[tuple[str, Callable[[Any], types.CodeType], Callable[[Any], object], int]] = [
    ("one_line", lambda m: m.one_line.__code__, lambda m: m.one_line(1), 1),
    ("double", lambda m: m.double.__code__, lambda m: m.double(1), 1),
    ("decorated", lambda m: m.decorated.__wrapped__.__code__, lambda m: m.decorated(1), 1),
    ("traced: call", lambda m: m.decorated.__code__, lambda m: m.decorated(1), 1),
    ("cached", lambda m: m.cached.__wrapped__.__code__, lambda m: m.cached(1), 1),
    ("inner", lambda m: nested(m.outer.__code__, "inner"), lambda m: m.outer(1), 1),
    ("numbers: yield", lambda m: m.numbers.__code__, lambda m: list(m.numbers(3)), 3),
    ("slowly", lambda m: m.slowly.__code__, lambda m: asyncio.run(m.slowly(1)), 1),
    ("listed", lambda m: m.listed.__code__, lambda m: m.listed([1, 2]), 1),
    ("generated", lambda m: m.generated.__code__, lambda m: m.generated([1, 2]), 1),
    ("looped: body", lambda m: m.looped.__code__, lambda m: m.looped(4), 4),
    ("classes: body", lambda m: nested(m.classes.__code__, "Local"), lambda m: m.classes(), 1),
    ("Cart: init", lambda m: m.Cart.__init__.__code__, lambda m: m.Cart([1]), 1),
    ("Cart: count", lambda m: m.Cart.count.fget.__code__, lambda m: m.Cart([1]).count, 1),
    ("Cart: half", lambda m: m.Cart.half.func.__code__, lambda m: m.Cart([1]).half, 1),
    ("Cart: parse", lambda m: m.Cart.parse.__code__, lambda m: m.Cart.parse("a"), 1),
    ("Cart: held", lambda m: m.Cart.held.__wrapped__.__code__, lambda m: m.Cart([1]).held().__enter__(), 1),
    ("matched: card", lambda m: m.matched.__code__, lambda m: m.matched({"kind": "card"}), 1),
    ("with_blank: continuation", lambda m: m.with_blank.__code__, lambda m: m.with_blank(1), 1),
    ("handlers: add", lambda m: m.handlers["add"].__code__, lambda m: m.handlers["add"](1), 1),
    ("pay_view", lambda m: m.app.routes["pay"].__code__, lambda m: m.app.routes["pay"](1), 1),
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
    """Wherever the function is held that a module's variables lead to. Fault 33."""
    hits, line = Hits(), line_of("shapes", words)
    place(engine, hits.at(code_of(shapes), line))
    call(shapes)
    shapes.cached.cache_clear()
    call(shapes)
    assert hits.seen == [line] * (2 * expected)


def test_two_probes_on_one_line_are_both_served(engine: Any, shapes: types.ModuleType) -> None:
    """One leaves, the other stays. Fault 12."""
    first, second = Hits("a"), Hits("a")
    code, line = shapes.plain.__code__, line_of("shapes", "plain: total")
    points = [first.at(code, line, "a > 1", "one"), second.at(code, line, "", "two")]
    place(engine, *points)
    shapes.plain(1), shapes.plain(2)
    place(engine, *points[1:])
    shapes.plain(3)
    assert (first.seen, second.seen) == ([2], [1, 2, 3])


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


# The meter.


def test_a_line_goes_off_when_its_meter_is_used_up_and_comes_back_when_it_is_refilled(
    engine: Any, flows: types.ModuleType
) -> None:
    """In the frame that runs, too: the governor's duty cycle. Fault 63."""
    asked: list[float] = []
    hits = Hits("number")
    hits.meter = Meter(2, asked.append)
    place(engine, hits.at(flows.produces.__code__, line_of("flows", "produces: yield")))
    running = flows.produces(20)
    for _ in range(5):
        next(running)
    assert (hits.seen, len(asked)) == ([0, 1], 1)
    hits.meter.give(1)
    engine.pause("p", paused=False)
    for _ in range(3):
        next(running)
    assert (hits.seen, len(asked)) == ([0, 1, 5], 2)
    assert hits.tally.reached == 3


def test_a_meter_that_is_refilled_at_once_loses_nothing(engine: Any, shapes: types.ModuleType) -> None:
    """A line that is reached seldom stays on."""
    hits = Hits("a")
    hits.meter = Meter(1, lambda _: hits.meter.give(1))
    place(engine, hits.at(shapes.plain.__code__, line_of("shapes", "plain: total")))
    for a in range(5):
        shapes.plain(a)
    assert hits.seen == [0, 1, 2, 3, 4]


def meanwhile(hits: Hits, visit: Any) -> Meter:
    """A meter that is refilled at once, but not before another thread has come by and found it used up."""

    def spent(_seconds: float) -> None:
        visitor = threading.Thread(target=visit)
        visitor.start()
        visitor.join()
        hits.meter.give(1000)

    return Meter(1, spent)


def test_a_thread_that_finds_a_meter_used_up_does_not_switch_off_what_is_being_refilled(
    engine: Any, shapes: types.ModuleType
) -> None:
    """Nobody would switch it on again, since its meter has something left: a `snap` that got nothing. Fault 63."""
    hits = Hits("a")
    hits.meter = meanwhile(hits, lambda: shapes.plain(-1))
    place(engine, hits.at(shapes.plain.__code__, line_of("shapes", "plain: total")))
    for a in range(4):
        shapes.plain(a)
    assert hits.seen == [0, 1, 2, 3]


def test_exceptions_that_are_being_refilled_stay_on(engine: Any, faults: types.ModuleType) -> None:
    """As lines do. Fault 64."""
    hits = Hits()
    hits.meter = meanwhile(hits, lambda: faults.checkout(1))
    engine.arrange([], [hits.of("CardError")])
    for _ in range(4):
        faults.checkout(1)
    assert len(hits.seen) >= 3


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


# Errors, signals, limits.


class Late(Exception):
    """What a service's own time-out raises."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, Late, TimeoutError, ValueError])
def test_what_a_signals_handler_raises_in_a_callback_reaches_the_service_once(
    engine: Any, shapes: types.ModuleType, kind: type[BaseException]
) -> None:
    """At the line that was probed. Fault 24."""

    def handler(number: int, frame: object) -> None:
        raise kind("late")

    hits = Hits()
    point = hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))
    place(engine, point._replace(hit=lambda frame: signal.raise_signal(signal.SIGUSR1)))
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(kind) as raised:
            shapes.plain(1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert [entry.lineno + 1 for entry in raised.traceback if entry.name == "plain"] == [point.line]
    engine.arrange([], [])
    assert shapes.plain(1) == 3
    assert hits.tally.errors == 0


def test_an_error_of_ours_is_counted_and_swallowed(engine: Any, shapes: types.ModuleType) -> None:
    """A mistake in a hit is not the service's trouble."""
    hits = Hits()
    point = hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))
    place(engine, point._replace(hit=Redactor().clean))
    assert shapes.plain(1) == 3
    assert hits.tally.errors == 1


def test_a_hit_inside_a_hit_is_left_out(engine: Any, shapes: types.ModuleType) -> None:
    """A destructor that runs while values are captured may reach the same line. Fault 35."""
    hits = Hits("a")
    point = hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"))

    def hit(frame: types.FrameType) -> None:
        hits.line(frame)
        shapes.plain(100)

    place(engine, point._replace(hit=hit))
    shapes.plain(1), shapes.plain(2)
    assert hits.seen == [1, 2]


def test_the_services_own_recursion_error_is_what_it_sees(
    engine: Any, flows: types.ModuleType, faults: types.ModuleType
) -> None:
    """At the limit there is no room for our frames. Fault 23."""
    hits, caught = Hits(), Hits()
    line = faults.forever.__code__.co_firstlineno + 1
    engine.arrange(
        [hits.at(faults.forever.__code__, line, "depth > 100000")], [caught.of("RecursionError", probe_id="q")]
    )
    with pytest.raises(RecursionError) as raised:
        faults.forever(0)
    assert hits.tally.reached > 100
    assert {entry.name for entry in raised.traceback[1:]} == {"forever"}
    assert caught.seen == [("forever", "RecursionError")]


# Exceptions.


@pytest.mark.parametrize("function", ["checkout", "passed_on", "again", "replaced", "through_c", "consume"])
def test_an_exception_is_hit_once_where_it_is_first_seen(engine: Any, faults: types.ModuleType, function: str) -> None:
    """However many frames it passes, and however often it is raised again. Fault 64."""
    hits = Hits()
    (placement,) = engine.arrange([], [hits.of("PaymentError")])
    assert (placement.error, "already run" in placement.note) == ("", sys.version_info < (3, 12))
    faults.swallow(getattr(faults, function), 5)
    assert hits.seen == [("decline", "CardError")]
    assert hits.tally.reached == 1


def test_an_exception_that_was_raised_out_of_scope_is_hit_in_the_first_frame_of_it(
    engine: Any, faults: types.ModuleType
) -> None:
    """What a library raises is seen in the service's own frame that called it."""
    hits = Hits()
    namespace: dict[str, Any] = {"__name__": "shop_library", "PaymentError": faults.PaymentError}
    exec("def in_library(amount):\n    raise PaymentError\n", namespace)
    faults.decline = namespace["in_library"]
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


def test_an_exception_in_a_function_that_another_makes_is_seen(engine: Any, flows: types.ModuleType) -> None:
    """Nested code is rewritten as well as functions."""
    hits = Hits()
    engine.arrange([], [hits.of("TypeError", scope=FLOWS)])
    step = flows.shared(1)
    with pytest.raises(TypeError):
        step("x")
    assert hits.seen == [("step", "TypeError")]


def test_a_line_and_exceptions_share_a_function(engine: Any, faults: types.ModuleType) -> None:
    """Each goes and comes without the other, and what stays the same stays the same object."""
    line, caught, other = Hits("amount"), Hits(), Hits()
    at, of = line.at(faults.decline.__code__, line_of_decline(faults)), caught.of("CardError", probe_id="q")
    engine.arrange([at], [of])
    charge = faults.charge.__code__
    faults.checkout(1)
    engine.arrange([], [of])
    faults.checkout(2)
    other.meter = caught.meter
    engine.arrange([at], [of, other.of("PaymentError", probe_id="r")])
    assert faults.charge.__code__ is charge
    faults.checkout(3)
    engine.arrange([at], [])
    faults.checkout(4)
    assert line.seen == [1, 3, 4]
    assert (len(caught.seen), len(other.seen)) == (3, 1)


def line_of_decline(faults: types.ModuleType) -> int:
    line: int = faults.decline.__code__.co_firstlineno + 2
    return line


def test_nothing_is_kept_of_an_exception(engine: Any, faults: types.ModuleType) -> None:
    """Neither it nor the frames that it leads to. Fault 52."""
    engine.arrange([], [Hits().of("PaymentError")])

    class Thing:
        pass

    def fail(amount: int) -> None:
        thing = Thing()
        gone.append(weakref.ref(thing))
        raise faults.CardError(thing)

    gone: list[weakref.ref[Thing]] = []
    faults.decline = fail
    assert faults.checkout(1) is None
    assert gone[0]() is None


# Threads.


@pytest.mark.parametrize("seconds", [1])
def test_arming_and_disarming_under_load_hurts_nobody(
    engine: Any, shapes: types.ModuleType, faults: types.ModuleType, seconds: int
) -> None:
    """Eight threads that switch all the time while probes come, go, pause and go on. Fault 37."""
    wrong: list[object] = []
    stop = threading.Event()

    def work(number: int) -> None:
        while not stop.is_set():
            if shapes.plain(number) != number + 2 or shapes.looped(9) != 36 or faults.checkout(1) is not None:
                wrong.append(number)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    hits, caught = Hits(), Hits()
    line = hits.at(shapes.looped.__code__, line_of("shapes", "looped: body"), "number > 5")
    other = hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"), "a == 3", "o")
    exception = caught.of("CardError", probe_id="q")
    try:
        for thread in threads:
            thread.start()
        for _ in range(60 * seconds):
            engine.arrange([line, other], [exception])
            for paused in (True, False):
                engine.pause("p", paused=paused)
                engine.pause("q", paused=paused)
            engine.arrange([other], [])
            engine.arrange([], [])
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
        sys.setswitchinterval(interval)
    assert wrong == []
    assert hits.seen
    assert (hits.tally.errors, caught.tally.errors) == (0, 0)
