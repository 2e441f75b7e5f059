"""The server's end of a link to an agent. One thread uses it: it is a conversation, not a service."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections import deque
from typing import Any

from pyrometer.link.errors import BadRequest, LinkClosed, LinkError
from pyrometer.link.framing import FrameReader, encode
from pyrometer.link.model import Hello, error_from
from pyrometer.server import kernel
from pyrometer.server.addresses import Address

_CREDENTIALS = struct.Struct("3i")
_ROOT = 0
_MAX_KEPT = 8 * 1024 * 1024
"""Bytes that may come while an answer is awaited: twice what an agent of ours queues."""


class AgentBusy(LinkError, TimeoutError):
    """The agent did not answer in time: the GIL is held, or the process is stopped or starved."""

    reason = "AGENT_BUSY"


class Stranger(LinkError, PermissionError):
    """The agent's address was bound by a user whose word we don't take."""

    reason = "PEER_REFUSED"


class AgentLink:
    """A connection to one agent, past its hello."""

    def __init__(self, sock: socket.socket, pid: int) -> None:
        self.pid = pid
        self.hello: Hello | None = None
        self._sock = sock
        self._reader = FrameReader(self._receive)
        self._events: deque[dict[str, Any]] = deque()
        self._kept = 0
        self._deadline = 0.0
        self._last_id = 0

    @classmethod
    def connect(cls, address: Address) -> AgentLink:
        """Connect, and check by the kernel's word that the listener is the process that the address says.

        Raises:
            LinkClosed: nobody listens there, or another process.
            AgentBusy: its queue is full: those who looked before have not been answered yet.
            Stranger: it listens as a user whom we don't believe.
        """
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(1.0)
        try:
            sock.connect(address.name)
            credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid, uid, _ = _CREDENTIALS.unpack(credentials)
            _check_listener(address.pid, pid, uid)
        except (BlockingIOError, TimeoutError):
            sock.close()
            raise _busy(address.pid) from None
        except LinkError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            raise LinkClosed(f"process {address.pid} does not accept connections: {error.strerror}") from None
        return cls(sock, pid)

    def await_hello(self, deadline: float) -> Hello:
        """Wait for the hello until `deadline` (monotonic seconds).

        Raises:
            AgentBusy, LinkClosed, LinkError: it does not come; the connection ended; the agent refused, and why.
        """
        if self.hello is None:
            message = self._read(deadline)
            if "refused" in message:
                raise error_from(message["refused"])
            try:
                self.hello = Hello.from_wire(message.get("hello"))
            except BadRequest as error:
                raise LinkClosed(f"the agent of process {self.pid} speaks another language: {error.message}") from None
        return self.hello

    def call(self, operation: str, deadline: float, **fields: Any) -> dict[str, Any]:
        """Ask, and return the answer; events that come meanwhile are kept for `events`.

        Raises:
            AgentBusy, LinkClosed, LinkError: no answer in time; the connection ended; the agent's refusal.
        """
        self._last_id += 1
        if not self._events:
            self._kept = 0
        self._sock.settimeout(max(0.05, deadline - time.monotonic()))
        try:
            self._sock.sendall(encode({"id": self._last_id, "op": operation, **fields}))
        except TimeoutError:
            raise _busy(self.pid) from None
        except OSError as error:
            raise LinkClosed(f"process {self.pid} is gone: {error.strerror}") from None
        while (message := self._read(deadline)).get("id") != self._last_id:
            self._keep(message)
        if "error" in message:
            raise error_from(message["error"])
        answer = message.get("ok")
        if not isinstance(answer, dict):
            raise LinkClosed(f"the agent of process {self.pid} answered with neither a result nor an error")
        return answer

    def events(self, seconds: float) -> list[dict[str, Any]]:
        """Events that are there, or the first that comes within so many seconds. Raises LinkClosed."""
        if not self._events:
            with contextlib.suppress(AgentBusy):
                self._keep(self._read(time.monotonic() + seconds))
        events = list(self._events)
        self._events.clear()
        self._kept = 0
        return events

    def close(self) -> None:
        """Hang up; the agent disarms whatever this link armed."""
        self._sock.close()

    def _keep(self, message: dict[str, Any]) -> None:
        if self._kept > _MAX_KEPT:
            raise LinkClosed(f"process {self.pid} sends more than anybody asked for")
        if "event" in message:
            self._events.append(message)

    def _read(self, deadline: float) -> dict[str, Any]:
        self._deadline = deadline
        try:
            message = self._reader.read()
        except TimeoutError:
            raise _busy(self.pid) from None
        except LinkError:
            raise
        except OSError as error:
            raise LinkClosed(f"process {self.pid} is gone: {error.strerror}") from None
        if message is None:
            raise LinkClosed(f"process {self.pid} closed the link")
        return message

    def _receive(self, size: int) -> bytes:
        """The next bytes. The deadline holds for who sends without an end, too, be it in drops or in floods."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        data = self._sock.recv(size)
        self._kept += len(data)
        return data


def _check_listener(expected: int, pid: int, uid: int) -> None:
    """See that it is the process, as root, as our own user or, if we are root, as the one that the process has.

    Any user may bind any name; whoever looks tells what listens there what to look for. A worker whose master was root
    may listen as root still.
    """
    if pid != expected:
        raise LinkClosed(f"the address of process {expected} belongs to another process ({pid})")
    ours = os.geteuid()
    if uid not in (_ROOT, ours if ours != _ROOT else kernel.uid_of(pid)):
        raise Stranger(f"process {pid} listens as user {uid}, and we are {ours}", next=f"look as user {uid} or as root")


def _busy(pid: int) -> AgentBusy:
    return AgentBusy(
        f"the agent of process {pid} does not answer: the GIL is held, or the process is stopped or starved",
        next=f"pyrometer dump {pid} reads it from outside, and names who holds the GIL",
    )


def open_link(addresses: list[Address]) -> AgentLink:
    """Connect to the one address of a pid that is true. Raises LinkClosed, AgentBusy, Stranger."""
    failure: LinkError = LinkClosed("there is no address")
    for address in addresses:
        try:
            return AgentLink.connect(address)
        except LinkError as error:
            failure = failure if isinstance(failure, AgentBusy) else error
    raise failure
