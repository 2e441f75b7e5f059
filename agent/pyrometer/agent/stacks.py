"""Stacks of all threads, as plain data: what `dump` answers with.

One C call takes all threads' topmost frames at once; the walk that follows runs like any Python code, so the other
threads get their turns. No frame is kept: a frame that is held keeps its locals alive.
"""

from __future__ import annotations

import posix
import sys

from pyrometer.agent.attributes import attribute_reader, instance_dict
from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.gil import gil_place
from pyrometer.agent.locks import waits_of
from pyrometer.agent.mappings import Unreadable, held
from pyrometer.agent.unpatched import native
from pyrometer.link.framing import Later
from pyrometer.link.model import dump_reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from types import CodeType, FrameType
    from typing import Any

    from pyrometer.agent.disclosure import Disclosure

MAX_THREADS = 2000
MAX_FRAMES = 200
"""Innermost frames of a thread that are described."""
_MAX_COUNTED = 100_000
_MAIN = "MainThread"
"""What `threading` calls the thread that a process began with, which is the oldest and so the last of its frames."""


class CodeTable:
    """Code objects of one look, each described once. Holds them, so that an id stays theirs for that long."""

    def __init__(self) -> None:
        self._index: dict[int, int] = {}
        self._codes: list[CodeType] = []
        self.described: list[list[str]] = []
        """[function, file, module] of each."""

    def index(self, frame: FrameType) -> int:
        """The number of a frame's code."""
        return self.number(frame.f_code, frame.f_globals)

    def number(self, code: CodeType, scope: dict[str, Any]) -> int:
        """The number of a code that runs with these globals."""
        number = self._index.get(id(code))
        if number is None:
            number = self._index[id(code)] = len(self._codes)
            self._codes.append(code)
            self.described.append([name_of(code), file_of(code), module_in(scope)])
        return number


def capture(own: Container[int], disclosure: Disclosure | None = None) -> dict[str, Any]:
    """Describe all threads. Shape: `link.model.dump_reply`.

    Args:
        own: idents of the agent's threads, marked as such.
        disclosure: reads the values of the others' frames; None: nothing does.
    """
    table = CodeTable()
    names = thread_names()
    frames = sys._current_frames()
    waits = waits_of(frames, own, table.number)
    threads = []
    oldest = next((ident for ident in reversed(frames) if ident not in own), None)
    if oldest is not None and oldest not in names:  # nobody has imported `threading` yet, or gevent renumbers its own
        names[oldest] = (_MAIN, posix.getpid(), False)
    for ident in list(frames)[:MAX_THREADS]:
        walked, left_out = _walk(frames.pop(ident), table)
        threads.append(_described(ident, names.pop(ident, None), walked, left_out, agent=ident in own))
    seen = {thread["native_id"] for thread in threads}
    threads += [_described(ident, named, [], 0, agent=False) for ident, named in _without_frames(names, frames, seen)]
    if disclosure is not None:
        for thread in threads:
            if not thread["agent"]:
                _disclose(thread, table, disclosure)
    return {**dump_reply(threads, len(frames)), "codes": table.described, "waits": waits, "gil": gil_place()}


def _described(
    ident: int, fields: tuple[str, int, bool] | None, walked: list[list[int]], left_out: int, *, agent: bool
) -> dict[str, Any]:
    """A thread of `dump_reply`."""
    name, native_id, daemon = fields or (f"thread {ident:#x}", 0, False)
    return {
        "name": name,
        "ident": ident,
        "native_id": native_id,
        "daemon": daemon,
        "agent": agent,
        "frames": walked,
        "left_out": left_out,
    }


def _without_frames(
    names: dict[int, tuple[str, int, bool]], left_out: Container[int], seen: set[int]
) -> list[tuple[int, tuple[str, int, bool]]]:
    """Threads that wait in C code for work of Python's, as uWSGI's do; the main one is there also if it has no name."""
    if posix.getpid() not in seen.union(native_id for _, native_id, _ in names.values()):
        names[0] = (_MAIN, posix.getpid(), False)
    waiting = ((ident, named) for ident, named in names.items() if ident not in left_out and named[1] not in seen)
    return [(ident, named) for ident, named in waiting if _exists(named[1])][:MAX_THREADS]


def _exists(native_id: int) -> bool:
    try:
        posix.stat(f"/proc/self/task/{native_id}")
    except OSError:
        return False
    return True


def thread_names() -> dict[int, tuple[str, int, bool]]:
    """Name, native id and daemon flag of each thread that `threading` knows, by ident.

    Read from the threads' dicts: a subclass may make `name` a property of its own.
    """
    threading = sys.modules.get("threading")
    known: dict[int, tuple[str, int, bool]] = {}
    if threading is None:
        return known
    main = getattr(threading, "_main_thread", None)
    for ident, thread in list(getattr(threading, "_active", {}).items()):
        fields = instance_dict(thread)
        native_id = held(fields, "_native_id")
        if thread is main:  # after a fork `_native_id` may still be the parent's (3.11)
            native_id = posix.getpid()
        known[ident] = (
            _name_in(fields, ident),
            native_id if type(native_id) is int else 0,
            held(fields, "_daemonic") is True,
        )
    return known


def thread_name(ident: int) -> str:
    """Name of the thread that asks, read as `thread_names` does."""
    active = getattr(sys.modules.get("threading"), "_active", None)
    thread = active.get(ident) if type(active) is dict else None
    if thread is None and native.get_native_id() == posix.getpid():
        return _MAIN
    try:
        name = _read_name(thread)
    except Unreadable:
        name = held(instance_dict(thread), "_name")
    return name if type(name) is str else f"thread {ident:#x}"


_read_name = attribute_reader("_name")


class ThreadName(Later):
    """The name of the thread that a hit came in, read when the hit is sent: the thread may go on meanwhile.

    If it has ended by then, it is called as it was when it last had a hit.
    """

    __slots__ = ("_ident", "_name", "_native_id")

    def __init__(self) -> None:
        """Remember the calling thread."""
        self._ident = ident = native.get_ident()
        self._native_id = native_id = native.get_native_id()
        known = _last_names.get(ident)
        if known is None or known[0] != native_id:
            if len(_last_names) >= MAX_THREADS:
                _last_names.clear()
            known = _last_names[ident] = (native_id, thread_name(ident))
        self._name = known[1]

    def to_wire(self) -> str:
        """The name."""
        threading = sys.modules.get("threading")
        active = getattr(threading, "_active", None)
        thread = active.get(self._ident) if type(active) is dict else None
        fields = instance_dict(thread)
        if thread is getattr(threading, "_main_thread", None) or held(fields, "_native_id") != self._native_id:
            return self._name
        name = _name_in(fields, self._ident)
        _last_names[self._ident] = (self._native_id, name)
        return name


_last_names: dict[int, tuple[int, str]] = {}
"""Native id and name of threads that had hits, by their idents, which are used again."""


def module_of(frame: FrameType) -> str:
    """Name of the module whose code a frame runs."""
    return module_in(frame.f_globals)


def module_in(scope: dict[str, Any]) -> str:
    """`__name__` of globals, or "" where that is not a plain text in a plain dict."""
    name = held(scope, "__name__") if type(scope) is dict else None
    return name if type(name) is str else ""


def _name_in(fields: dict[Any, Any] | None, ident: int) -> str:
    name = held(fields, "_name")
    return name if type(name) is str else f"thread {ident:#x}"


def _disclose(thread: dict[str, Any], table: CodeTable, disclosure: Disclosure) -> None:
    """Look at one thread again, and read its frames' values. That takes time: no other's frames are held meanwhile."""
    frame = sys._current_frames().get(thread["ident"])
    if frame is None:
        return
    stack = list(outward(frame, MAX_FRAMES))
    thread["frames"], thread["left_out"] = _walk(frame, table)
    thread["locals"] = disclosure.of_stack(stack)


def outward(frame: FrameType | None, most: int) -> Iterator[FrameType]:
    """A frame and those that called it, at most so many."""
    while frame is not None and most > 0:
        yield frame
        frame, most = frame.f_back, most - 1


def _walk(frame: FrameType | None, table: CodeTable) -> tuple[list[list[int]], int]:
    """Frames from the innermost out, and how many more there are."""
    walked: list[list[int]] = []
    left_out = 0
    while frame is not None and left_out < _MAX_COUNTED:
        if len(walked) < MAX_FRAMES:
            walked.append([table.index(frame), frame.f_lineno or 0, frame.f_lasti])
        else:
            left_out += 1
        frame = frame.f_back
    return walked, left_out
