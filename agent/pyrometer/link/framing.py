"""Frames: four bytes of big-endian length, then UTF-8 JSON.

Whatever is malformed closes the connection and nothing else: a reader allocates no more than what has arrived, so a
length of 4 GiB costs the sender a connection and us nothing.
"""

from __future__ import annotations

import json

from pyrometer.link.errors import LinkClosed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_FRAME = 8 * 1024 * 1024
"""Bytes of one frame, header apart."""
MAX_EVENT = 1024 * 1024
"""Bytes of one event; a larger one is dropped and counted by its sender."""

_HEADER = 4
_ALIKE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Later:
    """A part of a message that is made when the message is sent, on the thread that sends it."""

    __slots__ = ()

    def to_wire(self) -> Any:
        """What takes its place: plain data, or more of these."""
        raise NotImplementedError


def encode(message: dict[str, Any]) -> bytes:
    """Frame a message.

    Text that is not valid Unicode (lone surrogates) is escaped, so that the frame is always valid UTF-8.

    Raises:
        LinkClosed: the message is larger than `MAX_FRAME`.
    """
    body = json.dumps(message, separators=(",", ":"), check_circular=False, default=_made).encode("ascii")
    if len(body) > MAX_FRAME:
        raise LinkClosed(f"a message of {len(body)} bytes is over the limit of {MAX_FRAME}")
    return len(body).to_bytes(_HEADER, "big") + body


class FrameReader:
    """Turns a stream of bytes into messages.

    Not thread-safe: one reader, one thread. `receive` is `socket.recv` or the like and returns b"" at the end.
    """

    def __init__(self, receive: Callable[[int], bytes], *, limit: int = MAX_FRAME, depth: int | None = None) -> None:
        """Set up; `depth` is for a thread whose stack may be too small for what `json` itself refuses as too deep."""
        self._receive = receive
        self._limit = limit
        self._depth = depth
        self._buffer = bytearray()

    @property
    def mid_frame(self) -> bool:
        """Whether part of a frame has arrived: silence now means a slow or broken peer."""
        return bool(self._buffer)

    def read(self) -> dict[str, Any] | None:
        """Return the next message, or None at a clean end.

        What `receive` raises (a time-out) passes through and loses nothing: call again.

        Raises:
            LinkClosed: the stream ended inside a frame, or what came is not a frame.
        """
        while (message := self._take()) is None:
            chunk = self._receive(65536)
            if not chunk:
                if self._buffer:
                    raise LinkClosed("the connection ended in the middle of a message")
                return None
            self._buffer += chunk
        return message

    def _take(self) -> dict[str, Any] | None:
        if len(self._buffer) < _HEADER:
            return None
        length = int.from_bytes(self._buffer[:_HEADER], "big")
        if length > self._limit:
            raise LinkClosed(f"a frame of {length} bytes is over the limit of {self._limit}")
        if len(self._buffer) < _HEADER + length:
            return None
        body = bytes(self._buffer[_HEADER : _HEADER + length])
        del self._buffer[: _HEADER + length]
        if self._depth is not None and not is_shallow(body, self._depth):
            raise LinkClosed(f"a frame nests deeper than {self._depth}")
        return _decode(body)


def is_shallow(body: bytes, depth: int) -> bool:
    """Whether objects and lists nest no deeper than this; False too where brackets do not match.

    Each pass takes the innermost pairs away, in C and without a stack. Escapes are cut out before quotes are looked
    for: outside of texts there is none in JSON.
    """
    if body.count(b"[") + body.count(b"{") <= depth:
        return True
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    outside = b"".join(unescaped.split(b'"')[::2])
    left = outside.translate(_ALIKE, _NO_BRACKETS)
    for _ in range(depth):
        if not left:
            break
        left = left.replace(b"[]", b"")
    return not left


def _made(part: object) -> Any:
    if isinstance(part, Later):
        return part.to_wire()
    raise TypeError(f"a message can't hold a {type(part).__name__}")


def _decode(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise LinkClosed("a frame does not hold JSON") from None
    if not isinstance(message, dict):
        raise LinkClosed("a message is not an object")
    return message
