"""Descriptors that are still ours: a service that closes all of them may own our numbers by now.

After python-daemon's or Celery's "close everything", the service's own listener can have the number that ours had;
whoever then accepts on it takes the service's connections. So what we opened is told by device and inode, each time
before it is used, and a number that is no longer ours is left alone: neither read, nor written, nor closed.
"""

from __future__ import annotations

import _socket
import posix


class OwnedSocket:
    """A socket together with what it was when we opened it. Not thread-safe beyond what a socket is."""

    def __init__(self, sock: _socket.socket) -> None:
        self.sock = sock
        self._identity = _identity(sock.fileno())

    @property
    def ours(self) -> bool:
        """Whether the number still names what we opened."""
        number = self.sock.fileno()
        return number >= 0 and self._identity is not None and _identity(number) == self._identity

    def duplicate(self) -> OwnedSocket:
        """A second descriptor of the same socket, with a time-out of its own. Raises OSError."""
        return OwnedSocket(_socket.socket(fileno=_socket.dup(self.sock.fileno())))

    def close(self) -> None:
        """Close it if it is still ours; else forget the number."""
        if self.ours:
            self.sock.close()
        else:
            self.sock.detach()

    def shutdown(self) -> None:
        """End both directions, which wakes whoever is parked in it; nothing happens where that can't be."""
        if self.ours:
            try:
                self.sock.shutdown(_socket.SHUT_RDWR)
            except OSError:
                pass


def _identity(number: int) -> tuple[int, int] | None:
    try:
        status = posix.fstat(number)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)
