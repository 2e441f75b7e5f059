"""why on broken programs: the first finding names the trouble."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.schemas import validate
from tests.support.services import program, pyrometer, until


def judged(service: str) -> dict[str, Any]:
    """What `why` says of a service, looked at briefly."""
    typed = pyrometer("why", service, "-d", "6s", "-o", "json")
    assert typed.code == 0, typed.err
    validate("why", typed.document)
    found: dict[str, Any] = typed.document
    assert found["looks"] > 1
    return found


def worst(service: str, what: str) -> dict[str, Any]:
    """The first finding, once it is what it has to be: on a crowded machine few looks are had in the time."""

    def first() -> dict[str, Any] | None:
        findings = judged(service)["findings"]
        return findings[0] if findings and findings[0]["what"] == what else None

    found: dict[str, Any] = until(first, what)
    return found


@pytest.mark.once
def test_a_busy_loop(unique: str) -> None:
    """By the thread's name, and where it spins."""
    with program("broken_busy", unique) as process:
        found = worst(unique, f"spinner of {process.pid} is busy in spin")
    assert (found["pid"], found["thread"]) == (process.pid, "spinner")
    assert found["next"] == f"pyrometer record {process.pid} -d 10s"


def test_a_deadlock(unique: str) -> None:
    """By both threads and both places; the idle pool beside them is not told of."""
    with program("broken_deadlock", unique) as process:
        found = worst(unique, f"deadlock in {process.pid}: close-day and transfer wait for each other for ever")
    assert found["next"] == f"pyrometer dump {process.pid}"
    assert "transfer waits in transfer (programs/broken_deadlock.py:21) for audit" in found["evidence"]
    assert "close-day waits in close_day (programs/broken_deadlock.py:28) for ledger" in found["evidence"]
    assert "worker-" not in found["evidence"]


@pytest.mark.once
def test_a_blocked_event_loop(unique: str) -> None:
    """By the callback that blocks it."""
    with program("broken_loop", unique) as process:
        found = worst(unique, f"the event loop of {process.pid} is blocked by fetch")
    assert "broken_loop.py:" in found["evidence"]


@pytest.mark.once
def test_one_slow_worker_of_four(unique: str) -> None:
    """By its pid, and what keeps it."""
    with program("broken_worker", unique) as process:
        slow = process.first_line.split()[3]  # type: ignore[attr-defined]
        found = worst(unique, f"worker {slow} is unlike its 3 peers: it is held up in query")
    assert found["pid"] == int(slow)


@pytest.mark.once
def test_a_leak(unique: str) -> None:
    """By the process whose memory grows."""
    with program("broken_leak", unique) as process:
        found = worst(unique, f"the memory of {process.pid} grows")
    assert found["next"] == f"pyrometer info {process.pid} --watch"


@pytest.mark.once
@pytest.mark.needs("py-spy")
def test_a_held_gil(unique: str) -> None:
    """From outside, since the agent can't answer; and it does not take longer for that."""
    with program("hold_gil", unique) as process:
        worst(unique, f"holder of {process.pid} holds the GIL and does not let go")


@pytest.mark.once
def test_what_is_all_right_is_said_to_be(unique: str) -> None:
    """No finding; exit code 0."""
    with program("idle", unique):
        found = judged(unique)
    assert found["findings"] == []
    assert "event loop: none" in found["all_right"]


@pytest.mark.once
def test_nothing_there_is_not_found(unique: str) -> None:
    """Exit code 3 and the next command, at once."""
    typed = pyrometer("why", unique)
    assert typed.code == 3
    assert "pyrometer ps" in typed.err
    assert not typed.out
