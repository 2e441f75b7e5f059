"""How often a probe was reached, matched, kept back, failed; and when that ends it."""

from __future__ import annotations

import threading
import time
import types

from tests.agent.owners import Owner, local
from tests.agent.specs import MANY, at, catching

from pyrometer.agent.probes import Registry
from pyrometer.link.model import ProbeLimits

# Counting.


def test_exactly_so_many_hits_are_delivered_by_many_threads(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """-n 5, eight threads at it. Then it is DONE, says so once, and the engine is free of it."""
    registry.arm(at("plain: return", limits=ProbeLimits(hits=5, rate=1000)), owner, owner.emit)
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(50):
            shapes.plain(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    registry.tick(time.monotonic())
    assert len(owner.hits) == 5
    assert len({hit["hit_id"] for hit in owner.hits}) == 5
    assert owner.states == ["DONE"]
    assert registry.tick(time.monotonic()) is None
    assert registry.statuses()[0].reason == "delivered 5 of 5"


def test_hits_over_the_rate_are_counted_and_kept_back(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """Ten a second by default."""
    registry.arm(at("plain: return", limits=ProbeLimits(hits=1000, rate=3)), owner, owner.emit)
    began = time.monotonic()
    for _ in range(100):
        shapes.plain(1)
    seconds = time.monotonic() - began
    (status,) = registry.statuses()
    assert 3 <= len(owner.hits) <= 3 * (1 + int(seconds))
    assert status.matched == 100
    assert status.rate_limited == 100 - len(owner.hits)


def test_a_hit_that_was_dropped_is_not_one_of_those_asked_for(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """A slow reader: it is counted, and another may be delivered in its place. Fault 65."""
    owner.full = True
    registry.arm(at("plain: return", limits=ProbeLimits(hits=1, rate=1000)), owner, owner.emit)
    shapes.plain(1)
    assert registry.statuses()[0].dropped == 1
    owner.full = False
    shapes.plain(2)
    shapes.plain(3)
    (hit,) = owner.hits
    assert local(hit, "a")["value"] == "2"
    assert registry.statuses()[0].state == "DONE"


def test_why_it_has_not_fired_is_told_by_the_counters(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """Reached, condition false, errors with their reason."""
    registry.arm(at("plain: return", condition="a > 10"), owner, owner.emit)
    registry.arm(at("plain: return", "q", condition="missing > 10"), owner, owner.emit)
    for a in range(7):
        shapes.plain(a)
    false, wrong = registry.statuses()
    assert (false.reached, false.condition_false, false.matched, false.errors) == (7, 7, 0, 0)
    assert (wrong.reached, wrong.condition_false, wrong.errors) == (7, 0, 7)
    assert "missing" in wrong.last_error


def test_an_exception_after_the_last_hit_is_not_counted(
    registry: Registry, owner: Owner, faults: types.ModuleType
) -> None:
    """Until the next tick the events still come; nobody looks at them, so their condition was not false."""
    registry.arm(catching("CardError", condition="amount > 1", limits=ProbeLimits(hits=1)), owner, owner.emit)
    for _ in range(3):
        faults.checkout(5)
    status = registry.statuses()[0]
    assert (status.state, status.reached, status.matched, status.condition_false) == ("DONE", 1, 1, 0)


def test_a_condition_that_fails_ten_times_in_a_row_ends_its_probe(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """Reported once, with the reason. Fault 59."""
    registry.arm(at("plain: return", condition="missing > 10"), owner, owner.emit)
    for a in range(12):
        shapes.plain(a)
    registry.tick(time.monotonic())
    registry.tick(time.monotonic())
    assert owner.states == ["FAILED"]
    assert "missing" in registry.statuses()[0].reason


def test_a_condition_on_a_property_is_an_error_and_the_probe_stays(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """Refused with the reason at the hit: the next value may have what was asked for. Fault 58."""
    ran = []

    class Adding:
        amount = property(ran.append)

        def __add__(self, other: object) -> int:
            return 1

    class Stored(Adding):
        amount = 11

    registry.arm(at("plain: return", condition="a.amount > 10", limits=MANY), owner, owner.emit)
    for _ in range(3):
        shapes.plain(Adding())
        shapes.plain(Stored())
    registry.tick(time.monotonic())
    status = registry.statuses()[0]
    assert (status.state, status.errors, status.matched, ran) == ("ARMED", 3, 3, [])
    assert "amount is a property of" in status.last_error


def test_errors_now_and_then_do_not_end_a_probe(registry: Registry, owner: Owner, shapes: types.ModuleType) -> None:
    """Ten in a row, not ten in all. Fault 59."""
    registry.arm(at("unset_until: done", condition="late > 100"), owner, owner.emit)
    for _ in range(20):
        shapes.unset_until(1)
        shapes.unset_until(2)
    registry.tick(time.monotonic())
    status = registry.statuses()[0]
    assert (status.state, status.errors, status.condition_false) == ("ARMED", 20, 20)
