"""The text of a process's asyncio tasks: for each event loop the tree of who awaits whom, equal things once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pyrometer.client.render.places import place
from pyrometer.client.render.terminal import Style, cut, escape
from pyrometer.client.render.variables import VariableText, referred_to

Document = dict[str, Any]
MAX_ROWS = 200
"""Tasks of one loop that are shown where not all frames are asked for."""
_MOST_NAME, _MOST_PLACE = 36, 40
_LEAST_SOURCE = 12
_DIGITS = re.compile(r"(\d+)")
_STATES = {"running": "running", "ready": "ready to run", "created": "not begun"}
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


class _Row(NamedTuple):
    """A line of the tree: what stands before the name, the name, the place, the line's text, what is to be said."""

    branch: str
    name: str
    place: str = ""
    source: str = ""
    facts: str = ""
    frames: tuple[Document, ...] = ()
    beneath: str = ""
    """What stands before the lines below it."""


class TaskTree:
    """Renders the tasks of one process. `every_frame`: neither frames nor tasks in the same place are folded."""

    def __init__(self, style: Style, width: int, *, every_frame: bool) -> None:
        self._style = style
        self._width = width
        self._every_frame = every_frame
        self._variables = VariableText(style, width)
        self._awaited: dict[int, list[Document]] = {}
        self._shown: set[int] = set()
        self._shapes: dict[int, tuple[object, ...]] = {}

    def lines(self, process: Document) -> Iterator[str]:
        """The loops that have tasks, the one with most of them first."""
        tasks: list[Document] = sorted(process.get("tasks") or (), key=_in_order)
        self._awaited = {}
        for task in tasks:
            for number in task["awaited_by_ids"]:
                self._awaited.setdefault(number, []).append(task)
        for loop in sorted(process.get("event_loops") or (), key=lambda loop: -loop["tasks"]):
            if loop["tasks"]:
                yield from self._loop(loop, [task for task in tasks if task["loop_id"] == loop["id"]])
        unseen = number_of(process) - sum(loop["tasks"] for loop in process.get("event_loops") or ())
        if unseen > 0:
            yield self._style.paint(f"  … {unseen:,} more tasks, which there was no time to look at", "dim")

    def _loop(self, loop: Document, tasks: list[Document]) -> Iterator[str]:
        yield self._style.paint(cut(f"  {_title(loop)}", self._width), "bold")
        rows = list(self._rows(tasks))
        shown = rows if self._every_frame else rows[:MAX_ROWS]
        names = min(_MOST_NAME, max((len(row.branch) + len(row.name) for row in shown if row.place), default=0))
        places = min(_MOST_PLACE, max((len(row.place) for row in shown), default=0))
        facts = max((len(row.facts) for row in shown), default=0)
        room = max(_LEAST_SOURCE, self._width - names - places - facts - 9)
        sources = min(room, max((len(row.source) for row in shown if row.facts), default=0))
        for row in shown:
            yield from self._lines(row, names, places, sources if row.facts else room + facts)
        if len(rows) > len(shown):
            yield self._style.paint(f"    … {len(rows) - len(shown):,} more lines: -o json has all", "dim")
        unseen = loop["tasks"] - sum(1 + task["alike"] for task in tasks)
        if unseen > 0:
            yield self._style.paint(f"    … {unseen:,} more tasks, counted only", "dim")

    def _rows(self, tasks: list[Document]) -> Iterator[_Row]:
        """The trees of the tasks that nobody awaits; then those that wait for each other in a ring."""
        here = {task["id"] for task in tasks}
        roots = [task for task in tasks if not here.intersection(task["awaited_by_ids"])]
        yield from self._siblings(roots, "    ", is_root=True)
        for task in tasks:
            if task["id"] not in self._shown and self._is_in_ring(task):
                yield _Row("    ", "these await each other, and none of them can go on:")
                yield from self._siblings([task], "    ", is_root=True)

    def _siblings(self, tasks: list[Document], before: str, *, is_root: bool = False) -> Iterator[_Row]:
        groups = self._groups([task for task in tasks if task["id"] not in self._shown])
        for index, group in enumerate(groups):
            hidden = sum(task["alike"] for task in group) + (len(group) - 1)
            visible = group if self._every_frame or hidden < 2 else group[:1]
            hidden -= len(visible) - 1
            for task in visible:
                is_last = index == len(groups) - 1 and task is visible[-1] and not hidden
                yield from self._tree(task, before, is_last=is_last, is_root=is_root)
            for task in group[len(visible) :]:
                self._pass_by(task)
            if hidden:
                branch = before if is_root else before + ("└─ " if index == len(groups) - 1 else "├─ ")
                yield _Row(branch, f"… {hidden:,} more in the same place as {escape(group[0]['name'])}")

    def _tree(self, task: Document, before: str, *, is_last: bool, is_root: bool) -> Iterator[_Row]:
        self._shown.add(task["id"])
        branch = before if is_root else before + ("└─ " if is_last else "├─ ")
        beneath = before if is_root else before + ("   " if is_last else "│  ")
        shown = _shown_frame(task)
        yield _Row(
            branch,
            escape(task["name"]),
            escape(place(shown)) if shown else escape(task["coroutine"]),
            escape(shown["source"] or "") if shown else "",
            ", ".join(_facts(task)),
            tuple(task["frames"]),
            beneath,
        )
        yield from self._siblings(self._awaited.get(task["id"], []), beneath)

    def _groups(self, tasks: list[Document]) -> list[list[Document]]:
        groups: dict[object, list[Document]] = {}
        for task in tasks:
            groups.setdefault(self._shape(task), []).append(task)
        return list(groups.values())

    def _shape(self, task: Document, depth: int = 0) -> tuple[object, ...]:
        """What tasks in the same place have in common: their frames, and the same of what they await."""
        known = self._shapes.get(task["id"])
        if known is None:
            frames = tuple((frame["function"], frame["file"], frame["line"]) for frame in task["frames"])
            awaited = self._awaited.get(task["id"], []) if depth < 20 else []
            below = tuple(sorted({str(self._shape(each, depth + 1)) for each in awaited}))
            known = (frames, task["state"], task["cancelling"], bool(task["waits_for"]), below)
            self._shapes[task["id"]] = known
        return known

    def _pass_by(self, task: Document) -> None:
        """Take a task and all that it awaits as shown."""
        waiting = [task]
        while waiting:
            each = waiting.pop()
            if each["id"] not in self._shown:
                self._shown.add(each["id"])
                waiting += self._awaited.get(each["id"], [])

    def _is_in_ring(self, task: Document) -> bool:
        """Whether a task awaits itself, through others."""
        seen: set[int] = set()
        waiting = list(self._awaited.get(task["id"], []))
        while waiting:
            each = waiting.pop()
            if each["id"] == task["id"]:
                return True
            if each["id"] not in seen:
                seen.add(each["id"])
                waiting += self._awaited.get(each["id"], [])
        return False

    def _lines(self, row: _Row, names: int, places: int, sources: int) -> Iterator[str]:
        if not row.place:
            yield self._style.paint(cut(row.branch + row.name, self._width), "dim")
            return
        name = cut(row.name, max(8, names - len(row.branch))).ljust(names - len(row.branch))
        where, source = cut(row.place, places).ljust(places), cut(row.source, sources).ljust(sources)
        facts = f"   {self._style.paint(row.facts, 'yellow')}" if row.facts else ""
        yield f"{row.branch}{self._style.paint(name, 'cyan')}   {where}   {source}{facts}".rstrip()
        wanted = referred_to(value for frame in row.frames for value in (frame["locals"] or {}).values())
        indent = f"{row.beneath}{'   ' if row.branch == row.beneath else ''}"
        for frame in row.frames:
            if self._every_frame:
                text = f"{indent}{escape(frame['function'])}   {escape(place(frame))}"
                yield self._style.paint(cut(f"{text}   {escape(frame['source'] or '')}".rstrip(), self._width), "dim")
            if self._every_frame or frame["origin"] == "service":
                yield from self._variables.lines(frame, wanted, f"{indent}    ")


def number_of(process: Document) -> int:
    """How many tasks a process has, described or not."""
    return len(process.get("tasks") or ()) + (process.get("tasks_left_out") or 0)


def _title(loop: Document) -> str:
    of = f" of {escape(loop['thread'])}" if loop["thread"] else ""
    kind = " (uvloop)" if loop["type"] and loop["type"].startswith("uvloop.") else ""
    rests = "" if loop["type"] else ", which does not run"
    return f"event loop{of}{kind}{rests}: {loop['tasks']:,} {'task' if loop['tasks'] == 1 else 'tasks'}"


def _shown_frame(task: Document) -> Document | None:
    """The innermost frame of the service's own, else the innermost."""
    frames: list[Document] = task["frames"]
    return next((frame for frame in frames if frame["origin"] == "service"), frames[0] if frames else None)


def _facts(task: Document) -> Iterator[str]:
    if task["cancelling"]:
        yield "cancelled, has not ended"
    if task["state"] in _STATES:
        yield _STATES[task["state"]]
    wait = task["waits_for"]
    if wait:
        yield f"waits for {escape(wait['kind'])}" + (f" held by {escape(wait['owner'])}" if wait["owner"] else "")
    if task["suspended_seconds"] is not None:
        yield f"suspended {duration(task['suspended_seconds'])}"
    if len(task["awaited_by"]) > 1:
        yield f"awaited by {len(task['awaited_by'])}"


def duration(seconds: float) -> str:
    """A time in the two largest units that it has: "5.2 s", "5 min 12 s", "3 h 2 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    smaller = "s"
    rest = int(seconds)
    for size, unit in _UNITS:
        if rest >= size:
            below = {"d": 3600, "h": 60, "min": 1}[unit]
            smaller = {"d": "h", "h": "min", "min": "s"}[unit]
            return f"{rest // size} {unit} {rest % size // below} {smaller}"
    return f"{rest} {smaller}"


def shapes(process: Document) -> tuple[str, ...]:
    """What tells the tasks of two processes apart, for who wants to show equal ones once."""
    return tuple(
        sorted(
            f"{task['coroutine']} {task['state']} {task['alike']} "
            + " ".join(f"{frame['file']}:{frame['line']}" for frame in task["frames"])
            for task in process.get("tasks") or ()
        )
    )


def _in_order(task: Document) -> tuple[object, ...]:
    """What runs first; else by name, numbers in it as numbers."""
    parts = _DIGITS.split(task["name"])
    numbered = [(int(part), "") if index % 2 else (-1, part) for index, part in enumerate(parts)]
    return task["state"] != "running", numbered
