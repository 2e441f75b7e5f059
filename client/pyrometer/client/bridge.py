"""The client's end of a carried connection: the child process, its opening words, and a listener for grpc.

The child keeps our session, so that ssh can ask for a passphrase on the terminal; it ignores ctrl-C, which is ours to
handle; and when we are through, it goes, and whatever it started with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Mapping

from pyrometer.client.transports import StartFailure, Transport
from pyrometer.v1 import stdio

START_TIMEOUT = 30.0
"""Seconds until the magic line must have come: ssh may wait for a passphrase."""
_KEPT_STDERR = 64 * 1024
_END_TIMEOUT = 1.0
_CREDENTIALS = struct.Struct("3i")


class Bridge:
    """A started carrier. `open` speaks the opening words; afterwards grpc connects to `address` once."""

    def __init__(self, argv: list[str], environment: Mapping[str, str] | None, *, on_terminal: bool) -> None:
        """Start the carrier. `on_terminal`: it may ask there, so it stays in our process group. Raises OSError."""
        self._own_group = not on_terminal
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if environment is None else dict(environment),
            cwd="/",
            process_group=0 if self._own_group else None,
            preexec_fn=None if self._own_group else _ignore_interrupts,  # noqa: PLW1509 # no thread runs yet
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._wire = stdio.Wire(self._process.stdout.fileno(), self._process.stdin.fileno())
        self._stderr = b""
        self._drained = threading.Event()
        threading.Thread(target=self._drain, daemon=True, name="stderr").start()
        self.address = ""
        self.server_version = ""
        self.lease = stdio.LEASE

    def open(self) -> str:
        """Read the magic line, measure the way, agree on the lease, await the server; return the look's secret.

        Raises:
            stdio.StartFailed: it did not come; `failure` tells what is known.
        """
        deadline = time.monotonic() + START_TIMEOUT
        opening, _ = self._wire.read_opening(deadline)
        self.server_version = opening.version
        began = time.monotonic()
        try:
            self._wire.write_line(b"ping")
            self._wire.read_line(deadline)
            self.lease = stdio.lease_for(time.monotonic() - began, stdio.crowd())
            self._wire.write_line(b"go %.3f" % self.lease)
            self.lease = max(self.lease, stdio.lease_in(self._wire.read_line(deadline)))
        except OSError as error:
            raise stdio.StartFailed(f"it ended after its first line: {error}") from None
        self._listen()
        return opening.secret

    def failure(self, noise: bytes, *, timed_out: bool, started: bool) -> StartFailure:
        """What is known about a carrier that failed; waits a moment for its status and its last words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.1 if timed_out else _END_TIMEOUT)
        self._drained.wait(0.3)
        return StartFailure(self._process.poll(), noise, self._stderr.decode("utf-8", "replace"), timed_out, started)

    @property
    def ended(self) -> bool:
        """Whether the carrier is gone."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End the server by the end of its stdin; kill what does not go."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        try:
            self._process.wait(_END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._kill()
        if self._process.stderr and self._drained.wait(_END_TIMEOUT / 10):
            self._process.stderr.close()

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            if self._own_group:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_TIMEOUT)

    def _listen(self) -> None:
        listener, self.address = stdio.abstract_listener("client")
        threading.Thread(target=self._carry, args=(listener,), daemon=True, name="bridge").start()

    def _carry(self, listener: socket.socket) -> None:
        """Take one connection, our own grpc's, and carry it until either side ends."""
        with listener:
            connection = _accept_own(listener)
        if connection is None:
            return
        with connection:
            stdio.pump(self._wire, connection)

    def _drain(self) -> None:
        """Read stderr to its end, keeping the beginning and the end of it: a full pipe would stop the carrier."""
        assert self._process.stderr
        number = self._process.stderr.fileno()
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(number, 4096):
                self._stderr = (self._stderr + chunk)[-_KEPT_STDERR:]
        self._drained.set()


def start(transport: Transport, environment: Mapping[str, str] | None) -> Bridge:
    """Start a transport's carrier. Raises OSError, ClientError."""
    return Bridge(transport.argv(), environment, on_terminal=transport.name.startswith("ssh:") and _has_terminal())


def _has_terminal() -> bool:
    """Whether there is one to ask on, wherever our stdin comes from: outside our group ssh would stop when it asks."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _accept_own(listener: socket.socket) -> socket.socket | None:
    """The first connection that comes from this process: an abstract name is open to everybody."""
    listener.settimeout(START_TIMEOUT)
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            if _CREDENTIALS.unpack(raw)[0] == os.getpid():
                return connection
            connection.close()
    return None
