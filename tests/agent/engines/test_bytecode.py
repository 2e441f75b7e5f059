"""What the bytecode engine of Python 3.11 does in its own way."""

from __future__ import annotations

import gc
import os
import sys
import types
import weakref
from typing import Any

import pytest
from tests.agent.engines.hits import Hits, nested, place
from tests.agent.places import FAULTS, FLOWS, line_of

from pyrometer.agent import locations
from pyrometer.agent.engines import Meter

pytestmark = pytest.mark.only_python("3.11")


# Lines.


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
    """With all that it holds, after any number of rounds. Fault 11."""
    made: list[Any] = []
    for _ in range(20):
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


# Exceptions.


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

    watch = TableCallback([wanted._replace(matches=switch)], Guard(), Trail(lambda _: False, lambda _: False))
    with pytest.raises(faults.CardError) as raised:
        faults.decline(1)
    error = raised.value.with_traceback(raised.tb.tb_next)
    watch.function(error)
    assert hits.seen == []
    watch.function(error)
    assert hits.seen == [("decline", "CardError")]


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
