"""Stacks of asyncio's tasks for the sampler: what each executes, or awaits, at one moment."""

from __future__ import annotations

from pyrometer.agent.attributes import qualified_name
from pyrometer.agent.census import referent, sources
from pyrometer.agent.chains import code_of, frames, links
from pyrometer.agent.codes import name_of
from pyrometer.agent.futures import Futures
from pyrometer.agent.loops import running
from pyrometer.agent.slices import Slices
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

MAX_TASKS = 500
"""Tasks of one look; where there are more, every so-manyth is looked at and stands for those between."""
MAX_FRAMES = 200
MAX_SECONDS = 0.05
"""CPU time of one look."""
_AUTOMATIC = "Task-"


class TaskStack(NamedTuple):
    """A task that has not ended."""

    name: str
    """Its own; of one that was given none, that of its coroutine: a service makes millions of those."""
    frames: list[FrameType]
    """Innermost first; of one that runs, those of its thread down to its coroutine."""
    stands_for: int
    """Tasks that it counts for."""


def task_stacks() -> Iterator[TaskStack]:
    """The tasks of all loops, one at a time; none is held once the next is asked for."""
    futures, slices = Futures(), Slices(MAX_SECONDS)
    for source in sources(_loops()):
        found = list(source)
        step = -(-len(found) // MAX_TASKS) or 1
        source.clear()
        for at in range(0, len(found), step):
            task, found[at] = found[at], None
            stack = None if slices.over else _stack(task, futures, min(step, len(found) - at))
            if stack is not None:
                yield stack
            del task, stack
            slices.breathe()


def _loops() -> Iterator[object]:
    """Loops that run, sought for only where a source of tasks asks for them."""
    for each in running():
        yield each.loop


def _stack(entry: object, futures: Futures, stands_for: int) -> TaskStack | None:
    """What one is at; None: it has ended, or has not begun to exist."""
    task = referent(entry)
    fields = None if task is None else futures.fields(task)
    if fields is None or fields.state(task) != "PENDING":
        return None
    coro = fields.coro(task)
    walked = frames(coro, list(links(coro)))[:MAX_FRAMES]
    return TaskStack(_name(task, coro, futures), walked, stands_for) if walked else None


def _name(task: object, coro: object, futures: Futures) -> str:
    name = futures.name(task)
    if name.startswith(_AUTOMATIC) and name[len(_AUTOMATIC) :].isdecimal():
        code = code_of(coro)
        return name_of(code) if code is not None else qualified_name(type(coro))
    return name
