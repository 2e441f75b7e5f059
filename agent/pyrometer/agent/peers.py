"""Who may connect to the agent: decided by what the kernel says of the peer, never by what it says of itself."""

from __future__ import annotations

import posix
import struct

from pyrometer.link.records import NamedTuple

_SO_PEERCRED = 17
_SOL_SOCKET = 1
_CREDENTIALS = struct.Struct("3i")
_IDENTITY_MAP = [b"0", b"0", b"4294967295"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket


class Peer(NamedTuple):
    """The process at the other end, as the kernel had it when it connected.

    pid 0: it is in a pid namespace that ours can't see.
    """

    pid: int
    uid: int
    gid: int


def peer_of(sock: _socket.socket) -> Peer:
    """The credentials of a unix socket's peer. Raises OSError."""
    return Peer(*_CREDENTIALS.unpack(sock.getsockopt(_SOL_SOCKET, _SO_PEERCRED, _CREDENTIALS.size)))


def refusal(peer: Peer, peers: str) -> str:
    """Why this peer may not connect; empty: it may.

    `peers` is the policy's word: "namespace", or "pod" to let other containers of the pod in.
    """
    if peer.uid == _overflow_uid() and not _uid_map_is_identity():
        return f"its user ({peer.uid}) is not mapped into this user namespace"
    if peer.uid not in (0, posix.geteuid()):
        return f"user {peer.uid} is neither the process's own ({posix.geteuid()}) nor root"
    return "" if peers == "pod" else _foreign(peer.pid)


def _foreign(pid: int) -> str:
    """Why a peer does not count as one of our pid namespace; empty: it does.

    One in a namespace above ours shows as pid 0, one in a namespace below has more entries in NSpid than we. One that
    is gone by now may have been there, and have handed its connection on.
    """
    ours = _namespace_depth("self")
    theirs = _namespace_depth(pid) if pid else 0
    if pid and ours and not theirs:
        return 'its pid namespace can not be told from /proc, and the policy does not say peers = "pod"'
    if not pid or (ours and theirs > ours):
        return 'it comes from another pid namespace, and the policy does not say peers = "pod"'
    return ""


def _namespace_depth(pid: int | str) -> int:
    """Entries of NSpid; 0 where that can't be read: no /proc after a chroot, or the peer is gone already."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            for line in file:
                if line.startswith(b"NSpid:"):
                    return len(line.split()) - 1
    except OSError:
        pass
    return 0


def _overflow_uid() -> int:
    try:
        with open("/proc/sys/kernel/overflowuid", "rb") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 65534


def _uid_map_is_identity() -> bool:
    try:
        with open("/proc/self/uid_map", "rb") as file:
            return file.read().split() == _IDENTITY_MAP
    except OSError:
        return True
