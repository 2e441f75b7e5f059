"""All tasks of asyncio that have not ended, of every event loop: counted, and put together by where they are.

What is kept of each is a number: neither a task nor a frame is held or made here. A service may have 50,000 of them.
"""

from __future__ import annotations

from _weakref import ref
from types import BuiltinFunctionType

from pyrometer.agent.attributes import instance_dict
from pyrometer.agent.chains import is_running, links, place_of
from pyrometer.agent.loaded import module_global
from pyrometer.agent.mappings import held
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from pyrometer.agent.awaiting import Awaiting
    from pyrometer.agent.futures import Futures
    from pyrometer.agent.slices import Slices

MAX_AWAITERS = 50
"""Tasks of those that await one task that are named."""
MAX_ALIKE = 20
"""Tasks in the same place, awaited by the same, that are chosen where there are too many."""

MAX_KEPT = 1000
"""Tasks of one place that may be described."""
MAX_WAITERS = 10_000
"""Tasks that may be described, and those that may await others; each is remembered, weakly."""


class Choice(NamedTuple):
    """A task to be described, and how many others in its place are not."""

    number: int
    """The task's id."""
    alike: int


class Census:
    """One count. `places` and `awaited_by` are by the ids of tasks."""

    def __init__(self, futures: Futures, awaiting: Awaiting, slices: Slices) -> None:
        self._futures = futures
        self._awaiting = awaiting
        self._slices = slices
        self._numbers: dict[tuple[int, ...], int] = {}
        self._tasks: dict[int, ref[Any]] = {}
        self._kept: dict[int, int] = {}
        self._waiters: list[int] = []
        self.places: dict[int, int] = {}
        """Each task's place: its loop and the functions of its chain, as a number."""
        self.awaited_by: dict[int, tuple[int, ...]] = {}
        self.of_loop: dict[int, int] = {}
        """By the id of a loop: how many tasks it has."""
        self.not_looked_at = 0

    def take(self, loops: Iterable[object]) -> None:
        """Count all tasks, then see who awaits whom. `loops`: those that run."""
        for task in self._all(loops):
            self._note(task)
            self._slices.breathe()
        for number in self._waiters:
            self._note_awaited(number)

    def task(self, number: int) -> Any:
        """A task by its id; None where it is gone."""
        known = self._tasks.get(number)
        return None if known is None else known()

    def choose(self, most: int) -> list[Choice]:
        """The tasks to describe: all, or, where these are too many, some of each place, those that await others first.

        Those that are not chosen are counted with the first of their place.
        """
        if len(self.places) <= most:
            return [Choice(number, 0) for number in self.places]
        counts, members = self._by_place()
        waiters = frozenset(self._waiters)
        ranked = sorted(members, key=lambda place: waiters.isdisjoint(members[place]))
        chosen: list[tuple[tuple[int, tuple[int, ...]], int]] = []
        for turn in range(MAX_ALIKE):
            chosen += [(place, members[place][turn]) for place in ranked if len(members[place]) > turn]
        shown = chosen[:most]
        for place, _ in shown:
            counts[place] -= 1
        return [Choice(number, counts.pop(place, 0)) for place, number in shown]

    def _by_place(self) -> tuple[dict[Any, int], dict[Any, list[int]]]:
        counts: dict[Any, int] = {}
        members: dict[Any, list[int]] = {}
        for number, place in self.places.items():
            key = (place, self.awaited_by.get(number, ()))
            counts[key] = counts.get(key, 0) + 1
            if number in self._tasks and len(known := members.setdefault(key, [])) < MAX_ALIKE:
                known.append(number)
            self._slices.breathe()
        return counts, members

    def _all(self, loops: Iterable[object]) -> Iterator[object]:
        """Tasks, one at a time; none is held once the next is asked for."""
        for found in sources(loops):
            while found:
                if self._slices.over:
                    self.not_looked_at += len(found)
                    break
                task = referent(found.pop())
                if task is not None:
                    yield task

    def _note(self, task: object) -> None:
        fields = self._futures.fields(task)
        number = id(task)
        if fields is None or fields.state(task) != "PENDING" or number in self.places:
            return
        coro, loop = fields.coro(task), id(fields.loop(task))
        codes = place_of(coro)
        place = self._numbers.setdefault((loop, *codes), len(self._numbers))
        self.places[number] = place
        self.of_loop[loop] = self.of_loop.get(loop, 0) + 1
        waiter = fields.waiter(task)
        if (is_running(coro) if waiter is None else self._awaiting.concerns(waiter, codes)) and len(
            self._waiters
        ) < MAX_WAITERS:
            self._waiters.append(number)
        elif (known := self._kept.get(place, 0)) < MAX_KEPT and len(self._tasks) < MAX_WAITERS:
            self._kept[place] = known + 1
        else:
            return
        self._tasks[number] = ref(task)

    def _note_awaited(self, number: int) -> None:
        task = self.task(number)
        waiter = None if task is None else self._futures.field(task, "_fut_waiter")
        if waiter is None:
            return
        alone = (number,)
        for awaited in self._awaiting.tasks(waiter, list(links(self._futures.field(task, "_coro")))):
            known = self.awaited_by.get(id(awaited), ())
            if not known:
                self.awaited_by[id(awaited)] = alone
            elif number not in known and len(known) < MAX_AWAITERS:
                self.awaited_by[id(awaited)] = (*known, number)
            self._slices.breathe()


def referent(entry: object) -> object:
    """The task that an entry of a source is or refers to; None where that is gone."""
    return entry() if type(entry) is ref else entry


def sources(loops: Iterable[object]) -> Iterator[list[Any] | set[Any]]:
    """Where asyncio keeps tasks: weak references of them, or the tasks; each source is for the caller to empty.

    Up to 3.13 in one set for all loops. From 3.14 on in C; its own function goes through them, in one step.
    """
    for name in ("_all_tasks", "_scheduled_tasks"):
        data = held(instance_dict(module_global("asyncio.tasks", name)), "data")
        if type(data) is set:
            yield list(data)[::-1]  # they are taken from the end, and what is old stands at the beginning, mostly
    eager = module_global("asyncio.tasks", "_eager_tasks")
    if type(eager) is set:
        yield list(eager)
    all_tasks = module_global("_asyncio", "all_tasks")
    if type(all_tasks) is BuiltinFunctionType:
        for loop in loops:
            yield all_tasks(loop)
