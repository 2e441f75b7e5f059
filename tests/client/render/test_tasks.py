"""Tasks as a tree: who awaits whom, equal things once, whatever an agent says of them."""

from __future__ import annotations

from typing import Any

import pytest

from pyrometer.client.render.tasks import MAX_ROWS, TaskTree, duration
from pyrometer.client.render.terminal import Style

Document = dict[str, Any]


def frame(function: str, file: str, line: int, source: str = "", origin: str = "service") -> Document:
    where = {"function": function, "file": file, "line": line, "source": source, "origin": origin}
    return {**where, "module": None, "locals": None}


GET = frame("get", "/lib/python3.11/asyncio/queues.py", 158, "await getter", "stdlib")
WORK = frame("work", "/srv/shop/app.py", 31, "await self.queue.get()")
SERVE = frame("serve", "/srv/shop/app.py", 12, "await asyncio.gather(*workers)")


def task(number: int, name: str, *frames: Document, awaited_by: tuple[int, ...] = (), **more: Any) -> Document:
    return {
        "id": number,
        "name": name,
        "loop_id": 1,
        "state": "waiting",
        "cancelling": False,
        "coroutine": "work",
        "suspended_seconds": None,
        "awaited_by": [f"task-{each}" for each in awaited_by],
        "awaited_by_ids": list(awaited_by),
        "waits_for": None,
        "alike": 0,
        "frames": list(frames),
        "frames_left_out": 0,
        **more,
    }


def shown(
    *tasks: Document, total: int | None = None, unseen: int = 0, width: int = 100, every_frame: bool = False
) -> list[str]:
    count = len(tasks) if total is None else total
    loop = {"id": 1, "thread": "MainThread", "type": "asyncio.unix_events._UnixSelectorEventLoop", "tasks": count}
    process = {"event_loops": [loop], "tasks": list(tasks), "tasks_left_out": count - len(tasks) + unseen}
    return list(TaskTree(Style(enabled=False), width, every_frame=every_frame).lines(process))


def test_who_is_awaited_stands_below_who_awaits() -> None:
    """What is the service's own is shown of each, and those in the same place once."""
    workers = [task(n, f"worker-{n}", GET, WORK, awaited_by=(1,)) for n in range(2, 12)]
    fetching = task(
        20, "fetch", frame("fetch", "/srv/shop/feeds.py", 55, "await client.fetch(url)"), awaited_by=(1,),
        suspended_seconds=312.0,
    )  # fmt: skip
    assert shown(task(1, "serve", SERVE), *workers, fetching) == [
        "  event loop of MainThread: 12 tasks",
        "    serve         shop/app.py:12     await asyncio.gather(*workers)",
        "    ├─ fetch      shop/feeds.py:55   await client.fetch(url)   suspended 5 min 12 s",
        "    ├─ worker-2   shop/app.py:31     await self.queue.get()",
        "    └─ … 9 more in the same place as worker-2",
    ]


def test_what_is_not_described_is_counted() -> None:
    """With those in the same place, or, where nobody looked, as a number."""
    lines = shown(task(1, "serve", SERVE), task(2, "a", WORK, awaited_by=(1,), alike=40_000), total=50_000, unseen=700)
    assert lines[-3:] == [
        "    └─ … 40,000 more in the same place as a",
        "    … 9,998 more tasks, counted only",
        "  … 700 more tasks, which there was no time to look at",
    ]


def test_trees_of_the_same_shape_are_shown_once() -> None:
    """A request with all that it awaits is one thing."""
    requests = [
        each
        for n in range(1, 9, 2)
        for each in (task(n, f"request-{n}", SERVE), task(n + 1, f"query-{n}", WORK, awaited_by=(n,)))
    ]
    lines = shown(*requests)
    assert [line.split()[0] for line in lines[1:]] == ["request-1", "└─", "…"]
    assert lines[-1] == "    … 3 more in the same place as request-1"


def test_a_ring_of_tasks_is_said_to_be_one() -> None:
    """Each awaits the next: nobody would be a root, and no tree would show them."""
    ring = [task(n, f"task-{n}", WORK, awaited_by=((n + 1) % 3,)) for n in range(3)]
    lines = shown(*ring)
    assert lines[1] == "    these await each other, and none of them can go on:"
    assert [line.split("task-")[1][0] for line in lines[2:]] == ["0", "2", "1"]


def test_facts() -> None:
    """What it does if it does not just wait; what it waits for and who has that; that it was cancelled."""
    wait = {"kind": "Lock", "owner": "holder"}
    lines = shown(
        task(1, "a", WORK, state="running"), task(2, "b", WORK, waits_for=wait), task(3, "c", WORK, cancelling=True)
    )
    assert [line.rpartition("get()")[2].strip() for line in lines[1:]] == [
        "running",
        "waits for Lock held by holder",
        "cancelled, has not ended",
    ]


def test_every_frame_on_request() -> None:
    """Nothing is folded then, and each frame has its line."""
    lines = shown(*(task(n, f"t{n}", GET, WORK) for n in range(4)), every_frame=True)
    assert len(lines) == 1 + 4 * 3
    assert lines[2] == "       get   asyncio/queues.py:158   await getter"


def test_what_comes_from_a_target_can_not_command_the_terminal() -> None:
    """Names are of the service's making; and none is wider than its line."""
    lines = shown(task(1, "\x1b[2J" + "x" * 500, WORK), width=80)
    assert "\x1b" not in "".join(lines)
    assert all(len(line) <= 80 for line in lines)


def test_long_lists_end() -> None:
    """A thousand places are not for reading."""
    lines = shown(*(task(n, f"t{n}", frame("f", "/srv/a.py", n)) for n in range(1, 1001)))
    assert len(lines) == MAX_ROWS + 2
    assert lines[-1] == f"    … {1000 - MAX_ROWS} more lines: -o json has all"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (312, "5 min 12 s"), (3 * 3600 + 125, "3 h 2 min"), (90_000, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    """Two units are enough."""
    assert duration(seconds) == text
