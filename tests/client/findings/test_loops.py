"""Event loops that are kept from their work."""

from __future__ import annotations

import pytest
from tests.client.findings.made_up import COMMANDS, FOREVER, MAIN, SELECT, frame, loop, seen, stacks, thread, usage

from pyrometer.client.findings import loops
from pyrometer.client.findings.observation import Finding, Observations


def found(observed: Observations) -> list[Finding]:
    return list(loops.find(observed, COMMANDS))


@pytest.mark.parametrize(
    ("lags", "severity"),
    [([0.02, 0.15], "medium"), ([0.3, 0.0], "high"), ([0.0, 2.5], "critical"), ([0.02, 0.09], None)],
)
def test_the_longest_lag_decides(lags: list[float], severity: str | None) -> None:
    """With its callback, and how often it was late."""
    rounds = [[usage(7, at, event_loops=[loop(lag, 0.9)])] for at, lag in enumerate(lags)]
    findings = found(seen(rounds=rounds))
    assert [finding.severity for finding in findings] == ([severity] if severity else [])
    if severity:
        assert findings[0].what == "the event loop of 7 is blocked by parse"
        assert "while it was in parse (shop/app.py:30)" in findings[0].evidence[0]
        assert (findings[0].thread, findings[0].next) == ("MainThread", "pyrometer record 7 --mode wall -d 10s")


def test_a_late_timer_without_a_callback_is_told_as_that() -> None:
    """The loop's thread was not on a processor."""
    late = {**loop(0.5), "frames": []}
    (finding,) = found(seen(rounds=[[usage(7, event_loops=[late])]]))
    assert finding.what == "the event loop of 7 is blocked"
    assert "did not get the processor" in finding.evidence[0]


def test_a_loop_whose_agent_is_silent_is_told_by_its_stack() -> None:
    """It did not move at all, inside a callback."""
    stuck = thread("MainThread", frame("crunch", 3), FOREVER, MAIN)
    (finding,) = found(seen(stacks(7, stuck, source="outside")))
    assert (finding.what, finding.severity) == ("the event loop of 7 is blocked by crunch", "critical")


def test_a_loop_that_waits_for_work_is_all_right() -> None:
    """It does not move either."""
    assert not found(seen(stacks(7, thread("MainThread", SELECT, FOREVER, MAIN))))


def test_a_loop_that_was_seen_idle_is_not_stuck() -> None:
    """The rounds saw more than the looks."""
    stuck = thread("MainThread", frame("crunch", 3), FOREVER, MAIN)
    assert not found(seen(stacks(7, stuck), rounds=[[usage(7, event_loops=[loop(None, 0.5)])]]))
