"""Stacks as the server knows them, whatever they were read by: values, and how two looks become one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from pyrometer.server.kernel import Thread as KernelThread

if TYPE_CHECKING:
    from pyrometer.server.tasks import Tasks

_STATES = {"R": "RUNNING", "S": "WAITING", "I": "WAITING", "D": "BLOCKED", "T": "STOPPED", "t": "STOPPED"}


@dataclass(frozen=True)
class Frame:
    """One frame; `position` tells two moments in the same line apart (0: not known)."""

    function: str
    file: str
    line: int
    module: str = ""
    position: int = field(default=0, compare=False)
    source: str = field(default="", compare=False)
    variables: list[Any] | None = field(default=None, compare=False, repr=False)
    """[name, value in the link's form] of each; None: not read."""


@dataclass(frozen=True)
class Wait:
    """What a thread waits for. `kind` is one of the API's; `name` is the expression in its source."""

    kind: str
    name: str = ""
    owner: str | None = None
    """Name of the thread that holds it, or is to end; None: not known, or nobody."""
    owner_id: int = 0
    """Native id of that thread; 0: not known."""
    frame: int = 0
    """Index of the frame that has the name."""
    timed: bool = False
    taken: Frame | None = None
    """Where the owner took it."""
    taken_name: str = ""


@dataclass(frozen=True)
class Deadlock:
    """Threads that wait for each other: `threads` are indices, each waits for the next one, the last for the first."""

    threads: tuple[int, ...]
    seconds: float
    """It has been so for at least that long."""


@dataclass(frozen=True)
class ThreadStack:
    """One thread at the second of two looks. `cpu_percent` of one core and `moved` are between them."""

    name: str
    native_id: int
    frames: tuple[Frame, ...]
    left_out: int = 0
    state: str = ""
    cpu_percent: float | None = None
    moved: bool | None = None
    holds_gil: bool | None = None
    gil_percent: float | None = None
    """Share of the readings between the looks in which it held the GIL; None: not read."""
    waits_for: Wait | None = None
    ident: int = 0
    """Number that the interpreter knows it by; 0: not known."""


@dataclass(frozen=True)
class ProcessStacks:
    """All threads of one process. `source` is "AGENT", "OUTSIDE" or "BOTH"."""

    pid: int
    service: str
    argv: tuple[str, ...]
    source: str
    reason: str
    threads: tuple[ThreadStack, ...]
    left_out: int = 0
    cpu_percent: float | None = None
    prefixes: tuple[str, ...] = ()
    tasks: Tasks | None = None
    """Tasks of asyncio; None: not read."""
    locals_reason: str = ""
    """Why no frame has values, though they were asked for."""
    deadlocks: tuple[Deadlock, ...] = ()
    changed_files: tuple[str, ...] = ()
    """Files of the frames that were changed after they were loaded, and whose lines are not shown therefore."""

    @property
    def gil_holder(self) -> ThreadStack | None:
        """The thread that holds the GIL, where that was seen."""
        return next((thread for thread in self.threads if thread.holds_gil), None)


def frames_of(entry: Mapping[str, Any], codes: list[tuple[str, str, str]]) -> tuple[Frame, ...]:
    """Frames of a thread or task of an agent's answer, with their values where it has some.

    Raises what foreign data raise.
    """
    variables = [each if isinstance(each, list) else None for each in entry.get("locals") or []]
    return tuple(
        Frame(codes[index][0], codes[index][1], int(line), codes[index][2], position=int(lasti), variables=values)
        for (index, line, lasti), values in zip_longest(entry["frames"], variables[: len(entry["frames"])])
    )


def compare(first: tuple[ThreadStack, ...], second: tuple[ThreadStack, ...]) -> tuple[ThreadStack, ...]:
    """The second look, each thread with whether it has moved since the first."""
    earlier = {(thread.native_id, thread.name): _position(thread) for thread in first}
    return tuple(
        replace(thread, moved=earlier[key] != _position(thread))
        if (key := (thread.native_id, thread.name)) in earlier
        else thread
        for thread in second
    )


def with_kernel(
    threads: tuple[ThreadStack, ...],
    before: Mapping[int, KernelThread],
    after: Mapping[int, KernelThread],
    seconds: float,
) -> tuple[ThreadStack, ...]:
    """Threads with state and CPU between two readings of the kernel's, busiest first."""
    measured = [_measured(thread, before, after, seconds) for thread in threads]
    return tuple(sorted(measured, key=lambda thread: (-(thread.cpu_percent or 0.0), thread.native_id)))


def with_sources(threads: tuple[ThreadStack, ...], source: Callable[[str, int], str]) -> tuple[ThreadStack, ...]:
    """Threads whose frames show the text of their lines."""
    return tuple(
        replace(
            thread,
            frames=tuple(replace(f, source=source(f.file, f.line)) for f in thread.frames),
            waits_for=thread.waits_for and _wait_with_source(thread.waits_for, source),
        )
        for thread in threads
    )


def _wait_with_source(wait: Wait, source: Callable[[str, int], str]) -> Wait:
    taken = wait.taken
    return wait if taken is None else replace(wait, taken=replace(taken, source=source(taken.file, taken.line)))


def _measured(
    thread: ThreadStack, before: Mapping[int, KernelThread], after: Mapping[int, KernelThread], seconds: float
) -> ThreadStack:
    now, then = after.get(thread.native_id), before.get(thread.native_id)
    if now is None:
        return thread
    # A thread that is new used all of its time since then: a server may have one for each request.
    used = max(0.0, now.cpu_seconds - (then.cpu_seconds if then else 0.0))
    percent = 100 * used / seconds if before else None
    return replace(thread, state=_STATES.get(now.state, ""), cpu_percent=percent)


def _position(thread: ThreadStack) -> tuple[tuple[str, str, int, int], ...]:
    return tuple((f.function, f.file, f.line, f.position) for f in thread.frames)
