"""Stacks of asyncio's tasks for the sampler."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from pyrometer.agent import task_stacks as module
from pyrometer.agent.task_stacks import task_stacks


async def inner(leave: asyncio.Event) -> None:
    await leave.wait()


async def outer(leave: asyncio.Event) -> None:
    await inner(leave)


@contextmanager
def running(begin: Callable[[asyncio.Event], Awaitable[None]]) -> Iterator[None]:
    """A loop in a thread of its own that does `begin` and goes on until the end of the block."""
    begun, box = threading.Event(), []

    async def main() -> None:
        leave = asyncio.Event()
        box.extend((asyncio.get_running_loop(), leave))
        await begin(leave)
        begun.set()
        await leave.wait()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    assert begun.wait(20)
    try:
        yield
    finally:
        box[0].call_soon_threadsafe(box[1].set)
        thread.join(20)


def seen() -> dict[str, tuple[list[str], int]]:
    """Functions of each stack, innermost first, and how many it stands for, by the name of the task."""
    found: dict[str, tuple[list[str], int]] = {}
    for task in task_stacks():
        names = [frame.f_code.co_name for frame in task.frames]
        found[task.name] = (names, found.get(task.name, ([], 0))[1] + task.stands_for)
    return found


def test_a_task_that_waits_is_at_what_its_coroutines_await() -> None:
    """Innermost first, from asyncio's own wait to the coroutine of the task."""

    async def begin(leave: asyncio.Event) -> None:
        box.append(asyncio.create_task(outer(leave), name="clerk"))
        await asyncio.sleep(0)

    box: list[object] = []
    with running(begin):
        names, times = seen()["clerk"]
    assert names == ["wait", "inner", "outer"]
    assert times == 1


def test_tasks_without_a_name_of_their_own_go_by_their_coroutine() -> None:
    """A service makes millions of "Task-4711": none of them is worth a row of its own."""

    async def begin(leave: asyncio.Event) -> None:
        box.extend(asyncio.create_task(outer(leave)) for _ in range(3))
        await asyncio.sleep(0)

    box: list[object] = []
    with running(begin):
        assert seen()["outer"][1] == 3


def test_a_task_that_runs_is_at_what_its_thread_does() -> None:
    """Down to its coroutine, and not to the loop's own frames."""
    entered, leave_it = threading.Event(), threading.Event()

    def blocked() -> None:
        entered.set()
        leave_it.wait()

    async def blocking() -> None:
        blocked()

    async def begin(_leave: asyncio.Event) -> None:
        asyncio.get_running_loop().call_soon(box.append, asyncio.create_task(blocking(), name="blocker"))

    box: list[object] = []
    with running(begin):
        assert entered.wait(20)
        names, _ = seen()["blocker"]
        leave_it.set()
    assert names[-2:] == ["blocked", "blocking"]


def test_of_too_many_some_stand_for_all(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """A look is bounded, and the sum is still the number of tasks."""
    monkeypatch.setattr(module, "MAX_TASKS", 10)

    async def begin(leave: asyncio.Event) -> None:
        box.extend(asyncio.create_task(outer(leave)) for _ in range(96))
        await asyncio.sleep(0)

    box: list[object] = []
    with running(begin):
        looked = list(task_stacks())
        assert len(looked) <= 10
        assert sum(each.stands_for for each in looked) >= 90
        del looked


def test_without_asyncio_there_are_none() -> None:
    """Nobody's loop is made or imported for the looking."""
    assert list(task_stacks()) == []
