"""The in-process sampler: what all threads do, looked at from a thread of our own, for little and known cost.

It counts wall time: every thread in every look, or every task of asyncio, waiting ones too. It is what `record` falls
back on where the process may not be read from outside, and what sees tasks at all. The governor's rule is kept by
waiting: after a look that cost C of processor time the next one is C / share away at the soonest, so the rate sinks by
itself as threads and stacks grow. Where several watch, their samplers have the share together.
"""

from __future__ import annotations

import sys

from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.stacks import module_of, outward, thread_names
from pyrometer.agent.task_stacks import task_stacks
from pyrometer.agent.threads import OWN
from pyrometer.agent.unpatched import native
from pyrometer.link.errors import BudgetExceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FrameType
    from typing import Any

MAX_RATE = 1000
"""Looks a second."""
MAX_FRAMES = 200
"""Innermost frames of a stack that count."""
MAX_THREADS = 500
"""Threads of one look; where there are more, the looks take turns through them."""
MAX_STACKS = 20_000
MAX_PLACES = 300_000
"""Places of all stacks between two takes, together; with `MAX_TEXT` it keeps a reply under the link's limit."""
MAX_TEXT = 3 * 1024 * 1024
"""Bytes that the descriptions of all distinct places between two takes may need."""
ABANDONED = 15.0
"""Seconds without a `take` after which it stops: nobody is there any more."""
_NAMES_KEPT = 1.0
"""Seconds for which the threads' names are taken as known."""
_TEXT = 300
"""Characters of a name or path in a reply."""
_ROW = 40
"""Bytes of a place's description beside its texts."""


class Sampler:
    """Counts stacks on a thread of its own, from `start` to `stop`.

    `own_threads` gives the idents of the agent's threads, which are left out; `cpu_share` is the share of one core
    that looking may cost. The methods may be called from any of the agent's threads.
    """

    def __init__(self, own_threads: Callable[[], set[int]], cpu_share: float) -> None:
        self._own_threads = own_threads
        self._cpu_share = cpu_share
        self._lock = native.allocate_lock()  # guards _run; held for a few instructions
        self._run: _Run | None = None

    def start(self, rate: int, *, tasks: bool = False) -> None:
        """Look `rate` times a second, or less often where that would cost too much. Started already: begin anew.

        Args:
            rate: looks a second.
            tasks: look at asyncio's tasks instead of threads; each counts as a thread of the name "task NAME".

        Raises:
            BudgetExceeded: the process can't have another thread.
        """
        self.stop()
        run = _Run(self._own_threads, self._cpu_share, min(MAX_RATE, max(1, rate)), tasks=tasks)
        try:
            OWN.start(run.work)
        except RuntimeError:
            raise BudgetExceeded("the process can't start another thread, so its agent can't sample it") from None
        with self._lock:
            old, self._run = self._run, run
        if old is not None:
            old.stopping = True

    def stop(self) -> None:
        """End the looking. The thread is gone within a tenth of a second."""
        with self._lock:
            run, self._run = self._run, None
        if run is not None:
            run.stopping = True

    def take(self) -> dict[str, Any]:
        """What was counted since the last `take`.

        {"stacks": [[thread name, native id, [place, …] innermost first, count], …], "codes": [[function, file, module,
        first line, line], …], "samples" (threads or tasks seen, of all looks), "looks", "missed" (looks that came too
        late or found no room), "rate" (looks a second), "seconds" (since the last take), "cost_seconds" (processor
        time spent), "running"}. A place is an index into "codes".
        """
        with self._lock:
            run = self._run
        if run is not None:
            return run.take()
        now = native.monotonic()
        return {**_Counts(now).reply(now), "running": False}

    def reset_after_fork(self) -> None:
        """In the child: the thread did not come along, and the lock may have been held."""
        self._lock = native.allocate_lock()
        self._run = None


LOOKING: set[int] = set()
"""Idents of the threads of all samplers: none is to be seen by another, and they share what looking may cost."""


class _Run:
    """One run of the sampler: a thread, and the counts that `take` swaps out under it."""

    def __init__(
        self, own_threads: Callable[[], set[int]], cpu_share: float, rate: int, *, tasks: bool = False
    ) -> None:
        self.stopping = False
        self._tasks = tasks
        self._own_threads = own_threads
        self._cpu_share = max(cpu_share, 1e-6)
        self._period = 1.0 / rate
        self._counts = _Counts(native.monotonic())
        self._names: dict[int, tuple[str, int, bool]] = {}
        self._own: set[int] = set()
        self._names_until = 0.0
        self._spent = 0.0
        self._paid = 0.0
        self._taken = native.monotonic()
        self._turn = 0
        self._ended = False

    def work(self) -> None:
        """Look until stopped or abandoned. Never raises: a defect of ours ends the run and nothing else."""
        ident = native.get_ident()
        LOOKING.add(ident)
        try:
            due = native.monotonic()
            self._paid = native.thread_time()
            while not self.stopping and native.monotonic() - self._taken < ABANDONED:
                due = self._wait(due)
                if not self.stopping:
                    self._look()
        except Exception:
            self._counts.missed += 1
        LOOKING.discard(ident)
        self._ended = True

    def take(self) -> dict[str, Any]:
        """Swap the counts out.

        The looking thread may be adding to the old ones at this moment: a stack may be lost, which is cheaper than a
        lock around every look.
        """
        now = native.monotonic()
        self._taken = now
        counts, self._counts = self._counts, _Counts(now)
        return {**counts.reply(now), "running": not self._ended}

    def _wait(self, due: float) -> float:
        """Sleep until the next look is due and affordable; returns when the one after that is due."""
        now = native.monotonic()
        pause = max(self._period, self._spent * max(1, len(LOOKING)) / self._cpu_share)
        due += pause
        if due < now:
            self._counts.missed += int((now - due) / pause)
            due = now
        while (left := due - native.monotonic()) > 0 and not self.stopping:
            native.sleep(min(left, 0.1))
        return due

    def _look(self) -> None:
        counts = self._counts
        counts.looks += 1
        if self._tasks:
            for task in task_stacks():
                counts.add(task.name, (f"task {task.name}", 0), task.frames, task.stands_for)
        else:
            self._count_threads(counts)
        # All that this thread has used since the last look, waking up included: so the share is kept exactly.
        now = native.thread_time()
        self._spent, self._paid = now - self._paid, now
        counts.cost += self._spent

    def _count_threads(self, counts: _Counts) -> None:
        if native.monotonic() >= self._names_until:
            self._names, self._own = thread_names(), {*self._own_threads(), *LOOKING}
            self._names_until = native.monotonic() + _NAMES_KEPT
        frames = sys._current_frames()
        idents = [ident for ident in frames if ident not in self._own]
        if len(idents) > MAX_THREADS:
            first = self._turn % len(idents)
            self._turn += MAX_THREADS
            idents = (idents[first:] + idents[:first])[:MAX_THREADS]
            counts.missed += 1
        for ident in idents:
            named = self._names.get(ident)
            if named is None:
                self._names_until = 0.0  # a thread that is new, or that `threading` does not know
            counts.add(ident, named[:2] if named is not None else None, outward(frames.pop(ident), MAX_FRAMES))


class _Counts:
    """How often each stack was seen since a moment. Written by one thread.

    A stack is a tuple of small numbers, one for each pair of code object and instruction: the line that an instruction
    belongs to is looked up once, when the counts are taken. The code objects are held, so that an id stays theirs.
    """

    def __init__(self, since: float) -> None:
        self.looks = self.samples = self.missed = 0
        self.cost = 0.0
        self._since = since
        self._stacks: dict[tuple[int | str, tuple[int, ...]], int] = {}
        self._threads: dict[int | str, tuple[str, int]] = {}
        self._numbers: dict[tuple[int, int], int] = {}
        self._places: list[tuple[CodeType, int, str]] = []
        self._used = self._text = 0

    def add(self, who: int | str, named: tuple[str, int] | None, frames: Iterable[FrameType], times: int = 1) -> None:
        """Count a stack of a thread, by its ident, or of a task, by its name: so many times.

        No frame is kept: a frame that is held keeps its locals alive.
        """
        stack: list[int] = []
        numbers = self._numbers
        for frame in frames:
            code = frame.f_code
            key = (id(code), frame.f_lasti)
            number = numbers.get(key)
            if number is None:
                number = self._place(key, code, frame)
            stack.append(number)
        if self._count((who, tuple(stack)), times):
            self._threads[who] = named if named is not None else self._nameless(who)

    def _nameless(self, who: int | str) -> tuple[str, int]:
        """A thread that `threading` does not know, or not any more."""
        return self._threads.get(who, (f"thread {who:#x}" if type(who) is int else "", 0))

    def reply(self, now: float) -> dict[str, Any]:
        """The wire form; resolves instructions to lines. See `Sampler.take`."""
        seconds = max(now - self._since, 1e-9)
        stacks = list(self._stacks.items())
        began = native.thread_time()
        codes = _described(list(self._places))
        return {
            "stacks": [[*self._threads.get(who, ("", 0)), list(places), n] for (who, places), n in stacks],
            "codes": codes,
            "samples": self.samples,
            "looks": self.looks,
            "missed": self.missed,
            "rate": self.looks / seconds,
            "seconds": seconds,
            "cost_seconds": self.cost + native.thread_time() - began,
        }

    def _place(self, key: tuple[int, int], code: CodeType, frame: FrameType) -> int:
        """Number a place; -1: there is no room for its description."""
        module = module_of(frame)
        size = _ROW + sum(_weight(text) for text in (name_of(code), file_of(code), module))
        if self._text + size > MAX_TEXT:
            return -1
        self._text += size
        number = self._numbers[key] = len(self._places)
        self._places.append((code, frame.f_lasti, module))
        return number

    def _count(self, key: tuple[int | str, tuple[int, ...]], times: int) -> bool:
        """Add to a stack, unless it is new and there is no room for it."""
        seen = self._stacks.get(key)
        if seen is None:
            size = len(key[1])
            if len(self._stacks) >= MAX_STACKS or self._used + size > MAX_PLACES or -1 in key[1]:
                self.missed += times
                return False
            self._used += size
            seen = 0
        self._stacks[key] = seen + times
        self.samples += times
        return True


def _described(places: list[tuple[CodeType, int, str]]) -> list[list[Any]]:
    """[function, file, module, first line, line] of each place; a code's table of lines is read once."""
    wanted: dict[int, tuple[CodeType, set[int]]] = {}
    for code, lasti, _ in places:
        wanted.setdefault(id(code), (code, set()))[1].add(lasti)
    lines = {key: _lines(code, lastis) for key, (code, lastis) in wanted.items()}
    return [
        [_cut(name_of(code)), file_of(code)[-_TEXT:], _cut(module), code.co_firstlineno, lines[id(code)][lasti]]
        for code, lasti, module in places
    ]


def _lines(code: CodeType, lastis: set[int]) -> dict[int, int]:
    """The line of each instruction; the code's first where an instruction has none."""
    found = dict.fromkeys(lastis, code.co_firstlineno)
    waiting = sorted(lastis, reverse=True)
    for start, end, line in code.co_lines():
        while waiting and waiting[-1] < end:
            lasti = waiting.pop()
            if start <= lasti and line:
                found[lasti] = line
    return found


def _cut(text: str) -> str:
    return text[:_TEXT]


def _weight(text: str) -> int:
    """Bytes of a text as JSON, at most."""
    size = min(len(text), _TEXT)
    return size if text.isascii() and text.isprintable() else 12 * size
