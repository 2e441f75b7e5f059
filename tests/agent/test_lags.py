"""Event loops watched from beside: what is late is told, what is not is not, and nothing is kept."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pyrometer.agent.lags import LoopWatch

DEADLINE = 20.0


def block(release: threading.Event) -> None:
    """Hold the loop in a place that the test knows."""
    release.wait(DEADLINE)


class Running:
    """A loop on a thread of its own, with what there is to be seen of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ident: int) -> None:
        self.loop = loop
        self.ident = ident

    def told(self, watch: LoopWatch, seconds: float = 0.2) -> dict[str, Any]:
        """What a watch tells of this loop."""
        (found,) = [each for each in watch.watch(seconds) if each["thread"] == "looper"]
        return found

    def told_when(self, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What a watch tells, watched until that is so."""
        watch, deadline = LoopWatch(set, 0.5), time.monotonic() + DEADLINE
        while not enough(told := self.told(watch)):
            assert time.monotonic() < deadline, told
        return told

    def call(self, callback: Callable[[], object]) -> None:
        self.loop.call_soon_threadsafe(callback)


@contextmanager
def running(main: Callable[[], Awaitable[None]] | None = None) -> Iterator[Running]:
    """A loop that waits, or that runs `main` beside that."""
    began, ended = threading.Event(), threading.Event()
    made: list[Running] = []

    async def wait() -> None:
        made.append(Running(asyncio.get_running_loop(), threading.get_ident()))
        stop = asyncio.Event()
        made[0].stop = stop.set  # type: ignore[attr-defined]
        beside = [asyncio.ensure_future(main())] if main else []
        began.set()
        await stop.wait()
        for each in beside:
            each.cancel()

    def work() -> None:
        asyncio.run(wait())
        ended.set()

    threading.Thread(target=work, name="looper", daemon=True).start()
    assert began.wait(DEADLINE)
    try:
        yield made[0]
    finally:
        made[0].call(made[0].stop)  # type: ignore[attr-defined]
        assert ended.wait(DEADLINE)


def test_a_loop_that_waits_is_not_late() -> None:
    """Its thread is in the selector: no callback, no lag."""
    with running() as loop:
        told = loop.told_when(lambda told: told["busy"] == 0.0)
        assert (told["lag"], told["frames"]) == (0.0, [])
        assert told["native_id"] > 0


def test_a_callback_that_does_not_end_is_told_with_its_place() -> None:
    """The lag goes on from one watch to the next, since it is the same callback."""
    release = threading.Event()
    with running() as loop:
        loop.call(lambda: block(release))
        told = loop.told_when(lambda told: told["lag"] is not None and told["lag"] > 0.3)
        assert told["busy"] > 0
        assert [frame[0] for frame in told["frames"] if frame[0] == "block"] == ["block"]
        release.set()
        assert loop.told_when(lambda told: told["lag"] < 0.1)["lag"] < 0.1


def test_a_timer_that_is_overdue_tells_it_in_one_look() -> None:
    """A loop whose callback has been running since before the watch is late by more than the watch took."""
    release = threading.Event()
    with running() as loop:
        loop.call(lambda: loop.loop.call_later(0.01, int))
        loop.call(lambda: block(release))
        time.sleep(0.5)
        lag = loop.told(LoopWatch(set, 0.5), 0.05)["lag"]
        release.set()
        assert lag > 0.3


def test_short_callbacks_one_after_the_other_are_no_long_one() -> None:
    """A loop that is always busy answers all the same: each of its callbacks has a handle of its own."""

    async def busy() -> None:
        while True:
            end = time.monotonic() + 0.02
            while time.monotonic() < end:
                pass
            await asyncio.sleep(0)

    with running(busy) as loop:
        watch = LoopWatch(set, 0.5)
        told = [loop.told(watch) for _ in range(5)]
        assert max(each["busy"] for each in told) > 0.2
        assert sorted(each["lag"] for each in told)[0] < 0.15


def test_a_descriptors_callback_is_not_taken_for_one_that_runs_long() -> None:
    """Its handle is the same each time that there is something to read."""
    ours, theirs = socket.socketpair()
    with ours, theirs, running() as loop:

        def read() -> None:
            end = time.monotonic() + 0.02
            while time.monotonic() < end:
                pass

        theirs.send(b"x")  # never read: so it is called again and again
        loop.call(lambda: loop.loop.add_reader(ours.fileno(), read))
        watch = LoopWatch(set, 0.5)
        loop.told_when(lambda told: told["busy"] > 0.2)
        told = [loop.told(watch) for _ in range(3)]
        loop.call(lambda: loop.loop.remove_reader(ours.fileno()))
        assert sorted(each["lag"] for each in told)[0] < 0.15


def test_another_loop_has_no_lag_but_a_share() -> None:
    """What its callbacks are can't be seen, and is not guessed."""

    class Own(asyncio.SelectorEventLoop):
        pass

    release, began = threading.Event(), threading.Event()

    async def main() -> None:
        began.set()
        block(release)

    def work() -> None:
        with asyncio.Runner(loop_factory=Own) as runner:
            runner.run(main())

    thread = threading.Thread(target=work, name="looper", daemon=True)
    thread.start()
    assert began.wait(DEADLINE)
    (told,) = [each for each in LoopWatch(set, 0.5).watch(0.1) if each["thread"] == "looper"]
    release.set()
    thread.join()
    assert told["lag"] is None
    assert told["busy"] == 1.0


def test_what_a_callback_refers_to_ends_when_it_ends() -> None:
    """A watch keeps no handle alive: neither during it nor after it."""

    class Thing:
        pass

    release, gone = threading.Event(), threading.Event()
    with running() as loop:
        thing = Thing()
        weakref.finalize(thing, gone.set)
        loop.loop.call_soon_threadsafe(lambda kept: block(release), thing)
        del thing
        watch = LoopWatch(set, 0.5)
        deadline = time.monotonic() + DEADLINE
        while loop.told(watch)["busy"] == 0:
            assert time.monotonic() < deadline
        release.set()
        gc.collect()
        assert gone.wait(DEADLINE)


def test_the_agents_own_threads_and_those_without_a_loop_are_left_out() -> None:
    """Only loops are told."""
    with running() as loop:
        assert "looper" not in [each["thread"] for each in LoopWatch(lambda: {loop.ident}, 0.5).watch(0.05)]
        assert "MainThread" not in [each["thread"] for each in LoopWatch(set, 0.5).watch(0.05)]


def test_without_asyncio_there_is_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not imported for the question's sake; and a module that was put in its place is not asked."""

    class Trap:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(name)

    monkeypatch.setitem(sys.modules, "asyncio.base_events", Trap())
    assert LoopWatch(set, 0.5).watch(0.02) == []
