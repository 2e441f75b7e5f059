"""All rules together."""

from __future__ import annotations

from tests.client.findings.made_up import COMMANDS, FOREVER, MAIN, frame, loop, seen, stacks, thread, usage

from pyrometer.client.findings.judgement import judge
from pyrometer.client.findings.observation import Observations


def test_the_worst_comes_first() -> None:
    """By severity, then by how bad it is of its kind."""
    full = {"quota_cores": 1.0, "throttled_share": 0.1}
    rounds = [[usage(7, at, event_loops=[loop(3.0, 1.0)], cgroup=full)] for at in range(5)]
    found = judge(seen(stacks(7, thread("other", frame("spin"), cpu=90.0)), rounds=rounds), COMMANDS).findings
    assert [finding.severity for finding in found] == ["critical", "high", "medium"]
    assert found[0].what == "the event loop of 7 is blocked by parse"


def test_one_thread_is_one_trouble() -> None:
    """A loop that a busy callback blocks: the loop is the trouble, that it is busy is evidence."""
    busy = thread("MainThread", frame("parse", 30), FOREVER, MAIN, cpu=99.0, state="running", moved=True)
    rounds = [[usage(7, at, event_loops=[loop(3.0, 1.0)])] for at in range(5)]
    (finding,) = judge(seen(stacks(7, busy), rounds=rounds), COMMANDS).findings
    assert finding.what == "the event loop of 7 is blocked by parse"
    assert "99 % of a core" in finding.evidence


def test_what_is_all_right_is_said() -> None:
    """So that nobody looks again."""
    rounds = [[usage(7, at, event_loops=[loop(0.012)])] for at in range(5)]
    judgement = judge(seen(stacks(7, thread("MainThread")), rounds=rounds), COMMANDS)
    assert judgement.findings == []
    assert judgement.all_right == [
        "no deadlock",
        "event loop: late by 12 ms at most",
        "no processor quota",
        "memory +0.0 MiB a minute",
        "GC: 0 full collections",
        "10 of 1,000 descriptors",
    ]


def test_what_was_not_looked_at_is_not_said_to_be_all_right() -> None:
    """A process that was seen by its stacks alone, or not at all."""
    assert judge(Observations(1.0), COMMANDS) == ([], ["no processor quota"])
    silent = [[usage(7, at, event_loops=None, gc=None, descriptors=None)] for at in range(5)]
    assert not {"event loop: none", "10 of 1,000 descriptors"} & set(judge(seen(rounds=silent), COMMANDS).all_right)
