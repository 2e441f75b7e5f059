"""One look: the server on a pair of pipes, from the magic line to the end of stdin, and nothing left of it.

The opening words are exchanged before grpc is imported, so that the round trip is measured and not our start-up.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import time
from typing import NoReturn

from pyrometer.server import VERSION
from pyrometer.v1 import rpc, stdio

_OPENING_TIMEOUT = 60.0
_PR_SET_PDEATHSIG = 1


def serve_stdio() -> NoReturn:
    """Serve until stdin ends, then end this process with status 0: an orphan's other status halts some PID 1s."""
    wire = _take_stdio()
    _detach()
    with contextlib.suppress(OSError, stdio.StartFailed, KeyboardInterrupt):
        secret = os.urandom(16).hex()
        lease = _open(wire, secret)
        _serve(wire, secret, lease)
    os._exit(0)


def _take_stdio() -> stdio.Wire:
    """Keep the pipes for the conversation alone: whatever is printed goes to stderr, whatever reads gets nothing."""
    wire = stdio.Wire(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return wire


def _detach() -> None:
    """Leave the terminal to our starter, and the folder that it ran in to others."""
    os.chdir("/")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # a group's leader can't, and need not
        os.setsid()


def _open(wire: stdio.Wire, secret: str) -> float:
    """Say the magic line, answer pings, and return the lease, seconds: the client's, longer in a crowd here."""
    line = stdio.Opening(secret, VERSION, platform.python_version()).line()
    os.write(wire.send, line)
    _die_with_parent()
    deadline = time.monotonic() + _OPENING_TIMEOUT
    while True:
        line = wire.read_line(deadline)
        word = line.partition(b" ")[0]
        if word == b"ping":
            wire.write_line(b"pong")
        elif word == b"go":
            return max(stdio.lease_in(line), stdio.lease_for(0.0, stdio.crowd()))
        else:
            raise stdio.StartFailed("neither ping nor go")


def _die_with_parent() -> None:
    """Also where our starter is killed and somebody else holds the other end of stdin.

    Only if the client itself started us, and says so: a container's runtime starts us too, and then it goes at once
    (runc exec, by podman: one look in a hundred was killed), while ssh and kubectl are watched by the lease.
    """
    if os.environ.get("PYROMETER_STARTER") != str(os.getppid()):
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _serve(wire: stdio.Wire, secret: str, lease: float) -> None:
    from pyrometer.server import edge

    name = f"pyrometer.server.{os.getpid()}.{os.urandom(8).hex()}"
    options = [
        *stdio.Timeouts.of(lease).channel_options(),
        ("grpc.http2.max_ping_strikes", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", 100),
        ("grpc.max_send_message_length", rpc.MAX_MESSAGE),
        ("grpc.max_receive_message_length", rpc.MAX_MESSAGE),
    ]
    server = edge.build(secret=secret, lease=lease, options=options)
    server.add_insecure_port(f"unix-abstract:{name}")
    server.start()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect("\0" + name)
    wire.write_line(b"ready %.3f" % lease)
    stdio.pump(wire, connection)
    connection.close()
    server.stop(0.2).wait(0.5)
