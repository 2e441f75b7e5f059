"""Event loops that are kept from their work."""

from __future__ import annotations

import pytest
from tests.client.findings.made_up import (
    COMMANDS,
    FOREVER,
    MAIN,
    SELECT,
    Document,
    frame,
    loop,
    seen,
    stacks,
    thread,
    usage,
)

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


RUN = frame("Handle._run", 80, "/usr/lib/python3.11/asyncio/events.py", "stdlib")
RUNNER = frame("Runner.run", 118, "/usr/lib/python3.11/asyncio/runners.py", "stdlib")
COMPLETE = frame("BaseEventLoop.run_until_complete", 640, "/usr/lib/python3.11/asyncio/base_events.py", "stdlib")


def standing(times: int, *frames: Document) -> Observations:
    """A loop's thread that stood still in so many of ten looks, and waited for work in the others."""
    idle = [each for each in frames[1:] if each is not RUN]
    looks = [thread("MainThread", *(frames if n < times else idle)) for n in range(10)]
    return Observations(8.0, tuple([stacks(7, each)] for each in looks))


def test_a_loop_whose_agent_is_silent_is_told_by_its_stack() -> None:
    """It did not move at all, inside a callback."""
    (finding,) = found(standing(10, frame("crunch", 3), RUN, FOREVER, RUNNER, MAIN))
    assert (finding.what, finding.severity) == ("the event loop of 7 is blocked by crunch", "critical")
    assert finding.evidence[0].endswith("in all 10 looks, mostly in crunch (shop/app.py:3)")


@pytest.mark.parametrize(("times", "severity"), [(1, None), (3, "medium"), (6, "high")])
def test_a_loop_of_another_make_is_told_by_what_runs_it(times: int, severity: str | None) -> None:
    """Uvloop has no frames of its own: whatever `asyncio.run` called is a callback."""
    findings = found(standing(times, frame("crunch", 3), RUNNER, MAIN))
    assert [finding.severity for finding in findings] == ([severity] if severity else [])


def test_a_loop_that_waits_for_work_is_all_right() -> None:
    """It does not move either."""
    assert not found(seen(stacks(7, thread("MainThread", SELECT, FOREVER, COMPLETE, RUNNER, MAIN))))
    assert not found(seen(stacks(7, thread("MainThread", RUNNER, MAIN))))


def test_a_lag_that_is_known_says_more_than_a_few_looks() -> None:
    """Unless they are most of them: a descriptor's callback has no lag to tell."""
    rounds = (([usage(7, event_loops=[loop(0.01, 0.5)])]),)
    for times, expected in ((3, 0), (6, 1)):
        looked = standing(times, frame("crunch", 3), RUN, FOREVER, RUNNER, MAIN)
        assert len(found(Observations(8.0, looked.looks, rounds))) == expected
