"""One process looked at twice: by its agent where that answers, else from outside, and saying which and why.

The agent has half a second; then the reading from outside starts beside it. Two readings that find the same thread
holding the GIL on the same frame, or the process stopped, settle it; else the agent may still answer until three
seconds are over, since a busy process answers late and answers better.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from pyrometer.link.errors import LinkClosed, LinkError
from pyrometer.link.model import Hello
from pyrometer.server import kernel, locks, runtime
from pyrometer.server.errors import NotFound, Unreadable
from pyrometer.server.gil import GilWatch
from pyrometer.server.links import AgentBusy, AgentLink
from pyrometer.server.meters import Meter
from pyrometer.server.roster import Candidate, outside_argv
from pyrometer.server.stacks import Frame, ProcessStacks, ThreadStack, compare, frames_of, with_kernel, with_sources
from pyrometer.server.tasks import Tasks, read_tasks

AGENT_ALONE = 0.5
AGENT_AT_MOST = 3.0
INTERVAL = 0.2
"""Seconds between the two looks."""
_BESIDE = threading.BoundedSemaphore(2 * (os.cpu_count() or 1))
"""Readings from outside at a time: of many agents that are late, most only wait for a processor, as we do."""
_TURN = 0.02
_NO_VALUES = "values are read by the agent only: they are redacted inside the process"


def look(candidate: Candidate, interval: float = INTERVAL, *, values: bool = False) -> ProcessStacks:
    """Read all threads of a process, with the values of their frames where these are asked for.

    Raises LinkError: neither way works, and why; or values may not be read.
    """
    found = _look(candidate, interval, values=values)
    return replace(found, locals_reason=_NO_VALUES) if values and found.source == "OUTSIDE" else found


def _look(candidate: Candidate, interval: float, *, values: bool) -> ProcessStacks:
    if not candidate.addresses:
        return from_outside(candidate, interval, "it runs without the agent")
    pool = ThreadPoolExecutor(1, thread_name_prefix="look")
    try:
        began = time.monotonic()
        awake = threading.Event()
        deadline = began + AGENT_AT_MOST + interval
        asked = pool.submit(from_agent, candidate, interval, deadline, awake, values=values)
        asked.add_done_callback(lambda _: awake.set())
        if awake.wait(AGENT_ALONE + interval):
            wait([asked], AGENT_AT_MOST + interval)
        return _finish(asked) if _has_answered(asked) else _beside(candidate, asked, began)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def from_agent(
    candidate: Candidate, interval: float, deadline: float, awake: threading.Event, *, values: bool = False
) -> ProcessStacks:
    """Ask the agent twice; `awake` is set once it has answered both times. Raises LinkError."""
    with contextlib.closing(candidate.open()) as link:
        hello = link.await_hello(deadline)
        meter = Meter(candidate.pid)
        first = link.call("dump", deadline)
        gil = GilWatch(candidate.pid, first.get("gil") or runtime.gil_place(candidate.pid))
        gil.wait(interval)
        second = link.call("locals", deadline, of="threads") if values else link.call("dump", deadline)
        meter.stop()
        awake.set()
        threads = gil.marked(locks.with_waits(compare(_threads(first), _threads(second)), second))
        measured = with_kernel(threads, meter.before, meter.after, meter.seconds)
        found = locks.deadlocks(first, second, measured, interval)
        changed: set[str] = set()
        return ProcessStacks(
            pid=candidate.pid,
            service=hello.service,
            argv=tuple(hello.argv),
            source="AGENT",
            reason="",
            threads=_with_source_lines(link, locks.settled(measured, found), deadline, changed),
            left_out=_left_out(second),
            cpu_percent=meter.percent(set(hello.threads)),
            prefixes=tuple(hello.prefixes),
            tasks=_tasks(link, hello, deadline, changed, values=values),
            deadlocks=found,
            changed_files=tuple(sorted(changed)),
        )


def from_outside(candidate: Candidate, interval: float, reason: str) -> ProcessStacks:
    """Read from outside twice. Raises LinkError."""
    from pyrometer.server import outside  # most looks do without, and it takes time to import

    meter = Meter(candidate.pid)
    first = outside.read_threads(candidate.pid)
    time.sleep(max(0.0, interval - (time.monotonic() - meter.began)))
    second = outside.read_threads(candidate.pid)
    meter.stop()
    return ProcessStacks(
        pid=candidate.pid,
        service=candidate.service,
        argv=_argv(candidate.pid),
        source="OUTSIDE",
        reason=reason,
        threads=with_kernel(compare(first, second), meter.before, meter.after, meter.seconds),
        cpu_percent=meter.percent(set()),
    )


def _argv(pid: int) -> tuple[str, ...]:
    import psutil

    try:
        return outside_argv(psutil.Process(pid))
    except psutil.Error:
        return ()


def _beside(candidate: Candidate, asked: Future[ProcessStacks], began: float) -> ProcessStacks:
    """The agent is late: read from outside too, unless it answers before it is our turn, and choose."""
    while not _BESIDE.acquire(timeout=_TURN):
        if _has_answered(asked):
            return _finish(asked)
    try:
        seen: ProcessStacks | LinkError = from_outside(candidate, 0.05, "the agent did not answer")
    except LinkError as error:
        seen = error
    finally:
        _BESIDE.release()
    if isinstance(seen, LinkError):
        wait([asked], max(0.0, began + AGENT_AT_MOST - time.monotonic()))
        if _has_answered(asked):
            return _finish(asked)
        raise _neither(candidate.pid, seen)
    if why := _settled(candidate.pid, seen):
        return replace(seen, reason=why)
    wait([asked], max(0.0, began + AGENT_AT_MOST - time.monotonic()))
    if asked.done() and asked.exception() is None:
        return replace(asked.result(), source="BOTH", reason="the agent answered late")
    return seen


def _settled(pid: int, seen: ProcessStacks) -> str:
    """Why the agent can't answer, where that is plain; else empty."""
    if kernel.state_of(pid) in ("T", "t"):
        return "the agent could not answer: the process is stopped"
    holder = seen.gil_holder
    if holder is not None and holder.moved is False:
        return f"the agent could not answer: {holder.name} holds the GIL"
    return ""


def _has_answered(asked: Future[ProcessStacks]) -> bool:
    """Whether there is an outcome; that it is busy is none, and may be known at once: its queue is full."""
    return asked.done() and not isinstance(asked.exception(), AgentBusy)


def _finish(asked: Future[ProcessStacks]) -> ProcessStacks:
    try:
        return asked.result()
    except LinkClosed as error:
        raise NotFound(error.message, next="pyrometer ps lists what there is", reason="TARGET_GONE") from None


def _neither(pid: int, error: LinkError) -> LinkError:
    return Unreadable(
        f"the agent of process {pid} does not answer, and {error.message}", next=error.next, reason=error.reason
    )


def _threads(reply: dict[str, Any]) -> tuple[ThreadStack, ...]:
    """The threads of a reply, ours left out; what has another shape than agreed closes the conversation."""
    try:
        codes = [(str(function), str(file), str(module)) for function, file, module in reply["codes"]]
        return tuple(_thread(entry, codes) for entry in reply["threads"] if not entry.get("agent"))
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError):
        raise LinkClosed("the agent's stacks have another shape than agreed") from None


def _left_out(reply: dict[str, Any]) -> int:
    found = reply.get("left_out")
    return found if isinstance(found, int) else 0


def _thread(entry: dict[str, Any], codes: list[tuple[str, str, str]]) -> ThreadStack:
    native_id, left_out = int(entry["native_id"]), int(entry["left_out"])
    ident = int(entry.get("ident", 0))
    return ThreadStack(str(entry["name"])[:200], native_id, frames_of(entry, codes), left_out, ident=ident)


def _with_source_lines(
    link: AgentLink, threads: tuple[ThreadStack, ...], deadline: float, changed: set[str]
) -> tuple[ThreadStack, ...]:
    taken = (thread.waits_for.taken for thread in threads if thread.waits_for)
    frames = (frame for thread in threads for frame in thread.frames)
    return with_sources(threads, _source_lines(link, (*filter(None, taken), *frames), deadline, changed))


def _source_lines(
    link: AgentLink, frames: Iterable[Frame], deadline: float, changed: set[str]
) -> Callable[[str, int], str]:
    """Ask for the text of each line once; without it the stacks are still worth showing.

    Files that were changed after they were loaded are added to `changed`.
    """
    places = list({(frame.file, frame.line) for frame in frames})[:20_000]
    texts: dict[tuple[str, int], str] = {}
    with contextlib.suppress(AgentBusy, LinkError, KeyError, TypeError, ValueError, IndexError):
        answer = link.call("source", deadline, lines=[[file, line, 0, 0] for file, line in places])
        lines = zip(places, answer["lines"], strict=True)
        texts = {place: str(found[0][1]).strip() for place, found in lines if found}
        changed.update(str(file) for file in answer.get("changed", ()))
    return lambda file, line: texts.get((file, line), "")


def _tasks(link: AgentLink, hello: Hello, deadline: float, changed: set[str], *, values: bool) -> Tasks | None:
    """Ask for tasks and greenlets; None where the agent knows of none, or has no time: threads are worth it alone."""
    if "tasks" not in hello.features:
        return None
    try:
        tasks = read_tasks(link.call("locals", deadline, of="tasks") if values else link.call("tasks", deadline))
    except AgentBusy:
        return None
    return tasks.with_sources(_source_lines(link, tasks.frames, deadline, changed))
