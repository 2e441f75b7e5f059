"""ProfileService: recordings of many processes at once, streamed as they are made."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import grpc

from pyrometer.link.errors import BadRequest, LinkError, Refused
from pyrometer.server import kernel, roster
from pyrometer.server.convert import error_to_message
from pyrometer.server.links import AgentLink
from pyrometer.server.profiling import pprof
from pyrometer.server.profiling.model import Mode, Progress, Recorded, Request, Source, Target
from pyrometer.server.profiling.recording import Recording
from pyrometer.server.roster import Candidate
from pyrometer.server.wording import text
from pyrometer.v1 import profile_pb2, rpc, stack_pb2
from pyrometer.v1 import profile_service_pb2 as messages

_CALL_TIMEOUT = 5.0
_OWNER_SAYS_NO = ("DISABLED", "POLICY_UNREADABLE", "REFUSED_BY_POLICY")
"""Refusals that hold for reading from outside as well."""
_MODES = {
    profile_pb2.PROFILE_MODE_UNSPECIFIED: None,
    profile_pb2.PROFILE_MODE_CPU: Mode.CPU,
    profile_pb2.PROFILE_MODE_WALL: Mode.WALL,
    profile_pb2.PROFILE_MODE_GIL: Mode.GIL,
}
_SOURCES = {
    stack_pb2.SOURCE_UNSPECIFIED: None,
    stack_pb2.SOURCE_AGENT: Source.AGENT,
    stack_pb2.SOURCE_OUTSIDE: Source.OUTSIDE,
}


class NothingSampled(LinkError):
    """The recording has no sample."""

    reason = "NOTHING_CAPTURED"


class ProfileServicer:
    """Records profiles."""

    def RecordProfile(
        self, requests: Iterator[messages.RecordProfileRequest], context: grpc.ServicerContext
    ) -> Iterator[messages.RecordProfileResponse]:
        """Record until the time is over or the client says stop; then the summary and the profile."""
        first = next(requests, None)
        if first is None or first.WhichOneof("command") != "start":
            raise BadRequest("a recording begins with a start")
        with contextlib.ExitStack() as links:
            recording = Recording(_targets(first.start, links), _request(first.start))
            context.add_callback(recording.stop)
            threading.Thread(target=_await_stop, args=(requests, recording), daemon=True, name="stop").start()
            for progress in recording.run():
                yield messages.RecordProfileResponse(progress=_progress(progress))
                if recording.part is not None:
                    yield from _part(recording.part)
                    recording.part = None
        recorded = recording.result
        if recorded is None or not recorded.samples:
            raise _nothing(recorded, recording.mode, tasks=first.start.tasks)
        data = pprof.encode(recorded)
        yield messages.RecordProfileResponse(summary=_summary(recorded, len(data)))
        yield from _chunks(data)


def _part(recorded: Recorded) -> Iterator[messages.RecordProfileResponse]:
    data = pprof.encode(recorded) if recorded.samples else b""
    yield messages.RecordProfileResponse(part=_summary(recorded, len(data)))
    yield from _chunks(data)


def _chunks(data: bytes) -> Iterator[messages.RecordProfileResponse]:
    for at in range(0, len(data), rpc.CHUNK):
        yield messages.RecordProfileResponse(chunk=data[at : at + rpc.CHUNK])


def _await_stop(requests: Iterator[messages.RecordProfileRequest], recording: Recording) -> None:
    """A stop ends the recording; the client's half-close alone does not."""
    with contextlib.suppress(grpc.RpcError, Exception):
        for request in requests:
            if request.WhichOneof("command") == "stop":
                recording.stop()


def _request(start: messages.RecordStart) -> Request:
    default = Request()
    return Request(
        seconds=start.duration.ToMicroseconds() / 1e6 if start.HasField("duration") else default.seconds,
        rate=start.rate or default.rate,
        mode=_MODES.get(start.mode),
        source=_SOURCES.get(start.source),
        native=start.native,
        pause=start.pause,
        tasks=start.tasks,
        part_every=start.part_every.ToMicroseconds() / 1e6,
        window=start.window.ToMicroseconds() / 1e6 if start.HasField("window") else default.window,
    )


def _targets(start: messages.RecordStart, links: contextlib.ExitStack) -> list[Target]:
    found = roster.candidates(start.service, start.pids)
    if not start.service and not start.pids:
        found = roster.the_only_service(found)
    asked_for = start.source == stack_pb2.SOURCE_AGENT or start.tasks
    until = time.monotonic() + (_CALL_TIMEOUT if asked_for else 0.0)
    return [_target(candidate, links, until, asked_for=asked_for) for candidate in found]


def _target(candidate: Candidate, links: contextlib.ExitStack, until: float, *, asked_for: bool) -> Target:
    """A process with the ways to its agent, if it answers: the link stays open as long as the recording.

    Where the agent was asked for, nothing else will do, so it has until then to answer, and why it did not is told.
    """
    ticks = kernel.start_ticks(candidate.pid)
    bare = Target(candidate.pid, candidate.service, start_ticks=ticks)
    if not candidate.addresses:
        return bare
    try:
        link = candidate.open()
        links.callback(link.close)
        hello = link.await_hello(max(until, time.monotonic() + roster.HELLO_TIMEOUT))
    except LinkError as error:
        refused = asked_for or candidate.refused is not None or error.reason in _OWNER_SAYS_NO
        return replace(bare, refused=error) if refused else bare
    if "sample" not in hello.features:
        return replace(bare, refused=Refused("the owner's policy forbids record here"))
    return Target(
        candidate.pid,
        hello.service,
        tuple(hello.argv),
        tuple(hello.prefixes),
        start_ticks=ticks,
        own_threads=frozenset(hello.threads),
        sample_start=_asking(link, "sample", lambda rate, tasks: {"rate": rate, "tasks": tasks}),
        sample_take=_asking(link, "sampled", dict),
        sample_stop=_asking(link, "sample", lambda: {"rate": 0}),
    )


def _asking(link: AgentLink, operation: str, fields: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def ask(*arguments: Any) -> dict[str, Any]:
        return link.call(operation, time.monotonic() + _CALL_TIMEOUT, **fields(*arguments))

    return ask


def _nothing(recorded: Recorded | None, mode: Mode, *, tasks: bool) -> LinkError:
    if recorded is not None and recorded.failures:
        return recorded.failures[0].error
    if tasks:
        return NothingSampled(
            "no sample was taken: asyncio has no task there", next="leave --tasks out: threads are seen then"
        )
    idle = mode is not Mode.WALL
    return NothingSampled(
        "no sample was taken: no thread used a processor" if idle else "no sample was taken",
        next="--mode wall also sees threads that wait" if idle else "",
    )


def _progress(progress: Progress) -> profile_pb2.RecordProgress:
    message = profile_pb2.RecordProgress(
        samples=progress.samples, missed=progress.missed, rate=progress.rate, processes=progress.processes
    )
    message.elapsed.FromMicroseconds(int(progress.elapsed * 1e6))
    return message


def _summary(recorded: Recorded, size: int) -> profile_pb2.RecordSummary:
    source = "BOTH" if recorded.source is None else recorded.source.name
    message = profile_pb2.RecordSummary(
        source=stack_pb2.Source.Value(f"SOURCE_{source}"),
        reason=text(recorded.reason),
        mode=profile_pb2.ProfileMode.Value(f"PROFILE_MODE_{recorded.mode.name}"),
        rate_asked=recorded.rate_asked,
        rate=recorded.rate,
        samples=recorded.samples,
        missed=recorded.missed,
        own_cpu_seconds=recorded.own_cpu_seconds,
        pids=[target.pid for target in recorded.targets],
        errors=[error_to_message(failure.pid, failure.error) for failure in recorded.failures],
        profile_bytes=size,
        paused=recorded.paused,
        tasks=recorded.tasks,
    )
    message.duration.FromMicroseconds(int(recorded.seconds * 1e6))
    return message
