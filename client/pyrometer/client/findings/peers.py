"""Workers compared with each other: one that is where the others are not, or that uses what they do not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from statistics import mean, median

from pyrometer.client.findings.commands import Commands
from pyrometer.client.findings.observation import Document, Finding, Observations, Process, own_frame
from pyrometer.client.findings.wording import at, looks

_THERE, _ELSEWHERE, _ANYWHERE = 0.7, 0.3, 0.5
"""Share of the looks in which one worker is in a function, in which the others are, and in which every other one is, at
most: of few looks at a crowded machine one other may well be in it too often."""
_MORE_CPU, _TIMES = 20.0, 3.0
_LEAST_LOOKS = 3
_Function = tuple[str, str]


def find(seen: Observations, commands: Commands) -> Iterator[Finding]:
    """The odd one out of each crew; where several are, they are no odd ones."""
    for crew in seen.crews:
        odd = [found for process in crew if (found := _compare(process, crew)) is not None]
        if len(odd) == 1:
            yield _odd(*odd[0], crew, commands)


def _compare(process: Process, crew: list[Process]) -> tuple[Process, Document, str] | None:
    """Where a worker is that no other one is, and which of its threads."""
    shared = _shared_threads(crew)
    if len(process.looks) < _LEAST_LOOKS:
        return None
    others = [_places(peer, shared) for peer in crew if peer is not process]
    for (thread, function), count in _places(process, shared).most_common():
        share = count / len(process.looks)
        if share < _THERE:
            break
        looked = [peer for peer in crew if peer is not process]
        elsewhere = [
            places[thread, function] / max(1, len(peer.looks)) for places, peer in zip(others, looked, strict=True)
        ]
        if mean(elsewhere) <= _ELSEWHERE and max(elsewhere) <= _ANYWHERE:
            return process, _frame(process, function), thread
    return None


def _odd(process: Process, frame: Document, thread: str, crew: list[Process], commands: Commands) -> Finding:
    peers = [peer for peer in crew if peer is not process]
    key = (frame["function"], frame["file"])
    count = _looks_in(process, key)
    theirs, total = sum(_looks_in(peer, key) for peer in peers), sum(len(peer.looks) for peer in peers)
    usual = median(peer.cpu_percent for peer in peers)
    works = process.cpu_percent >= max(_MORE_CPU, _TIMES * usual)
    return Finding(
        f"worker {process.pid} is unlike its {len(peers)} peers: it is held up in {frame['function']}",
        "high",
        (
            f"in {at(frame)} {looks(count, len(process.looks))}, the others in {theirs} of {total}",
            f"it uses {process.cpu_percent:.0f} % of a core, the others {usual:.0f} %"
            + ("" if works else ": it waits rather than works"),
        ),
        process.pid,
        thread,
        commands.type("record", process.pid, "-d 10s" if works else "--mode wall -d 10s"),
        weight=0.5,
    )


def _shared_threads(crew: list[Process]) -> set[str]:
    """Kinds of threads that all of them have: what only one has is a job of its own, not a difference in the work."""
    kinds = [{_kind(thread["name"]) for look in process.looks for thread in look["threads"]} for process in crew]
    return set.intersection(*kinds)


def _places(process: Process, shared: set[str]) -> Counter[tuple[str, _Function]]:
    """In how many looks a kind of thread was in a function of the service's own."""
    found: Counter[tuple[str, _Function]] = Counter()
    for look in process.looks:
        there = set()
        for thread in look["threads"]:
            frame = own_frame(thread["frames"])
            if frame is not None and _kind(thread["name"]) in shared:
                there.add((_kind(thread["name"]), (str(frame["function"]), str(frame["file"]))))
        found.update(there)
    return found


def _looks_in(process: Process, function: _Function) -> int:
    return sum(any(_is_in(thread, function) for thread in look["threads"]) for look in process.looks)


def _is_in(thread: Document, function: _Function) -> bool:
    frame = own_frame(thread["frames"])
    return frame is not None and (frame["function"], frame["file"]) == function


def _frame(process: Process, function: _Function) -> Document:
    frames = (own_frame(thread["frames"]) for look in reversed(process.looks) for thread in look["threads"])
    return next(frame for frame in frames if frame and (frame["function"], frame["file"]) == function)


def _kind(thread: str) -> str:
    """A thread's name without its numbers: `Thread-3 (work)` and `Thread-8 (work)` do the same."""
    return re.sub(r"\d+", "#", thread)
