"""Probes and hits between the link's form and the API's messages: where they are born and die."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pyrometer.link.errors import BadRequest, LinkError
from pyrometer.link.model import CallWatch, ProbeCounters, ProbeLimits, ProbeSpec
from pyrometer.server import probing
from pyrometer.server.convert import error_to_message
from pyrometer.server.errors import detail
from pyrometer.server.origins import origin_of
from pyrometer.server.values import named_to_message, value_to_message
from pyrometer.server.wording import text, whole
from pyrometer.v1 import probe_pb2, stack_pb2
from pyrometer.v1 import probe_service_pb2 as messages

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration

_MAX_DEPTH = 20
"""Exceptions that are chained to each other."""
__all__ = ["error_to_message", "event_to_message", "spec_from_message", "status_to_message"]

_FRAMES_OF_A_CALL = 1
"""Frames of a watched call that are shown if nobody says how many."""
_LONGEST = 1e8
"""Seconds that a call may have lasted; three years."""


def spec_from_message(message: probe_pb2.Probe, probe_id: str, lease: float) -> ProbeSpec:
    """The probe that a client asks for. Raises BadRequest."""
    place = message.WhichOneof("location")
    if place is None:
        raise BadRequest("a probe needs a place: a line, a function or an exception")
    line, function, exception = message.line, message.function, message.exception
    where = {
        "line": f"{line.file}:{line.line}",
        "function": f"{function.module}:{function.function}",
        "exception": exception.type + (f" in {exception.scope}" if exception.scope else ""),
    }[place]
    spec = ProbeSpec(
        probe_id=probe_id,
        where=where,
        line=(line.file, line.line) if place == "line" else None,
        function=(function.module, function.function) if place == "function" else None,
        exception=(exception.type, exception.scope) if place == "exception" else None,
        condition=message.condition,
        expressions=tuple(message.expressions),
        limits=_limits(message.limits, _FRAMES_OF_A_CALL if message.HasField("watch") else 0),
        lease=lease,
        template=message.template,
        watch=CallWatch(message.watch.locals) if message.HasField("watch") else None,
        force=message.force,
        unhandled=message.unhandled,
    )
    wire = spec.to_wire()
    for name in ("line", "function", "exception"):
        wire[name] = list(wire[name]) if wire[name] else None
    return ProbeSpec.from_wire({**wire, "expressions": list(spec.expressions)})


def _limits(message: probe_pb2.ProbeLimits, frames: int) -> ProbeLimits:
    """Limits, with the defaults for what was not said; `frames`: another one than usual, or 0."""
    default = ProbeLimits()
    return ProbeLimits(
        hits=message.hits or default.hits,
        rate=message.rate or default.rate,
        ttl=message.ttl.ToMicroseconds() / 1e6 if message.HasField("ttl") else default.ttl,
        frames=message.frames or frames or default.frames,
        depth=message.depth or default.depth,
        items=message.items or default.items,
        length=message.length or default.length,
    )


def status_to_message(pid: int, status: ProbeCounters) -> probe_pb2.ProbeStatus:
    """What a probe did in one process."""
    message = probe_pb2.ProbeStatus(
        probe_id=status.probe_id,
        pid=pid,
        where=text(status.where),
        condition=text(status.condition),
        state=probe_pb2.ProbeState.Value(f"PROBE_STATE_{status.state}"),
        reason=text(status.reason),
        by=text(status.by),
        reached=whole(status.reached, 64),
        condition_false=whole(status.condition_false, 64),
        matched=whole(status.matched, 64),
        rate_limited=whole(status.rate_limited, 64),
        dropped=whole(status.dropped, 64),
        errors=whole(status.errors, 64),
        sampled_share=status.sampled_share,
        cost_ns_per_hit=status.cost_ns_per_hit,
        cpu_share=status.cpu_share,
        last_error=text(status.last_error),
        open_calls=whole(status.open_calls, 64),
        handled=whole(status.handled, 64),
        undecided=whole(status.undecided, 64),
        last_handled=text(status.last_handled),
    )
    if status.open_calls:
        _set_seconds(message.oldest_open_call, status.oldest_open_call)
    message.expires.FromMicroseconds(int((time.time() + status.expires_in) * 1e6))
    return message


def _set_seconds(message: Duration, seconds: float) -> None:
    """Set a duration; what is out of its range, as only an agent that lies sends it, is cut to it."""
    message.FromNanoseconds(int(max(0.0, min(_LONGEST, float(seconds))) * 1e9))


def event_to_message(event: probing.Event) -> messages.OpenProbeResponse:
    """One message of the stream."""
    if isinstance(event, probing.Progress):
        statuses = [status_to_message(pid, status) for pid, status in event.statuses]
        return messages.OpenProbeResponse(progress=messages.ProbeProgress(statuses=statuses, delivered=event.delivered))
    if isinstance(event, probing.Summary):
        return messages.OpenProbeResponse(summary=_summary(event))
    if isinstance(event, probing.State):
        status = status_to_message(event.pid, event.status)
        return _event(probe_pb2.ProbeEvent(probe_id=status.probe_id, pid=event.pid, state=status))
    if isinstance(event, probing.Failure):
        return _event(probe_pb2.ProbeEvent(pid=event.pid, error=detail(event.error)))
    if isinstance(event, probing.Verdict):
        verdict = probe_pb2.Verdict(hit_id=text(event.hit_id), handled=event.handled, handled_why=text(event.why))
        return _event(probe_pb2.ProbeEvent(probe_id=event.probe_id, pid=event.pid, verdict=verdict))
    try:
        return _event(probe_pb2.ProbeEvent(probe_id=event.probe_id, pid=event.pid, hit=_hit(event)))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        error = LinkError("a hit of its agent's has another shape than agreed", reason="TARGET_GONE")
        return _event(probe_pb2.ProbeEvent(pid=event.pid, error=detail(error)))


def _event(event: probe_pb2.ProbeEvent) -> messages.OpenProbeResponse:
    return messages.OpenProbeResponse(event=event)


def _summary(summary: probing.Summary) -> messages.ProbeSummary:
    return messages.ProbeSummary(
        delivered=summary.delivered,
        surplus=summary.surplus,
        state=probe_pb2.ProbeState.Value(f"PROBE_STATE_{summary.state}"),
        statuses=[status_to_message(pid, status) for pid, status in summary.statuses],
        errors=[error_to_message(failure.pid, failure.error) for failure in summary.failures],
    )


def _hit(event: probing.Hit) -> probe_pb2.Hit:
    hit = event.hit
    message = probe_pb2.Hit(
        hit_id=text(str(hit.get("hit_id", ""))),
        thread=text(str(hit.get("thread", ""))),
        frames=[_frame(frame, event) for frame in hit.get("frames", [])],
        frames_left_out=whole(hit.get("left_out", 0)),
        expressions=[named_to_message(name, value) for name, value in hit.get("expressions", [])],
        trace_id=text(str(hit.get("trace_id", ""))),
        span_id=text(str(hit.get("span_id", ""))),
        pause_seconds=float(hit.get("pause", 0.0)),
        changed_files=[text(file) for file in event.changed_files],
    )
    message.time.FromMicroseconds(int(float(hit.get("time", 0.0)) * 1e6))
    if "message" in hit:
        message.message = text(str(hit["message"]))
    if "elapsed" in hit:
        _add_call(message, hit)
    raised = hit.get("exception")
    if raised is not None:
        message.exception.CopyFrom(_exception(raised, event))
        message.exception.handled_why = text(str(raised["handled_why"]))
        if raised["handled"] is not None:
            message.exception.handled = raised["handled"]
    return message


def _exception(raised: dict[str, Any], event: probing.Hit, depth: int = 0) -> probe_pb2.ExceptionInfo:
    """An exception with those that it is chained to. Raises ValueError where that goes deeper than agents go."""
    if depth > _MAX_DEPTH:
        raise ValueError("exceptions are chained too deeply")
    message = probe_pb2.ExceptionInfo(
        type=text(str(raised["type"])),
        message=text(str(raised["message"])),
        notes=[text(str(note)) for note in raised.get("notes", [])],
        exceptions=[_exception(each, event, depth + 1) for each in raised.get("exceptions", [])],
        left_out=whole(raised.get("left_out", 0)),
        frames=[_frame(frame, event) for frame in raised.get("frames", [])],
    )
    if raised.get("cause") is not None:
        message.cause.CopyFrom(_exception(raised["cause"], event, depth + 1))
    if raised.get("context") is not None:
        message.context.CopyFrom(_exception(raised["context"], event, depth + 1))
    return message


def _add_call(message: probe_pb2.Hit, hit: dict[str, Any]) -> None:
    """What the hit of a watched call has beside those of other probes."""
    _set_seconds(message.elapsed, hit["elapsed"])
    if hit["suspended"] is not None:
        _set_seconds(message.suspended, hit["suspended"])
    if hit["returned"] is not None:
        message.returned.CopyFrom(value_to_message(hit["returned"]))
    message.arguments.extend(named_to_message(name, value) for name, value in hit["arguments"])


def _frame(frame: dict[str, Any], event: probing.Hit) -> stack_pb2.Frame:
    file, line = str(frame["file"]), int(frame["line"])
    around = event.sources.get((file, line), [])
    variables = frame.get("locals")
    return stack_pb2.Frame(
        function=text(str(frame["function"])),
        file=text(file),
        line=whole(line),
        source=text(next((words.strip() for number, words in around if number == line), "")),
        origin=stack_pb2.FrameOrigin.Value(f"FRAME_ORIGIN_{origin_of(file, event.prefixes)}"),
        locals=[named_to_message(name, value) for name, value in variables or []],
        has_locals=variables is not None,
        context=[stack_pb2.SourceLine(line=whole(number), text=text(words)) for number, words in around],
        module=text(str(frame.get("module", ""))),
    )
