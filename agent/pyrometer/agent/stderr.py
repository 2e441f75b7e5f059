"""Lines of ours on the service's standard error: refusals and the audit, never blocking, never on a foreign descriptor.

Neither `logging` (its handlers are the service's code, and its lock may be the deadlock that somebody came to see)
nor `sys.stderr` (anybody may have replaced it) is touched.
"""

from __future__ import annotations

import posix

from pyrometer.agent.unpatched import native

_NUMBER = 2
_MAX_LINE = 1024
"""Bytes; a pipe that polls writable takes PIPE_BUF (4,096) without blocking."""


class StandardError:
    """The service's descriptor 2, as it was at the start."""

    def __init__(self) -> None:
        self._identity = _identity()
        self.skipped = 0
        """Lines that could not be written without blocking, or because the descriptor is something else by now."""
        self._last: dict[str, float] = {}

    def line(self, text: str) -> bool:
        """Write one line; False where that was not possible at once."""
        data = f"pyrometer: {printable(text)}\n".encode("utf-8", "replace")
        if len(data) > _MAX_LINE:
            data = data[: _MAX_LINE - 4] + "…\n".encode()
        written = self._identity is not None and _identity() == self._identity and _writable()
        if written:
            try:
                posix.write(_NUMBER, data)
            except OSError:
                written = False
        self.skipped += not written
        return written

    def line_a_minute(self, kind: str, text: str) -> None:
        """Write a line unless one of its kind was written within the last minute."""
        now = native.monotonic()
        if now - self._last.get(kind, -60.0) >= 60.0:
            self._last[kind] = now
            self.line(text)


def bounded(text: str, size: int) -> str:
    """The printable form of a foreign text, cut to so many bytes: nothing else of the line is pushed out by it."""
    data = printable(text[:size]).encode()
    if len(data) <= size and len(text) <= size:
        return data.decode()
    return data[: size - 3].decode("utf-8", "ignore") + "…"


def printable(text: str) -> str:
    """Text without controls, so that one call is one line and a terminal stays as it is."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _writable() -> bool:
    broken = native.POLLERR | native.POLLHUP
    poll = native.poll()
    poll.register(_NUMBER, native.POLLOUT)
    return any(events & native.POLLOUT and not events & broken for _, events in poll.poll(0))


def _identity() -> tuple[int, int] | None:
    try:
        status = posix.fstat(_NUMBER)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)
