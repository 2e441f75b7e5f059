"""Tasks of asyncio as they are seen from another thread: chains, who awaits whom, and none of their code is run."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop
from tests.support.services import until

from pyrometer.agent import census, tasks

KINDS = ["asyncio", "uvloop", "python"]
if sys.version_info >= (3, 14):  # tasks written in Python and loops that know those of C only do not go together
    KINDS.remove("python")
CALLS: list[str] = []


class Service:
    """An event loop of a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = threading.Thread(target=self._run, name="service")
        self.thread.start()

    def begin(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run it as a task named main, and wait until nothing is about to go on."""
        self.loop.call_soon_threadsafe(lambda: self.loop.create_task(main(), name="main"))
        until(
            lambda: by_name() and not any(t["state"] in ("READY", "CREATED") for t in by_name().values()), "they wait"
        )

    def end(self) -> None:
        asyncio.run_coroutine_threadsafe(self._cancel(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    async def _cancel(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self) -> None:
        self.loop.run_forever()
        self.loop.close()


@pytest.fixture(params=KINDS)
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    """Loops of asyncio and of uvloop, and tasks of asyncio's other implementation."""
    loop = uvloop.new_event_loop() if request.param == "uvloop" else asyncio.new_event_loop()
    if request.param == "python":
        made_of_python = asyncio.tasks._PyTask  # type: ignore[attr-defined]
        loop.set_task_factory(lambda loop, coro, **more: made_of_python(coro, loop=loop, **more))
    made = Service(loop)
    yield made
    made.end()


@pytest.fixture
def plain() -> Iterator[Service]:
    made = Service(asyncio.new_event_loop())
    yield made
    made.end()


def by_name() -> dict[str, dict[str, Any]]:
    """The tasks that are there, by their names, with the names of those that await them."""
    reply = tasks.capture()
    names = {task["id"]: task["name"] for task in reply["tasks"]}
    return {
        task["name"]: {
            **task,
            "awaited_by": [names[number] for number in task["awaited_by"]],
            "chain": [reply["codes"][code][0].rpartition(".")[2] for code, _, _ in task["frames"]],
            "holder": names.get(task["holder"]),
        }
        for task in reply["tasks"]
    }


async def leaf() -> None:
    await asyncio.sleep(3600)


async def work() -> None:
    await leaf()


def child(name: str) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work(), name=name)


async def of_direct() -> None:
    await child("a")


async def of_gather() -> None:
    await asyncio.gather(child("a"), asyncio.gather(child("b")))


async def of_wait() -> None:
    await asyncio.wait([child("a")])


async def of_wait_for() -> None:
    await asyncio.wait_for(child("a"), 3600)


async def of_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(work(), name="a")
        group.create_task(work(), name="b")


async def of_shield() -> None:
    await asyncio.shield(child("a"))


async def of_shielded_gather() -> None:
    await asyncio.shield(asyncio.gather(child("a"), child("b")))


@pytest.mark.parametrize("way", [of_direct, of_gather, of_wait, of_wait_for, of_group, of_shield, of_shielded_gather])
def test_who_awaits_whom(service: Service, way: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Through everything that asyncio offers to wait for a task."""
    service.begin(way)
    found = by_name()
    children = {name for name in found if name in ("a", "b")}
    assert children
    assert {name: found[name]["awaited_by"] for name in children} == {name: ["main"] for name in children}
    assert found["main"]["awaited_by"] == []
    assert found["a"]["chain"] == ["sleep", "leaf", "work"]
    assert found["a"]["coroutine"] == "work"


def test_who_awaits_within_a_time(plain: Service) -> None:
    """`timeout`, in which a task is awaited as usual."""

    async def main() -> None:
        async with asyncio.timeout(3600):
            await child("a")

    plain.begin(main)
    assert by_name()["a"]["awaited_by"] == ["main"]


@pytest.mark.since_python("3.13")
def test_who_awaits_the_first_to_complete(service: Service) -> None:
    """`as_completed`: before 3.13 nothing leads from who awaits to what is awaited."""

    async def main() -> None:
        for each in asyncio.as_completed([child("a"), child("b")]):
            await each

    service.begin(main)
    assert {name: task["awaited_by"] for name, task in by_name().items()} == {"a": ["main"], "b": ["main"], "main": []}


def test_the_chain_goes_through_whatever_can_be_awaited(service: Service) -> None:
    """Asynchronous generators, and objects with an `__await__` of their own."""

    class Awaitable:
        def __await__(self):  # type: ignore[no-untyped-def]
            return work().__await__()

    async def numbers():  # type: ignore[no-untyped-def]
        await Awaitable()
        yield 1

    async def main() -> None:
        async for _ in numbers():
            pass

    service.begin(main)
    assert by_name()["main"]["chain"] == ["sleep", "leaf", "work", "numbers", "main"]


def test_what_a_task_waits_for(service: Service) -> None:
    """A lock with the task that holds it, a queue; the holder waits for nobody's lock."""
    lock, queue = asyncio.Lock(), asyncio.Queue[int]()

    async def holding() -> None:
        async with lock:
            await leaf()

    async def locked() -> None:
        async with lock:
            pass

    async def main() -> None:
        loop = asyncio.get_running_loop()
        first = loop.create_task(holding(), name="holding")
        await asyncio.sleep(0)
        await asyncio.gather(
            first, loop.create_task(locked(), name="locked"), loop.create_task(queue.get(), name="get")
        )

    service.begin(main)
    found = by_name()
    assert (found["locked"]["waits_for"], found["locked"]["holder"]) == ("Lock", "holding")
    assert (found["get"]["waits_for"], found["get"]["holder"]) == ("Queue", None)
    assert found["holding"]["waits_for"] == ""


def test_since_when_it_sleeps(plain: Service) -> None:
    """Known from its timer; not where there is none."""

    async def main() -> None:
        await child("a")

    plain.begin(main)
    found = by_name()
    assert 0 <= found["a"]["suspended"] < 60
    assert found["main"]["suspended"] is None


def test_a_running_task_shows_where_it_runs(plain: Service) -> None:
    """Down to what it calls, and it is said that it runs."""
    begun, over = threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        over.wait(30)

    async def main() -> None:
        block()

    plain.loop.call_soon_threadsafe(lambda: plain.loop.create_task(main(), name="main"))
    assert begun.wait(30)
    try:
        found = by_name()["main"]
        assert found["state"] == "RUNNING"
        assert found["chain"][-2:] == ["block", "main"]
    finally:
        over.set()


def test_loops_of_several_threads(plain: Service) -> None:
    """Each with its thread and its tasks."""
    other = Service(asyncio.new_event_loop())
    try:
        plain.begin(work)
        other.begin(work)
        until(lambda: _loops() == [("service", 1), ("service", 1)], "both have their task")
    finally:
        other.end()


def _loops() -> list[tuple[str, int]]:
    return sorted((loop["thread"], loop["tasks"]) for loop in tasks.capture()["loops"])


def test_many_tasks_are_bounded_and_counted(plain: Service) -> None:
    """Fault 21: those that await others are among what is shown, the others are counted with those like them."""
    number = 3 * tasks.MAX_TASKS

    async def main() -> None:
        await asyncio.gather(*(child(f"child-{n}") for n in range(number)), leaf())

    plain.begin(main)
    reply = tasks.capture()
    shown = reply["tasks"]
    assert len(shown) <= tasks.MAX_TASKS
    assert len(shown) + reply["left_out"] == reply["loops"][0]["tasks"] == number + 2
    assert sum(1 + task["alike"] for task in shown) == number + 2
    (main_task,) = [task for task in shown if task["name"] == "main"]
    children = [task for task in shown if task["name"].startswith("child-")]
    assert len(children) == census.MAX_ALIKE
    assert {tuple(task["awaited_by"]) for task in children} == {(main_task["id"],)}


class Hostile(asyncio.Task[Any]):
    """A task whose every method that a look could be tempted to call writes down that it was."""

    def get_name(self) -> str:
        CALLS.append("get_name")
        return "wrong"

    def get_coro(self) -> Any:
        CALLS.append("get_coro")

    def cancelling(self) -> int:
        CALLS.append("cancelling")
        return 1

    @property
    def _fut_waiter(self) -> Any:
        CALLS.append("_fut_waiter")
        return None

    def __repr__(self) -> str:
        CALLS.append("__repr__")
        return ""


def test_a_task_of_the_services_own_class_runs_none_of_its_code(plain: Service) -> None:
    """Its fields are read by asyncio's own descriptors."""

    async def main() -> None:
        await Hostile(work(), loop=asyncio.get_running_loop(), name="hostile")

    plain.begin(main)
    CALLS.clear()
    found = by_name()
    assert CALLS == []
    assert found["hostile"]["awaited_by"] == ["main"]
    assert (found["hostile"]["chain"], found["hostile"]["cancelling"]) == (["sleep", "leaf", "work"], False)


def test_without_asyncio_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is not imported for the look."""
    monkeypatch.delitem(sys.modules, "asyncio.tasks")
    reply = tasks.capture()
    assert (reply["loops"], reply["tasks"], reply["left_out"]) == ([], [], 0)
    assert "asyncio.tasks" not in sys.modules
