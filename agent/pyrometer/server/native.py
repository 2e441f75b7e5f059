"""Native stacks, for which the process is stopped: never without having been asked for by that name.

py-spy holds all threads while it walks their C stacks. What it finds goes into what the usual look found, so that
waits, names and processor times are there as well; and how long the process stood still is part of the answer.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from pyrometer.link.errors import LinkError
from pyrometer.server import kernel, looking, outside
from pyrometer.server.roster import Candidate
from pyrometer.server.stacks import Frame, ProcessStacks, ThreadStack

_STEP = 0.001
"""Seconds between two looks at whether the process is stopped."""
_TRACED = "t"


def look(candidate: Candidate, interval: float = looking.INTERVAL, *, values: bool = False) -> ProcessStacks:
    """Read all threads of a process, then once more with their native frames. Raises LinkError."""
    seen = looking.look(candidate, interval, values=values)
    try:
        threads, stopped = _read(candidate.pid)
    except LinkError as error:
        return replace(seen, reason=_joined(seen.reason, f"no native stacks: {error.message}"))
    return replace(
        seen,
        source="OUTSIDE" if seen.source == "OUTSIDE" else "BOTH",
        reason=_joined(seen.reason, f"the process was stopped for {1000 * stopped:.0f} ms to read native stacks"),
        threads=merged(seen.threads, threads),
    )


def merged(usual: tuple[ThreadStack, ...], native: tuple[ThreadStack, ...]) -> tuple[ThreadStack, ...]:
    """The threads of the usual look, each with the native frames that it was found in a moment later."""
    found = {thread.native_id: thread.frames for thread in native}
    return tuple(_with_frames(thread, found.get(thread.native_id, ())) for thread in usual)


def _with_frames(thread: ThreadStack, frames: tuple[Frame, ...]) -> ThreadStack:
    """A thread in other frames: lines that both have keep their source; its wait is found again, or dropped."""
    if not frames:
        return thread
    sources = {(frame.file, frame.line): frame for frame in thread.frames}
    told = tuple(
        replace(frame, source=known.source, module=known.module, variables=known.variables)
        if (known := sources.get((frame.file, frame.line)))
        else frame
        for frame in frames
    )
    wait = thread.waits_for
    if wait is not None:
        old = thread.frames[wait.frame] if wait.frame < len(thread.frames) else None
        at = next((i for i, frame in enumerate(told) if old and (frame.file, frame.line) == (old.file, old.line)), None)
        wait = None if at is None else replace(wait, frame=at)
    return replace(thread, frames=told, waits_for=wait)


def _read(pid: int) -> tuple[tuple[ThreadStack, ...], float]:
    """The threads with native frames, and the seconds that the process stood still for it. Raises LinkError."""
    with ThreadPoolExecutor(1, thread_name_prefix="native") as pool:
        asked = pool.submit(outside.read_threads, pid, native=True)
        stopped = _watch(pid, asked)
        return asked.result(), stopped


def _watch(pid: int, asked: Future[tuple[ThreadStack, ...]]) -> float:
    """Seconds for which the process was seen stopped by a tracer, until the reading is done."""
    stopped, last = 0.0, time.monotonic()
    while not asked.done():
        time.sleep(_STEP)
        now = time.monotonic()
        if kernel.state_of(pid) == _TRACED:
            stopped += now - last
        last = now
    return stopped


def _joined(*reasons: str) -> str:
    return "; ".join(reason for reason in reasons if reason)
