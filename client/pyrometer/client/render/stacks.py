"""The text of `dump`: busiest first, equal things once, the service's own frames in front of its libraries'."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from pyrometer.client.render.greenlets import GreenletText
from pyrometer.client.render.locks import deadlock_lines, gil_text, is_rest, wait_text
from pyrometer.client.render.places import CHANGED, place
from pyrometer.client.render.processes import command
from pyrometer.client.render.tasks import TaskTree, number_of
from pyrometer.client.render.tasks import shapes as task_shapes
from pyrometer.client.render.terminal import Style, cut, escape
from pyrometer.client.render.variables import VariableText, complete, referred_to

Document = dict[str, Any]
_OWN = "service"
_IDLE = {"get", "wait", "sleep", "accept", "select", "poll", "join", "acquire", "recv", "recv_into", "epoll", "_recv"}
_WORTH_SAYING, _BUSY = 0.5, 5.0
"""Per cent of a core from which on it is said, and from which on a thread that waits is not idle."""
_TARGET = re.compile(r"(?P<name>.+) (?P<target>\([\w.<>]+\))")
"""What `threading` calls a thread that nobody named: `Thread-3 (work)`."""
_SHOWN_NAMES = 6
_INDENT = " " * 10
"""Before the variables of a frame."""
_WIDEST_FUNCTION, _WIDEST_PLACE = 32, 44


class StackText:
    """Renders processes. `every_frame`: neither libraries nor idle threads are folded."""

    def __init__(self, style: Style, width: int, *, every_frame: bool) -> None:
        self._style = style
        self._width = width
        self._every_frame = every_frame
        self._variables = VariableText(style, width)

    def lines(self, processes: list[Document]) -> Iterator[str]:
        """All processes: the busiest first, and those with the same threads together."""
        ordered = sorted(processes, key=lambda process: (-(process["cpu_percent"] or 0.0), process["pid"]))
        yield from deadlock_lines(ordered, self._style, self._width)
        yield self._summary(ordered)
        for group in _alike(ordered):
            yield ""
            yield from self._process(group)

    def _summary(self, processes: list[Document]) -> str:
        threads = sum(len(process["threads"]) for process in processes)
        tasks = sum(map(number_of, processes))
        names = ", ".join(sorted({process["service"] for process in processes if process["service"]}))
        return (
            f"{escape(names)}{': ' if names else ''}{_count(len(processes), 'process', 'processes')}, "
            f"{_count(threads, 'thread', 'threads')}, "
            f"{_count(tasks, 'task', 'tasks') + ', ' if tasks else ''}looked at twice"
        )

    def _process(self, group: list[Document]) -> Iterator[str]:
        first = group[0]
        pids = ", ".join(str(process["pid"]) for process in group)
        cpu = max(process["cpu_percent"] or 0.0 for process in group)
        used = f"{cpu:.0f} % CPU" + (" at most" if len(group) > 1 and cpu >= _WORTH_SAYING else "")
        title = cut(escape(command(first["argv"])), max(20, self._width - len(pids) - len(used) - 5))
        yield "  ".join(part for part in (self._style.paint(pids, "bold"), title) if part) + f"   {used}"
        if note := _how_it_was_read(first):
            yield self._style.paint(f"  {note}", "yellow")
        if first.get("locals_reason"):
            yield self._style.paint(cut(f"  without values: {escape(first['locals_reason'])}", self._width), "yellow")
        for file in first.get("changed_files") or []:
            yield self._style.paint(cut(f"  {escape(file)} {CHANGED}", self._width), "yellow")
        threads = sorted(first["threads"], key=_busiest_first)
        for same in _same_stacks(threads):
            yield from self._threads(same)
        if first.get("threads_left_out"):
            yield f"  … {first['threads_left_out']} more threads"
        yield from GreenletText(self._style, self._width, every_frame=self._every_frame).lines(first)
        yield from TaskTree(self._style, self._width, every_frame=self._every_frame).lines(first)

    def _threads(self, threads: list[Document]) -> Iterator[str]:
        """Threads that stand in the same place; of idle ones, the own code that waits."""
        first = threads[0]
        names = self._style.paint(escape(_names([thread["name"] for thread in threads])), "cyan")
        facts = ", ".join(_facts(threads))
        frames: list[Document] = first["frames"]
        if not _is_idle(first) or self._every_frame:
            yield f"  {names}   {facts}".rstrip()
            yield from self._frames(frames, first.get("frames_left_out") or 0)
            return
        at = next((index for index, frame in enumerate(frames) if frame["origin"] == _OWN), None)
        there = "" if at is not None else self._style.paint(f"   {escape(place(frames[0]))}", "dim")
        yield f"  {names}   {facts}{there}"
        if at is not None:
            own = complete(frames, {at})[at]
            yield self._frame(own, 0, 0)
            yield from self._variables.lines(own, referred_to((own["locals"] or {}).values()), _INDENT)

    def _frames(self, frames: list[Document], left_out: int) -> Iterator[str]:
        """Own frames whole, runs of libraries' folded; the innermost always, since that is where the thread is."""
        told = {i for i, frame in enumerate(frames) if self._every_frame or frame["origin"] == _OWN}
        frames = complete(frames, told)
        shown = told | {0}
        own = sorted(shown & set(range(len(frames))))
        functions = max((len(frames[i]["function"]) for i in own), default=0)
        places = max((len(place(frames[i])) for i in own), default=0)
        values = (value for i in told for value in (frames[i]["locals"] or {}).values())
        wanted = referred_to(values)
        functions = min(functions, _WIDEST_FUNCTION, max(12, self._width // 3))
        for visible, run in groupby(enumerate(frames), key=lambda pair: pair[0] in shown):
            if visible:
                for index, frame in run:
                    yield self._frame(frame, functions, min(places, _WIDEST_PLACE))
                    if index in told:
                        yield from self._variables.lines(frame, wanted, _INDENT)
            else:
                yield self._style.paint(f"      … {folded([frame for _, frame in run])}", "dim")
        if left_out:
            yield self._style.paint(f"      … {left_out} more frames", "dim")

    def _frame(self, frame: Document, functions: int, places: int) -> str:
        """The function, bold if it is the service's own; what is not is dim."""
        function, where = escape(frame["function"]).ljust(functions), escape(place(frame)).ljust(places)
        line = cut(f"      {function}   {where}   {escape(frame['source'] or '')}".rstrip(), self._width)
        if frame["origin"] != _OWN:
            return self._style.paint(line, "dim")
        return self._style.paint(line[: 6 + len(function)], "bold") + line[6 + len(function) :]


def _how_it_was_read(process: Document) -> str:
    """What to say where it was not the agent alone."""
    reason = escape(process["reason"] or "")
    if process["source"] == "outside":
        return f"read from outside: {reason}" if reason else "read from outside"
    return reason


def _busiest_first(thread: Document) -> tuple[bool, float, bool]:
    """Who holds the GIL, then by processor time, then what runs in front of what waits."""
    return not thread["holds_gil"], -(thread["cpu_percent"] or 0.0), thread["state"] != "running"


def _is_idle(thread: Document) -> bool:
    """Whether it waits for work, as far as its innermost function tells; one that waits for a lock does not."""
    frames, wait = thread["frames"], thread["waits_for"]
    if not frames or thread["holds_gil"] or thread["state"] in ("stopped", "running"):
        return False
    at_rest = _last_name(frames[0]) in _IDLE if wait is None else is_rest(wait)
    return (thread["cpu_percent"] or 0.0) < _BUSY and at_rest and thread.get("deadlock") is None


def _facts(threads: list[Document]) -> Iterator[str]:
    """What is worth saying of a thread, or of several in the same place."""
    first = threads[0]
    cpu = max(thread["cpu_percent"] or 0.0 for thread in threads)
    if cpu >= _WORTH_SAYING:
        yield f"{cpu:.0f} %" + (" at most" if len(threads) > 1 else "")
    if gil := gil_text(threads):
        yield gil
    if first["waits_for"]:
        yield ("idle, " if _is_idle(first) else "") + wait_text(first["waits_for"])
    if first["state"] == "stopped":
        yield "stopped"
    elif _is_idle(first):
        if not first["waits_for"]:
            yield f"idle in {escape(_last_name(first['frames'][0]))}"
    else:
        yield from _motion(threads, cpu)
    if not first["frames"]:
        yield "no Python frame"


def _motion(threads: list[Document], cpu: float) -> Iterator[str]:
    state = threads[0]["state"]
    if cpu < _WORTH_SAYING and state:
        yield str(state)
    if all(thread["moved"] is False for thread in threads):
        yield "has not moved" if len(threads) == 1 else "have not moved"


def _last_name(frame: Document) -> str:
    return str(frame["function"]).rpartition(".")[2]


def _names(names: list[str]) -> str:
    """Names of threads, what they share said once: `Thread-1, Thread-2 (work)`."""
    parts = [_TARGET.fullmatch(name) for name in names]
    targets = {part["target"] if part else None for part in parts}
    shared = targets.pop() if len(targets) == 1 else None
    shown = [part["name"] for part in parts if part] if shared else names
    text = ", ".join(shown if len(shown) <= _SHOWN_NAMES else shown[: _SHOWN_NAMES - 2])
    more = f" and {len(names) - _SHOWN_NAMES + 2} more" if len(names) > _SHOWN_NAMES else ""
    return f"{text}{more}{f' {shared}' if shared else ''}"


def short_name(thread: str) -> str:
    """A thread's name without what it runs: `Thread-3` of `Thread-3 (work)`."""
    match = _TARGET.fullmatch(thread)
    return match["name"] if match else thread


def folded(frames: list[Document]) -> str:
    """A run of frames that are not shown: how many, and of which packages."""
    packages = [name for name in dict.fromkeys(map(_package, frames)) if name]
    of = f" of {', '.join(escape(name) for name in packages[:4])}" if packages else ""
    return f"{_count(len(frames), 'frame', 'frames')}{of}"


def _package(frame: Document) -> str:
    """The package a library's frame belongs to: its module's first part, or its file's name; empty: it has none."""
    name = (frame["module"] or "").split(".")[0]
    if name in ("", "__main__"):
        name = os.path.basename(frame["file"]).removesuffix(".py")
    return "" if name.startswith("<") else name


def _stack_key(thread: Document) -> tuple[object, ...]:
    frames = tuple((frame["function"], frame["file"], frame["line"]) for frame in thread["frames"])
    wait = thread["waits_for"]
    if not _is_idle(thread) and any(frame["locals"] is not None for frame in thread["frames"]):
        frames = (*frames, (thread["name"], "", thread["os_id"]))  # the same place, and other values
    return (frames, thread["holds_gil"], (wait["kind"], wait["owner"]) if wait else None)


def _same_stacks(threads: list[Document]) -> list[list[Document]]:
    """Threads by equal stacks, in the order of the first of each."""
    groups: dict[tuple[object, ...], list[Document]] = {}
    for thread in threads:
        groups.setdefault(_stack_key(thread), []).append(thread)
    return list(groups.values())


def _alike(processes: list[Document]) -> list[list[Document]]:
    """Processes whose threads all stand in the same places and that were read in the same way."""
    groups: dict[tuple[object, ...], list[Document]] = {}
    for process in processes:
        threads = tuple(sorted(map(str, map(_stack_key, process["threads"]))))
        key = (process["source"], process["reason"], threads, task_shapes(process))
        groups.setdefault(key, []).append(process)
    return list(groups.values())


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
