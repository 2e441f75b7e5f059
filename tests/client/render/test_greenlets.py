"""Greenlets: those in the same place once, and no more lines than anybody reads."""

from __future__ import annotations

from typing import Any

from pyrometer.client.render.greenlets import MAX_PLACES, GreenletText
from pyrometer.client.render.terminal import Style

Document = dict[str, Any]


def greenlet(name: str, line: int | None, state: str = "suspended") -> Document:
    frame = {"function": "work", "file": "/srv/shop/app.py", "line": line, "source": "sleep()", "origin": "service"}
    return {"name": name, "state": state, "frames": [{**frame, "locals": None}] if line else [], "frames_left_out": 0}


def shown(*greenlets: Document, left_out: int = 0, every_frame: bool = False) -> list[str]:
    process = {"greenlets": list(greenlets), "greenlets_left_out": left_out}
    return list(GreenletText(Style(enabled=False), 80, every_frame=every_frame).lines(process))


def test_those_in_the_same_place_are_shown_once() -> None:
    """The most common place first; a name that all have is said once."""
    workers = [greenlet("work", 7) for _ in range(4)]
    named = [greenlet(f"named-{n}", 9) for n in range(5)]
    assert shown(*workers, *named, greenlet("late", None, "created"), left_out=9000) == [
        "  9,010 greenlets",
        "    named-0, named-1, named-2 and 2 more   shop/app.py:9   sleep()",
        "    4 × work   shop/app.py:7   sleep()",
        "    late   not begun",
        "    … 9,000 more greenlets, counted only",
    ]


def test_long_lists_end_and_names_can_not_command_the_terminal() -> None:
    """Unless all is asked for."""
    greenlets = [greenlet(f"\x1b[2J{n}", n) for n in range(1, 101)]
    assert len(shown(*greenlets)) == MAX_PLACES + 2
    assert len(shown(*greenlets, every_frame=True)) == 1 + 2 * 100
    assert "\x1b" not in "".join(shown(*greenlets))


def test_without_greenlets_there_is_nothing_to_say() -> None:
    """Most services have none."""
    assert shown() == []


def test_a_search_that_was_not_made_is_said() -> None:
    """None found and none sought are two things; where tasks were not looked for either, that is said elsewhere."""
    text = GreenletText(Style(enabled=False), 80, every_frame=False)
    assert list(text.lines({"greenlets": None, "tasks": []})) == [
        "  greenlets: not looked for, the search would hold up so large a process"
    ]
    assert not list(text.lines({"greenlets": None, "tasks": None}))
