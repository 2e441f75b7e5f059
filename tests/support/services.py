"""Real processes for the tests: target programs that say `ready`, and the command line typed against them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

PROGRAMS = Path(__file__).parent.parent / "integration" / "programs"
DEADLINE = 30.0
"""Seconds after which a condition that has not come true fails its test."""


class Typed(NamedTuple):
    """What a command line printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON that it printed."""
        return json.loads(self.out)


def pyrometer(*arguments: str, **environment: str) -> Typed:
    """Type a command line of ours."""
    done = subprocess.run(
        [sys.executable, "-m", "pyrometer.client", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    )
    return Typed(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def program(name: str, *arguments: str, flags: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run a target program until its `ready`, and end it afterwards; `first_line` holds what it said then."""
    process = subprocess.Popen(
        [sys.executable, *flags, str(PROGRAMS / f"{name}.py"), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready"), line + (process.stderr.read() if process.stderr else "")
        process.first_line = line  # type: ignore[attr-defined]
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def crowd(address: str, waiting: contextlib.ExitStack) -> None:
    """Connect to a listener that does not accept until its queue is full."""
    with contextlib.suppress(BlockingIOError):
        while True:
            sock = waiting.enter_context(socket.socket(socket.AF_UNIX))
            sock.setblocking(False)
            sock.connect(address)


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition and return its value."""
    deadline = time.monotonic() + DEADLINE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {DEADLINE:.0f} s: {what}"
        time.sleep(0.05)
    return value
