from __future__ import annotations

import asyncio
import itertools
import sys
import traceback
import types
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pyrometer.agent import tables
from pyrometer.agent.engines.switches import Guard
from pyrometer.agent.engines.trampolines import divert_exceptions

pytestmark = pytest.mark.only_python("3.11")


class Watch:
    """Sees the exceptions of functions, and where."""

    def __init__(self) -> None:
        self.guard = Guard((True,))
        self.seen: list[tuple[str, str]] = []
        self.raises: BaseException | None = None

    def __call__(self, exc: BaseException) -> None:
        self.seen.append((sys._getframe(1).f_code.co_name, type(exc).__name__))
        if self.raises is not None:
            raises, self.raises = self.raises, None
            raise raises

    def put(self, *functions: Callable[..., Any]) -> None:
        for function in functions:
            function.__code__ = self.code(function.__code__)  # type: ignore[attr-defined]

    def code(self, code: types.CodeType) -> types.CodeType:
        nested = tuple(self.code(each) if isinstance(each, types.CodeType) else each for each in code.co_consts)
        return divert_exceptions(code.replace(co_consts=nested), self, self.guard)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_each_frame_that_an_exception_comes_to_is_told_once(faults: types.ModuleType, watch: Watch) -> None:
    """Handled or left to the caller; what a handler only raises again is not told anew."""
    watch.put(faults.decline, faults.charge, faults.passed_on)
    with pytest.raises(faults.CardError):
        faults.passed_on(5)
    assert watch.seen == [("decline", "CardError"), ("charge", "CardError"), ("passed_on", "CardError")]


def test_nothing_is_told_while_the_guard_is_off(faults: types.ModuleType, watch: Watch) -> None:
    """One store for all functions, and for frames that run."""
    watch.put(faults.decline, faults.charge, faults.checkout, faults.produce)
    running = faults.produce(5)
    next(running)
    watch.guard.turn(on=False)
    assert faults.checkout(5) is None
    with pytest.raises(faults.CardError):
        next(running)
    assert watch.seen == []


def test_a_traceback_shows_what_it_showed(faults: types.ModuleType, watch: Watch) -> None:
    """Lines and carets."""

    def shown() -> str:
        with pytest.raises(ValueError, match="no") as raised:
            faults.replaced(5)
        return "".join(traceback.format_exception(raised.value))

    before = shown()
    watch.put(faults.decline, faults.charge, faults.replaced)
    assert shown() == before
    assert len(watch.seen) == 4


def test_no_instruction_moves_and_no_position_changes(faults: types.ModuleType, watch: Watch) -> None:
    """All that is new stands behind the end, and comes from nowhere in the source."""
    before = faults.replaced.__code__
    watch.put(faults.replaced)
    after = faults.replaced.__code__
    assert after.co_code[: len(before.co_code)] == before.co_code
    positions = list(before.co_positions())
    assert list(after.co_positions())[: len(positions)] == positions
    assert {position[0] for position in list(after.co_positions())[len(positions) :]} == {None}


def test_the_table_is_sorted_and_does_not_overlap(faults: types.ModuleType, watch: Watch) -> None:
    """The interpreter stops at the first region that begins behind it."""
    for name in ("checkout", "passed_on", "replaced", "swallow"):
        watch.put(getattr(faults, name))
        regions = tables.parse_exception_table(getattr(faults, name).__code__.co_exceptiontable)
        assert all(one.end <= other.start for one, other in itertools.pairwise(regions))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, ValueError])
def test_what_a_signal_raises_in_the_callback_takes_the_exceptions_place(
    faults: types.ModuleType, watch: Watch, kind: type[BaseException]
) -> None:
    """It comes to the handlers of the service as if it had come at the instruction that raised. Once. Fault 24."""
    watch.put(faults.decline, faults.charge, faults.checkout)
    watch.raises = kind("late")
    with pytest.raises(kind, match="late"):
        faults.checkout(5)
    assert watch.seen == [("decline", "CardError"), ("charge", kind.__name__), ("checkout", kind.__name__)]
    assert faults.checkout(5) is None


def test_a_recursion_error_of_the_call_itself_is_dropped(faults: types.ModuleType, watch: Watch) -> None:
    """The service's own goes on. Fault 23."""
    watch.put(faults.decline, faults.checkout)
    watch.raises = RecursionError("ours")
    assert faults.checkout(5) is None


def test_at_the_recursion_limit_the_service_sees_its_own_error(faults: types.ModuleType, watch: Watch) -> None:
    """There is no room for the callback in the deepest frames. Fault 23."""
    watch.put(faults.forever)
    with pytest.raises(RecursionError) as raised:
        faults.forever(0)
    assert {entry.name for entry in raised.traceback[1:]} == {"forever"}
    assert len(watch.seen) > 100


def test_a_loop_over_an_asynchronous_iterator_ends_untold(watch: Watch) -> None:
    """StopAsyncIteration is how it ends; what else comes out of the iterator is told."""

    async def source(count: int) -> AsyncIterator[int]:
        for number in range(count):
            yield 6 // (2 - number)

    async def loops(count: int) -> list[int]:
        return [number async for number in source(count)]

    watch.put(loops)
    assert asyncio.run(loops(2)) == [3, 6]
    assert watch.seen == []
    with pytest.raises(ZeroDivisionError):
        asyncio.run(loops(3))
    assert watch.seen == [("<listcomp>", "ZeroDivisionError"), ("loops", "ZeroDivisionError")]


def test_generators_take_exceptions_as_ever(faults: types.ModuleType, watch: Watch) -> None:
    """Thrown in before the start, in the middle, on closing. Fault 26."""
    watch.put(faults.produce)
    with pytest.raises(KeyError):
        faults.produce(5).throw(KeyError)
    started = faults.produce(5)
    next(started)
    started.close()
    with pytest.raises(faults.CardError):
        list(faults.produce(5))
    assert watch.seen == [("produce", "KeyError"), ("produce", "GeneratorExit"), ("produce", "CardError")]


def test_constants_beyond_a_byte_are_reached(watch: Watch) -> None:
    """The callback's index takes a prefix then, and the jumps count it."""
    namespace: dict[str, Any] = {}
    numbers = ", ".join(f"x + {number}.5" for number in range(300))
    exec(f"def many(x):\n    try:\n        return [{numbers}]\n    except TypeError:\n        return 'no'\n", namespace)
    many = namespace["many"]
    watch.put(many)
    assert many("a") == "no"
    assert many(1)[299] == 300.5
    assert watch.seen == [("many", "TypeError")]
