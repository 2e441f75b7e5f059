"""A recording of several processes at once: who reads which, how far it is, and what comes of it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pyrometer.link.errors import LinkError
from pyrometer.server.errors import NotFound, Unreadable
from pyrometer.server.profiling import pyspy
from pyrometer.server.profiling.budget import MAX_CHUNK
from pyrometer.server.profiling.gathering import Gathering
from pyrometer.server.profiling.model import Failure, Mode, Progress, Recorded, Request, Source, Target
from pyrometer.server.profiling.readers import AgentReader, OutsideReader, gone, has_memory, is_there

_PROGRESS_EVERY = 0.25


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who reads which process."""

    outside: tuple[Target, ...]
    agent: tuple[Target, ...]
    failures: tuple[Failure, ...]
    mode: Mode
    reason: str
    """Why not all are read from outside; empty: they are, or the agent was asked for."""


def assign(targets: Sequence[Target], request: Request, executable: str | None) -> Assignment:
    """Decide who reads which process; the mode is one for all, so that their figures can be added.

    Raises:
        LinkError: nothing can read any of them; its words are the first process's.
    """
    outside, agent, failures = [], [], []
    for target in targets:
        if target.refused is not None:
            failures.append(Failure(target.pid, target.refused))
            continue
        why_not = _why_not_outside(target, request, executable)
        if why_not is None:
            outside.append(target)
        elif _by_agent(target, request):
            agent.append(target)
        else:
            failures.append(Failure(target.pid, _unreadable(target, request, why_not)))
    if not outside and not agent:
        raise failures[0].error if failures else NotFound("there is no process to record")
    mode = request.mode or (Mode.WALL if agent else Mode.CPU)
    chosen = request.source is not None or request.tasks
    why = _why_not_outside(agent[0], request, executable) if agent and not chosen else None
    return Assignment(tuple(outside), tuple(agent), tuple(failures), mode, why.message if why else "")


def _why_not_outside(target: Target, request: Request, executable: str | None) -> LinkError | None:
    """Why a process can't be read from outside; None: it can, as far as is known beforehand."""
    if request.source is Source.AGENT or request.tasks:
        return LinkError("the agent was asked for")
    if not is_there(target):
        return gone(target)
    if executable is None:
        return Unreadable("py-spy is not installed here", next="pip install py-spy")
    if not has_memory():
        return LinkError(
            "too little memory is left under the cgroup's limit to read from outside", reason="BUDGET_EXCEEDED"
        )
    return None


def _by_agent(target: Target, request: Request) -> bool:
    """Whether the agent's sampler may read it."""
    possible = target.sample_start is not None and is_there(target)
    if request.native or request.source is Source.OUTSIDE:
        return False
    return possible and request.mode in (None, Mode.WALL)


def _unreadable(target: Target, request: Request, why_not: LinkError) -> LinkError:
    """Why nothing can read a process, and what would."""
    if request.tasks:
        return LinkError("no agent answers in the process, which alone sees tasks", reason="AGENT_MISSING")
    if request.source is Source.AGENT:
        return LinkError("no agent answers in the process", next="--source outside", reason="AGENT_MISSING")
    if target.sample_start is None or request.source is Source.OUTSIDE or why_not.reason == "TARGET_GONE":
        return why_not
    if request.native:
        return LinkError(f"{why_not.message}, and its agent's sampler sees Python's frames only", reason=why_not.reason)
    mode = request.mode.value if request.mode else ""
    return LinkError(
        f"{why_not.message}, and its agent's sampler does not know the mode {mode}",
        next="--mode wall",
        reason=why_not.reason,
    )


class Recording:
    """Records until the time is over, `stop` is called or nothing is left to read; `result` then has it all.

    `run` blocks; it is for one thread. `stop` is for any.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        request: Request,
        *,
        executable: str | None = None,
        own_cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self._request = request.checked()
        self._executable = executable or pyspy.find_executable()
        self._targets = tuple(targets)
        self._assignment = assign(self._targets, request, self._executable)
        self._mode = self._assignment.mode
        self._own_cpu = own_cpu
        self._gathering = Gathering()
        self._stop = threading.Event()
        self._lock = threading.Lock()  # guards the failures and who fell back; held for an append
        self._failures = list(self._assignment.failures)
        self._gone: dict[int, float] = {}
        self._fallen_back: list[Target] = []
        self._agents: list[AgentReader] = []
        self._threads: list[threading.Thread] = []
        self._outside: OutsideReader | None = None
        self._marks: deque[tuple[float, float]] = deque()
        self.part: Recorded | None = None
        """What was seen in the last seconds, where that is asked for; None: nothing is new since it was taken."""
        self._reason = self._assignment.reason
        self.result: Recorded | None = None
        """What it was; None: it is not over."""

    @property
    def mode(self) -> Mode:
        """Which moments count."""
        return self._mode

    def stop(self) -> None:
        """End it now and keep what there is."""
        self._stop.set()

    def run(self) -> Iterator[Progress]:
        """Record, and say how far it is a few times a second. Closing the iterator ends the recording."""
        wall, began, cpu = time.time(), time.monotonic(), self._own_cpu()
        self._marks.append((began, cpu))
        self._start(began)
        try:
            while any(thread.is_alive() for thread in self._threads):
                self._join(_PROGRESS_EVERY)
                self._fall_back(began)
                self._roll()
                yield self._progress(time.monotonic() - began)
        finally:
            self._stop.set()
            self._join(None)
        seconds = time.monotonic() - began
        self.result = self._window() if self._request.part_every else self._recorded(wall, seconds, self._cpu() - cpu)

    def _roll(self) -> None:
        """Take a part when it is time, and forget what is older than the window."""
        every = self._request.part_every
        if not every or time.monotonic() - self._marks[-1][0] < every:
            return
        self.part = self._window()
        keep = max(1, round(self._request.window / every))
        self._marks.append((time.monotonic(), self._cpu()))
        self._gathering.roll(keep)
        while len(self._marks) > keep:
            self._marks.popleft()

    def _window(self) -> Recorded:
        began, cpu = self._marks[0]
        seconds = time.monotonic() - began
        return self._recorded(time.time() - seconds, seconds, self._cpu() - cpu)

    def _cpu(self) -> float:
        """Processor seconds that recording has used, here and in the readers."""
        return self._own_cpu() + sum(reader.cpu for reader in self._readers)

    def _start(self, began: float) -> None:
        if self._assignment.outside and self._executable is not None:
            self._outside = OutsideReader(
                self._executable,
                list(self._assignment.outside),
                self._mode,
                self._request.rate,
                self._gathering,
                self._failed_outside,
                native=self._request.native,
                longest=self._request.window / 2 if self._request.part_every else MAX_CHUNK,
                stop=self._stop,
                own_cpu=self._own_cpu,
            )
            self._spawn(self._outside.work, began)
        for target in self._assignment.agent:
            self._start_agent(target, began)

    def _start_agent(self, target: Target, began: float) -> None:
        reader = AgentReader(
            target, self._request.rate, self._gathering, self._failed, tasks=self._request.tasks, stop=self._stop
        )
        self._agents.append(reader)
        self._spawn(reader.work, began)

    def _spawn(self, work: Callable[[float], None], began: float) -> None:
        left = max(0.0, self._request.seconds - (time.monotonic() - began))
        thread = threading.Thread(target=work, args=(left,), name="pyrometer-record", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _join(self, seconds: float | None) -> None:
        """Wait for the readers, all together for so long."""
        end = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))

    def _failed(self, target: Target, error: LinkError) -> None:
        with self._lock:
            self._failures.append(Failure(target.pid, error))
            self._gone[target.pid] = time.monotonic()

    def _failed_outside(self, target: Target, error: LinkError) -> None:
        """From outside it did not go: the agent may still."""
        if error.reason != "TARGET_GONE" and _by_agent(target, self._request):
            with self._lock:
                self._fallen_back.append(target)
                self._reason = self._reason or error.message
        else:
            self._failed(target, _unreadable(target, self._request, error))

    def _fall_back(self, began: float) -> None:
        """Let the agents read what could not be read from outside.

        A profile has one mode. Nothing was seen from outside yet: it becomes wall time. Else a process whose agent
        could only give wall time is left out of a profile of processor time.
        """
        with self._lock:
            fallen, self._fallen_back = self._fallen_back, []
        for target in fallen:
            if self._mode is not Mode.WALL and not self._gathering.pids():
                self._mode = Mode.WALL
            if self._mode is Mode.WALL:
                self._start_agent(target, began)
            else:
                error = LinkError(self._reason, next="--mode wall", reason="OUTSIDE_FAILED")
                self._failed(target, error)

    def _progress(self, elapsed: float) -> Progress:
        running = len({target.pid for target in self._targets} - {failure.pid for failure in self._failures})
        rate = round(min((reader.rate for reader in self._readers), default=0.0))
        return Progress(elapsed, self._gathering.samples, self._gathering.missed, rate, running)

    @property
    def _readers(self) -> list[AgentReader | OutsideReader]:
        return [*self._agents, *([self._outside] if self._outside is not None else [])]

    def _recorded(self, wall: float, seconds: float, own_cpu: float) -> Recorded:
        with self._lock:
            failures, gone_at = tuple(self._failures), dict(self._gone)
        end = time.monotonic()
        away = {pid: end - gone for pid, gone in gone_at.items()}
        present = {target.pid: max(0.0, seconds - away.get(target.pid, 0.0)) for target in self._targets}
        seen = self._gathering.pids()
        return Recorded(
            source=self._source(),
            reason=self._reason,
            mode=self._mode,
            rate_asked=self._request.rate,
            rate=self._gathering.looks() / max(sum(present[pid] for pid in seen), 1e-3),
            samples=self._gathering.samples,
            missed=self._gathering.missed,
            seconds=seconds,
            own_cpu_seconds=own_cpu,
            began=wall,
            targets=tuple(target for target in self._targets if target.pid in seen),
            paused=self._request.native,
            tasks=self._request.tasks,
            failures=failures,
            counts=self._gathering.counts(present),
        )

    def _source(self) -> Source | None:
        if not self._agents:
            return Source.OUTSIDE
        read_outside = self._outside is not None and len(self._agents) < len(self._gathering.pids())
        return None if read_outside else Source.AGENT
