"""The loopback interface of a network that nobody has used yet: peers talk over it."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_REQUEST = struct.Struct("16sh14x")


def see_to_it() -> None:
    """Set it up where it is down, and where that is permitted."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        name, flags = _REQUEST.unpack(fcntl.ioctl(sock, _SIOCGIFFLAGS, _REQUEST.pack(b"lo", 0)))
        if not flags & _IFF_UP:
            fcntl.ioctl(sock, _SIOCSIFFLAGS, _REQUEST.pack(name, flags | _IFF_UP))
