"""What the engine of `sys.monitoring` does in its own way."""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.agent.engines.hits import Hits
from tests.agent.places import line_of

from pyrometer.link.errors import EngineUnavailable

pytestmark = pytest.mark.since_python("3.12")

monitoring: Any = getattr(sys, "monitoring", None)


# Lines.


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


# Exceptions.


def test_other_exceptions_and_ends_of_loops_are_none_of_ours(engine: Any, faults: types.ModuleType) -> None:
    """StopIteration in a `for` is no raise event; a lookup's KeyError is another type's."""
    hits = Hits()
    engine.arrange([], [hits.of("PaymentError", scope="")])
    list(iter([1, 2]))
    for _ in range(3):
        with pytest.raises(KeyError):
            {}["a"]
    assert hits.seen == []


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
