"""A recording from the client's side: started, followed, ended early where somebody says so, taken home."""

from __future__ import annotations

import queue
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from pyrometer.client.errors import ClientError
from pyrometer.client.options import Where
from pyrometer.client.render.terminal import width
from pyrometer.client.session import Look
from pyrometer.v1 import profile_pb2, stack_pb2
from pyrometer.v1 import profile_service_pb2 as messages

MAX_PROFILE = 512 * 1024 * 1024
_BAR = 20


@dataclass(frozen=True)
class Taken:
    """A profile with what is said about it."""

    summary: profile_pb2.RecordSummary
    data: bytes


class Recorder:
    """Runs one recording; ctrl-C ends it early and keeps what there is, a second one gives it up."""

    def __init__(self, start: messages.RecordStart) -> None:
        self._start = start
        self._commands: queue.SimpleQueue[messages.RecordProfileRequest | None] = queue.SimpleQueue()
        self._stopped = False
        self._live = sys.stderr.isatty()

    def record(self, look: Look) -> Taken:
        """Record to the end. Raises ClientError."""
        before = signal.signal(signal.SIGINT, self._interrupted)
        try:
            return self._take(look)
        finally:
            signal.signal(signal.SIGINT, before)
            self._commands.put(None)

    def _take(self, look: Look) -> Taken:
        summary: profile_pb2.RecordSummary | None = None
        data = bytearray()
        for message in look.call("RecordProfile", self._requests()):
            if message.HasField("progress"):
                self._show(message.progress)
            elif message.HasField("summary"):
                summary = message.summary
            else:
                data += message.chunk
                if len(data) > MAX_PROFILE:
                    raise ClientError(f"the profile is larger than {MAX_PROFILE // 2**20} MiB")
        self._clear()
        if summary is None or len(data) != summary.profile_bytes:
            raise ClientError("the profile did not arrive whole", next="record again, perhaps for a shorter time")
        return Taken(summary, bytes(data))

    def _requests(self) -> Iterator[messages.RecordProfileRequest]:
        yield messages.RecordProfileRequest(start=self._start)
        while (command := self._commands.get()) is not None:
            yield command

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._stopped = True
        self._commands.put(messages.RecordProfileRequest(stop=messages.RecordStop()))

    def _show(self, progress: profile_pb2.RecordProgress) -> None:
        if not self._live:
            return
        elapsed = progress.elapsed.ToMicroseconds() / 1e6
        wanted = self._start.duration.ToMicroseconds() / 1e6
        done = min(_BAR, int(_BAR * elapsed / wanted)) if wanted else 0
        bar = "━" * done + "╌" * (_BAR - done)
        processes = f"{progress.processes} process{'' if progress.processes == 1 else 'es'}"
        line = f"» {processes}, {progress.rate} a second   {bar}  {elapsed:4.1f} s   {progress.samples:,} samples"
        line += f", {progress.missed:,} missed" if progress.missed else ""
        sys.stderr.write(f"\r\x1b[K{line[: width(sys.stderr) - 1]}")
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def start_message(
    where: Where,
    seconds: float,
    rate: int,
    mode: str | None,
    source: str | None,
    *,
    native: bool = False,
    tasks: bool = False,
) -> messages.RecordStart:
    """The first message of a recording; for native frames the process is stopped at each look."""
    message = messages.RecordStart(
        service=where.service,
        pids=where.pids,
        rate=rate,
        mode=profile_pb2.ProfileMode.Value(f"PROFILE_MODE_{(mode or 'unspecified').upper()}"),
        source=stack_pb2.Source.Value(f"SOURCE_{(source or 'unspecified').upper()}"),
        native=native,
        pause=native,
        tasks=tasks,
    )
    message.duration.FromMicroseconds(int(seconds * 1e6))
    return message
