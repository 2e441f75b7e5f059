"""Deadlocks of real processes, as `dump` tells them: who, for what, and where each was taken."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.schemas import validate
from tests.support.services import program, pyrometer

Document = dict[str, Any]


def dumped(service: str) -> Document:
    """The one process of a service, its document held to the schema."""
    typed = pyrometer("dump", service, "-o", "json")
    assert typed.code == 0, typed.err
    validate("dump", typed.document)
    (stacks,) = typed.document["processes"]
    found: Document = stacks
    return found


def threads_of(stacks: Document) -> dict[str, Document]:
    return {thread["name"]: thread for thread in stacks["threads"]}


def test_two_threads_on_two_plain_locks(unique: str) -> None:
    """Fault 6: it comes first, with the names of both and the place of each acquisition."""
    with program("deadlock", unique, "locks") as process:
        stacks = dumped(unique)
        assert [sorted(names) for names in stacks["deadlocks"]] == [["Thread-1", "Thread-2"]]
        wait = threads_of(stacks)["Thread-1"]["waits_for"]
        assert (wait["kind"], wait["owner"], wait["name"]) == ("Lock", "Thread-2", "self.audit.lock")
        assert (wait["taken"]["function"], wait["taken"]["source"]) == ("Bank.close_day", "with self.audit.lock:")
        lines = pyrometer("dump", unique, COLUMNS="120").out.splitlines()
        assert lines[0] == f"DEADLOCK in {process.pid} for at least 0.2 s"
        told = [re.sub(r"\s{2,}", "  ", line.strip()) for line in lines[1:5]]
        assert [re.sub(r":\d+", ":N", line) for line in told] == [
            "Thread-1  holds ledger.lock  since transfer  programs/deadlock.py:N  with self.ledger.lock:",
            "wants audit.lock  in  transfer  programs/deadlock.py:N  with self.audit.lock:  held by Thread-2",
            "Thread-2  holds audit.lock  since close_day  programs/deadlock.py:N  with self.audit.lock:",
            "wants ledger.lock  in  close_day  programs/deadlock.py:N  with self.ledger.lock:  held by Thread-1",
        ]


def test_reentrant_locks_know_their_owner_however_they_were_taken(unique: str) -> None:
    """By `acquire()` too; then where is not known."""
    with program("deadlock", unique, "again"):
        stacks = dumped(unique)
        assert [sorted(names) for names in stacks["deadlocks"]] == [["Thread-1", "Thread-2"]]
        first, second = (threads_of(stacks)[name]["waits_for"] for name in ("Thread-1", "Thread-2"))
        assert (first["kind"], first["owner"], first["taken"]) == ("RLock", "Thread-2", None)
        assert (second["kind"], second["owner"], second["taken"]["function"]) == (
            "RLock",
            "Thread-1",
            "Bank.transfer_again",
        )
        assert "DEADLOCK" in pyrometer("dump", unique).out


def test_a_thread_that_waits_for_what_it_holds_itself(unique: str) -> None:
    """A plain lock taken twice by one thread: a circle of one."""
    with program("deadlock", unique, "alone"):
        stacks = dumped(unique)
        assert stacks["deadlocks"] == [["Thread-1"]]
        assert threads_of(stacks)["Thread-1"]["waits_for"]["owner"] == "Thread-1"


def test_a_join_is_part_of_a_circle(unique: str) -> None:
    """Who joins a thread, and holds what that one needs to end."""
    with program("deadlock", unique, "join"):
        stacks = dumped(unique)
        assert [sorted(names) for names in stacks["deadlocks"]] == [["Thread-1", "Thread-2"]]
        wait = threads_of(stacks)["Thread-1"]["waits_for"]
        assert (wait["kind"], wait["owner"], wait["name"]) == ("join", "Thread-2", "self.worker")
        assert "waits for Thread-2 to end" in pyrometer("dump", unique).out


def test_an_idle_pool_owns_nothing(unique: str) -> None:
    """Its workers wait for the queue, which nobody holds."""
    with program("deadlock", unique, "pool"):
        stacks = dumped(unique)
        waits = [threads_of(stacks)[f"Thread-{number}"]["waits_for"] for number in range(1, 5)]
        assert [(wait["kind"], wait["name"], wait["owner"]) for wait in waits] == [("Queue", "self.orders", None)] * 4
        assert stacks["deadlocks"] == []
        assert "held by" not in pyrometer("dump", unique).out


@pytest.mark.slow
def test_locks_in_turn_are_no_deadlock(unique: str) -> None:
    """Two threads that take two locks the other way round, behind a gate: it only looks like one, at times."""
    with program("deadlock", unique, "turns"):
        for _ in range(5):
            assert dumped(unique)["deadlocks"] == []


@pytest.mark.needs("gevent")
def test_locks_that_gevent_has_replaced_are_no_business_of_ours(unique: str) -> None:
    """Fault 22: its greenlets wait in one thread, whose stack is shown; nobody owns or is owned."""
    with program("deadlocked_greenlets", unique):
        stacks = dumped(unique)
        assert stacks["deadlocks"] == []
        assert [thread["waits_for"] for thread in stacks["threads"] if thread["waits_for"]] == []
