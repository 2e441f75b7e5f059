"""Workers compared with each other."""

from __future__ import annotations

from tests.client.findings.made_up import COMMANDS, LOOKS, MAIN, Document, frame, seen, stacks, thread, usage

from pyrometer.client.findings import peers
from pyrometer.client.findings.observation import Finding, Observations

ACCEPT = frame("serve", 5)
QUERY = frame("query", 12)


def found(observed: Observations) -> list[Finding]:
    return list(peers.find(observed, COMMANDS))


def crew(*places: Document, cpu: tuple[float, ...] = (), **more: Document) -> Observations:
    """Workers 10, 11, … of parent 1, each in one place."""
    workers = [stacks(10 + n, thread("MainThread", place, MAIN), *more.values()) for n, place in enumerate(places)]
    shares = cpu or (0.0,) * len(places)
    rounds = [[usage(10 + n, at, cpu_percent=share) for n, share in enumerate(shares)] for at in range(4)]
    return seen(*workers, rounds=rounds)


def test_one_worker_that_is_held_up_is_told_with_where_the_others_are() -> None:
    """It waits: so a profile of the wall clock is next."""
    (finding,) = found(crew(ACCEPT, ACCEPT, QUERY, ACCEPT))
    assert finding.what == "worker 12 is unlike its 3 peers: it is held up in query"
    assert finding.evidence[0] == f"in query (shop/app.py:12) in all {LOOKS} looks, the others in 0 of {3 * LOOKS}"
    assert finding.next == "pyrometer record 12 --mode wall -d 10s"


def test_one_worker_that_works_more_is_told_by_its_cpu() -> None:
    """A profile of the processor is next."""
    (finding,) = found(crew(ACCEPT, ACCEPT, QUERY, ACCEPT, cpu=(2.0, 3.0, 95.0, 2.0)))
    assert finding.evidence[1] == "it uses 95 % of a core, the others 2 %"
    assert finding.next == "pyrometer record 12 -d 10s"


def test_where_all_are_alike_or_several_differ_none_is_the_odd_one() -> None:
    """Two against two says nothing."""
    assert not found(crew(ACCEPT, ACCEPT, ACCEPT, ACCEPT))
    assert not found(crew(ACCEPT, QUERY, frame("upload"), ACCEPT))


def test_two_workers_are_no_crew() -> None:
    """Which of the two would be the odd one?"""
    assert not found(crew(ACCEPT, QUERY))


def test_a_thread_that_only_one_worker_has_is_a_job_of_its_own() -> None:
    """A scheduler that was elected is no fault."""
    observed = crew(ACCEPT, ACCEPT, ACCEPT)
    looks = tuple(
        [{**look[0], "threads": [*look[0]["threads"], thread("scheduler", frame("tick"))]}, *look[1:]]
        for look in observed.looks
    )
    assert not found(Observations(observed.seconds, looks, observed.rounds))


def test_who_started_the_workers_is_none_of_them() -> None:
    """The master waits elsewhere."""
    master = stacks(1, thread("MainThread", frame("supervise")))
    observed = crew(ACCEPT, ACCEPT, ACCEPT)
    looks = tuple([master, *look] for look in observed.looks)
    rounds = tuple([usage(1, parent=0), *each] for each in observed.rounds)
    assert not found(Observations(observed.seconds, looks, rounds))
