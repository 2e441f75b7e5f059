"""Calls that are suspended while they are watched: generators, coroutines, tasks."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from tests.agent.watchers import Clock, Watcher, content, run

from pyrometer.agent.engines import owners

# Suspensions.


def test_a_generator_is_timed_inside_only(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """For how long it was suspended is told apart."""
    watcher.arm("numbers")
    for _ in timed.numbers(3):
        clock.spend(10)
    (hit,) = watcher.hits
    assert (hit["elapsed"], hit["suspended"], content(hit["returned"])) == (4.0, 30.0, "all")


def test_generators_inside_one_another_are_suspended_together(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """The outer one is inside while the inner one works."""
    watcher.arm("numbers")
    watcher.arm("outer", probe_id="q")
    for _ in timed.outer(2):
        clock.spend(10)
    assert watcher.times == [(3.0, 20.0), (5.0, 20.0)]


def test_what_is_thrown_in_is_handled_inside(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """The call goes on with it."""
    watcher.arm("resilient")
    generator = timed.resilient()
    next(generator)
    clock.spend(10)
    assert generator.throw(ValueError()) == 2
    clock.spend(20)
    assert list(generator) == [3]
    (hit,) = watcher.hits
    assert (hit["elapsed"], hit["suspended"], hit["exception"]) == (1.0, 30.0, None)


def test_what_is_thrown_through_ends_both(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """From the inner generator outwards."""
    watcher.arm("numbers")
    watcher.arm("outer", probe_id="q")
    generator = timed.outer(2)
    next(generator)
    clock.spend(10)
    with pytest.raises(ZeroDivisionError):
        generator.throw(ZeroDivisionError())
    assert watcher.times == [(1.0, 10.0), (2.0, 10.0)]
    assert {hit["exception"]["type"] for hit in watcher.hits} == {"ZeroDivisionError"}


def test_a_generator_that_is_given_up_ends_by_its_closing(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """Closed, or dropped."""
    watcher.arm("numbers")
    generator = timed.numbers(3)
    next(generator)
    clock.spend(10)
    generator.close()
    generator = timed.numbers(3)
    next(generator)
    del generator
    assert watcher.status.open_calls == 0
    if owners.NEEDED:  # it is no event there
        assert watcher.hits == []
    else:
        assert watcher.times == [(1.0, 10.0), (1.0, 0.0)]
        assert {hit["exception"]["type"] for hit in watcher.hits} == {"GeneratorExit"}


def test_one_that_never_began_is_no_call(watcher: Watcher, timed: Any) -> None:
    """Neither is it open."""
    watcher.arm("numbers")
    generator = timed.numbers(3)
    assert watcher.status.open_calls == 0
    generator.close()
    assert watcher.hits == []


def test_coroutines_are_suspended_while_they_wait(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """Each of those that wait for one another."""
    watcher.arm("slow")
    watcher.arm("wrapping", probe_id="q")
    assert run(timed.wrapping(3), waits=lambda: clock.spend(10)) == "done"
    assert watcher.times == [(3.0, 30.0), (7.0, 40.0)]


def test_a_coroutine_that_catches_what_is_thrown_further_in(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """It goes on without having been resumed as usual: Fault 61."""
    watcher.arm("wrapping")
    coroutine: Generator[Any, Any, Any] = timed.wrapping(3)
    coroutine.send(None)
    clock.spend(10)
    coroutine.throw(KeyError())
    clock.spend(20)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert watcher.times == [(1.0, 30.0)]


def test_a_coroutine_that_is_cancelled_ends_by_that(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """The time before counts as suspended."""
    watcher.arm("slow")
    coroutine = timed.slow(3)
    coroutine.send(None)
    clock.spend(10)
    with pytest.raises(RuntimeError):
        coroutine.throw(RuntimeError("cancelled"))
    assert watcher.times == [(1.0, 10.0)]


def test_tasks_that_take_turns_do_not_mix(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """One thread, two calls of the same coroutine."""
    watcher.arm("slow")
    first, second = timed.slow(1), timed.slow(2)
    for coroutine in (first, second, first, second, second):
        try:
            coroutine.send(None)
        except StopIteration:
            continue
        clock.spend(10)
    assert [(content(hit["returned"]), hit["elapsed"], hit["suspended"]) for hit in watcher.hits] == [
        (1, 3.0, 21.0),
        (2, 3.0, 22.0),
    ]


def test_an_asynchronous_generator_is_suspended_by_both(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """By what it awaits, and by what it yields."""

    async def read() -> list[int]:
        found = []
        async for number in timed.stream(2):
            clock.spend(5)
            found.append(number)
        return found

    watcher.arm("stream")
    assert run(read(), waits=lambda: clock.spend(10)) == [0, 1]
    assert watcher.times == [(2.0, 30.0)]
