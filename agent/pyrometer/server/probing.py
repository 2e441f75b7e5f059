"""One probe over many processes: armed in all of a service, also in those that start later, hits shared out exactly.

Each process has a thread of its own here, which is one conversation with its agent: it arms, listens, and pings, so
that the agent knows that somebody is still there. What they hear comes together in one queue.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pyrometer.link.errors import (
    AmbiguousPlace,
    LinkClosed,
    LinkError,
    NoSuchFunction,
    NoSuchPlace,
    SourceChanged,
    UnknownOperation,
)
from pyrometer.link.model import NOT_YET, ProbeCounters, ProbeSpec
from pyrometer.server import roster
from pyrometer.server.links import AgentBusy, AgentLink
from pyrometer.server.roster import Candidate

PING = 0.5
"""Seconds between two signs of life to an armed agent."""
_ARM_TIMEOUT, _LEAST_ARM_TIMEOUT = 10.0, 3.0
"""Seconds within which an agent must have answered: a probe's own time, but for short ones and long ones."""
_CALL_TIMEOUT = 3.0
_PROGRESS = 1.0
_DISCOVERY = 0.5
_CONTEXT = (3, 2)
"""Lines of source before and after the one of a frame."""
_MAX_CHAINED = 20
_LIVE = ("PENDING", "ARMED", "PAUSED")
_MISPLACED = tuple(each.reason for each in (NoSuchPlace, NoSuchFunction, AmbiguousPlace, SourceChanged))
VERDICT_WAIT = 0.25
"""Seconds that the end waits for what became of the exceptions of the hits."""


@dataclass(frozen=True)
class State:
    """A probe's state in one process, when it changes."""

    pid: int
    status: ProbeCounters


@dataclass(frozen=True)
class Hit:
    """What was captured, in the link's form, with source lines by (file, line)."""

    pid: int
    probe_id: str
    hit: dict[str, Any]
    sources: dict[tuple[str, int], list[tuple[int, str]]]
    prefixes: tuple[str, ...]
    changed_files: tuple[str, ...] = ()
    """Files of its frames that were changed after they were loaded."""

    @property
    def hit_id(self) -> str:
        """Its id among the hits of its process."""
        return str(self.hit.get("hit_id", ""))

    @property
    def awaits_verdict(self) -> bool:
        """Whether its agent will tell what became of its exception."""
        raised = self.hit.get("exception")
        return isinstance(raised, dict) and raised.get("handled_why") == NOT_YET


@dataclass(frozen=True)
class Verdict:
    """What became of the exception of an earlier hit."""

    pid: int
    probe_id: str
    hit_id: str
    handled: bool | None
    why: str


@dataclass(frozen=True)
class Failure:
    """A process that the probe could not be armed in, or that went away."""

    pid: int
    error: LinkError


@dataclass(frozen=True)
class Progress:
    """Counters of all processes so far."""

    statuses: tuple[tuple[int, ProbeCounters], ...]
    delivered: int


@dataclass(frozen=True)
class Summary:
    """How it ended."""

    state: str
    delivered: int
    surplus: int
    statuses: tuple[tuple[int, ProbeCounters], ...]
    failures: tuple[Failure, ...]


Event = State | Hit | Verdict | Failure | Progress | Summary


_Heard = State | Hit | Verdict | Failure


class ProbeSession:
    """Runs one probe; `run` yields what happens, `stop` ends it from another thread."""

    def __init__(self, spec: ProbeSpec, service: str, pids: list[int]) -> None:
        self._spec = spec
        self._service = service
        self._pids = pids
        self._events: queue.SimpleQueue[_Heard | None] = queue.SimpleQueue()
        self._watches: dict[int, _Watch] = {}
        self._ended = threading.Event()
        self._failures: list[Failure] = []
        self._delivered = 0
        self._surplus = 0
        self._awaited: dict[tuple[int, str], Hit] = {}
        """Hits that were delivered and whose verdict has not come."""
        self._last: Hit | None = None
        """The last hit, while it waits for its verdict."""
        self._patience = float("inf")
        """When that has waited long enough."""

    def stop(self) -> None:
        """End it: nobody watches any more."""
        self._ended.set()
        self._events.put(None)

    def run(self) -> Iterator[Event]:
        """Arm, and yield events until it is over. Closing the iterator disarms.

        Raises:
            LinkError: it could be armed in no process; the first one's reason.
        """
        deadline = time.monotonic() + self._spec.limits.ttl
        try:
            self._discover()
            yield from self._armed()
            yield from self._listen(deadline)
            state = self._state(deadline)
            if self._last is not None:
                yield self._last
        finally:
            self._ended.set()
            for watch in self._watches.values():
                watch.thread.join(_CALL_TIMEOUT + 1)
        self._count_surplus()
        yield Summary(state, self._delivered, self._surplus, self._statuses(), tuple(self._failures))

    def _discover(self) -> None:
        """Start watching processes that are not watched yet."""
        found = roster.candidates(self._service, self._pids)
        if not self._service and not self._pids:
            found = roster.the_only_service(found)
            self._service = found[0].service
        for candidate in found:
            if candidate.pid not in self._watches:
                watch = _Watch(candidate, self._spec, self._events, self._ended)
                self._watches[candidate.pid] = watch
                watch.thread.start()

    def _armed(self) -> Iterator[Event]:
        """Wait until every process has answered; raise if all refused."""
        held: list[Event] = []
        for watch in list(self._watches.values()):
            watch.answered.wait(_ARM_TIMEOUT + 1)
        with contextlib.suppress(queue.Empty):
            while True:
                held.extend(self._take(self._events.get_nowait()))
        if refusal := self._refusal():
            raise refusal
        # A process may be hit before another has answered: first who is armed, then what came.
        yield from sorted(held, key=lambda event: isinstance(event, Hit))

    def _refusal(self) -> LinkError | None:
        """Why nothing can come: all refused, or all that have the code do, and the others have not loaded it.

        gunicorn's master, for one, never loads the file whose lines its workers know.
        """
        if self._failures and len(self._failures) == len(self._watches):
            return self._failures[0].error
        misplaced = [failure.error for failure in self._failures if failure.error.reason in _MISPLACED]
        pending = [watch for watch in self._watches.values() if watch.status and watch.status.state == "PENDING"]
        return misplaced[0] if misplaced and len(misplaced) + len(pending) == len(self._watches) else None

    def _listen(self, deadline: float) -> Iterator[Event]:
        now = time.monotonic()
        told, looked = now, now
        while now < deadline and not self._is_over():
            with contextlib.suppress(queue.Empty):
                yield from self._take(self._events.get(timeout=min(0.2, max(0.0, deadline - now))))
            now = time.monotonic()
            if now >= told + _PROGRESS:
                told = now
                yield Progress(self._statuses(), self._delivered)
            if now >= looked + _DISCOVERY and self._service and not self._pids:
                looked = now
                with contextlib.suppress(LinkError):
                    self._discover()

    def _take(self, event: _Heard | None) -> Iterator[Event]:
        if isinstance(event, Hit):
            yield from self._deliver(event)
            return
        if isinstance(event, Verdict):
            yield from self._judge(event)
            return
        if isinstance(event, Failure):
            self._failures.append(event)
        if event is not None:
            yield event

    def _deliver(self, hit: Hit) -> Iterator[Event]:
        """Deliver a hit if there is still one to deliver; the last one once it has its verdict."""
        if self._delivered >= self._spec.limits.hits:
            self._surplus += 1
            return
        self._delivered += 1
        is_last = self._delivered == self._spec.limits.hits
        if is_last:
            self._patience = time.monotonic() + VERDICT_WAIT
        if hit.awaits_verdict:
            self._awaited[hit.pid, hit.hit_id] = hit
        if is_last and hit.awaits_verdict:
            self._last = hit
        else:
            yield hit

    def _judge(self, verdict: Verdict) -> Iterator[Event]:
        """Tell what became of a hit's exception, in the hit if that waits for it; of surplus ones nothing is told."""
        hit = self._awaited.pop((verdict.pid, verdict.hit_id), None)
        if hit is None:
            return
        if hit is self._last:
            hit.hit["exception"].update(handled=verdict.handled, handled_why=verdict.why)
            self._last = None
            yield hit
        else:
            yield verdict

    def _is_over(self) -> bool:
        if self._ended.is_set():
            return True
        if self._delivered >= self._spec.limits.hits and (not self._awaited or time.monotonic() >= self._patience):
            return True
        return not any(watch.live for watch in self._watches.values()) and self._events.empty()

    def _state(self, deadline: float) -> str:
        if self._delivered >= self._spec.limits.hits:
            return "DONE"
        return "EXPIRED" if time.monotonic() >= deadline or self._ended.is_set() else "FAILED"

    def _count_surplus(self) -> None:
        """Hits that were on their way when the last one was delivered."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._surplus += isinstance(self._events.get_nowait(), Hit)

    def _statuses(self) -> tuple[tuple[int, ProbeCounters], ...]:
        return tuple((pid, watch.status) for pid, watch in sorted(self._watches.items()) if watch.status is not None)


@dataclass
class _Watch:
    """One process and its thread."""

    candidate: Candidate
    spec: ProbeSpec
    events: queue.SimpleQueue[_Heard | None]
    ended: threading.Event
    answered: threading.Event = field(default_factory=threading.Event)
    status: ProbeCounters | None = None
    live: bool = True
    awaited: set[str] = field(default_factory=set)
    """Ids of hits whose verdict has not come."""
    over: float = 0.0
    """When the probe was over; 0: it is not."""

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._work, name=f"probe-{self.candidate.pid}", daemon=True)

    def _work(self) -> None:
        try:
            with contextlib.closing(self._link()) as link:
                self._arm(link)
                self.answered.set()
                self._follow(link)
        except LinkClosed:
            self._fail(LinkError(f"process {self.candidate.pid} is gone", reason="TARGET_GONE"))
        except LinkError as error:
            self._fail(error)
        finally:
            self.live = False
            self.answered.set()
            self.events.put(None)

    def _link(self) -> AgentLink:
        if not self.candidate.addresses:
            raise LinkError(
                f"process {self.candidate.pid} runs without the agent",
                next="pyrometer run -- CMD starts one with it",
                reason="AGENT_MISSING",
            )
        return self.candidate.open()

    def _arm(self, link: AgentLink) -> None:
        deadline = time.monotonic() + max(_LEAST_ARM_TIMEOUT, min(_ARM_TIMEOUT, self.spec.limits.ttl))
        link.await_hello(deadline)
        status: Any = link.call("arm", deadline, probe=self.spec.to_wire()).get("status")
        self.status = ProbeCounters.from_wire(status)
        if self.spec.watch is not None and "open_calls" not in status:  # it has armed the function's first line
            raise UnknownOperation(f"the agent of process {self.candidate.pid} is older and can not watch calls")
        self.events.put(State(self.candidate.pid, self.status))

    def _follow(self, link: AgentLink) -> None:
        asked = 0.0
        while not self.ended.is_set():
            for event in link.events(PING):
                self._hear(link, event)
            now = time.monotonic()
            try:
                if now >= asked + _PROGRESS:
                    asked = now
                    self._ask(link)
                else:
                    link.call("ping", now + _CALL_TIMEOUT)
            except AgentBusy:  # the GIL is held: the probe waits with everybody else
                continue
            if self._is_over(now):
                while events := link.events(0.0):  # hits that came while it was asked
                    for event in events:
                        self._hear(link, event)
                return
        with contextlib.suppress(AgentBusy):
            self._ask(link)

    def _is_over(self, now: float) -> bool:
        """Whether nothing more comes: not even a verdict."""
        if self.status is None or self.status.state in _LIVE:
            return False
        self.over = self.over or now
        return not self.awaited or now >= self.over + VERDICT_WAIT + PING

    def _ask(self, link: AgentLink) -> None:
        answer = link.call("probes", time.monotonic() + _CALL_TIMEOUT)
        statuses = [ProbeCounters.from_wire(each) for each in answer.get("probes", [])]
        ours = [status for status in statuses if status.probe_id == self.spec.probe_id]
        if not ours:
            raise LinkError(f"somebody removed the probe from process {self.candidate.pid}", reason="PROBE_REMOVED")
        self.status = ours[0]

    def _hear(self, link: AgentLink, event: dict[str, Any]) -> None:
        if event.get("probe") != self.spec.probe_id:
            return
        if event.get("event") == "state":
            self.status = ProbeCounters.from_wire(event.get("status"))
            self.events.put(State(self.candidate.pid, self.status))
        elif event.get("event") == "hit" and isinstance(event.get("hit"), dict):
            hello = link.hello
            prefixes = tuple(hello.prefixes) if hello else ()
            hit = event["hit"]
            sources, changed = _sources(link, hit)
            heard = Hit(self.candidate.pid, self.spec.probe_id, hit, sources, prefixes, changed)
            if heard.awaits_verdict:
                self.awaited.add(heard.hit_id)
            self.events.put(heard)
        elif event.get("event") == "verdict":
            self._hear_verdict(event)

    def _hear_verdict(self, event: dict[str, Any]) -> None:
        hit_id, handled = str(event.get("hit_id")), event.get("handled")
        if hit_id in self.awaited and (handled is None or isinstance(handled, bool)):
            self.awaited.discard(hit_id)
            why = str(event.get("handled_why", ""))
            self.events.put(Verdict(self.candidate.pid, self.spec.probe_id, hit_id, handled, why))

    def _fail(self, error: LinkError) -> None:
        self.events.put(Failure(self.candidate.pid, error))


def _sources(
    link: AgentLink, hit: dict[str, Any]
) -> tuple[dict[tuple[str, int], list[tuple[int, str]]], tuple[str, ...]]:
    """Lines around each frame's, and the files whose lines are others by now; what can't be had is left out."""
    try:
        frames = [*hit["frames"], *_frames_below(hit.get("exception"))]
        places = list({(str(frame["file"]), int(frame["line"])) for frame in frames})
        asked = [[file, line, *_CONTEXT] for file, line in places]
        answer = link.call("source", time.monotonic() + _CALL_TIMEOUT, lines=asked)
        sources = {
            place: [(int(number), str(text)) for number, text in found]
            for place, found in zip(places, answer["lines"], strict=True)
            if found
        }
        return sources, tuple(str(file) for file in answer.get("changed", ()))
    except (AgentBusy, LinkError, KeyError, TypeError, ValueError):
        return {}, ()


def _frames_below(raised: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Frames of the exceptions that one is chained to."""
    if not isinstance(raised, dict) or depth > _MAX_CHAINED:
        return
    yield from raised.get("frames", [])
    for each in (raised.get("cause"), raised.get("context"), *raised.get("exceptions", [])):
        yield from _frames_below(each, depth + 1)


def list_probes(found: list[Candidate]) -> tuple[list[tuple[int, ProbeCounters]], list[Failure]]:
    """What is armed in each process, whoever armed it."""
    probes: list[tuple[int, ProbeCounters]] = []
    failures: list[Failure] = []
    for candidate in found:
        try:
            with contextlib.closing(candidate.open()) as link:
                link.await_hello(time.monotonic() + _CALL_TIMEOUT)
                answer = link.call("probes", time.monotonic() + _CALL_TIMEOUT)
                statuses = [ProbeCounters.from_wire(each) for each in answer.get("probes", [])]
                probes += [(candidate.pid, status) for status in statuses if status.state in _LIVE]
        except LinkError as error:
            failures.append(Failure(candidate.pid, error))
    return probes, failures


def remove_probes(found: list[Candidate], probe_ids: list[str]) -> list[str]:
    """Remove probes by their ids in every process, whoever armed them; returns those that were there."""
    gone: set[str] = set()
    for candidate in found:
        with contextlib.suppress(LinkError), contextlib.closing(candidate.open()) as link:
            link.await_hello(time.monotonic() + _CALL_TIMEOUT)
            answer = link.call("disarm", time.monotonic() + _CALL_TIMEOUT, probe_ids=probe_ids, others=True)
            gone.update(str(each) for each in answer.get("probe_ids", []))
    return sorted(gone)
