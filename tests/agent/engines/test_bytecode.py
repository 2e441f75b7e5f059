from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.agent.places import line_of, loaded

from pyrometer.agent import frames, locations
from pyrometer.agent.engines import ExceptionPoint, LinePoint, Meter, Tally
from pyrometer.agent.expressions import compile_expression
from pyrometer.agent.scopes import Scope, TypeName
from pyrometer.guard.redaction import Redactor

pytestmark = pytest.mark.only_python("3.11")

SHAPES, FLOWS, FAULTS = "shop_shapes", "shop_flows", "shop_faults"


@pytest.fixture
def shapes() -> Iterator[types.ModuleType]:
    with loaded("shapes", SHAPES) as module:
        yield module


@pytest.fixture
def flows() -> Iterator[types.ModuleType]:
    with loaded("flows", FLOWS) as module:
        yield module


@pytest.fixture
def faults() -> Iterator[types.ModuleType]:
    with loaded("faults", FAULTS) as module:
        yield module


@pytest.fixture
def engine() -> Iterator[Any]:
    from pyrometer.agent.engines.bytecode import BytecodeEngine

    made = BytecodeEngine()
    yield made
    made.arrange([], [])


class Hits:
    """What a probe saw: the value of one variable, or the line, at each hit."""

    def __init__(self, name: str = "") -> None:
        self.seen: list[Any] = []
        self.tally = Tally()
        self.meter = Meter()
        self._name = name

    def line(self, frame: types.FrameType) -> None:
        self.seen.append(frames.read_local(frame, self._name) if self._name else frame.f_lineno)

    def exception(self, frame: types.FrameType, exc: BaseException) -> None:
        self.seen.append((frame.f_code.co_name, type(exc).__name__))

    def at(self, code: types.CodeType, line: int, condition: str = "", probe_id: str = "p") -> LinePoint:
        compiled = compile_expression(condition, Redactor(), condition=True) if condition else None
        return LinePoint(code, line, probe_id, compiled, self.line, self.tally, self.meter)

    def of(self, name: str, scope: str = FAULTS, probe_id: str = "p") -> ExceptionPoint:
        functions = locations.functions_in_scope(scope)
        return ExceptionPoint(probe_id, TypeName(name), Scope(scope), functions, self.exception, self.tally, self.meter)


def nested(code: types.CodeType, name: str) -> types.CodeType:
    """The code object of that name inside another."""
    return next(const for const in code.co_consts if isinstance(const, types.CodeType) and const.co_name == name)


def place(engine: Any, *points: LinePoint) -> None:
    """Arrange lines, all of which must find their place."""
    assert [placement.error for placement in engine.arrange(points, [])] == [""] * len({p.probe_id for p in points})


# Lines.


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


def test_closures_of_other_modules_are_found(engine: Any, shapes: types.ModuleType) -> None:
    """A decorator's wrapper lives where it was used, by the hundred, and all of them run the same code."""
    elsewhere = types.ModuleType("shop_elsewhere")
    sys.modules["shop_elsewhere"] = elsewhere
    elsewhere.view = shapes.traced(lambda a: a)  # type: ignore[attr-defined]
    try:
        hits = Hits("args")
        place(engine, hits.at(nested(shapes.traced.__code__, "wrapper"), line_of("shapes", "traced: call")))
        elsewhere.view(1), shapes.decorated(2)
        assert hits.seen == [(1,), (2,)]
    finally:
        del sys.modules["shop_elsewhere"]


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


def test_a_place_is_known_by_the_code_that_was_made_for_it(engine: Any, shapes: types.ModuleType) -> None:
    """Whoever looks a line up while it is armed finds our code, and means the same place."""
    hits, other = Hits("a"), Hits("a")
    code, line = shapes.plain.__code__, line_of("shapes", "plain: total")
    place(engine, hits.at(code, line))
    again = shapes.plain.__code__
    assert again is not code
    place(engine, hits.at(again, line), hits.at(code, line))
    assert shapes.plain.__code__ is again
    place(engine, hits.at(again, line), other.at(again, line_of("shapes", "plain: return"), probe_id="q"))
    shapes.plain(1)
    assert (hits.seen, other.seen) == ([1], [1])
    engine.arrange([], [])
    assert shapes.plain.__code__ is code


def test_a_frame_that_runs_goes_on_for_a_probe_that_stays(engine: Any, flows: types.ModuleType) -> None:
    """Its code has been replaced since; it is switched with the rest."""
    stays, comes = Hits("number"), Hits("number")
    line = line_of("flows", "produces: yield")
    code = flows.produces.__code__
    place(engine, stays.at(code, line))
    running = flows.produces(9)
    next(running)
    place(engine, stays.at(code, line), comes.at(code, line, probe_id="q"))
    next(running)
    engine.pause("p", paused=True)
    next(running)
    engine.pause("p", paused=False)
    next(running)
    engine.arrange([], [])
    next(running)
    assert (stays.seen, comes.seen) == ([0, 1, 3], [])


def test_a_frame_that_ran_before_is_not_seen_and_the_probe_says_so(engine: Any, flows: types.ModuleType) -> None:
    """The next call is. Fault 36."""
    hits = Hits("number")
    running = flows.produces(9)
    next(running)
    (placement,) = engine.arrange([hits.at(flows.produces.__code__, line_of("flows", "produces: yield"))], [])
    next(running)
    assert hits.seen == []
    next(flows.produces(9))
    assert hits.seen == [0]
    assert "already run" in placement.note


# Disarming.


def test_disarmed_functions_run_their_own_code_again(
    engine: Any, flows: types.ModuleType, faults: types.ModuleType
) -> None:
    """The very objects; closures that were made meanwhile as well. Fault 9."""
    functions = [*locations.functions_in_scope(FLOWS), *locations.functions_in_scope(FAULTS)]
    before = [function.__code__ for function in functions]
    texts = [code.co_code for code in before]
    inside = nested(flows.shared.__code__, "step")
    place_lines = [Hits().at(inside, line_of("flows", "shared: step")), Hits().at(flows.header.__code__, 11)]
    engine.arrange(place_lines, [Hits().of("CardError", probe_id="q")])
    flows.kept = flows.shared(1)
    assert flows.kept.__code__ is not inside
    engine.arrange([], [])
    assert [function.__code__ for function in functions] == before
    assert all(function.__code__ is code for function, code in zip(functions, before, strict=True))
    assert [code.co_code for code in before] == texts
    assert flows.kept.__code__ is inside


def test_a_frame_is_inert_once_its_probe_is_gone(
    engine: Any, flows: types.ModuleType, faults: types.ModuleType
) -> None:
    """Until it ends, it runs code of ours that does nothing."""
    hits, caught = Hits("number"), Hits()
    code, line = flows.produces.__code__, line_of("flows", "produces: yield")
    engine.arrange([hits.at(code, line)], [caught.of("CardError", probe_id="q")])
    counting, failing = flows.produces(9), faults.produce(5)
    next(counting), next(failing)
    engine.arrange([], [])
    next(counting)
    with pytest.raises(faults.CardError):
        next(failing)
    engine.arrange([Hits().at(code, line)], [Hits().of("CardError", probe_id="q")])
    next(counting)
    assert (hits.seen, caught.seen) == ([0], [])


def test_a_callback_that_comes_after_disarming_is_a_tombstone(engine: Any, shapes: types.ModuleType) -> None:
    """A thread was past the switch when it was thrown."""
    hits = Hits("a")
    place(engine, hits.at(shapes.plain.__code__, line_of("shapes", "plain: total"), "a > 0"))
    own = shapes.plain.__code__.co_consts
    (callback,) = [const for const in own if isinstance(const, types.FunctionType)]
    engine.arrange([], [])
    assert callback(1) is None
    assert hits.seen == []


def test_code_that_was_made_is_let_go_of(engine: Any, shapes: types.ModuleType, faults: types.ModuleType) -> None:
    """With all that it holds, after a hundred rounds. Fault 11."""
    made: list[Any] = []
    for _ in range(100):
        point = Hits().at(shapes.plain.__code__, line_of("shapes", "plain: total"), "a > 1")
        engine.arrange([point], [Hits().of("CardError", probe_id="q")])
        made += [weakref.ref(shapes.plain.__code__), weakref.ref(faults.charge.__code__)]
        shapes.plain(1), faults.checkout(1)
        engine.arrange([], [])
    engine.arrange([], [])
    del point
    gc.collect()
    assert [one for one in made if one() is not None] == [one for one in made[:2] if one() is not None] == []


def test_a_function_that_another_tool_changed_is_left_alone(engine: Any, shapes: types.ModuleType) -> None:
    """Neither written over while armed nor given back; a probe that has lost its function says so. Fault 31."""
    hits = Hits("a")
    code, line = shapes.plain.__code__, line_of("shapes", "plain: total")
    point = hits.at(code, line)
    place(engine, point)
    theirs = shapes.one_line.__code__
    shapes.plain.__code__ = theirs
    (placement,) = engine.arrange([point], [])
    assert "replaced" in placement.error
    assert shapes.plain.__code__ is theirs
    engine.arrange([], [])
    assert shapes.plain.__code__ is theirs


def test_in_the_child_of_a_fork_everything_is_put_back(engine: Any, shapes: types.ModuleType) -> None:
    """By the arrangement that every child begins with."""
    hits = Hits("a")
    code = shapes.plain.__code__
    place(engine, hits.at(code, line_of("shapes", "plain: total")))
    pid = os.fork()
    if not pid:
        status = 1
        try:
            engine.arrange([], [])
            shapes.plain(1)
            status = 0 if shapes.plain.__code__ is code and not hits.seen else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    shapes.plain(2)
    assert hits.seen == [2]


def test_a_child_of_a_fork_puts_closures_back_from_its_second_arrangement_on(
    engine: Any, shapes: types.ModuleType
) -> None:
    """Only the first one, which each child makes, is kept short."""
    wrapper = nested(shapes.traced.__code__, "wrapper")
    pid = os.fork()
    if not pid:
        status = 1
        try:
            engine.arrange([], [])
            place(engine, Hits().at(wrapper, line_of("shapes", "traced: call")))
            shapes.made = shapes.traced(lambda a: a)
            is_ours = shapes.made.__code__ is not wrapper
            engine.arrange([], [])
            status = 0 if is_ours and shapes.made.__code__ is wrapper else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


# What can't be placed.


def test_a_function_that_is_too_large_is_refused_with_its_size(engine: Any) -> None:
    """Rewriting it would take the interpreter away from the service for long. Fault 34."""
    module = types.ModuleType("shop_large")
    body = "\n".join(f"    x = x + {number} * x" for number in range(8000))
    exec(compile(f"def large(x):\n{body}\n    return x\n", "shop_large.py", "exec"), module.__dict__)
    sys.modules["shop_large"] = module
    try:
        code = module.large.__code__
        (placement,) = engine.arrange([Hits().at(code, 5)], [])
        assert "large: it has" in placement.error
        assert "65536" in placement.error
        assert module.large.__code__ is code
    finally:
        del sys.modules["shop_large"]


def test_a_modules_body_is_told_from_a_function_that_is_nowhere(engine: Any, flows: types.ModuleType) -> None:
    """Both are never hit; each has its own words."""
    body = compile("x = 1\n", flows.__file__ or "", "exec")
    lost = compile("def lost():\n    return 1\n", "shop_lost.py", "exec").co_consts[0]
    placements = engine.arrange([Hits().at(body, 1, probe_id="body"), Hits().at(lost, 2, probe_id="lost")], [])
    assert [placement.probe_id for placement in placements] == ["body", "lost"]
    assert "module's body" in placements[0].error
    assert "lost" in placements[1].error


def test_an_audit_hook_that_refuses_keeps_the_function_as_it_is(engine: Any, shapes: types.ModuleType) -> None:
    """The service's own rule; it is told in its words."""
    code = shapes.plain.__code__
    refusing = [True]

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "object.__setattr__" and args[1] == "__code__" and refusing and args[0] is shapes.plain:
            raise PermissionError("not here")

    sys.addaudithook(hook)
    try:
        (placement,) = engine.arrange([Hits().at(code, line_of("shapes", "plain: total"))], [])
    finally:
        refusing.clear()
    assert "not here" in placement.error
    assert shapes.plain.__code__ is code


def test_an_audit_hook_that_refuses_to_give_code_back_stops_nothing_else(engine: Any, shapes: types.ModuleType) -> None:
    """A closure keeps the code that it was made with, which is inert by then."""
    wrapper = nested(shapes.traced.__code__, "wrapper")
    hits, refusing = Hits("args"), [True]
    place(engine, hits.at(wrapper, line_of("shapes", "traced: call")))
    shapes.made = shapes.traced(lambda a: a)
    made = shapes.made

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "object.__setattr__" and args[1] == "__code__" and refusing and args[0] is made:
            raise PermissionError("not here")

    sys.addaudithook(hook)
    try:
        assert engine.arrange([], []) == []
    finally:
        refusing.clear()
    assert made(1) == 1
    assert shapes.traced(lambda a: a).__code__ is wrapper
    assert hits.seen == []


def test_a_scope_of_too_many_functions_says_so(
    engine: Any, faults: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are left out are not seen, and the watcher should know. Fault 34."""
    monkeypatch.setattr("pyrometer.agent.engines.bytecode.MAX_FUNCTIONS", 2)
    (placement,) = engine.arrange([], [Hits().of("CardError")])
    assert "the first 2 are watched" in placement.note


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


def test_without_ctypes_lines_are_switched_by_a_constant(engine: Any, flows: types.ModuleType) -> None:
    """The process may have no `_ctypes`, or be in a chroot."""
    engine._store = None
    hits = Hits("number")
    hits.meter = Meter(2, lambda _: None)
    place(engine, hits.at(flows.produces.__code__, line_of("flows", "produces: yield")))
    running = flows.produces(20)
    for _ in range(4):
        next(running)
    hits.meter.give(1)
    engine.pause("p", paused=False)
    next(running), next(running)
    assert hits.seen == [0, 1, 4]


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
    assert (placement.error, "already run" in placement.note) == ("", True)
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


def test_points_that_come_while_a_type_is_looked_at_are_not_forgotten(faults: types.ModuleType) -> None:
    """A thread looks at an exception for the points before; what it remembers would hide the type from the new ones."""
    from pyrometer.agent.engines.catching import TableCallback
    from pyrometer.agent.engines.switches import Guard
    from pyrometer.agent.engines.trail import Trail

    hits = Hits()
    wanted = hits.of("CardError")

    def switch(_: BaseException) -> bool:
        watch.change([wanted])
        return False

    watch = TableCallback([wanted._replace(matches=switch)], Guard(), Trail(lambda _: False))
    with pytest.raises(faults.CardError) as raised:
        faults.decline(1)
    error = raised.value.with_traceback(raised.tb.tb_next)
    watch.function(error)
    assert hits.seen == []
    watch.function(error)
    assert hits.seen == [("decline", "CardError")]


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


# Others.


def test_a_tracer_of_the_service_keeps_its_lines(engine: Any, flows: types.ModuleType) -> None:
    """It sees the lines that it saw, and frames of ours under names of their own. Fault 39."""

    def traced() -> tuple[list[tuple[str, str, int]], set[str]]:
        seen: list[tuple[str, str, int]] = []
        others: set[str] = set()

        def tracer(frame: types.FrameType, event: str, _arg: object) -> Any:
            if frame.f_code.co_filename == flows.__file__:
                seen.append((frame.f_code.co_name, event, frame.f_lineno))
                return tracer
            others.add(frame.f_code.co_name)
            return None

        before = sys.gettrace()
        sys.settrace(tracer)
        try:
            flows.guarded(0), flows.header([1, 2])
        finally:
            sys.settrace(before)
        return seen, others

    hits = Hits()
    plain, before = traced()
    lines = ["guarded: body", "guarded: except", "guarded: handler", "guarded: finally"]
    points = [hits.at(flows.guarded.__code__, line_of("flows", words), probe_id=words) for words in lines]
    engine.arrange([*points, hits.at(flows.header.__code__, line_of("flows", "header: for"))], [])
    armed, during = traced()
    assert armed == plain
    assert during - before == {"at_line", "fire_once", "line"}
    assert len(hits.seen) == 4 + 3


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
