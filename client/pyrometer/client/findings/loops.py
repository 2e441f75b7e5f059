"""Event loops that are kept from their work by a callback."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pyrometer.client.findings.commands import Commands
from pyrometer.client.findings.observation import Document, Finding, Observations, Process, Thread, own_frame
from pyrometer.client.findings.wording import at, looks, seconds

LATE = 0.1
"""Seconds of lag from which on people notice."""
_SEVERITIES = ((1.0, "critical"), (0.25, "high"), (LATE, "medium"))
_CALLBACK = "Handle._run"
_RUNNER = "Runner.run"
_STARTS = ("run_until_complete", "run_forever")
"""Functions of asyncio's below which a loop's thread is: what runs a callback, and what runs a loop of any make."""
_OFTEN, _MOSTLY = 0.2, 0.5
"""Share of the looks in which a loop's thread has not moved inside a callback."""
_ALWAYS = 0.99
_LEAST_LOOKS = 2


def find(seen: Observations, commands: Commands) -> Iterator[Finding]:
    """Each loop that was late."""
    for process in seen.processes:
        late = dict(_late(process))
        for thread, watched in late.items():
            yield _lag(process, thread, watched, commands)
        for each in process.threads:
            if each.name not in late and (held := _held(process, each)):
                yield _stuck(each, held, commands)


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


def _held(process: Process, thread: Thread) -> list[Document]:
    """Looks in which a loop's thread stood still inside a callback, where they are many; for who has no lag to tell."""
    held = [look for look in thread.looks if look["moved"] is False and _in_callback(look["frames"])]
    lags = [loop["lag_seconds"] for loop in _loops(process) if loop["thread"] == thread.name]
    is_told = bool(lags) and None not in lags
    enough = max(_LEAST_LOOKS, (_MOSTLY if is_told else _OFTEN) * len(thread.looks))
    return held if len(held) >= enough else []


def _in_callback(frames: list[Document]) -> bool:
    """Whether a stack is that of a loop's thread that runs a callback."""
    for index, frame in enumerate(frames):
        if frame["function"] == _CALLBACK and frame["origin"] == "stdlib":
            return True
        if frame["function"] == _RUNNER and frame["origin"] == "stdlib":
            return index > 0 and not frames[index - 1]["function"].endswith(_STARTS)
    return False


def _stuck(thread: Thread, held: list[Document], commands: Commands) -> Finding:
    places = [(frame["function"], at(frame)) for look in held if (frame := own_frame(look["frames"]))]
    (function, place), _ = Counter(places).most_common(1)[0] if places else (("a callback", "a callback"), 0)
    share = len(held) / len(thread.looks)
    return Finding(
        f"the event loop of {thread.pid} is blocked by {function}",
        "critical" if share >= _ALWAYS else "high" if share >= _MOSTLY else "medium",
        (f"{thread.name} stood still inside a callback {looks(len(held), len(thread.looks))}, mostly in {place}",),
        thread.pid,
        thread.name,
        commands.type("record", thread.pid, "--mode wall -d 10s"),
        weight=share / 2,
    )
