"""Who waits for what and who holds it, of real threads on the interpreter at hand."""

from __future__ import annotations

import dis
import importlib.util
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.support.services import until

from pyrometer.agent import locks, slots

Told = dict[str, Any]
PROGRAM = Path(__file__).parent / "programs" / "waiting.py"
WAITERS = 23
"""Threads of the program of which that is told, its pool's included."""


@pytest.fixture(scope="module")
def waiting() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("waiting", PROGRAM)
    assert spec
    assert spec.loader
    module = sys.modules["waiting"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.start()
    until(lambda: len(look(module)) >= WAITERS, "everybody waits")
    yield module
    module.FOREVER.set()
    del sys.modules["waiting"]


def look(module: ModuleType) -> dict[str, Told]:
    """What is told of the program's threads, by their names; owners by theirs."""
    codes: list[str] = []

    def number(code: Any, scope: dict[str, Any]) -> int:
        codes.append(code.co_qualname)
        return len(codes) - 1

    found = locks.Look(sys._current_frames(), [threading.get_ident()]).answer(number)
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    known = [each for each in found if each["thread"] in names]  # the agent's, of another test, are not
    told = {names[each["thread"]]: {**each, "owner": names.get(each["owner"])} for each in known}
    for each in told.values():
        if each["taken"]:
            each["taken"] = (codes[each["taken"][0]], *each["taken"][1:])
    ours = {*module.THREADS, "pool_0"}
    return {name: each for name, each in told.items() if name in ours and not name.startswith("hold_")}


@pytest.fixture
def told(waiting: ModuleType) -> dict[str, Told]:
    return look(waiting)


@pytest.mark.parametrize(
    ("waiter", "kind", "name"),
    [
        ("want_lock", "Lock", "till.lock"),
        ("want_lock_by_method", "Lock", "till.lock"),
        ("want_lock_for_a_while", "Lock", "till.lock"),
        ("want_lock_by_its_bound_method", "Lock", "acquire"),
        ("want_item", "Lock", "till.locks[0]"),
        ("want_other", "Lock", "other"),
        ("want_again", "RLock", "till.again"),
        ("want_condition", "RLock", "till.condition"),
        ("want_plain_condition", "Lock", "till.plain_condition"),
        ("wait_condition", "Condition", "idle"),
        ("wait_queue", "Queue", "till.jobs"),
        ("wait_full", "Queue", "till.full"),
        ("wait_quick", "Queue", "till.quick"),
        ("wait_permit", "Semaphore", "till.permits"),
        ("wait_event", "Event", "till.ready"),
        ("wait_future", "Future", "till.answer"),
        ("wait_futures", "Future", ""),
        ("wait_join", "join", "sleeper"),
    ],
)
def test_what_a_thread_waits_for_is_named(told: dict[str, Told], waiter: str, kind: str, name: str) -> None:
    """By its kind and by the expression that stands in the service's source."""
    assert (told[waiter]["kind"], told[waiter]["name"]) == (kind, name)


@pytest.mark.parametrize(
    ("waiter", "owner", "place"),
    [
        ("want_lock", "hold_lock", ("hold_lock", "till.lock")),
        ("want_lock_by_method", "hold_lock", ("hold_lock", "till.lock")),
        ("want_item", "hold_item", ("hold_item", "till.locks[0]")),
        ("want_other", "hold_other", ("hold_other.<locals>.inner", "lock")),
        ("want_kept", "hold_kept", ("hold_kept", "till.kept")),
        ("want_again", "hold_again", ("hold_again", "till.again")),
        ("want_condition", "hold_condition", ("hold_condition", "till.condition")),
        ("want_plain_condition", "hold_in_generator", ("Till.locked", "self.plain_condition")),
        ("wait_join", "hold_lock", None),
    ],
)
def test_the_owner_is_named_and_where_it_took_it(
    told: dict[str, Told], waiter: str, owner: str, place: tuple[str, str] | None
) -> None:
    """Plain locks too, by `with`, in a loop, in a closure, in a context manager's generator; by `try` and `finally`."""
    taken = told[waiter]["taken"]
    assert told[waiter]["owner"] == owner
    assert (taken and (taken[0], taken[2])) == place
    if taken:
        source = PROGRAM.read_text().splitlines()[taken[1] - 1]
        assert f"with {taken[2]}" in source or f"{taken[2]}.acquire()" in source


def test_who_lets_go_of_a_lock_only_perhaps_may_not_have_it(told: dict[str, Told]) -> None:
    """A `finally` that asks first is no proof."""
    assert (told["want_perhaps"]["name"], told["want_perhaps"]["owner"]) == ("till.perhaps", None)


def test_a_reentrant_lock_is_held_since_it_was_first_taken(waiting: ModuleType, told: dict[str, Told]) -> None:
    """Taken twice more since, by the same thread."""
    assert told["want_again"]["taken"][1] == waiting.hold_again.__code__.co_firstlineno + 1


def test_an_idle_pool_of_queue_workers_owns_nothing(waiting: ModuleType, told: dict[str, Told]) -> None:
    """They are in the body of `with not_empty`, but have let go of it: `Condition.wait` does."""
    resting = ("wait_queue", "wait_queue too", "pool_0", "wait_condition", "wait_event", "wait_permit", "wait_future")
    assert [told[name]["owner"] for name in resting] == [None] * len(resting)
    assert [told[name]["lock"] for name in resting] == [0] * len(resting)
    owners = {each["owner"] for each in told.values()}
    assert not owners & set(resting)


def test_a_wait_with_a_timeout_says_so(told: dict[str, Told]) -> None:
    """It may give up by itself."""
    assert [name for name, each in told.items() if each["timed"]] == ["want_lock_for_a_while"]


def test_a_subclass_of_rlock_is_read_in_its_c_part(told: dict[str, Told]) -> None:
    """Its `__repr__` is foreign code; who takes it waits in a method of its own."""
    assert (told["want_traced"]["kind"], told["want_traced"]["owner"]) == ("RLock", "hold_traced")


def test_of_a_foreign_lock_nothing_is_run_and_nothing_claimed(waiting: ModuleType, told: dict[str, Told]) -> None:
    """It computes its attributes, so what is in it can't be told."""
    assert waiting.THREADS["want_wrapped"].is_alive()
    waiting.Wrapped.ran.clear()
    assert "want_wrapped" not in look(waiting)
    assert waiting.Wrapped.ran == []


def test_no_thread_is_switched_to_while_a_slot_is_read() -> None:
    """After its one call `Slots.read` has nothing that the interpreter lets another thread run at."""
    names = [instruction.opname for instruction in dis.get_instructions(slots.Slots.read)]
    last_call = max(index for index, name in enumerate(names) if name.startswith("CALL"))
    rest = names[last_call + 1 :]
    assert names[:last_call].count("LOAD_ATTR") == 0
    assert not [name for name in rest if re.search("CALL|BACKWARD|BUILD|RESUME|YIELD|SEND", name)]


def test_nothing_is_read_where_somebody_is_called_at_our_lines(waiting: ModuleType) -> None:
    """Then other threads could run between finding a slot and reading it: a debugger, a coverage tool."""

    def trace(frame: object, event: str, arg: object) -> None:
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert slots.slots() is None
        told = look(waiting)
    finally:
        sys.settrace(before)
    assert told["wait_queue"]["kind"] == "Queue"
    assert "want_lock" not in told


@pytest.mark.since_python("3.12")
def test_nothing_is_read_beside_a_monitoring_tool_of_lines() -> None:
    """The same, by `sys.monitoring`; a tool that only hears of calls does no harm."""
    monitoring: Any = getattr(sys, "monitoring")  # noqa: B009
    monitoring.use_tool_id(monitoring.COVERAGE_ID, "a tool")
    try:
        monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.PY_START)
        assert slots.slots() is not None
        monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)
        assert slots.slots() is None
    finally:
        monitoring.set_events(monitoring.COVERAGE_ID, 0)
        monitoring.free_tool_id(monitoring.COVERAGE_ID)


def test_frames_that_move_while_they_are_read_do_no_harm() -> None:
    """Threads that take locks, recurse, raise and end as quickly as they can, at the shortest switch interval."""
    interval, lock, again, ended = sys.getswitchinterval(), threading.Lock(), threading.RLock(), threading.Event()

    def recurse(depth: int) -> int:
        with again:
            return recurse(depth - 1) if depth else 0

    def work() -> None:
        while not ended.is_set():
            with lock:
                recurse(30)
            try:
                with again:
                    raise ValueError
            except ValueError:
                short = threading.Thread(target=recurse, args=(100,))
                short.start()
                short.join()

    threads = [threading.Thread(target=work) for _ in range(4)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            locks.Look(sys._current_frames(), [threading.get_ident()]).answer(lambda code, scope: 0)
    finally:
        ended.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()


def test_a_defect_of_ours_costs_the_waits_and_not_the_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stacks are worth having without."""
    monkeypatch.setattr(locks, "Look", lambda frames, own: 1 / 0)
    assert locks.waits_of({}, [], lambda code, scope: 0) == []
