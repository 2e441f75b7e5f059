"""The rounds of a live profile: what was seen in the last seconds, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyrometer.client import documents
from pyrometer.client.errors import ClientError, TargetGone
from pyrometer.client.profile import reading
from pyrometer.client.profile.model import Profile
from pyrometer.client.recording import MAX_PROFILE
from pyrometer.client.session import Look
from pyrometer.v1 import profile_pb2
from pyrometer.v1 import profile_service_pb2 as messages

EVERY = 2.0
WINDOW = 10.0
"""Seconds between two rounds, and those that one goes back to."""
_PATIENCE = 3 * EVERY
"""Seconds after which a server that sent no part knows of none."""


@dataclass(frozen=True)
class Round:
    """What was seen in the last seconds."""

    summary: profile_pb2.RecordSummary
    profile: Profile | None
    """None: not a single sample."""
    elapsed: float
    """Seconds since the beginning."""

    @property
    def seconds(self) -> float:
        """How far it goes back."""
        return float(self.summary.duration.ToMicroseconds()) / 1e6

    @property
    def errors(self) -> list[documents.Document]:
        """Processes that are not in it, and why."""
        return [documents.error(error) for error in self.summary.errors]


def follow(look: Look, start: messages.RecordStart) -> Iterator[Round]:
    """A round every two seconds until the time is over.

    Raises:
        ClientError: nothing can be read, nothing was seen in all the time, or all processes have ended.
    """
    start.part_every.FromMicroseconds(int(EVERY * 1e6))
    start.window.FromMicroseconds(int(WINDOW * 1e6))
    elapsed, parts = 0.0, 0
    summary: profile_pb2.RecordSummary | None = None
    data = bytearray()
    for message in look.call("RecordProfile", iter([messages.RecordProfileRequest(start=start)])):
        kind = message.WhichOneof("event")
        if kind == "progress":
            elapsed = message.progress.elapsed.ToMicroseconds() / 1e6
            if not parts and elapsed > _PATIENCE:
                raise ClientError(
                    "the server over there is older: it sends no profile before the end",
                    next="pyrometer record works with it",
                )
            continue
        if kind == "chunk":
            data += message.chunk
        else:
            summary, parts = getattr(message, kind), parts + 1
            data.clear()
        if len(data) > MAX_PROFILE:
            raise ClientError(f"the profile is larger than {MAX_PROFILE // 2**20} MiB")
        if summary is not None and len(data) == summary.profile_bytes:
            yield Round(summary, reading.read(bytes(data)) if data else None, elapsed)
    wanted = start.duration.ToMicroseconds() / 1e6
    if elapsed < wanted - EVERY and summary is not None and summary.errors:
        raise TargetGone(f"recording ended: {summary.errors[-1].error.message}")


def document(found: Round, limit: int = 20) -> documents.Document:
    """A round as a document."""
    from pyrometer.client.live import tables

    summary, profile = found.summary, found.profile
    return {
        "service": (profile.service if profile else "") or None,
        "pids": list(summary.pids),
        "source": documents.enum(summary, "source", "SOURCE_"),
        "reason": summary.reason or None,
        "mode": documents.enum(summary, "mode", "PROFILE_MODE_"),
        "rate": summary.rate,
        "rate_asked": summary.rate_asked,
        "samples": summary.samples,
        "missed": summary.missed,
        "elapsed_seconds": found.elapsed,
        "window_seconds": found.seconds,
        "own_cpu_seconds": summary.own_cpu_seconds,
        "functions": tables.function_documents(profile, limit) if profile else [],
        "threads": tables.thread_documents(profile, limit) if profile else [],
        "errors": found.errors,
    }
