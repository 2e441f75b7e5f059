"""The text of `dump`: busiest first, equal things once, the service's own frames in front of its libraries'."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from pyrometer.client.render.processes import command
from pyrometer.client.render.terminal import Style, escape

Document = dict[str, Any]
_OWN = "service"
_IDLE = {"get", "wait", "sleep", "accept", "select", "poll", "join", "acquire", "recv", "recv_into", "epoll", "_recv"}


class StackText:
    """Renders processes. `every_frame`: libraries are not folded."""

    def __init__(self, style: Style, width: int, *, every_frame: bool) -> None:
        self._style = style
        self._width = width
        self._every_frame = every_frame

    def lines(self, processes: list[Document]) -> Iterator[str]:
        """All processes: the busiest first, and those with the same threads together."""
        ordered = sorted(processes, key=lambda process: (-(process["cpu_percent"] or 0.0), process["pid"]))
        yield self._summary(ordered)
        for group in _alike(ordered):
            yield ""
            yield from self._process(group)

    def _summary(self, processes: list[Document]) -> str:
        threads = sum(len(process["threads"]) for process in processes)
        names = ", ".join(sorted({process["service"] or "no service" for process in processes}))
        return (
            f"{escape(names)}: {_count(len(processes), 'process', 'processes')}, "
            f"{_count(threads, 'thread', 'threads')}, looked at twice"
        )

    def _process(self, group: list[Document]) -> Iterator[str]:
        first = group[0]
        pids = ", ".join(str(process["pid"]) for process in group)
        cpu = max(process["cpu_percent"] or 0.0 for process in group)
        note = f", read from outside: {first['reason']}" if first["source"] == "outside" else ""
        if first["source"] == "both":
            note = f", {first['reason']}"
        title = escape(command(first["argv"]))
        head = "  ".join(part for part in (self._style.paint(pids, "bold"), title) if part)
        yield f"{head}   {cpu:.0f} % CPU{escape(note)}"
        threads = sorted(first["threads"], key=lambda thread: -(thread["cpu_percent"] or 0.0))
        for same in _same_stacks(threads):
            yield from self._threads(same)
        if first.get("threads_left_out"):
            yield f"  … {first['threads_left_out']} more threads"

    def _threads(self, threads: list[Document]) -> Iterator[str]:
        first = threads[0]
        names = _names([thread["name"] for thread in threads])
        facts = ", ".join(_facts(threads))
        yield f"  {self._style.paint(escape(names), 'cyan')}   {facts}"
        yield from self._frames(first["frames"], first.get("frames_left_out") or 0)

    def _frames(self, frames: list[Document], left_out: int) -> Iterator[str]:
        """Own frames whole, runs of libraries' folded; the innermost always, since that is where the thread is."""
        own = [i for i, frame in enumerate(frames) if self._every_frame or i == 0 or frame["origin"] == _OWN]
        shown = set(own)
        functions = max((len(frames[i]["function"]) for i in own), default=0)
        places = max((len(place(frames[i])) for i in own), default=0)
        for visible, run in groupby(enumerate(frames), key=lambda pair: pair[0] in shown):
            if visible:
                for _, frame in run:
                    yield self._frame(frame, min(functions, 32), min(places, 44))
            else:
                yield self._style.paint(f"      … {folded([frame for _, frame in run])}", "dim")
        if left_out:
            yield f"      … {left_out} more frames"

    def _frame(self, frame: Document, functions: int, places: int) -> str:
        function, where = escape(frame["function"]), escape(place(frame))
        source = escape(frame["source"] or "")
        line = f"      {function.ljust(functions)}   {where.ljust(places)}   {source}".rstrip()[: self._width]
        own = frame["origin"] == _OWN
        return self._style.paint(line, "bold") if own else line


def _facts(threads: list[Document]) -> Iterator[str]:
    """What is worth saying of a thread, or of several in the same place."""
    first = threads[0]
    cpu = max(thread["cpu_percent"] or 0.0 for thread in threads)
    if cpu >= 0.5:
        yield f"{cpu:.0f} %" + (" at most" if len(threads) > 1 else "")
    if first["holds_gil"]:
        yield "holds the GIL"
    if first["waits_for"]:
        owner = f", held by {escape(first['waits_for']['owner'])}" if first["waits_for"]["owner"] else ""
        yield f"waits for {escape(first['waits_for']['kind'])}{owner}"
    innermost = first["frames"][0] if first["frames"] else None
    if first["state"] == "stopped":
        yield "stopped"
    elif cpu < 0.5 and innermost is not None and innermost["function"].rpartition(".")[2] in _IDLE:
        yield f"idle in {escape(innermost['function'].rpartition('.')[2])}"
    elif all(thread["moved"] is False for thread in threads):
        yield "has not moved" if len(threads) == 1 else "have not moved"
    elif cpu < 0.5 and first["state"]:
        yield str(first["state"])
    if innermost is None:
        yield "no Python frame"


def _names(names: list[str]) -> str:
    if len(names) <= 6:
        return ", ".join(names)
    return f"{', '.join(names[:4])} and {len(names) - 4} more"


def place(frame: Document) -> str:
    """Say where a frame is: file and line; of the file, its last two parts: what tells it to who wrote it."""
    parts = frame["file"].split("/")
    return f"{'/'.join(parts[-2:]) if len(parts) > 1 else frame['file']}:{frame['line']}"


def folded(frames: list[Document]) -> str:
    """A run of frames that are not shown: how many, and of which packages."""
    packages = list(dict.fromkeys(_package(frame) for frame in frames))
    return f"{_count(len(frames), 'frame', 'frames')} of {', '.join(escape(name) for name in packages[:4])}"


def _package(frame: Document) -> str:
    """The package a library's frame belongs to: its module's first part, or its file's name."""
    module = frame["module"] or ""
    name = module.split(".")[0]
    return name or os.path.basename(frame["file"]).removesuffix(".py")


def _stack_key(thread: Document) -> tuple[object, ...]:
    frames = tuple((frame["function"], frame["file"], frame["line"]) for frame in thread["frames"])
    wait = thread["waits_for"]
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
        key = (process["source"], process["reason"], tuple(sorted(map(str, map(_stack_key, process["threads"])))))
        groups.setdefault(key, []).append(process)
    return list(groups.values())


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
