"""Threads that use a processor."""

from __future__ import annotations

from tests.client.findings.made_up import COMMANDS, MAIN, frame, seen, stacks, thread

from pyrometer.client.findings import threads
from pyrometer.client.findings.observation import Finding, Observations


def found(observed: Observations) -> list[Finding]:
    return list(threads.find(observed, COMMANDS))


def test_a_thread_that_spins_is_told_with_the_call_that_it_never_left() -> None:
    """The line may differ from look to look; the call is the same."""
    looks = tuple(
        [stacks(7, thread("spin", frame("spin", 10 + n % 3), MAIN, cpu=98.0, state="running"))] for n in range(6)
    )
    (finding,) = found(Observations(3.0, looks))
    assert (finding.what, finding.severity) == ("spin of 7 is busy in spin", "high")
    assert finding.evidence[0].startswith("in spin (shop/app.py:1")
    assert finding.evidence[0].endswith("in all 6 looks")
    assert finding.next == "pyrometer record 7 -d 10s"


def test_a_thread_that_works_at_many_things_is_told_by_the_most_frequent() -> None:
    """The innermost call that it never left is its main loop."""
    places = ["bake", "bake", "knead", "bake"]
    looks = tuple([stacks(7, thread("worker", frame(name), cpu=70.0, state="running"))] for name in places)
    (finding,) = found(Observations(2.0, looks))
    assert (finding.what, finding.severity) == ("worker of 7 is busy", "medium")
    assert finding.evidence[0] == "mostly in bake (shop/app.py:10), in 3 of 4 looks"


def test_a_crowded_machine_does_not_hide_who_spins() -> None:
    """It gets half a core or less, and is ready for more in every look."""
    spinner = thread("spin", frame("spin"), cpu=30.0, state="running")
    (finding,) = found(seen(stacks(7, spinner)))
    assert (finding.severity, finding.evidence[1]) == ("high", "30 % of a core, and ready for more")
    assert not found(seen(stacks(7, thread("calm", cpu=30.0))))


def test_those_who_wait_for_the_gil_meanwhile_are_named() -> None:
    """They are what the busy one costs."""
    victim = thread("victim", waits_for={"kind": "GIL", "owner": None})
    (finding,) = found(seen(stacks(7, thread("spin", frame("spin"), cpu=98.0, holds_gil=True), victim)))
    assert finding.evidence[2:] == ("seen with the GIL in all 10 looks", "victim waited for the GIL in most looks")
