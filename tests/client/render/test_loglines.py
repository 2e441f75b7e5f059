"""Log lines on the terminal: one a hit, aligned, harmless."""

from __future__ import annotations

from typing import Any

from pyrometer.client.render.loglines import LogText
from pyrometer.client.render.terminal import Style


def hit(message: str, *, pid: int = 41, thread: str = "MainThread", time: str = "2026-11-24T08:43:51.202Z") -> Any:
    return {"pid": pid, "thread": thread, "time": time, "message": message}


def test_a_hit_is_a_line() -> None:
    """Time, process, thread, message; what comes later is aligned with what came before."""
    text = LogText(Style(enabled=False))
    lines = [
        *text.lines(hit("one")),
        *text.lines(hit("two", thread="T")),
        *text.lines(hit("three", pid=4, time="2026-11-24T08:43:51Z")),
    ]
    assert lines == [
        "08:43:51.202  41  MainThread  one",
        "08:43:51.202  41  T           two",
        "08:43:51.000   4  MainThread  three",
    ]


def test_a_message_can_not_command_the_terminal() -> None:
    """Fault 83: what an agent of another version sends is escaped here too."""
    (line,) = LogText(Style(enabled=False)).lines(hit("a\nb\x1b[2J", thread="x\r" + "y" * 30))
    assert line.isprintable()
    assert line.endswith(r"a\nb\x1b[2J")
