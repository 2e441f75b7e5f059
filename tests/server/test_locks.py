"""What may be said of waits: a deadlock only where both looks have it, and nobody has run in between."""

from __future__ import annotations

from typing import Any

import pytest

from pyrometer.link.errors import LinkClosed
from pyrometer.server.locks import deadlocks, settled, with_waits
from pyrometer.server.stacks import Deadlock, ThreadStack

Reply = dict[str, Any]


def wait(thread: int, owner: int, lock: int = 0, kind: str = "Lock", **more: object) -> Reply:
    told = {"thread": thread, "kind": kind, "name": "self.lock", "at": 0, "timed": False}
    return {**told, "lock": lock or owner * 100, "owner": owner, "taken": None, **more}


def reply(*waits: Reply) -> Reply:
    return {"codes": [["f", "/srv/a.py", "a"]], "waits": list(waits)}


def thread(ident: int, *, moved: bool | None = False, cpu: float | None = 0.0) -> ThreadStack:
    return ThreadStack(f"T{ident}", 1000 + ident, (), moved=moved, cpu_percent=cpu, ident=ident)


CIRCLE = reply(wait(1, 2), wait(2, 1))
THREADS = (thread(2), thread(1), thread(3))


def circles(first: Reply, second: Reply, threads: tuple[ThreadStack, ...] = THREADS) -> list[tuple[str, ...]]:
    found = deadlocks(first, second, threads, 0.2)
    return [tuple(threads[index].name for index in deadlock.threads) for deadlock in found]


def test_a_circle_in_both_looks_is_a_deadlock() -> None:
    """Each waits for the next, the last for the first; indices are those of the threads as they are shown."""
    assert circles(CIRCLE, CIRCLE) == [("T1", "T2")]
    three = reply(wait(1, 3), wait(3, 2), wait(2, 1))
    assert circles(three, three) == [("T1", "T3", "T2")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (reply(), CIRCLE),
        (CIRCLE, reply()),
        (CIRCLE, reply(wait(1, 2, lock=7), wait(2, 1))),
        (reply(wait(1, 2), wait(2, 3)), CIRCLE),
    ],
)
def test_a_circle_in_one_look_is_none(first: Reply, second: Reply) -> None:
    """Nor is one of other locks, or by another owner."""
    assert circles(first, second) == []


@pytest.mark.parametrize("other", [thread(2, moved=True), thread(2, moved=None), thread(2, cpu=3.0)])
def test_who_has_run_in_between_is_in_no_deadlock(other: ThreadStack) -> None:
    """It was seen in the same place twice, and had been elsewhere."""
    assert circles(CIRCLE, CIRCLE, (thread(1), other)) == []


def test_who_waits_for_a_deadlocked_thread_is_not_part_of_it() -> None:
    """The circle alone is named; and a chain without a circle is none."""
    told = reply(wait(3, 1), wait(1, 2), wait(2, 1))
    assert circles(told, told) == [("T1", "T2")]
    chain = reply(wait(3, 1), wait(1, 2))
    assert circles(chain, chain) == []


def test_a_join_with_a_timeout_is_a_way_of_looking_on() -> None:
    """A lock that is asked for with a timeout counts: it is stuck for as long as that lasts."""
    join = wait(1, 2, kind="join", timed=True)
    told = reply({**join, "lock": 0}, wait(2, 1))
    assert circles(told, told) == []
    timed = reply(wait(1, 2, timed=True), wait(2, 1))
    assert circles(timed, timed) == [("T1", "T2")]


def test_who_seems_to_wait_for_itself_has_just_got_it() -> None:
    """Unless both looks say so."""
    told = reply(wait(1, 1))
    threads = with_waits((thread(1),), told)
    assert settled(threads, ())[0].waits_for is None
    assert settled(threads, (Deadlock((0,), 0.2),))[0].waits_for


def test_a_wait_names_owner_and_place() -> None:
    """By the names of threads and of codes in the same reply."""
    told = reply(wait(1, 2, taken=[0, 40, "self.other"]))
    found = with_waits(THREADS, told)[1].waits_for
    assert found
    assert (found.owner, found.owner_id, found.taken_name) == ("T2", 1002, "self.other")
    assert found.taken
    assert (found.taken.function, found.taken.file, found.taken.line) == ("f", "/srv/a.py", 40)


def test_an_agent_that_knows_nothing_of_locks_says_nothing() -> None:
    """It is of an older version."""
    assert with_waits(THREADS, {"codes": []}) == THREADS
    assert circles({}, {}) == []


@pytest.mark.parametrize(
    "told", [{"thread": 1}, wait(1, 2, taken=[9, 1, ""]), wait(1, 2, taken="x"), wait(1, 2, at=[]), None, 7]
)
def test_waits_of_another_shape_end_the_conversation(told: Any) -> None:
    """What comes from a target is hostile."""
    with pytest.raises(LinkClosed):
        with_waits(THREADS, reply(told))


@pytest.mark.parametrize("told", [{"thread": 1}, {**wait(1, 2), "owner": [3]}, None])
def test_so_do_those_of_the_first_look(told: Any) -> None:
    """It is read on its own."""
    with pytest.raises(LinkClosed):
        deadlocks(reply(told), CIRCLE, THREADS, 0.2)
