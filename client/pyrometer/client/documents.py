"""From the API's messages to the documents of `-o json`: the keys that others rely on. Wire types end here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from pyrometer.v1 import error_pb2, process_pb2, stack_pb2

Document = dict[str, Any]


def print_json(verb: str, document: Document) -> None:
    """Print one document, with its schema's name first."""
    json.dump({"schema": f"pyrometer.{verb}/v1", **document}, sys.stdout, indent=2, ensure_ascii=True)
    sys.stdout.write("\n")


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
        "agent": enum(process_pb2.AgentState, message.agent, "AGENT_STATE_"),
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


def check(message: process_pb2.Check) -> Document:
    """A check of `doctor`."""
    return {
        "name": message.name,
        "ok": message.ok,
        "cause": message.cause,
        "confirm": message.confirm or None,
        "remedy": message.remedy or None,
    }


def stacks(message: stack_pb2.ProcessStacks) -> Document:
    """A process of `dump`."""
    return {
        "pid": message.pid,
        "service": message.service or None,
        "argv": list(message.argv),
        "source": enum(stack_pb2.Source, message.source, "SOURCE_"),
        "reason": message.reason or None,
        "cpu_percent": optional(message, "cpu_percent"),
        "threads": [thread(each) for each in message.threads],
        "threads_left_out": message.threads_left_out,
    }


def thread(message: stack_pb2.ThreadStack) -> Document:
    """A thread, its frames innermost first."""
    waits: Document | None = None
    if message.HasField("waits_for"):
        waits = {"kind": message.waits_for.kind, "owner": optional(message.waits_for, "owner")}
    return {
        "name": message.name,
        "os_id": message.os_id,
        "state": enum(stack_pb2.ThreadState, message.state, "THREAD_STATE_"),
        "cpu_percent": optional(message, "cpu_percent"),
        "moved": optional(message, "moved"),
        "holds_gil": optional(message, "holds_gil"),
        "waits_for": waits,
        "frames": [frame(each) for each in message.frames],
        "frames_left_out": message.frames_left_out,
    }


def frame(message: stack_pb2.Frame) -> Document:
    """A frame without values."""
    return {
        "function": message.function,
        "file": message.file,
        "line": message.line,
        "module": message.module or None,
        "source": message.source or None,
        "origin": enum(stack_pb2.FrameOrigin, message.origin, "FRAME_ORIGIN_"),
        "locals": None,
    }


def enum(kind: Any, value: int, prefix: str) -> str | None:
    """An enum's value as a lower-case word; None for UNSPECIFIED and for what a newer server means."""
    try:
        name: str = kind.Name(value)
    except ValueError:
        return None
    word = name.removeprefix(prefix).lower()
    return None if word == "unspecified" else word


def optional(message: Any, field: str) -> Any:
    """A field that may be absent, as None then."""
    return getattr(message, field) if message.HasField(field) else None
