"""One look's server, as a process: who its parent is, and when it ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from tests.support.services import DEADLINE

from pyrometer.v1 import stdio

SERVER = 'exec 3<&0; "$0" -P -m pyrometer.server <&3 3<&- & exec sleep 600 <&- >&-'
"""A starter that is not the client and goes before the server does, as runc is."""


class Started(NamedTuple):
    """A server, what started it, and the pipes of the conversation."""

    starter: subprocess.Popen[bytes]
    wire: stdio.Wire

    def ping(self) -> bytes:
        """Ask whether it is there; nothing if it is gone."""
        assert self.starter.stdin is not None
        try:
            self.starter.stdin.write(b"ping\n")
            self.starter.stdin.flush()
        except BrokenPipeError:
            return b""
        return self.hear()

    def hear(self) -> bytes:
        """Read what it says next; nothing if it is gone."""
        ready, _, _ = select.select([self.wire.receive], [], [], DEADLINE)
        return os.read(self.wire.receive, 4096) if ready else b"silence"


@pytest.fixture
def started(request: pytest.FixtureRequest) -> Iterator[Started]:
    """Start a server by a shell that stays; the parameter is its environment."""
    environment = {**os.environ, **request.param}
    command = ["sh", "-c", SERVER, sys.executable]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        server = Started(starter, stdio.Wire(starter.stdout.fileno(), starter.stdin.fileno()))
        assert server.hear().startswith(stdio.MAGIC)
        yield server
        starter.kill()


@pytest.mark.parametrize("started", [{}, {"PYROMETER_STARTER": "1"}], indirect=True)
def test_a_starter_that_goes_does_not_take_the_server_along(started: Started) -> None:
    """Container runtimes start a process and end: that is not the end of the look."""
    assert started.ping() == b"pong\n"
    started.starter.send_signal(signal.SIGKILL)
    started.starter.wait()
    assert started.ping() == b"pong\n"


@pytest.mark.parametrize("started", [{}], indirect=True)
def test_the_end_of_stdin_ends_it(started: Started) -> None:
    """Before the conversation has begun, too: whoever started it has gone."""
    assert started.ping() == b"pong\n"
    assert started.starter.stdin is not None
    started.starter.stdin.close()
    assert started.hear() == b""


@pytest.mark.parametrize("started", [{}], indirect=True)
def test_it_says_when_it_is_ready(started: Started) -> None:
    """Fault 68: importing grpc may take longer than a lease; nobody counts the seconds before it is through."""
    assert started.ping() == b"pong\n"
    assert started.starter.stdin is not None
    started.starter.stdin.write(b"go 1.800\n")
    started.starter.stdin.flush()
    ready = started.hear().partition(b"\n")[0]  # gRPC's first frame may have come already
    assert ready.startswith(b"ready ")
    assert stdio.lease_in(ready) >= stdio.LEASE
