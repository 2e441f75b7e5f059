"""Event loops that are kept from their work by a callback."""

from __future__ import annotations

from collections.abc import Iterator

from pyrometer.client.findings.commands import Commands
from pyrometer.client.findings.observation import Document, Finding, Observations, Process, Thread, own_frame
from pyrometer.client.findings.wording import at, looks, seconds

LATE = 0.1
"""Seconds of lag from which on people notice."""
_SEVERITIES = ((1.0, "critical"), (0.25, "high"), (LATE, "medium"))
_RUNS = ("BaseEventLoop.run_forever", "Runner.run")
"""Functions of asyncio's that a loop's thread is in."""
_ALL_BUSY = 0.99


def find(seen: Observations, commands: Commands) -> Iterator[Finding]:
    """Each loop that was late."""
    for process in seen.processes:
        late = dict(_late(process))
        for thread, watched in late.items():
            yield _lag(process, thread, watched, commands)
        for each in process.threads:
            if each.name not in late and _is_stuck(process, each):
                yield _stuck(each, commands)


def longest(seen: Observations) -> float | None:
    """The longest lag of all loops, seconds; None: there is no loop that it is known of."""
    lags = [loop["lag_seconds"] for process in seen.processes for loop in _loops(process)]
    return max((lag for lag in lags if lag is not None), default=None)


def _loops(process: Process) -> list[Document]:
    return [loop for each in process.rounds for loop in each["event_loops"] or ()]


def _late(process: Process) -> Iterator[tuple[str, list[Document]]]:
    """Threads whose loop was late, each with all that was seen of it."""
    by_thread: dict[str, list[Document]] = {}
    for loop in _loops(process):
        by_thread.setdefault(loop["thread"], []).append(loop)
    for thread, watched in by_thread.items():
        if max(loop["lag_seconds"] or 0.0 for loop in watched) >= LATE:
            yield thread, watched


def _lag(process: Process, thread: str, watched: list[Document], commands: Commands) -> Finding:
    worst = max(watched, key=lambda loop: loop["lag_seconds"] or 0.0)
    lag = worst["lag_seconds"]
    late = sum((loop["lag_seconds"] or 0.0) >= LATE for loop in watched)
    busy = sum(loop["busy_share"] for loop in watched) / len(watched)
    place = own_frame(worst["frames"]) or (worst["frames"][0] if worst["frames"] else None)
    doing = f"while it was in {at(place)}" if place else "and no callback was seen: it did not get the processor"
    return Finding(
        f"the event loop of {process.pid} is blocked" + (f" by {place['function']}" if place else ""),
        next(word for least, word in _SEVERITIES if lag >= least),
        (
            f"{thread} ran nothing else for {seconds(lag)} at least, {doing}",
            f"late in {late} of {len(watched)} rounds",
            f"busy with callbacks in {100 * busy:.0f} % of the looks",
        ),
        process.pid,
        thread,
        commands.type("record", process.pid, "--mode wall -d 10s"),
        weight=lag / 1000,
    )


def _is_stuck(process: Process, thread: Thread) -> bool:
    """Whether a loop's thread did not move at all, inside a callback: where the agent could not tell its lag."""
    frames = thread.looks[-1]["frames"]
    runs = next((index for index, frame in enumerate(frames) if frame["function"] in _RUNS), None)
    if runs is None or len(thread.looks) < 2 or not thread.still:
        return False
    known = [loop["busy_share"] for loop in _loops(process) if loop["thread"] == thread.name]
    if known and min(known) < _ALL_BUSY:
        return False
    return own_frame(frames[:runs]) is not None


def _stuck(thread: Thread, commands: Commands) -> Finding:
    total = len(thread.looks)
    return Finding(
        f"the event loop of {thread.pid} is blocked by {(thread.place or {}).get('function', 'a callback')}",
        "critical",
        (f"{thread.name} has not moved from {at(thread.place)} {looks(total, total)}",),
        thread.pid,
        thread.name,
        commands.type("dump", thread.pid),
        weight=0.5,
    )
