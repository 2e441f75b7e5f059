"""Metrics of processes, window after window: each process has an observer, that keeps its link to the agent.

The agent watches the event loops for us, in pieces of a second, while the kernel counts; one that does not answer is
not asked again until it has, and its process is measured by the kernel alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pyrometer.link.errors import LinkClosed, LinkError
from pyrometer.link.model import Hello
from pyrometer.server import cgroups, kernel, roster
from pyrometer.server.errors import NotFound
from pyrometer.server.links import AgentBusy, AgentLink
from pyrometer.server.meters import Meter
from pyrometer.server.metrics import Allowance, ProcessMetrics, Vitals, merged, reasons, throttled_share, vitals_from
from pyrometer.server.roster import Candidate

_PIECE = 0.8
"""Seconds that the agent watches at once; it takes 1 at most."""
_PATIENCE = 0.5
"""Seconds beyond that within which it must have answered."""
_WITHOUT = "it runs without the agent"
_SILENT = "its agent did not answer"
_OLDER = "its agent is of a version that does not tell"
_MAX_WORKERS = 64


@dataclass(frozen=True)
class Failure:
    """A process that could not be measured."""

    pid: int
    error: LinkError


class Observer:
    """Measures one process, window after window. One thread uses it at a time."""

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._start = kernel.start_ticks(candidate.pid)
        self._link: AgentLink | None = None
        self._hello: Hello | None = None
        self._silence = "" if candidate.addresses else _WITHOUT
        self._state = "none"
        self._late = False
        """Whether an answer is outstanding: the next one asked for would come after it."""

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def measure(self, seconds: float, stopping: Callable[[], bool]) -> ProcessMetrics:
        """Measure for so long. Raises NotFound: the process is gone, or another one has its number."""
        pid = self._candidate.pid
        self._greet()
        meter, before = Meter(pid), cgroups.throttling(pid)
        vitals = self._watch(meter.began + seconds, stopping)
        meter.stop()
        process = roster.described(self._candidate, self._hello, self._state)
        if process is None or kernel.start_ticks(pid) != self._start:
            raise NotFound(f"process {pid} is gone", next="pyrometer ps lists what there is", reason="TARGET_GONE")
        after = cgroups.throttling(pid)
        allowance = Allowance(after, throttled_share(before, after), cgroups.memory(pid), cgroups.oom_kills(pid))
        own = set(self._hello.threads) if self._hello else set()
        delay = meter.delay_percent(own)
        return ProcessMetrics(
            process=replace(process, cpu_percent=meter.percent(own)),
            time=time.time(),
            window=meter.seconds,
            allowance=allowance,
            times=kernel.times_of(pid),
            delay_percent=delay,
            peak_rss=kernel.memory_of(pid, "VmHWM"),
            swap=kernel.memory_of(pid, "VmSwap"),
            descriptors=kernel.descriptors_of(pid),
            descriptor_limit=kernel.descriptor_limit(pid),
            vitals=vitals,
            prefixes=tuple(self._hello.prefixes) if self._hello else (),
            unknown=reasons(pid, allowance, vitals, self._silence, delay_known=delay is not None),
        )

    def _greet(self) -> None:
        """Connect, where that has not been done or has failed."""
        if not self._candidate.addresses or self._hello is not None:
            return
        try:
            if self._link is None:
                self._link = self._candidate.open()
            self._hello = self._link.await_hello(time.monotonic() + roster.HELLO_TIMEOUT)
            self._state, self._silence = "ok", ""
        except LinkError as error:
            self._fail(error)

    def _watch(self, end: float, stopping: Callable[[], bool]) -> Vitals | None:
        """Have the agent watch until `end` (monotonic seconds); what is left of the time is waited for."""
        vitals: Vitals | None = None
        while (left := end - time.monotonic()) > 0 and not stopping():
            piece = min(left, _PIECE)
            said = self._ask(piece)
            if said is not None:
                vitals = merged(vitals, said)
            elif (left := end - time.monotonic()) > 0:
                time.sleep(min(left, _PIECE))
        return vitals

    def _ask(self, seconds: float) -> Vitals | None:
        if self._link is None or self._hello is None:
            return None
        if "vitals" not in self._hello.features:
            self._silence = _OLDER
            return None
        try:
            if self._late:  # whatever was asked for is answered before this
                self._link.call("ping", time.monotonic() + seconds)
                self._late = False
            reply = self._link.call("vitals", time.monotonic() + seconds + _PATIENCE, seconds=round(seconds, 3))
            self._state, self._silence = "ok", ""
            return vitals_from(reply)
        except LinkError as error:
            self._fail(error)
            return None

    def _fail(self, error: LinkError) -> None:
        if isinstance(error, AgentBusy):
            self._state, self._silence, self._late = "busy", _SILENT, self._hello is not None
            return
        if isinstance(error, LinkClosed):
            self._state, self._silence = "none", f"the link to its agent ended: {error.message}"
        else:
            self._state, self._silence = "refused", f"its agent refused: {error.message}"
        self.close()
        self._hello, self._late = None, False


class Watch:
    """Measures all processes of a request in rounds, those that start meanwhile too."""

    def __init__(self, find: Callable[[], list[Candidate]], stopping: Callable[[], bool]) -> None:
        self._find = find
        self._stopping = stopping
        self._observers: dict[int, Observer] = {}
        self._found: list[Candidate] = []
        self._gone: set[int] = set()

    def rounds(self, interval: float, count: int) -> Iterator[tuple[int, ProcessMetrics | Failure]]:
        """Number of the round and one process's result. Ends early where no process is left."""
        try:
            for number in range(count):
                found = self._candidates()
                if self._stopping() or not found:
                    return
                for result in self._round(found, interval):
                    yield number, result
        finally:
            for observer in self._observers.values():
                observer.close()

    def _candidates(self) -> list[Candidate]:
        """Those that are there now. One of them that is gone is to be told, and not to end the watch of the others."""
        try:
            self._found = self._find()
        except LinkError:
            if not self._found:
                raise
        return [candidate for candidate in self._found if candidate.pid not in self._gone]

    def _round(self, found: list[Candidate], interval: float) -> list[ProcessMetrics | Failure]:
        with ThreadPoolExecutor(min(_MAX_WORKERS, len(found)), thread_name_prefix="metrics") as pool:
            return list(pool.map(lambda candidate: self._measure(candidate, interval), found))

    def _measure(self, candidate: Candidate, interval: float) -> ProcessMetrics | Failure:
        observer = self._observers.get(candidate.pid)
        if observer is None:
            observer = self._observers[candidate.pid] = Observer(candidate)
        try:
            return observer.measure(interval, self._stopping)
        except LinkError as error:
            observer.close()
            self._gone.add(candidate.pid)
            return Failure(candidate.pid, error)
