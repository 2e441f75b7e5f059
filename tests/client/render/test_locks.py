"""The text of waits and deadlocks."""

from __future__ import annotations

from typing import Any

import pytest

from pyrometer.client.render.locks import deadlock_lines, gil_text, is_rest, thing, wait_text
from pyrometer.client.render.terminal import Style

Document = dict[str, Any]


def frame(function: str, line: int, source: str) -> Document:
    return {"function": f"Bank.{function}", "file": "/srv/shop/bank.py", "line": line, "source": source}


def wait(owner: str | None, owner_id: int, name: str, taken: Document | None = None, **more: object) -> Document:
    told = {"kind": "Lock", "owner": owner, "owner_os_id": owner_id, "name": name, "frame": 0, "timed": False}
    return {**told, "taken": taken, "taken_name": name if taken else None, **more}


def thread(name: str, number: int, waits: Document, *frames: Document) -> Document:
    return {"name": name, "os_id": number, "waits_for": waits, "frames": list(frames), "deadlock": 0}


LEDGER, AUDIT = "self.ledger.lock", "self.audit.lock"
HOLDS_LEDGER = frame("transfer", 40, f"with {LEDGER}:")
HOLDS_AUDIT = frame("close_day", 71, f"with {AUDIT}:")
FIRST = thread("Thread-1", 11, wait("Thread-2", 12, AUDIT, HOLDS_AUDIT), frame("transfer", 44, f"with {AUDIT}:"))
SECOND = thread("Thread-2", 12, wait("Thread-1", 11, LEDGER, HOLDS_LEDGER), frame("close_day", 73, f"with {LEDGER}:"))


def shown(*threads: Document, width: int = 120) -> list[str]:
    names = [thread["name"] for thread in threads]
    process = {"pid": 4108, "threads": list(threads), "deadlocks": [names], "deadlock_seconds": 0.2}
    return list(deadlock_lines([process], Style(enabled=False), width))


def test_a_deadlock_is_drawn_as_a_circle() -> None:
    """What each holds and since where, what it wants and where, and who is in its way."""
    first, second = "with self.ledger.lock:", "with self.audit.lock: "
    assert shown(SECOND, FIRST) == [
        "DEADLOCK in 4108 for at least 0.2 s",
        f"  Thread-1   holds ledger.lock   since transfer    shop/bank.py:40   {first}",
        f"             wants audit.lock    in    transfer    shop/bank.py:44   {second}   held by Thread-2",
        f"  Thread-2   holds audit.lock    since close_day   shop/bank.py:71   {second.rstrip()}",
        f"             wants ledger.lock   in    close_day   shop/bank.py:73   {first}   held by Thread-1",
        "",
    ]


@pytest.mark.parametrize("width", [40, 80])
def test_the_source_gives_way_first(width: int) -> None:
    """Who holds it is what one must know: it stays."""
    lines = shown(FIRST, SECOND, width=width)
    assert lines[2].endswith("held by Thread-2")
    assert "with" not in lines[2] or width == 80


def test_a_place_that_is_not_known_is_left_out() -> None:
    """A re-entrant lock tells who holds it, however it was taken."""
    second = {**SECOND, "waits_for": wait("Thread-1", 11, LEDGER, kind="RLock")}
    assert shown(FIRST, second)[1] == "  Thread-1   holds ledger.lock"


def test_a_join_and_a_timeout_say_so() -> None:
    """What ends by itself is not there for ever."""
    joins = {**FIRST, "waits_for": wait("Thread-2", 12, "self.worker", kind="join")}
    timed = {**SECOND, "waits_for": {**SECOND["waits_for"], "timed": True}}
    lines = shown(joins, timed)
    assert lines[2].split("shop/bank.py:44")[0].split() == ["joins", "worker", "in", "transfer"]
    assert lines[2].endswith("waits for Thread-2 to end")
    assert lines[3].split() == ["Thread-2", "is", "to", "end", "for", "Thread-1"]
    assert lines[4].endswith("held by Thread-1, until its timeout")


def test_a_thread_alone_waits_for_itself() -> None:
    """A circle of one."""
    alone = thread("Thread-1", 11, wait("Thread-1", 11, LEDGER, HOLDS_LEDGER), frame("twice", 50, f"with {LEDGER}:"))
    assert shown(alone)[2].endswith("held by Thread-1")


def test_names_can_not_command_the_terminal() -> None:
    """Fault 83: they come from a stranger."""
    evil = "\x1b]52;c;AAAA\x07"
    first = {**FIRST, "name": evil, "waits_for": wait(evil, 12, evil, {**HOLDS_AUDIT, "function": evil})}
    lines = shown(first, {**SECOND, "waits_for": wait(evil, 11, evil)})
    assert not any(ord(c) < 32 or c == "\x7f" for line in lines for c in line)
    assert "\x1b" not in wait_text(first["waits_for"])


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (wait("Thread-2", 12, AUDIT, HOLDS_AUDIT), "waits for Lock audit.lock, held by Thread-2 since shop/bank.py:71"),
        (wait("Thread-2", 12, "", kind="RLock"), "waits for RLock, held by Thread-2"),
        (wait(None, 0, "self.jobs", kind="Queue"), "waits for Queue jobs"),
        (wait("Thread-2", 12, "worker", kind="join"), "waits for Thread-2 to end"),
        (wait(None, 0, "", kind="join"), "waits for threads to end"),
    ],
)
def test_a_wait_in_words(told: Document, text: str) -> None:
    """Of everything that there is to wait for."""
    assert wait_text(told) == text


@pytest.mark.parametrize(
    ("holds", "percent", "text"),
    [
        (True, None, "holds the GIL"),
        (True, 100.0, "holds the GIL"),
        (True, 61.2, "holds the GIL 61 % of the time"),
        (False, 12.0, "holds the GIL 12 % of the time"),
        (False, 4.0, ""),
        (None, None, ""),
    ],
)
def test_how_often_the_gil_is_held_is_said_where_it_matters(
    *, holds: bool | None, percent: float | None, text: str
) -> None:
    """An outside look knows of one moment only."""
    assert gil_text([{"holds_gil": holds, "gil_percent": percent}]) == text


def test_threads_in_the_same_place_hold_the_gil_together() -> None:
    """Eight workers in one loop have all of it, none of them much."""
    workers = [{"holds_gil": False, "gil_percent": 12.5}] * 8
    assert gil_text(workers) == "hold the GIL"
    assert gil_text(workers[:4]) == "hold the GIL 50 % of the time"


def test_waiting_for_work_is_rest() -> None:
    """And waiting for what somebody else holds, or has promised, is not."""
    assert [kind for kind in ("Lock", "RLock", "Queue", "Event", "Future", "join") if is_rest({"kind": kind})] == [
        "Queue",
        "Event",
        "join",
    ]
    assert not is_rest(None)


def test_an_objects_own_lock_is_called_by_its_name() -> None:
    """What everything begins with says nothing."""
    assert [thing(name) for name in ("self.lock", "cls.lock", "lock", "", None)] == ["lock", "lock", "lock", "", ""]
