"""The two ways to read a process: py-spy beside it, in chunks, and the sampler of the agent in it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from pyrometer.link.errors import LinkError, UnknownOperation
from pyrometer.server import cgroups, kernel
from pyrometer.server.errors import NotFound, Unreadable
from pyrometer.server.profiling import pyspy
from pyrometer.server.profiling.budget import MAX_CHUNK, MAX_TOGETHER, NATIVE_START_COST, START_COST, Budget, Plan
from pyrometer.server.profiling.gathering import Gathering
from pyrometer.server.profiling.launching import Began, Ended, Launch, Started
from pyrometer.server.profiling.model import Mode, Place, Stack, Target

_READER_BYTES = 20 * 1024 * 1024
_RESERVE_BYTES = 16 * 1024 * 1024
_TICK = 0.25
"""Seconds between two looks at what the readers cost."""
_START_TIMEOUT = 10.0
"""Seconds that a reader may take until its first look, beyond its chunk."""
_END_TIMEOUT = 5.0
_SETTLE = 0.05
"""Seconds after a reader's first line before which it can't be stopped politely."""
_TAKE_EVERY = 1.0

Failed = Callable[[Target, LinkError], None]


class OutsideReader:
    """Reads processes by py-spy, a chunk at a time, until the time is over or none is left. Runs on one thread."""

    def __init__(
        self,
        executable: str,
        targets: list[Target],
        mode: Mode,
        rate: int,
        gathering: Gathering,
        failed: Failed,
        *,
        native: bool = False,
        longest: float = MAX_CHUNK,
        stop: threading.Event,
        own_cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self.rate = rate
        """Looks a second at each process, now."""
        self.cpu = 0.0
        """Processor seconds that the readers and their launcher have used."""
        self._executable = executable
        self._targets = {target.pid: target for target in targets}
        self._mode = mode
        self._native = native
        self._gathering = gathering
        self._failed = failed
        self._stop = stop
        self._own_cpu = own_cpu
        self._budget = Budget(
            _cores(list(self._targets)),
            rate,
            {pid: max(1, len(kernel.threads_of(pid))) for pid in self._targets},
            _together(),
            start=NATIVE_START_COST if native else START_COST,
            longest=longest,
        )

    def work(self, seconds: float) -> None:
        """Read for so long. Never raises: what fails is reported by process."""
        try:
            with Launch() as launch:
                self._chunks(launch, seconds)
        except LinkError as error:
            self._fail_all(error)
        except Exception as error:  # noqa: BLE001 - a defect here must not end in a recording that never ends
            self._fail_all(Unreadable(f"reading from outside failed: {error!r}"))

    def _chunks(self, launch: Launch, seconds: float) -> None:
        began, counted, launched = time.monotonic(), self._own_cpu(), 0.0
        while self._targets and not self._stop.is_set():
            elapsed = time.monotonic() - began
            if seconds - elapsed < 2 * _SETTLE:
                return
            if _together() < 1:
                raise _no_memory()
            self._check_identity()
            if not self._targets:
                return
            plan = self._budget.plan(list(self._targets), elapsed, seconds - elapsed)
            if not plan.pids:
                self._stop.wait(plan.seconds)
                continue
            self.rate = plan.rate
            chunk = _ChunkRun(launch, self._executable, self._mode, plan, native=self._native)
            for ended in chunk.work(self._stop):
                self._count(plan, chunk, ended)
            now, launcher = self._own_cpu(), launch.own_cpu
            self._budget.spend(now - counted + (launcher - launched if launched else 0.0))  # starting it is apart
            self.cpu += launcher - launched
            counted, launched = now, launcher

    def _count(self, plan: Plan, chunk: _ChunkRun, ended: Ended) -> None:
        pid = int(ended.key)
        seconds = chunk.seconds(pid)
        self.cpu += ended.cpu
        self._budget.learn(pid, ended.cpu, seconds * plan.rate)
        target = self._targets[pid]
        try:
            seen = _read(ended, stopped=chunk.stopped)
        except LinkError as error:
            self._drop(target, error)
            return
        if seen.stacks or not seen.target_gone:
            looks = seconds * plan.rate
            stacks = pyspy.on_processor(seen.stacks) if self._mode is Mode.CPU else seen.stacks
            self._gathering.add(target, stacks, looks=looks, seconds=seconds, missed=seen.errors)
        if seen.target_gone:
            self._drop(target, gone(target))

    def _check_identity(self) -> None:
        for target in list(self._targets.values()):
            if not is_there(target):
                self._drop(target, gone(target))

    def _drop(self, target: Target, error: LinkError) -> None:
        self._targets.pop(target.pid, None)
        self._failed(target, error if is_there(target) else gone(target))

    def _fail_all(self, error: LinkError) -> None:
        for target in list(self._targets.values()):
            self._drop(target, error)


class _ChunkRun:
    """One chunk: the readers started, watched and stopped together."""

    def __init__(self, launch: Launch, executable: str, mode: Mode, plan: Plan, *, native: bool) -> None:
        self.stopped = False
        self._launch = launch
        self._plan = plan
        self._end = time.monotonic() + plan.seconds
        self._running: dict[str, int] = {}
        self._began: dict[str, float] = {}
        self._ends: dict[str, float] = {}
        for pid in plan.pids:
            argv = pyspy.command(executable, pid, plan.rate, mode, native=native)
            launch.run(str(pid), argv, plan.seconds + _START_TIMEOUT, stops=pid if native else 0)

    def work(self, stop: threading.Event) -> list[Ended]:
        """Run until every reader has ended.

        Raises:
            LinkError: the launcher died, or does not end its readers.
        """
        ended: list[Ended] = []
        started = time.monotonic()
        give_up = started + self._plan.seconds + _START_TIMEOUT + _END_TIMEOUT
        while len(ended) < len(self._plan.pids):
            now = time.monotonic()
            if now > give_up:
                raise Unreadable("py-spy does not end")
            cut = stop.is_set() or self._used() > self._plan.limit
            self._stop_due(now, cut=cut)
            for event in self._launch.events(min(_TICK, self._until_due(now))):
                if isinstance(event, Ended):
                    ended.append(event)
                self._note(event)
        return ended

    def seconds(self, pid: int) -> float:
        """For how long a process was read."""
        began, ended = self._began.get(str(pid)), self._ends.get(str(pid))
        return max(0.0, ended - began) if began is not None and ended is not None else 0.0

    def _note(self, event: Started | Began | Ended) -> None:
        now = time.monotonic()
        if isinstance(event, Started):
            self._running[event.key] = event.pid
        elif isinstance(event, Began):
            self._began[event.key] = now
        else:
            self._ends.setdefault(event.key, now)
            self._running.pop(event.key, None)

    def _stop_due(self, now: float, *, cut: bool) -> None:
        """Stop the readers that have had their time, and with `cut` all that can be stopped politely."""
        self.stopped = self.stopped or cut
        for key, began in self._began.items():
            due = began + _SETTLE if cut else max(began + _SETTLE, self._end)
            if key not in self._ends and now >= due:
                self._ends[key] = now
                self._launch.stop(key)

    def _until_due(self, now: float) -> float:
        waiting = any(key not in self._ends for key in self._began)
        return max(0.005, self._end - now) if waiting else _TICK

    def _used(self) -> float:
        return sum(_processor_seconds(pid) for pid in self._running.values())


class AgentReader:
    """Reads one process by the sampler in it. Runs on a thread of its own."""

    def __init__(
        self,
        target: Target,
        rate: int,
        gathering: Gathering,
        failed: Failed,
        *,
        tasks: bool = False,
        stop: threading.Event,
    ) -> None:
        self.rate = float(rate)
        """Looks a second, as reached."""
        self.cpu = 0.0
        """Processor seconds that the sampler has used, in the process."""
        self._target = target
        self._asked = rate
        self._tasks = tasks
        self._gathering = gathering
        self._failed = failed
        self._stop = stop

    def work(self, seconds: float) -> None:
        """Read for so long. Never raises: a failure is reported."""
        target = self._target
        assert target.sample_start is not None
        assert target.sample_stop is not None
        end = time.monotonic() + seconds
        try:
            started = target.sample_start(self._asked, self._tasks)
            try:
                if started.get("tasks", False) is not self._tasks:
                    raise UnknownOperation("the agent is older than this server and can not look at tasks")
                self._take_until(end)
            finally:
                target.sample_stop()
        except LinkError as error:
            self._failed(target, error if is_there(target) else gone(target))
        except Exception as error:  # noqa: BLE001 - see OutsideReader.work
            self._failed(target, LinkError(f"the agent's sampler failed: {error!r}"))

    def _take_until(self, end: float) -> None:
        assert self._target.sample_take is not None
        while not self._stop.is_set() and (left := end - time.monotonic()) > 0:
            self._stop.wait(min(_TAKE_EVERY, left))
            self._count(self._target.sample_take())

    def _count(self, taken: Any) -> None:
        try:
            stacks = _agent_stacks(taken)
            looks, seconds = int(taken["looks"]), float(taken["seconds"])
            self.cpu += float(taken["cost_seconds"])
            running = bool(taken["running"])
            missed = int(taken["missed"])
        except (LookupError, TypeError, ValueError) as error:
            raise LinkError(f"the agent's sampler answered something else: {error!r}", reason="BAD_REQUEST") from error
        self.rate = looks / max(seconds, 1e-3)
        self._gathering.add(self._target, stacks, looks=looks, seconds=seconds, missed=missed)
        if not running:
            raise LinkError("the agent's sampler was stopped by somebody else", reason="INTERRUPTED")


def _agent_stacks(taken: dict[str, Any]) -> Counter[Stack]:
    places = [
        Place(str(function), str(file), int(line), int(start_line), str(module))
        for function, file, module, start_line, line in taken["codes"]
    ]
    stacks: Counter[Stack] = Counter()
    for name, thread_id, indices, count in taken["stacks"]:
        stacks[Stack(str(name), int(thread_id), tuple(places[index] for index in indices))] += int(count)
    return stacks


def _read(ended: Ended, *, stopped: bool) -> pyspy.Chunk:
    """A reader's result. One that was stopped before it looked has none, and that is no failure."""
    if ended.status == 0:
        return pyspy.read_chunk(ended.result, ended.said)
    if stopped and ended.status < 0:
        return pyspy.Chunk()
    raise pyspy.explain(int(ended.key), ended.said, ended.status)


def _cores(pids: list[int]) -> float:
    """What the processes may use together: no more than one core each, or their tightest quota."""
    return min([max(1.0, float(len(pids))), cgroups.cores("self"), *(cgroups.cores(pid) for pid in pids)])


def _together() -> int:
    """How many readers fit under the memory limit at a time."""
    left = cgroups.memory_left("self")
    return MAX_TOGETHER if left is None else max(0, min(MAX_TOGETHER, (left - _RESERVE_BYTES) // _READER_BYTES))


def has_memory() -> bool:
    """Whether a reader fits under the memory limit at all."""
    return _together() > 0


def _no_memory() -> LinkError:
    return LinkError(
        "too little memory is left under the cgroup's limit to read from outside",
        next="pyrometer record --source agent",
        reason="BUDGET_EXCEEDED",
    )


def is_there(target: Target) -> bool:
    """Whether the process is still the one that was meant, and alive."""
    if kernel.state_of(target.pid) in ("", "Z", "X"):
        return False
    return target.start_ticks in (0, kernel.start_ticks(target.pid))


def gone(target: Target) -> LinkError:
    """The error for a process that has ended."""
    return NotFound(f"process {target.pid} has ended", reason="TARGET_GONE")


def _processor_seconds(pid: int) -> float:
    """Processor time that a process has used so far; 0 where it is gone."""
    return sum(thread.cpu_seconds for thread in kernel.threads_of(pid).values())
