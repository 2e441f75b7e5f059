"""The server's end of a link to an agent. One thread uses it: it is a conversation, not a service."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections import deque
from typing import Any

from pyrometer.link.errors import BadRequest, LinkClosed, LinkError
from pyrometer.link.framing import FrameReader, encode
from pyrometer.link.model import Hello, error_from
from pyrometer.server.addresses import Address

_CREDENTIALS = struct.Struct("3i")


class AgentBusy(LinkError, TimeoutError):
    """The agent did not answer in time: the GIL is held, or the process is stopped or starved."""

    reason = "AGENT_BUSY"


class AgentLink:
    """A connection to one agent, past its hello."""

    def __init__(self, sock: socket.socket, pid: int) -> None:
        self.pid = pid
        self.hello: Hello | None = None
        self._sock = sock
        self._reader = FrameReader(sock.recv)
        self._events: deque[dict[str, Any]] = deque()
        self._last_id = 0

    @classmethod
    def connect(cls, address: Address) -> AgentLink:
        """Connect, and check that the listener is the process that the address says.

        Raises:
            LinkClosed: nobody listens there, or somebody else.
        """
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(1.0)
        try:
            sock.connect(address.name)
            pid = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))[0]
        except OSError as error:
            sock.close()
            raise LinkClosed(f"process {address.pid} does not accept connections: {error.strerror}") from None
        if pid != address.pid:
            sock.close()
            raise LinkClosed(f"the address of process {address.pid} belongs to another process ({pid})")
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
        return events

    def close(self) -> None:
        """Hang up; the agent disarms whatever this link armed."""
        self._sock.close()

    def _keep(self, message: dict[str, Any]) -> None:
        if "event" in message:
            self._events.append(message)

    def _read(self, deadline: float) -> dict[str, Any]:
        while True:
            self._sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                message = self._reader.read()
            except TimeoutError:
                if time.monotonic() >= deadline:
                    raise _busy(self.pid) from None
                continue
            except OSError as error:
                raise LinkClosed(f"process {self.pid} is gone: {error.strerror}") from None
            if message is None:
                raise LinkClosed(f"process {self.pid} closed the link")
            return message


def _busy(pid: int) -> AgentBusy:
    return AgentBusy(
        f"the agent of process {pid} does not answer: the GIL is held, or the process is stopped or starved",
        next=f"pyrometer dump {pid} reads it from outside, and names who holds the GIL",
    )


def open_link(addresses: list[Address]) -> AgentLink:
    """Connect to the one address of a pid that is true. Raises LinkClosed."""
    failure = LinkClosed("there is no address")
    for address in addresses:
        try:
            return AgentLink.connect(address)
        except LinkClosed as error:
            failure = error
    raise failure
