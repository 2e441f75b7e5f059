"""Parts that share a tool id: each sees its own events, and none takes another's away."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.since_python("3.12")

monitoring: Any = getattr(sys, "monitoring", None)
TOOL = 3


@pytest.fixture
def shared() -> Iterator[Any]:
    from pyrometer.agent.engines.events import ToolEvents

    monitoring.use_tool_id(TOOL, "test")
    made = ToolEvents(monitoring, TOOL)
    yield made
    made.clear()
    assert monitoring.get_events(TOOL) == 0
    monitoring.free_tool_id(TOOL)


def fail() -> None:
    raise KeyError


def work() -> int:
    try:
        fail()
    except KeyError:
        return 1
    return 0


def test_two_parts_hear_of_the_same_event(shared: Any) -> None:
    """One leaves, the other stays."""
    first: list[str] = []
    second: list[str] = []
    unwind = monitoring.events.PY_UNWIND
    shared.listen("first", unwind, lambda code, _offset, _exc: first.append(code.co_name))
    shared.everywhere("first", unwind)
    shared.listen("second", unwind, lambda code, _offset, _exc: second.append(code.co_name))
    shared.everywhere("second", unwind)
    work()
    shared.listen("first", unwind, None)
    shared.everywhere("first", 0)
    work()
    assert (first, second) == (["fail"], ["fail", "fail"])


def test_a_part_that_is_silent_keeps_its_event(shared: Any) -> None:
    """To change a callback is quick; to change events takes a new version of all instrumentation."""
    seen: list[str] = []
    unwind = monitoring.events.PY_UNWIND
    shared.everywhere("one", unwind)
    work()
    shared.listen("one", unwind, lambda code, *_: seen.append(code.co_name))
    work()
    assert monitoring.get_events(TOOL) == unwind
    assert seen == ["fail"]


def test_events_of_one_code_object_are_those_of_all_parts(shared: Any) -> None:
    """What one part has on stays on when another one has done with it, and when its own are set anew."""
    code, events = work.__code__, monitoring.events
    shared.within("lines", code, events.LINE | events.PY_START)
    shared.within("returns", code, events.PY_RETURN)
    assert monitoring.get_local_events(TOOL, code) == events.LINE | events.PY_START | events.PY_RETURN
    shared.renew("lines", code)
    assert monitoring.get_local_events(TOOL, code) == events.LINE | events.PY_START | events.PY_RETURN
    shared.within("lines", code, 0)
    assert monitoring.get_local_events(TOOL, code) == events.PY_RETURN
    shared.within("returns", code, 0)
    assert monitoring.get_local_events(TOOL, code) == 0


def test_a_line_that_was_switched_off_is_on_again_once_it_is_renewed(shared: Any) -> None:
    """DISABLE is undone for this part and this code object alone."""
    seen: list[int] = []
    code, events = work.__code__, monitoring.events

    def on_line(_code: object, line: int) -> object:
        seen.append(line)
        return monitoring.DISABLE

    shared.listen("lines", events.LINE, on_line)
    shared.within("lines", code, events.LINE)
    work(), work()
    once = len(seen)
    shared.renew("lines", code)
    work()
    assert len(seen) == 2 * once
