"""The text of `dump`."""

from __future__ import annotations

from typing import Any

import pytest

from pyrometer.client.render.places import place
from pyrometer.client.render.stacks import StackText, folded
from pyrometer.client.render.terminal import Style

Document = dict[str, Any]


def frame(function: str, file: str, line: int, origin: str = "service", source: str = "") -> Document:
    module = file.rpartition("/")[2].removesuffix(".py")
    return {
        "function": function,
        "file": file,
        "line": line,
        "module": module,
        "source": source,
        "origin": origin,
        "locals": None,
    }


WORK = frame("discount_for", "/srv/shop/pricing.py", 25, source="price -= goal")
VIEW = frame("checkout", "/srv/shop/views.py", 32, source="pricing.total(order)")
SELECT = frame("Selector.select", "/usr/lib/python3.11/selectors.py", 415, "stdlib", "poll()")
SERVE = frame("Server.serve", "/usr/lib/python3.11/socketserver.py", 233, "stdlib", "select()")
WAIT = frame("main", "/srv/shop/wsgi.py", 9, source="serve()")


def thread(name: str, *frames: Document, cpu: float | None = 0.0, state: str = "waiting", **more: object) -> Document:
    return {
        "name": name,
        "os_id": 1,
        "state": state,
        "cpu_percent": cpu,
        "moved": None,
        "holds_gil": None,
        "waits_for": None,
        "frames": list(frames),
        "frames_left_out": 0,
        **more,
    }


def process(
    pid: int, *threads: Document, cpu: float = 0.0, source: str = "agent", reason: str | None = None
) -> Document:
    return {
        "pid": pid,
        "service": "shop",
        "argv": ["/usr/bin/python3", "/srv/shop/serve.py"],
        "source": source,
        "reason": reason,
        "cpu_percent": cpu,
        "threads": list(threads),
        "threads_left_out": 0,
    }


def shown(*processes: Document, width: int = 80, every_frame: bool = False) -> list[str]:
    return list(StackText(Style(enabled=False), width, every_frame=every_frame).lines(list(processes)))


def test_the_busiest_comes_first() -> None:
    """Of the processes, and of the threads of each; one that runs before one that waits."""
    lines = shown(
        process(1, thread("MainThread", SELECT, WAIT)),
        process(
            2, thread("idle", SELECT), thread("runs", VIEW, state="running"), thread("hot", WORK, cpu=60.0), cpu=61
        ),
    )
    assert lines == [
        "shop: 2 processes, 4 threads, looked at twice",
        "",
        "2  python3 serve.py   61 % CPU",
        "  hot   60 %",
        "      discount_for   shop/pricing.py:25   price -= goal",
        "  runs   running",
        "      checkout   shop/views.py:32   pricing.total(order)",
        "  idle   idle in select   selectors.py:415",
        "",
        "1  python3 serve.py   0 % CPU",
        "  MainThread   idle in select",
        "      main   shop/wsgi.py:9   serve()",
    ]


def test_threads_in_the_same_place_are_shown_once() -> None:
    """With their names; what `threading` adds to each is said once too."""
    lines = shown(process(1, *(thread(f"Thread-{n} (work)", WORK, cpu=20.0 - n, state="running") for n in range(8))))
    assert lines[3] == "  Thread-0, Thread-1, Thread-2, Thread-3 and 4 more (work)   20 % at most"
    assert len(lines) == 5


def test_processes_in_the_same_place_are_shown_once() -> None:
    """Seven idle workers are one line of pids."""
    lines = shown(*(process(pid, thread("MainThread", SELECT)) for pid in (11, 12, 13)))
    assert lines[2:] == ["11, 12, 13  python3 serve.py   0 % CPU", "  MainThread   idle in select   selectors.py:415"]


@pytest.mark.parametrize("fact", [{"holds_gil": True}, {"state": "stopped"}, {"cpu": 30.0}])
def test_a_thread_that_may_be_the_cause_is_not_idle(fact: dict[str, Any]) -> None:
    """Wherever it stands: its whole stack is shown."""
    lines = shown(process(1, thread("MainThread", SELECT, SERVE, WAIT, **fact)))
    assert [line.split()[0] for line in lines[4:]] == ["Selector.select", "…", "main"]


def test_who_waits_for_a_lock_is_not_idle() -> None:
    """It says what it waits for, and who holds that."""
    waits = {"kind": "Lock", "owner": "Thread-2", "name": "self.till.lock", "taken": VIEW}
    lines = shown(process(1, thread("MainThread", frame("acquire", "/srv/a.py", 1), WAIT, waits_for=waits)))
    assert lines[3] == "  MainThread   waits for Lock till.lock, held by Thread-2 since shop/views.py:32, waiting"
    assert len(lines) == 6


def test_all_means_all() -> None:
    """Neither libraries nor idle threads are folded then."""
    lines = shown(process(1, thread("MainThread", SELECT, SERVE, WAIT)), every_frame=True)
    assert [line.split()[0] for line in lines[4:]] == ["Selector.select", "Server.serve", "main"]


def test_how_it_was_read_is_said_where_it_matters() -> None:
    """Outside readings carry no values, and there is a reason for them."""
    lines = shown(process(1, thread("T", WORK), source="outside", reason="the agent could not answer"))
    assert lines[3] == "  read from outside: the agent could not answer"


@pytest.mark.parametrize("width", [40, 80])
def test_frames_keep_to_the_width(width: int) -> None:
    """80 columns suffice; what is cut off says so."""
    lines = shown(process(1, thread("T", frame("a" * 50, "/srv/" + "b" * 50, 3, source="c" * 200))), width=width)
    assert len(lines[4]) == width
    assert lines[4].endswith("…")


def test_a_place_is_what_its_author_would_call_it() -> None:
    """The folder of the standard library says nothing."""
    assert place(WORK) == "shop/pricing.py:25"
    assert place(SELECT) == "selectors.py:415"
    assert folded([SELECT, SERVE]) == "2 frames of selectors, socketserver"
