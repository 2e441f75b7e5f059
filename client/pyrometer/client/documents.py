"""From the API's messages to the documents of `-o json`: the keys that others rely on. Wire types end here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from pyrometer.v1 import error_pb2, metrics_pb2, probe_pb2, process_pb2, stack_pb2, value_pb2

Document = dict[str, Any]


def print_json(verb: str, document: Document) -> None:
    """Print one document, with its schema's name first.

    What holds no other object or list is on one line: frames can be read so, and thousands of them are written quickly.
    """
    sys.stdout.write(_spread({"schema": f"pyrometer.{verb}/v1", **document}, "\n") + "\n")


def _spread(value: Any, newline: str) -> str:
    """JSON of a value; `newline`: a line's end with the indentation of the line that begins the value."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not any(isinstance(member, (dict, list)) and member for member in members):
        return json.dumps(value)
    deeper = f"{newline}  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_spread(member, deeper)}" for key, member in value.items()]
        return f"{{{deeper}{f',{deeper}'.join(parts)}{newline}}}"
    return f"[{deeper}{f',{deeper}'.join(_spread(member, deeper) for member in value)}{newline}]"


def print_lines(verb: str, documents: Iterable[Document]) -> None:
    """Print documents a line each, every line as soon as it is there."""
    for document in documents:
        sys.stdout.write(json.dumps({"schema": f"pyrometer.{verb}/v1", **document}) + "\n")
        sys.stdout.flush()


def process(message: process_pb2.Process) -> Document:
    """A process of `ps`."""
    return {
        "pid": message.pid,
        "service": message.service or None,
        "python": message.python or None,
        "argv": list(message.argv),
        "uptime_seconds": message.uptime.ToMicroseconds() / 1e6,
        "agent": enum(message, "agent", "AGENT_STATE_"),
        "threads": message.threads,
        "rss_bytes": message.rss_bytes,
        "cpu_percent": optional(message, "cpu_percent"),
        "uid": message.uid,
        "parent_pid": message.parent_pid,
    }


def error(message: error_pb2.ProcessError) -> Document:
    """Why one process of several was not served."""
    detail = message.error
    document = {"pid": message.pid, "reason": detail.reason, "message": detail.message}
    return {**document, "next": detail.next} if detail.next else document


def check(message: process_pb2.Check, pid: int) -> Document:
    """A check of `doctor` of one process."""
    return {
        "name": message.name,
        "ok": message.ok,
        "cause": message.cause,
        "confirm": message.confirm or None,
        "remedy": message.remedy or None,
        "pid": pid,
    }


def metrics(message: metrics_pb2.ProcessMetrics) -> Document:
    """A process of `info`; `reasons` says of what is null why."""
    loops = [_loop(each) for each in message.event_loops] if message.has_event_loops else None
    return {
        **process(message.process),
        "time": _time(message.time),
        "window_seconds": message.window.ToMicroseconds() / 1e6,
        **{name: optional(message, name) for name in ("cpu_user_seconds", "cpu_system_seconds", "cpu_delay_percent")},
        **{name: optional(message, name) for name in ("peak_rss_bytes", "swap_bytes")},
        **{name: optional(message, name) for name in ("descriptors", "descriptor_limit")},
        "gc": _collector(message.gc) if message.HasField("gc") else None,
        "event_loops": loops,
        "probes": optional(message, "probes"),
        "cgroup": {field.name: optional(message.cgroup, field.name) for field in message.cgroup.DESCRIPTOR.fields},
        "reasons": {each.field: each.reason for each in message.unknown},
    }


def _collector(message: metrics_pb2.GcMetrics) -> Document:
    return {
        "enabled": message.enabled,
        "counts": list(message.counts),
        "collections": list(message.collections),
        "collected": message.collected,
        "uncollectable": message.uncollectable,
        "pause_seconds": optional(message, "pause_seconds"),
    }


def _loop(message: metrics_pb2.EventLoopMetrics) -> Document:
    return {
        "thread": message.thread,
        "os_id": message.os_id,
        "lag_seconds": optional(message, "lag_seconds"),
        "busy_share": message.busy_share,
        "looks": message.looks,
        "frames": [frame(each) for each in message.frames],
    }


def stacks(message: stack_pb2.ProcessStacks) -> Document:
    """A process of `dump`."""
    threads = [thread(each) for each in message.threads]
    return {
        "pid": message.pid,
        "service": message.service or None,
        "argv": list(message.argv),
        "source": enum(message, "source", "SOURCE_"),
        "reason": message.reason or None,
        "cpu_percent": optional(message, "cpu_percent"),
        "threads": threads,
        "threads_left_out": message.threads_left_out,
        "event_loops": [event_loop(each) for each in message.event_loops] if message.has_tasks else None,
        "tasks": [task(each) for each in message.tasks] if message.has_tasks else None,
        "tasks_left_out": message.tasks_left_out,
        "greenlets": [greenlet(each) for each in message.greenlets] if _seeks_greenlets(message) else None,
        "greenlets_left_out": message.greenlets_left_out,
        "locals_reason": message.locals_reason or None,
        "changed_files": list(message.changed_files),
        **_deadlocks(message, threads),
    }


def _seeks_greenlets(message: stack_pb2.ProcessStacks) -> bool:
    return message.has_tasks and not message.greenlets_not_sought


def greenlet(message: stack_pb2.GreenletStack) -> Document:
    """A greenlet, its frames innermost first."""
    return {
        "name": message.name,
        "state": enum(message, "state", "GREENLET_STATE_"),
        "frames": [frame(each) for each in message.frames],
        "frames_left_out": message.frames_left_out,
    }


def event_loop(message: stack_pb2.EventLoop) -> Document:
    """A loop that runs, or that has tasks."""
    return {"id": message.id, "thread": message.thread or None, "type": message.type or None, "tasks": message.tasks}


def task(message: stack_pb2.TaskStack) -> Document:
    """A task of asyncio, its frames innermost first."""
    return {
        "id": message.id,
        "name": message.name,
        "loop_id": message.loop_id,
        "state": enum(message, "state", "TASK_STATE_"),
        "cancelling": message.cancelling,
        "coroutine": message.coroutine,
        "suspended_seconds": optional(message, "suspended_seconds"),
        "awaited_by": list(message.awaited_by),
        "awaited_by_ids": list(message.awaited_by_ids),
        "waits_for": _wait(message),
        "alike": message.alike,
        "frames": [frame(each) for each in message.frames],
        "frames_left_out": message.frames_left_out,
    }


def _wait(message: stack_pb2.ThreadStack | stack_pb2.TaskStack) -> Document | None:
    """What it waits for; None: nothing, or not known."""
    if not message.HasField("waits_for"):
        return None
    return {"kind": message.waits_for.kind, "owner": optional(message.waits_for, "owner")}


def thread(message: stack_pb2.ThreadStack) -> Document:
    """A thread, its frames innermost first."""
    return {
        "name": message.name,
        "os_id": message.os_id,
        "state": enum(message, "state", "THREAD_STATE_"),
        "cpu_percent": optional(message, "cpu_percent"),
        "moved": optional(message, "moved"),
        "holds_gil": optional(message, "holds_gil"),
        "gil_percent": optional(message, "gil_percent"),
        "waits_for": wait(message.waits_for) if message.HasField("waits_for") else None,
        "deadlock": None,
        "frames": [frame(each) for each in message.frames],
        "frames_left_out": message.frames_left_out,
    }


def wait(message: stack_pb2.Wait) -> Document:
    """What a thread waits for."""
    return {
        "kind": message.kind,
        "owner": optional(message, "owner"),
        "owner_os_id": message.owner_os_id or None,
        "name": message.name or None,
        "frame": message.frame,
        "timed": message.timed,
        "taken": frame(message.taken) if message.HasField("taken") else None,
        "taken_name": message.taken_name or None,
    }


def _deadlocks(message: stack_pb2.ProcessStacks, threads: list[Document]) -> Document:
    """The keys that say which threads wait for each other; marks those threads with the number of their deadlock."""
    named = []
    for number, found in enumerate(message.deadlocks):
        members = [threads[index] for index in found.threads if index < len(threads)]
        for member in members:
            member["deadlock"] = number
        named.append([member["name"] for member in members])
    lasted = [found.duration.ToMicroseconds() / 1e6 for found in message.deadlocks]
    return {"deadlocks": named, "deadlock_seconds": min(lasted, default=None)}


def frame(message: stack_pb2.Frame) -> Document:
    """A frame, with its values where they were captured."""
    return {
        "function": message.function,
        "file": message.file,
        "line": message.line or None,
        "module": message.module or None,
        "source": message.source or None,
        "origin": enum(message, "origin", "FRAME_ORIGIN_"),
        "locals": named(message.locals) if message.has_locals else None,
    }


def enum(message: Any, field: str, prefix: str) -> str | None:
    """An enum's value as a lower-case word; None for UNSPECIFIED and for what a newer server means."""
    known = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(getattr(message, field))
    if known is None:
        return None
    word: str = known.name.removeprefix(prefix).lower()
    return None if word == "unspecified" else word


def optional(message: Any, field: str) -> Any:
    """A field that may be absent, as None then."""
    return getattr(message, field) if message.HasField(field) else None


def value(message: value_pb2.Value) -> Document:
    """A captured value; what is absent is left out."""
    kind = enum(message, "kind", "VALUE_KIND_") or "unreadable"
    document: Document = {"type": message.type, "kind": kind}
    if message.WhichOneof("scalar"):
        document["value"] = _scalar(message)
    if kind in ("list", "tuple", "set"):
        document["items"] = [value(item) for item in message.items]
    if kind == "dict":
        document["entries"] = [{"key": value(entry.key), "value": value(entry.value)} for entry in message.entries]
    if message.fields or kind == "object":
        document["fields"] = named(message.fields)
    if message.HasField("size"):
        document["size"] = message.size
    if message.HasField("ref_id"):
        document["ref"] = message.ref_id
    if message.why or kind in ("redacted", "unreadable"):
        document["why"] = message.why or "not said"
    return document


def named(values: Iterable[value_pb2.NamedValue]) -> Document:
    """Values by name, in their order."""
    return {each.name: value(each.value) for each in values}


def _scalar(message: value_pb2.Value) -> bool | int | float | str:
    which = message.WhichOneof("scalar")
    if which == "bool_value":
        return message.bool_value
    if which == "float_value":
        number = message.float_value
        return number if number - number == 0 else str(number)
    if which == "bytes_value":
        return message.bytes_value.decode("latin-1")
    if which == "int_value" and len(message.int_value) < 16:
        return int(message.int_value)
    return message.int_value if which == "int_value" else message.string_value


def status(message: probe_pb2.ProbeStatus) -> Document:
    """A probe in one process."""
    return {
        "probe_id": message.probe_id,
        "pid": message.pid,
        "where": message.where,
        "condition": message.condition or None,
        "state": (enum(message, "state", "PROBE_STATE_") or "failed").upper(),
        "reason": message.reason,
        "by": message.by,
        "reached": message.reached,
        "condition_false": message.condition_false,
        "matched": message.matched,
        "rate_limited": message.rate_limited,
        "dropped": message.dropped,
        "errors": message.errors,
        "last_error": message.last_error or None,
        "sampled_share": message.sampled_share,
        "cost_ns_per_hit": message.cost_ns_per_hit,
        "cpu_share": message.cpu_share,
        "expires": _time(message.expires),
        "open_calls": message.open_calls,
        "oldest_open_call_seconds": _seconds(message, "oldest_open_call"),
        "handled": message.handled,
        "undecided": message.undecided,
        "last_handled": message.last_handled or None,
    }


def hit(event: probe_pb2.ProbeEvent) -> Document:
    """A hit, its frames innermost first, each with its values."""
    message = event.hit
    raised: Document | None = None
    if message.HasField("exception"):
        raised = {
            **_without_frames(_exception(message.exception)),
            "handled": optional(message.exception, "handled"),
            "handled_why": message.exception.handled_why or None,
        }
    return {
        "event": "hit",
        "probe_id": event.probe_id,
        "pid": event.pid,
        "hit_id": message.hit_id,
        "time": _time(message.time),
        "thread": message.thread,
        "frames": [_frame_with_context(each) for each in message.frames],
        "frames_left_out": message.frames_left_out,
        "expressions": named(message.expressions),
        "exception": raised,
        "trace_id": message.trace_id or None,
        "span_id": message.span_id or None,
        "pause_seconds": message.pause_seconds,
        **({"message": message.message} if message.HasField("message") else {}),
        **(_call(message) if message.HasField("elapsed") else {}),
        "changed_files": list(message.changed_files),
    }


def _call(message: probe_pb2.Hit) -> Document:
    """What the hit of a watched call has beside those of other probes."""
    return {
        "elapsed_seconds": _seconds(message, "elapsed"),
        "suspended_seconds": _seconds(message, "suspended"),
        "arguments": named(message.arguments),
        "returned": value(message.returned) if message.HasField("returned") else None,
    }


def _seconds(message: Any, field: str) -> float | None:
    """A duration that may be absent, as seconds."""
    return getattr(message, field).ToNanoseconds() / 1e9 if message.HasField(field) else None


def _without_frames(raised: Document) -> Document:
    """The exception of a hit: its frames are the hit's."""
    return {key: found for key, found in raised.items() if key != "frames"}


def _exception(message: probe_pb2.ExceptionInfo) -> Document:
    """An exception with those that it is chained to."""
    return {
        "type": message.type,
        "message": message.message,
        "notes": list(message.notes),
        "cause": _exception(message.cause) if message.HasField("cause") else None,
        "context": _exception(message.context) if message.HasField("context") else None,
        "exceptions": [_exception(each) for each in message.exceptions],
        "left_out": message.left_out,
        "frames": [frame(each) for each in message.frames],
    }


def verdict(event: probe_pb2.ProbeEvent) -> Document:
    """What became of the exception of an earlier hit."""
    return {
        "event": "verdict",
        "probe_id": event.probe_id,
        "pid": event.pid,
        "hit_id": event.verdict.hit_id,
        "handled": optional(event.verdict, "handled"),
        "handled_why": event.verdict.handled_why or None,
    }


def _frame_with_context(message: stack_pb2.Frame) -> Document:
    document = frame(message)
    if message.context:
        document["context"] = [{"line": each.line, "text": each.text} for each in message.context]
    return document


def _time(stamp: Timestamp) -> str:
    return stamp.ToJsonString()
