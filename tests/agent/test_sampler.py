"""The in-process sampler."""

from __future__ import annotations

import json
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pyrometer.agent import sampler as sampler_module
from pyrometer.agent.sampler import Sampler
from pyrometer.agent.stacks import outward
from pyrometer.link.framing import MAX_FRAME, encode

DEADLINE = 20.0


def wait_in_a_known_place(leave: threading.Event) -> None:
    leave.wait()


@contextmanager
def waiting_thread(name: str) -> Iterator[threading.Thread]:
    leave = threading.Event()
    thread = threading.Thread(target=wait_in_a_known_place, args=(leave,), name=name, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        leave.set()
        thread.join()


@contextmanager
def sampling(rate: int = 200, *, own: Callable[[], set[int]] = set, share: float = 0.5) -> Iterator[Sampler]:
    sampler = Sampler(own, share)
    sampler.start(rate)
    try:
        yield sampler
    finally:
        sampler.stop()


def take_until(sampler: Sampler, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        time.sleep(0.05)
        taken = sampler.take()
        if enough(taken):
            return taken
    raise AssertionError("the sampler has not seen it")


def functions(taken: dict[str, Any], stack: list[Any]) -> list[str]:
    return [taken["codes"][place][0] for place in stack[2]]


def stacks_of(taken: dict[str, Any], thread: str) -> list[list[Any]]:
    return [stack for stack in taken["stacks"] if stack[0] == thread]


def test_counts_a_waiting_thread_with_name_native_id_module_and_lines() -> None:
    """A stack is innermost first; a place says function, file, module, first line and the line it is at."""
    with waiting_thread("clerk") as thread, sampling() as sampler:
        taken = take_until(sampler, lambda taken: bool(stacks_of(taken, "clerk")))
    stack = stacks_of(taken, "clerk")[0]
    assert stack[1] == thread.native_id
    names = functions(taken, stack)
    place = taken["codes"][stack[2][names.index("wait_in_a_known_place")]]
    first = wait_in_a_known_place.__code__.co_firstlineno
    assert place == ["wait_in_a_known_place", __file__, __name__, first, first + 1]
    assert names[-1] == "Thread._bootstrap"


def test_a_thread_that_waits_counts_in_every_look() -> None:
    """It measures wall time: each look counts each thread once."""
    with waiting_thread("clerk"), sampling() as sampler:
        taken = take_until(sampler, lambda taken: taken["looks"] >= 5)
    assert sum(stack[3] for stack in stacks_of(taken, "clerk")) == taken["looks"]
    assert taken["samples"] == sum(stack[3] for stack in taken["stacks"])


def test_leaves_the_agents_threads_out() -> None:
    """Neither the threads that it is told of nor its own are in the profile."""
    with (
        waiting_thread("agent") as thread,
        waiting_thread("clerk"),
        sampling(own=lambda: {thread.ident or 0}) as sampler,
    ):
        taken = take_until(sampler, lambda taken: bool(stacks_of(taken, "clerk")))
    assert not stacks_of(taken, "agent")
    assert not [code for code in taken["codes"] if code[1] == sampler_module.__file__]


def test_a_take_holds_what_came_since_the_last_one() -> None:
    """Counts are handed out once."""
    with sampling() as sampler:
        first = take_until(sampler, lambda taken: taken["looks"] > 0)
        second = take_until(sampler, lambda taken: taken["looks"] > 0)
    assert first["running"]
    assert second["running"]
    assert second["seconds"] < DEADLINE


def test_keeps_to_its_share_of_a_core_by_looking_less_often() -> None:
    """The governor's rule: cost / share is the least time between looks, whatever rate was asked for (fault 67)."""
    run = sampler_module._Run(set, 0.01, 1000)
    run._spent = 0.002
    now = sampler_module.native.monotonic()
    assert run._wait(now) >= now + 0.2


def test_stopped_it_has_nothing_and_its_thread_is_gone() -> None:
    """Nothing goes on after `stop`."""
    with sampling() as sampler:
        run = sampler._run
        take_until(sampler, lambda taken: taken["looks"] > 0)
    deadline = time.monotonic() + DEADLINE
    while run is not None and not run._ended and time.monotonic() < deadline:
        time.sleep(0.02)
    taken = sampler.take()
    assert run is not None
    assert (run._ended, taken["stacks"], taken["looks"], taken["running"]) == (True, [], 0, False)


def test_an_abandoned_sampler_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes, nobody is there: it does not outlive its watcher."""
    monkeypatch.setattr(sampler_module, "ABANDONED", 0.1)
    sampler = Sampler(set, 0.5)
    sampler.start(100)
    run = sampler._run
    deadline = time.monotonic() + DEADLINE
    while run is not None and not run._ended and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sampler.take()["running"] is False


def test_started_again_it_begins_anew() -> None:
    """One sampler a process: the second start replaces the first."""
    with sampling() as sampler:
        first = sampler._run
        sampler.start(50)
        assert first is not None
        assert first.stopping
        assert take_until(sampler, lambda taken: taken["looks"] > 0)["running"]


def test_a_reply_fits_into_a_frame_however_many_stacks_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distinct places and stacks are bounded by what a reply may weigh; the rest counts as missed (fault 67)."""
    counts = sampler_module._Counts(0.0)
    frame: Any = None
    for number in range(6000):
        name = "é" * 300 + str(number)
        source = f"def f():\n import sys\n return sys._getframe()\nf.__qualname__ = {name!r}"
        scope: dict[str, Any] = {"__name__": name}
        exec(compile(source, "ü" * 400, "exec"), scope)
        scope["f"].__code__ = scope["f"].__code__.replace(co_qualname=name)
        frame = scope["f"]()
        counts.add(1, ("t", 1), outward(frame, 200))
    reply = counts.reply(1.0)
    assert 0 < reply["samples"] < 6000
    assert reply["samples"] + reply["missed"] == 6000
    assert len(encode({"ok": reply})) < MAX_FRAME


def test_many_deep_stacks_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """So are the places of all stacks together."""
    monkeypatch.setattr(sampler_module, "MAX_PLACES", 50)
    counts = sampler_module._Counts(0.0)

    def at_depth(depth: int) -> None:
        if depth:
            at_depth(depth - 1)
        else:
            counts.add(1, ("t", 1), outward(sampler_module.sys._getframe(), 200))

    for depth in range(20):
        at_depth(depth)
    reply = counts.reply(1.0)
    assert reply["missed"] > 0
    assert sum(len(stack[2]) for stack in reply["stacks"]) <= 50
    assert json.dumps(reply)


def test_in_a_forked_child_it_is_off_and_usable() -> None:
    """fork: the thread did not come along and a lock may have been held (faults 16, 19)."""
    with sampling() as sampler:
        sampler._lock.acquire()
        child = os.fork()
        if child == 0:
            sampler.reset_after_fork()
            off = sampler.take()["running"] is False
            sampler.start(100)
            seen = take_until(sampler, lambda taken: taken["looks"] > 0)["running"]
            os._exit(0 if off and seen else 1)
        sampler._lock.release()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Canary:
    pass


def test_keeps_no_frame() -> None:
    """Looking must not keep the service's objects alive (fault 52)."""
    counts = sampler_module._Counts(0.0)

    def hold() -> weakref.ref[Canary]:
        canary = Canary()
        counts.add(1, None, outward(sampler_module.sys._getframe(), 200))
        return weakref.ref(canary)

    assert hold()() is None
