"""One gRPC connection over a pair of pipes: the opening words, and the pump that both ends run.

    server ──► NUL pyrometer/1 {"secret": …, "version": …} LF    whatever came before it is noise: banners, motd
    client ──► ping LF        server ──► pong LF                  how long is the way there and back
    client ──► go SECONDS LF                                      the lease as the client would have it
    server ──► ready SECONDS LF                                   the lease that both ends keep from now on; grpc is
    both   ◄─► HTTP/2                                             imported, which takes longer on a busy machine

A private listener at either end takes grpc's side, since grpcio can't be given a descriptor.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time
from typing import Any, NamedTuple

MAGIC = b"\x00pyrometer/1 "
MAX_NOISE = 64 * 1024
"""Bytes that may come before the magic line."""
MAX_LINE = 1024
LEASE = 1.8
"""Seconds after which a silent peer counts as gone, where the way is short."""
MAX_LEASE = 5.0

_CROWD = 2.0
"""Threads that want a processor, of each, which nobody notices."""
_CAPACITY = 1 << 20
_PIECE = 256 * 1024


class Opening(NamedTuple):
    """What the server says in its magic line."""

    secret: str
    version: str
    python: str

    def line(self) -> bytes:
        """The magic line, newline included."""
        return MAGIC + json.dumps(self._asdict()).encode() + b"\n"


class Timeouts(NamedTuple):
    """How long silence lasts before the connection is given up; all from the lease. Milliseconds."""

    keepalive_time: int
    keepalive_timeout: int

    @classmethod
    def of(cls, lease: float) -> Timeouts:
        """A ping is sent after 0.39 of the lease and waited for as long: 0.7 s each for 1.8 s."""
        share = int(lease * 390)
        return cls(share, share)

    def channel_options(self) -> list[tuple[str, Any]]:
        """Options that make grpc notice a peer that is stopped or cut off; keepalive_* alone does not."""
        return [
            ("grpc.keepalive_time_ms", self.keepalive_time),
            ("grpc.keepalive_timeout_ms", self.keepalive_timeout),
            ("grpc.http2.ping_timeout_ms", self.keepalive_timeout),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        ]


def lease_for(round_trip: float, crowd: float = 0.0) -> float:
    """The lease for a way that takes `round_trip` seconds: 1.8 s, longer where that is slow, 5 s at most.

    Longer too in a crowd: a ping passes four threads that each wait for a processor and for a GIL. With 9 threads a
    processor 1 look in 70 was lost by a ping that took longer than its 0.7 s.
    """
    return min(MAX_LEASE, LEASE + 6 * round_trip + 0.2 * max(0.0, crowd - _CROWD))


def crowd() -> float:
    """How many threads there are for each processor of this machine that want it, now or lately; 0: nobody tells."""
    try:
        with open("/proc/loadavg", encoding="ascii") as file:
            lately, _, _, now, _ = file.read().split()
        return max(float(lately), float(now.partition("/")[0])) / (os.cpu_count() or 1)
    except (OSError, ValueError):
        return 0.0


def lease_in(line: bytes) -> float:
    """The seconds that `go` or `ready` says, within the bounds; the shortest where there are none, as once was so."""
    try:
        return min(MAX_LEASE, max(LEASE, float(line.partition(b" ")[2])))
    except ValueError:
        return LEASE


class StartFailed(ConnectionError):
    """The other end did not say what it should; `noise` is what it said instead."""

    def __init__(self, message: str, noise: bytes = b"") -> None:
        super().__init__(message)
        self.noise = noise


class Wire:
    """Two descriptors as one stream, for the opening words. Reads no byte beyond them that it does not hand on."""

    def __init__(self, receive: int, send: int) -> None:
        self.receive = receive
        self.send = send
        self.rest = b""

    def write_line(self, line: bytes) -> None:
        """Write a line whole; the descriptor is blocking here."""
        data = line + b"\n"
        while data:
            data = data[os.write(self.send, data) :]

    def read_line(self, deadline: float, limit: int = MAX_LINE) -> bytes:
        """Read up to the next newline.

        Raises:
            StartFailed: the stream ended, the deadline (monotonic seconds) passed, or the line is too long.
        """
        while b"\n" not in self.rest:
            if len(self.rest) > limit:
                raise StartFailed("what came is too long", self.rest)
            self.rest += self._some(deadline)
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def read_opening(self, deadline: float) -> tuple[Opening, bytes]:
        """Discard noise up to the magic line; return what it says, and the noise."""
        while MAGIC not in self.rest:
            if len(self.rest) > MAX_NOISE:
                raise StartFailed("no server answered", self.rest)
            self.rest += self._some(deadline)
        noise, _, self.rest = self.rest.partition(MAGIC)
        try:
            said = json.loads(self.read_line(deadline))
            return Opening(str(said["secret"]), str(said["version"]), str(said.get("python", ""))), noise
        except (ValueError, KeyError, TypeError):
            raise StartFailed("the server's first line can't be read", noise) from None

    def _some(self, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        ready, _, _ = select.select([self.receive], [], [], max(0.0, left))
        if not ready:
            raise StartFailed("no answer in time", self.rest)
        chunk = os.read(self.receive, 65536)
        if not chunk:
            raise StartFailed("it ended before it answered", self.rest)
        return chunk


def abstract_listener(role: str) -> tuple[socket.socket, str]:
    """A listener for one's own process on an unguessable abstract name; returns it and grpc's address of it."""
    name = f"pyrometer.{role}.{os.getpid()}.{os.urandom(8).hex()}"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0" + name)
    listener.listen(1)
    return listener, f"unix-abstract:{name}"


def pump(wire: Wire, connection: socket.socket) -> None:
    """Carry bytes between a wire and a socket until either ends. Bounded: a slow side slows the other down."""
    with contextlib.suppress(OSError):
        _Pump(wire, connection).run()


class _Pump:
    """State of one pump: what is on its way up (to the socket) and down (to the wire)."""

    def __init__(self, wire: Wire, connection: socket.socket) -> None:
        self.wire = wire
        self.connection = connection
        self.up = bytearray(wire.rest)
        self.down = bytearray()
        for descriptor in (wire.receive, wire.send):
            os.set_blocking(descriptor, False)
        connection.setblocking(False)

    def run(self) -> None:
        while True:
            for descriptor, happened in self._poller().poll():
                with contextlib.suppress(BlockingIOError):
                    if not self._serve(descriptor, happened):
                        return

    def _poller(self) -> select.poll:
        wanted = {self.wire.receive: 0, self.wire.send: 0, self.connection.fileno(): 0}
        if len(self.up) < _CAPACITY:
            wanted[self.wire.receive] |= select.POLLIN
        if len(self.down) < _CAPACITY:
            wanted[self.connection.fileno()] |= select.POLLIN
        if self.up:
            wanted[self.connection.fileno()] |= select.POLLOUT
        if self.down:
            wanted[self.wire.send] |= select.POLLOUT
        poller = select.poll()
        for descriptor, events in wanted.items():
            poller.register(descriptor, events)
        return poller

    def _serve(self, descriptor: int, happened: int) -> bool:
        """Handle one descriptor; False: that side has ended."""
        if descriptor == self.wire.receive and happened & (select.POLLIN | select.POLLHUP):
            chunk = os.read(descriptor, _PIECE)
            self.up += chunk
            return bool(chunk)
        if descriptor == self.connection.fileno():
            return self._serve_connection(happened)
        if happened & (select.POLLERR | select.POLLNVAL):
            return False
        if self.down and happened & select.POLLOUT:
            del self.down[: os.write(descriptor, self.down)]
        return True

    def _serve_connection(self, happened: int) -> bool:
        if happened & select.POLLOUT and self.up:
            del self.up[: self.connection.send(self.up)]
        if happened & (select.POLLIN | select.POLLHUP | select.POLLERR):
            chunk = self.connection.recv(_PIECE)
            self.down += chunk
            if not chunk:
                self._flush()
                return False
        return True

    def _flush(self) -> None:
        """The socket's side has ended: what it said last still goes out, for at most a second."""
        deadline = time.monotonic() + 1
        while self.down and (left := deadline - time.monotonic()) > 0:
            _, ready, _ = select.select([], [self.wire.send], [], left)
            if ready:
                del self.down[: os.write(self.wire.send, self.down)]
