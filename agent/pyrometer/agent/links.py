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
_RECENT = 1.0
"""Seconds for which an event that went out may bring questions."""
_NEVER: float = float("inf")
_MAX_REQUEST = 1024 * 1024
_MAX_DEPTH = 64
"""Objects and lists of a request within each other."""


def refuse(connection: OwnedSocket, error: LinkError) -> None:
    """Say why, as far as that goes without waiting, and hang up."""
    try:
        connection.send(encode({"refused": error_reply(error)}), 0.0)
    except OSError:
        pass
    connection.close()


class Link:
    """A connection with its two threads. `handle` answers a request, `tick` is called when it asked to be."""

    def __init__(self, owned: OwnedSocket, peer: Peer) -> None:
        self.peer = peer
        self.lease: float | None = None
        """Seconds of silence after which the watcher counts as dead; None: nothing is armed, so silence is fine."""
        self._owned = owned
        self._outbox: Any = native.SimpleQueue()
        self._queued = 0
        self._sent = 0.0
        """When the last event went out; infinite while one waits or is on its way."""
        self._sequence = 0
        self._dropped = 0
        self._closed = False
        self._heard = native.monotonic()
        self._began: float | None = None
        """When the first byte of a request came that has not come to its end."""
        self._due = _NEVER
        """When `tick` wants to be called."""
        self._reader = FrameReader(self._receive, limit=_MAX_REQUEST, depth=_MAX_DEPTH)

    def emit(self, event: dict[str, Any], weight: int) -> bool:
        """Queue an event of about `weight` bytes, without blocking; False: it was dropped. Any thread may call.

        The sum is kept without a lock: two threads may lose an addition, and the writer sets it right whenever it
        has emptied the queue.
        """
        if self._closed or self._queued + weight > MAX_QUEUED:
            self._dropped += 1
            return False
        self._queued += weight
        self._sent = _NEVER
        self._sequence += 1
        self._outbox.put((weight, {**event, "seq": self._sequence, "dropped": self._dropped}))
        return True

    def reply(self, message: dict[str, Any]) -> None:
        """Queue a reply. There is one at a time, since requests are answered in turn."""
        self._outbox.put((0, message))

    def serve(self, handle: Callable[[dict[str, Any]], dict[str, Any]], tick: Callable[[], float | None]) -> None:
        """Answer requests until the connection ends or its lease runs out. Never raises."""
        try:
            while not self._closed:
                try:
                    request = self._reader.read()
                except TimeoutError:
                    if self._given_up():
                        return
                else:
                    if request is None:
                        return
                    self._heard, self._began = native.monotonic(), None
                    self._answer(request, handle)
                    self._heard = native.monotonic()  # it waited for us: among busy threads an arming takes its time
                wake = tick()
                self._due = _NEVER if wake is None else native.monotonic() + wake
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
                self._sent = 0.0
                self._owned.shutdown()
                return
            if self._outbox.empty() and self._sent == _NEVER:
                self._sent = native.monotonic()

    def rests(self, quiet: float) -> bool:
        """Whether all events are out, and for so many seconds nothing was sent or asked since.

        Once an event is out, the lines of source that it names are asked for.
        """
        now = native.monotonic()
        is_long_ago = self._closed or now >= self._sent + _RECENT
        return is_long_ago or now >= max(self._sent, self._heard) + quiet

    def refuse(self, error: LinkError) -> None:
        """Say why there is no service, as far as that goes without waiting. Only before `write` has begun."""
        refuse(self._owned, error)

    def close(self) -> None:
        """End the connection and both threads."""
        self._closed = True
        self._outbox.put(None)
        self._owned.shutdown()

    def release(self) -> None:
        """Give the descriptor back, after both threads are through with it."""
        self._closed = True
        self._owned.close()

    def _send(self, message: dict[str, Any]) -> bool:
        try:
            data = encode(message)
        except (LinkClosed, ValueError, TypeError, RecursionError, MemoryError) as error:
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
            self._owned.send(data, _SEND_TIMEOUT)
        except OSError:
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

    def _given_up(self) -> bool:
        now = native.monotonic()
        if self.lease is not None and now >= self._heard + self.lease:
            return True
        return self._began is not None and now >= self._began + _REQUEST_TIMEOUT

    def _receive(self, size: int) -> bytes:
        """The next bytes. In the middle of a request, however many they are, it ends when something else is due."""
        now = native.monotonic()
        if not self._reader.mid_frame:
            self._began = None
        elif self._began is None:
            self._began = now
        elif now >= min(self._due, self._began + _REQUEST_TIMEOUT):
            raise TimeoutError
        return self._owned.receive(size, max(0.001, self._until() - now))

    def _until(self) -> float:
        lease = _NEVER if self.lease is None else self._heard + self.lease
        frame = _NEVER if self._began is None else self._began + _REQUEST_TIMEOUT
        day: float = native.monotonic() + _DAY
        return min(self._due, lease, frame, day)
