"""One link: a connection of a server, with a thread that answers its requests and one that sends.

The writer is apart so that neither a reply nor a service's thread ever waits for a slow reader: everything that goes
out passes a bounded queue, and what does not fit is dropped and counted. Both threads end with the connection, and
with them whatever the link had armed.
"""

from __future__ import annotations

from pyrometer.agent.unpatched import native
from pyrometer.link.errors import LinkClosed, LinkError
from pyrometer.link.framing import MAX_EVENT, FrameReader, encode
from pyrometer.link.model import error_reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyrometer.agent.descriptors import OwnedSocket
    from pyrometer.agent.peers import Peer

MAX_QUEUED = 4 * 1024 * 1024
"""Bytes of events that may wait for a slow reader, by their senders' estimate."""
_REQUEST_TIMEOUT = 5.0
"""Seconds that a request may take to arrive once its first byte has."""
_SEND_TIMEOUT = 5.0
_DAY = 86_400.0
_MAX_REQUEST = 1024 * 1024


class Link:
    """A connection with its two threads. `handle` answers a request, `tick` is called when it asked to be."""

    def __init__(self, owned: OwnedSocket, peer: Peer) -> None:
        self.peer = peer
        self.lease: float | None = None
        """Seconds of silence after which the watcher counts as dead; None: nothing is armed, so silence is fine."""
        self._owned = owned
        self._sending = owned.duplicate()
        self._sending.sock.settimeout(_SEND_TIMEOUT)
        self._outbox: Any = native.SimpleQueue()
        self._queued = 0
        self._sequence = 0
        self._dropped = 0
        self._closed = False
        self._reader = FrameReader(self._receive, limit=_MAX_REQUEST)

    def emit(self, event: dict[str, Any], weight: int) -> bool:
        """Queue an event of about `weight` bytes, without blocking; False: it was dropped. Any thread may call.

        The sum is kept without a lock: two threads may lose an addition, and the writer sets it right whenever it
        has emptied the queue.
        """
        if self._closed or self._queued + weight > MAX_QUEUED:
            self._dropped += 1
            return False
        self._queued += weight
        self._sequence += 1
        self._outbox.put((weight, {**event, "seq": self._sequence, "dropped": self._dropped}))
        return True

    def reply(self, message: dict[str, Any]) -> None:
        """Queue a reply. There is one at a time, since requests are answered in turn."""
        self._outbox.put((0, message))

    def serve(self, handle: Callable[[dict[str, Any]], dict[str, Any]], tick: Callable[[], float | None]) -> None:
        """Answer requests until the connection ends or its lease runs out. Never raises."""
        heard = native.monotonic()
        wake: float | None = None
        try:
            while not self._closed:
                self._owned.sock.settimeout(self._patience(heard, wake))
                try:
                    request = self._reader.read()
                except TimeoutError:
                    if self._given_up(heard):
                        return
                    wake = tick()
                    continue
                if request is None:
                    return
                heard = native.monotonic()
                self._answer(request, handle)
                wake = tick()
        except (OSError, LinkClosed):
            return

    def write(self) -> None:
        """Send what is queued until the connection ends. Runs on the link's second thread; never raises."""
        while (item := self._outbox.get()) is not None:
            weight, message = item
            self._queued -= weight
            if self._outbox.qsize() == 0:
                self._queued = 0
            if not self._send(message):
                self._owned.shutdown()
                return

    def close(self) -> None:
        """End the connection and both threads."""
        self._closed = True
        self._outbox.put(None)
        self._owned.shutdown()

    def release(self) -> None:
        """Give the descriptor back, after both threads are through with it."""
        self._closed = True
        self._owned.close()
        self._sending.close()

    def _send(self, message: dict[str, Any]) -> bool:
        try:
            data = encode(message)
        except (LinkClosed, ValueError, TypeError, RecursionError) as error:
            if "event" in message:
                self._dropped += 1
                return True
            data = encode(
                {"id": message.get("id"), "error": error_reply(LinkError(f"the answer can't be sent: {error}"))}
            )
        if "event" in message and len(data) > MAX_EVENT:
            self._dropped += 1
            return True
        try:
            if not self._sending.ours:
                return False
            self._sending.sock.sendall(data)
        except (OSError, ValueError):
            return False
        return True

    def _answer(self, request: dict[str, Any], handle: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        try:
            answer = {"ok": handle(request)}
        except LinkError as error:
            answer = {"error": error_reply(error)}
        except Exception as error:  # a defect of ours must not become the service's
            answer = {"error": error_reply(LinkError(f"the agent failed: {type(error).__name__}: {error}"[:500]))}
        self.reply({"id": request.get("id"), **answer})

    def _patience(self, heard: float, wake: float | None) -> float:
        """Seconds to wait for the next bytes.

        Never None: that would make the descriptor blocking, for the writer's duplicate of it too.
        """
        waits = [wake] if wake is not None else []
        if self.lease is not None:
            waits.append(heard + self.lease - native.monotonic())
        if self._reader.mid_frame:
            waits.append(_REQUEST_TIMEOUT)
        return max(0.001, min(waits, default=_DAY))

    def _given_up(self, heard: float) -> bool:
        silent = native.monotonic() - heard
        if self.lease is not None and silent >= self.lease:
            return True
        return self._reader.mid_frame and silent >= _REQUEST_TIMEOUT

    def _receive(self, size: int) -> bytes:
        if not self._owned.ours:
            raise LinkClosed("the service closed our descriptor")
        return self._owned.sock.recv(size)
