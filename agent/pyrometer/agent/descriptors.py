"""Descriptors that are still ours: a service that closes all of them may own our numbers by now.

After python-daemon's or Celery's "close everything", the service's own listener can have the number that ours had;
whoever then accepts on it takes the service's connections. So what we opened is told by device and inode, each time
before it is used, and a number that is no longer ours is left alone: neither read, nor written, nor closed.
"""

from __future__ import annotations

import _socket
import errno
import posix

from pyrometer.agent.unpatched import native

_AT_ONCE = _socket.MSG_DONTWAIT | _socket.MSG_NOSIGNAL


class OwnedSocket:
    """A socket together with what it was when we opened it. One thread may receive while another one sends.

    It blocks, whatever `socket.setdefaulttimeout` the service has asked for: who waits does so in `poll`.
    """

    def __init__(self, sock: _socket.socket) -> None:
        sock.settimeout(None)
        self.sock = sock
        self._identity = _identity(sock.fileno())

    @property
    def ours(self) -> bool:
        """Whether the number still names what we opened."""
        number = self.sock.fileno()
        return number >= 0 and self._identity is not None and _identity(number) == self._identity

    def receive(self, size: int, seconds: float) -> bytes:
        """What has come, or comes within so many seconds; b"" at the end. Raises TimeoutError, OSError."""
        deadline = native.monotonic() + seconds
        while True:
            self._wait(native.POLLIN, deadline)
            try:
                return self.sock.recv(size, _AT_ONCE)
            except BlockingIOError:
                continue

    def send(self, data: bytes, seconds: float) -> None:
        """Send all of it within so many seconds. Raises TimeoutError, OSError."""
        deadline = native.monotonic() + seconds
        left = memoryview(data)
        while left:
            self._wait(native.POLLOUT, deadline)
            try:
                left = left[self.sock.send(left, _AT_ONCE) :]
            except BlockingIOError:
                continue

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

    def _wait(self, event: int, deadline: float) -> None:
        """Until it is ready, and still ours: who waits has the socket itself, and its number may be another's then."""
        self._check()
        poll = native.poll()
        poll.register(self.sock.fileno(), event)
        if not poll.poll(max(0.0, deadline - native.monotonic()) * 1000):
            raise TimeoutError
        self._check()

    def _check(self) -> None:
        if not self.ours:
            raise OSError(errno.EBADF, "the service closed our descriptor")


def _identity(number: int) -> tuple[int, int] | None:
    try:
        status = posix.fstat(number)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)
