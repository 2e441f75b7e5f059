"""The agent's address: a socket on which one parked thread waits for somebody to look."""

from __future__ import annotations

import _socket
import posix
import stat

from pyrometer.agent.descriptors import OwnedSocket
from pyrometer.agent.identity import new_address

_BACKLOG = 16


class RunDirRefused(OSError):
    """PYROMETER_RUN_DIR names something that is not a private folder of ours."""


class Listener:
    """A bound, listening socket: abstract, or a file in the folder given."""

    def __init__(self, service: str, run_dir: str | None) -> None:
        """Bind. Raises OSError, RunDirRefused."""
        self.path = _socket_path(run_dir) if run_dir else None
        sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        sock.bind(self.path or new_address(service))
        sock.listen(_BACKLOG)
        self.address: str | bytes = sock.getsockname()
        self._owned = OwnedSocket(sock)
        self._creator = posix.getpid()

    @property
    def ours(self) -> bool:
        """Whether the descriptor is still what we bound."""
        return self._owned.ours

    def accept(self) -> OwnedSocket | None:
        """Wait for a connection; None: the descriptor is not ours any more, or was ended: bind anew.

        The check comes before, so that the service's own listener under our number is never accepted on; and after,
        where a connection to another address than ours would be one that we took away.
        """
        if not self.ours:
            return None
        try:
            number, _ = self._owned.sock._accept()  # type: ignore[attr-defined]
        except OSError:
            return None
        sock = _socket.socket(fileno=number)
        if sock.getsockname() != self.address:
            sock.detach()
            return None
        return OwnedSocket(sock)

    def wake(self) -> None:
        """End the wait of whoever is parked in `accept`, for good."""
        self._owned.shutdown()

    def close(self) -> None:
        """Give up the address; in the process that made it, a file goes too."""
        if self.path and self.ours and self._creator == posix.getpid():
            try:
                posix.unlink(self.path)
            except OSError:
                pass
        self._owned.close()


def _socket_path(run_dir: str) -> str:
    """The path of this process's socket in a folder that is ours alone. A stale one of an earlier pid is removed."""
    try:
        posix.mkdir(run_dir, 0o700)
    except FileExistsError:
        pass
    status = posix.lstat(run_dir)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != posix.geteuid() or status.st_mode & 0o077:
        raise RunDirRefused(f"{run_dir} must be a folder of user {posix.geteuid()} with mode 0700, and not a link")
    path = f"{run_dir}/{posix.getpid()}.sock"
    if len(path.encode()) > 107:
        raise RunDirRefused(f"{path} is longer than the 107 bytes that a unix socket's path can have")
    try:
        posix.unlink(path)
    except FileNotFoundError:
        pass
    return path
