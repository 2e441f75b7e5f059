"""The agent's address: a socket on which one parked thread waits for somebody to look."""

from __future__ import annotations

import _socket
import os
import posix
import stat

from pyrometer.agent.descriptors import OwnedSocket
from pyrometer.agent.identity import new_address

_BACKLOG = 16
_NAMESAKES = 20
"""Processes of one pid, each of its own pid namespace, that may share a folder."""


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
    """The path of this process's socket in a folder that is ours alone.

    One of an earlier process of our pid is removed. Containers that share the folder may have a pid in common: zeros
    before it make another name, which is read as the same pid.
    """
    if "\0" in run_dir:
        raise RunDirRefused(f"{run_dir!r} can't be a folder's name")
    try:
        posix.mkdir(run_dir, 0o700)
    except FileExistsError:
        pass
    status = posix.lstat(run_dir)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != posix.geteuid() or status.st_mode & 0o077:
        raise RunDirRefused(f"{run_dir} must be a folder of user {posix.geteuid()} with mode 0700, and not a link")
    for zeros in range(_NAMESAKES):
        path = f"{run_dir}/{'0' * zeros}{posix.getpid()}.sock"
        if len(os.fsencode(path)) > 107:
            raise RunDirRefused(f"{path} is longer than the 107 bytes that a unix socket's path can have")
        if _is_free(path):
            return path
    raise RunDirRefused(f"{run_dir} has {_NAMESAKES} sockets of other processes whose pid is {posix.getpid()} too")


def _is_free(path: str) -> bool:
    """Whether nobody has a socket there, after a stale one has been removed.

    It is asked for by the wrong type of socket, which tells one that lives and disturbs nobody with a connection.
    """
    probe = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    try:
        probe.connect(path)
    except FileNotFoundError:
        return True
    except ConnectionRefusedError:
        posix.unlink(path)
        return True
    except OSError:
        return False
    finally:
        probe.close()
    return False
