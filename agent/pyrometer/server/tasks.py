"""asyncio's tasks as the server knows them: values, and how an agent's answer becomes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pyrometer.link.errors import LinkClosed
from pyrometer.server.stacks import Frame, frames_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_MAX_NAME = 200
_GREENLET_STATES = ("RUNNING", "SUSPENDED", "CREATED")
_STATES = ("RUNNING", "WAITING", "READY", "CREATED")


@dataclass(frozen=True)
class EventLoop:
    """A loop that runs, or that has tasks."""

    loop_id: int
    thread: str
    """Name of the thread that runs it; empty: none, or not known."""
    type: str
    tasks: int


@dataclass(frozen=True)
class TaskStack:
    """One task. `awaited_by` are ids; `alike` others are in the same place and not described."""

    task_id: int
    name: str
    loop_id: int
    state: str
    coroutine: str
    frames: tuple[Frame, ...]
    left_out: int = 0
    is_cancelling: bool = False
    awaited_by: tuple[int, ...] = ()
    alike: int = 0
    suspended_seconds: float | None = None
    waits_for: str = ""
    holder: str | None = None
    """Name of the task that has what it waits for."""


@dataclass(frozen=True)
class GreenletStack:
    """One greenlet."""

    name: str
    state: str
    frames: tuple[Frame, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Tasks:
    """All tasks and greenlets of one process; `greenlets_sought`: False where it is too large to look for them."""

    loops: tuple[EventLoop, ...] = ()
    tasks: tuple[TaskStack, ...] = ()
    left_out: int = 0
    greenlets: tuple[GreenletStack, ...] = ()
    greenlets_left_out: int = 0
    greenlets_sought: bool = True

    @property
    def frames(self) -> Iterator[Frame]:
        """All frames of all of them."""
        stacks = [each.frames for each in self.tasks] + [each.frames for each in self.greenlets]
        return (frame for frames in stacks for frame in frames)

    def with_sources(self, source: Callable[[str, int], str]) -> Tasks:
        """The same, with the text of each frame's line."""

        def told(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
            return tuple(replace(frame, source=source(frame.file, frame.line)) for frame in frames)

        return replace(
            self,
            tasks=tuple(replace(task, frames=told(task.frames)) for task in self.tasks),
            greenlets=tuple(replace(greenlet, frames=told(greenlet.frames)) for greenlet in self.greenlets),
        )

    @property
    def name_of(self) -> Mapping[int, str]:
        """The names of the tasks by their ids."""
        return {task.task_id: task.name for task in self.tasks}


def read_tasks(reply: dict[str, Any]) -> Tasks:
    """The tasks of an agent's answer. Raises LinkClosed: it has another shape than agreed."""
    try:
        codes = _codes(reply)
        greenlets = reply["greenlets"]
        others = _codes(greenlets)
        names = {int(entry["id"]): str(entry["name"])[:_MAX_NAME] for entry in reply["tasks"]}
        return Tasks(
            loops=tuple(_loop(entry) for entry in reply["loops"]),
            tasks=tuple(_task(entry, codes, names) for entry in reply["tasks"]),
            left_out=int(reply["left_out"]),
            greenlets=tuple(_greenlet(entry, others) for entry in greenlets["greenlets"] or ()),
            greenlets_left_out=int(greenlets["left_out"]),
            greenlets_sought=greenlets["greenlets"] is not None,
        )
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError):
        raise LinkClosed("the agent's tasks have another shape than agreed") from None


def _codes(reply: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(str(function), str(file), str(module)) for function, file, module in reply["codes"]]


def _greenlet(entry: dict[str, Any], codes: list[tuple[str, str, str]]) -> GreenletStack:
    return GreenletStack(
        name=str(entry["name"])[:_MAX_NAME],
        state=str(entry["state"]) if entry["state"] in _GREENLET_STATES else "",
        frames=frames_of(entry, codes),
        left_out=int(entry["left_out"]),
    )


def _loop(entry: dict[str, Any]) -> EventLoop:
    return EventLoop(int(entry["id"]), str(entry["thread"])[:_MAX_NAME], str(entry["type"]), int(entry["tasks"]))


def _task(entry: dict[str, Any], codes: list[tuple[str, str, str]], names: dict[int, str]) -> TaskStack:
    suspended, holder = entry["suspended"], entry["holder"]
    return TaskStack(
        task_id=int(entry["id"]),
        name=names[int(entry["id"])],
        loop_id=int(entry["loop"]),
        state=str(entry["state"]) if entry["state"] in _STATES else "",
        coroutine=str(entry["coroutine"]),
        frames=frames_of(entry, codes),
        left_out=int(entry["left_out"]),
        is_cancelling=bool(entry["cancelling"]),
        awaited_by=tuple(int(number) for number in entry["awaited_by"] if int(number) in names),
        alike=int(entry["alike"]),
        suspended_seconds=None if suspended is None else float(suspended),
        waits_for=str(entry["waits_for"]),
        holder=None if holder is None else names.get(int(holder)),
    )
