"""asyncio's tasks of all event loops, as plain data: name, state, chain of frames, who awaits whom, since when.

Bounded: so many tasks are described, the others counted with those that are in the same place. It is done in slices,
and no frame or task is kept.
"""

from __future__ import annotations

from pyrometer.agent.attributes import qualified_name
from pyrometer.agent.awaiting import Awaiting
from pyrometer.agent.census import Census
from pyrometer.agent.chains import code_of, frames, is_begun, is_running, links
from pyrometer.agent.codes import name_of
from pyrometer.agent.frames import prepare
from pyrometer.agent.futures import Futures
from pyrometer.agent.loaded import module_global
from pyrometer.agent.loops import running
from pyrometer.agent.slices import Slices
from pyrometer.agent.stacks import CodeTable, thread_name
from pyrometer.link.model import tasks_reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrometer.agent.census import Choice
    from pyrometer.agent.disclosure import Disclosure
    from pyrometer.agent.loops import RunningLoop

MAX_TASKS = 1000
"""Tasks that are described."""
MAX_FRAMES = 100
"""Innermost frames of a task that are described."""
MAX_COUNTING = 0.3
"""CPU seconds that it may take to count them: some 100,000, where nothing else wants the processor."""
MAX_DESCRIBING = 0.2
MAX_LOOPS = 200


def capture(disclosure: Disclosure | None = None) -> dict[str, Any]:
    """Describe all tasks; `disclosure` reads the values of their frames. Shape: `link.model.tasks_reply`."""
    table = CodeTable()
    if module_global("asyncio.tasks", "Task") is None:
        return {**tasks_reply([], [], 0), "codes": table.described}
    prepare()
    futures, loops = Futures(), running()
    awaiting = Awaiting(futures)
    census = Census(futures, awaiting, Slices(MAX_COUNTING))
    census.take([each.loop for each in loops])
    slices = Slices(MAX_DESCRIBING)
    description = _Description(census, futures, awaiting, table, disclosure)
    tasks = []
    for choice in census.choose(MAX_TASKS):
        if not slices.over and (entry := description.of(choice)) is not None:
            tasks.append(entry)
        slices.breathe()
    description.name_lock_holders()
    total = len(census.places) + census.not_looked_at
    found = _loops(census, loops)
    _number(found, tasks)
    return {**tasks_reply(found, tasks, total - len(tasks)), "codes": table.described}


class _Description:
    """Describes tasks one by one; what it noted of all of them tells who holds a lock."""

    def __init__(
        self, census: Census, futures: Futures, awaiting: Awaiting, table: CodeTable, disclosure: Disclosure | None
    ) -> None:
        self._census = census
        self._futures = futures
        self._awaiting = awaiting
        self._table = table
        self._disclosure = disclosure
        self._wanted: list[tuple[dict[str, Any], int]] = []
        """Tasks that wait for a lock, each with the lock's id."""
        self._described: list[dict[str, Any]] = []

    def of(self, choice: Choice) -> dict[str, Any] | None:
        """One task; None where it has ended meanwhile."""
        task = self._census.task(choice.number)
        if task is None or self._futures.field(task, "_state") != "PENDING":
            return None
        coro = self._futures.field(task, "_coro")
        chain = list(links(coro))
        waiter = self._futures.field(task, "_fut_waiter")
        last = chain[-1] if chain else None
        walked = frames(coro, chain)
        shown = walked[:MAX_FRAMES]
        entry = {
            "id": choice.number,
            "name": self._futures.name(task),
            "loop": id(self._futures.field(task, "_loop")),
            "state": self._state(coro, waiter),
            "cancelling": self._futures.is_cancelled(task),
            "coroutine": _name(coro),
            "frames": [[self._table.index(frame), frame.f_lineno or 0, frame.f_lasti] for frame in shown],
            "left_out": len(walked) - len(shown),
            "awaited_by": list(self._census.awaited_by.get(choice.number, ())),
            "alike": choice.alike,
            "suspended": self._awaiting.seconds(last),
            "waits_for": self._awaiting.wait_kind(last),
            "holder": None,
        }
        if self._disclosure is not None:
            entry["locals"] = self._disclosure.of_stack(shown, kept=entry["state"] != "RUNNING")
        if entry["waits_for"] == "Lock":
            self._wanted.append((entry, id(self._awaiting.lock_of(last))))
        self._described.append(entry)
        return entry

    def name_lock_holders(self) -> None:
        """See which of the described tasks has the lock that another waits for."""
        if not self._wanted:
            return
        wants = {(entry["id"], lock) for entry, lock in self._wanted}
        holders: dict[int, int] = {}
        for entry in self._described:
            task = self._census.task(entry["id"])
            for link in links(None if task is None else self._futures.field(task, "_coro")):
                for lock in self._awaiting.locks_held(link):
                    if (entry["id"], lock) not in wants:
                        holders[lock] = entry["id"]
        for entry, lock in self._wanted:
            entry["holder"] = holders.get(lock)

    def _state(self, coro: object, waiter: object) -> str:
        if waiter is not None:
            return "WAITING" if self._futures.field(waiter, "_state") in ("PENDING", None) else "READY"
        if is_running(coro):
            return "RUNNING"
        return "READY" if is_begun(coro) else "CREATED"


def _number(loops: list[dict[str, Any]], tasks: list[dict[str, Any]]) -> None:
    """Number loops and tasks from 1 on, instead of by where they lie in memory, which is nobody's business."""
    loop_numbers = {loop["id"]: number for number, loop in enumerate(loops, 1)}
    task_numbers = {task["id"]: number for number, task in enumerate(tasks, 1)}
    for loop in loops:
        loop["id"] = loop_numbers[loop["id"]]
    for task in tasks:
        task["id"] = task_numbers[task["id"]]
        task["loop"] = loop_numbers.get(task["loop"], 0)
        task["awaited_by"] = [task_numbers[each] for each in task["awaited_by"] if each in task_numbers]
        task["holder"] = task_numbers.get(task["holder"])


def _name(coro: object) -> str:
    """What a task runs: its function's name; of what is none of the interpreter's coroutines, the type's."""
    code = code_of(coro)
    return name_of(code) if code is not None else qualified_name(type(coro))


def _loops(census: Census, loops: list[RunningLoop]) -> list[dict[str, Any]]:
    """The loops that run, and those that have tasks."""
    found = {
        id(each.loop): {"id": id(each.loop), "type": qualified_name(type(each.loop)), "thread": thread_name(each.ident)}
        for each in loops
    }
    for number in list(census.of_loop)[:MAX_LOOPS]:
        found.setdefault(number, {"id": number, "type": "", "thread": ""})
    return [{**loop, "tasks": census.of_loop.get(number, 0)} for number, loop in found.items()]
