"""Deadlocks, holders of locks and of the GIL, stopped processes."""

from __future__ import annotations

from tests.client.findings.made_up import COMMANDS, MAIN, Document, frame, seen, stacks, thread

from pyrometer.client.findings import waits
from pyrometer.client.findings.observation import Finding, Observations


def found(observed: Observations) -> list[Finding]:
    return list(waits.find(observed, COMMANDS))


def wanting(name: str, owner: str, lock: str, line: int, **more: object) -> Document:
    wait = {"kind": "Lock", "owner": owner, "name": lock, "taken": frame("open_day", line + 1)}
    return thread(name, frame(f"use_{lock}", line), MAIN, waits_for=wait, **more)


A = wanting("pay", "close", "audit", 40, deadlock=0)
B = wanting("close", "pay", "ledger", 70, deadlock=0)


def test_a_deadlock_names_its_threads_and_both_places() -> None:
    """Who waits where for what, and where the other one took it."""
    (finding,) = found(seen(stacks(7, A, B, deadlocks=[["pay", "close"]])))
    assert finding.what == "deadlock in 7: close and pay wait for each other for ever"
    assert (finding.severity, finding.pid, finding.next) == ("critical", 7, "pyrometer dump 7")
    assert finding.evidence == (
        "close waits in use_ledger (shop/app.py:70) for ledger, which pay took in open_day (shop/app.py:71)",
        "pay waits in use_audit (shop/app.py:40) for audit, which close took in open_day (shop/app.py:41)",
    )


def test_what_only_one_look_saw_is_no_deadlock() -> None:
    """A torn reading is not repeated."""
    free = stacks(7, thread("pay"), thread("close"))
    looks = ([free], [free], [stacks(7, A, B, deadlocks=[["pay", "close"]])])
    assert not [each for each in found(Observations(1.0, looks)) if "deadlock" in each.what]


def test_a_thread_that_waits_for_itself_is_named() -> None:
    """A plain lock taken twice."""
    alone = wanting("pay", "pay", "audit", 40, deadlock=0)
    (finding,) = found(seen(stacks(7, alone, deadlocks=[["pay"]])))
    assert "pay waits for itself for ever" in finding.what


def test_a_lock_that_is_not_given_back_is_told_by_its_owner() -> None:
    """Once, however many wait for it, with where its owner is."""
    waiting = [wanting(f"w{number}", "slow", "audit", 40) for number in range(3)]
    (finding,) = found(seen(stacks(7, *waiting, thread("slow", frame("upload", 5)))))
    assert finding.what == "3 threads wait for a lock that slow has"
    assert finding.evidence[1] == "slow is in upload (shop/app.py:5)"


def test_who_waits_for_work_waits_for_nobody() -> None:
    """An idle pool of queue workers is not told of; nor who waits now and then."""
    idle = [
        thread(f"w{n}", waits_for={"kind": kind, "owner": None}) for n, kind in enumerate(("Queue", "Event", "Lock"))
    ]
    assert not found(seen(stacks(7, *idle)))
    once = ([stacks(7, wanting("w", "slow", "audit", 4))], *[[stacks(7, thread("w"))] for _ in range(5)])
    assert not found(Observations(1.0, once))


def test_who_holds_the_gil_for_good_is_named() -> None:
    """The agent can't answer, and it is the same thread in all looks."""
    holder = thread("crunch", frame("hold", 3), holds_gil=True, cpu=99.0)
    (finding,) = found(seen(stacks(7, holder, thread("other"), source="outside")))
    assert finding.what == "crunch of 7 holds the GIL and does not let go"
    assert "in hold (shop/app.py:3) in all 10 looks" in finding.evidence[0]
    assert not found(seen(stacks(7, holder, source="agent")))


def test_a_stopped_process_is_told_as_that_and_nothing_else() -> None:
    """What its threads wait for does not matter then."""
    (finding,) = found(seen(stacks(7, thread("a", state="stopped"), thread("b", state="stopped"), source="outside")))
    assert (finding.what, finding.severity) == ("7 is stopped", "critical")


def test_a_disk_is_told_of() -> None:
    """A thread that can't be woken, in most looks."""
    (finding,) = found(seen(stacks(7, thread("saver", frame("save"), state="blocked"))))
    assert finding.what == "saver of 7 waits for a disk"
