"""The server's side of `launcher.py`: one launcher, and what its readers report."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pyrometer.server.errors import Unreadable

_PROGRAM = Path(__file__).with_name("launcher.py")
_MAX_LINE = 1024 * 1024
_CLOSE_TIMEOUT = 4.0
"""Seconds for the launcher to end its readers: over its grace for each."""


@dataclass(frozen=True, slots=True)
class Started:
    """A reader runs."""

    key: str
    pid: int


@dataclass(frozen=True, slots=True)
class Began:
    """A reader has said its first line."""

    key: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A reader is gone."""

    key: str
    status: int
    """Exit status, or minus the signal that ended it."""
    cpu: float
    """Processor seconds that it used."""
    said: str
    """What it wrote to its standard output and error."""
    result: bytes


class Launch:
    """A launcher and its readers, for as long as the `with` block lasts. Not thread-safe."""

    def __init__(self, python: str = sys.executable) -> None:
        self.own_cpu = 0.0
        """Processor seconds of the launcher itself, as of the last reader that ended."""
        self._buffer = bytearray()
        try:
            # No preexec_fn: so this is vfork and exec, which gRPC's fork hooks do not meddle with.
            self._process = subprocess.Popen(
                [python, "-I", "-S", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise Unreadable(f"no reader can be started: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, key: str, argv: list[str], seconds: float, *, stops: int = 0) -> None:
        """Start a reader that is stopped after `seconds` at the latest.

        `stops` is the process that it stops at each look: it will not stand still once the reader has ended.
        """
        self._tell({"run": key, "argv": argv, "seconds": seconds, "stops": stops})

    def stop(self, key: str) -> None:
        """Have a reader write what it has and end."""
        self._tell({"stop": key})

    def events(self, seconds: float) -> Iterator[Started | Began | Ended]:
        """What is reported within `seconds`; returns early after the first report.

        Raises:
            Unreadable: the launcher has died.
        """
        deadline = time.monotonic() + seconds
        waiting = True
        while waiting:
            while (event := self._take()) is not None:
                waiting = False
                yield event
            waiting = waiting and self._receive(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """End all readers and the launcher, and reap it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(_CLOSE_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
        except OSError as error:
            raise Unreadable("what starts the readers has died") from error

    def _receive(self, seconds: float) -> bool:
        """Wait for more; False: the time is over."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        if not select.select([descriptor], [], [], seconds)[0]:
            return False
        data = os.read(descriptor, 1 << 20)
        if not data:
            raise Unreadable("what starts the readers has died")
        self._buffer += data
        return True

    def _take(self) -> Started | Began | Ended | None:
        end = self._buffer.find(b"\n", 0, _MAX_LINE)
        if end < 0:
            return None
        report = json.loads(self._buffer[:end])
        size = report.get("bytes", 0)
        if len(self._buffer) < end + 1 + size:
            return None
        result = bytes(self._buffer[end + 1 : end + 1 + size])
        del self._buffer[: end + 1 + size]
        return self._event(report, result)

    def _event(self, report: dict[str, Any], result: bytes) -> Started | Began | Ended:
        key = report["key"]
        if "status" in report:
            self.own_cpu = report["own"]
            return Ended(key, report["status"], report["cpu"], report["said"], result)
        return Began(key) if "began" in report else Started(key, report["pid"])
