"""Threads that use a processor, and where they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pyrometer.client.findings.commands import Commands
from pyrometer.client.findings.observation import Finding, Observations, Process, Thread, own_frame
from pyrometer.client.findings.wording import at, looks, names

BUSY = 50.0
"""Per cent of a core from which on a thread is worth a line."""
_FULL = 85.0
_ALWAYS = 0.9
"""Share of the looks in which a thread is ready to run: on a crowded machine it gets no full core for it."""
_LEAST_LOOKS = 3
_WAITS = 0.5


def find(seen: Observations, commands: Commands) -> Iterator[Finding]:
    """The busiest threads, one line each."""
    for process in seen.processes:
        for thread in process.threads:
            if len(thread.looks) > 1 and (thread.cpu_percent >= BUSY or _wants_more(thread)):
                yield _busy(process, thread, commands)


def _wants_more(thread: Thread) -> bool:
    """Whether it would use more of a processor than it gets."""
    return len(thread.looks) >= _LEAST_LOOKS and thread.share(lambda look: look["state"] == "running") >= _ALWAYS


def _busy(process: Process, thread: Thread, commands: Commands) -> Finding:
    stays = thread.place is not None
    starved = ", and ready for more" if thread.cpu_percent < _FULL and _wants_more(thread) else ""
    evidence = [_where(thread), f"{thread.cpu_percent:.0f} % of a core{starved}"]
    held = sum(bool(look["holds_gil"]) for look in thread.looks)
    if held:
        evidence.append(f"seen with the GIL {looks(held, len(thread.looks))}")
    evidence += _victims(process, thread)
    full = thread.cpu_percent >= _FULL or _wants_more(thread)
    return Finding(
        f"{thread.name} of {process.pid} is busy{f' in {_name(thread)}' if stays else ''}",
        "high" if full and stays else "medium",
        tuple(evidence),
        process.pid,
        thread.name,
        commands.type("record", process.pid, "-d 10s"),
        weight=thread.cpu_percent / 1000,
    )


def _name(thread: Thread) -> str:
    return str(thread.place["function"]) if thread.place else ""


def _where(thread: Thread) -> str:
    """The call that it never left, else where it was most often."""
    total = len(thread.looks)
    if thread.place is not None:
        return f"in {at(thread.place)} {looks(total, total)}"
    frames = [own_frame(look["frames"]) for look in thread.looks]
    functions = Counter(frame["function"] for frame in frames if frame is not None)
    if not functions:
        return "in no code of the service's own"
    function, count = functions.most_common(1)[0]
    return f"mostly in {at(next(f for f in frames if f and f['function'] == function))}, {looks(count, total)}"


def _victims(process: Process, busy: Thread) -> list[str]:
    """Other threads that waited for the GIL meanwhile."""
    waiting = [
        thread.name
        for thread in process.threads
        if thread is not busy and thread.share(lambda look: (look["waits_for"] or {}).get("kind") == "GIL") >= _WAITS
    ]
    return [f"{names(waiting)} waited for the GIL in most looks"] if waiting else []
