"""Addresses of agents, on a machine where any user may bind any name."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from pyrometer.server.addresses import find_addresses

NAMES = (";touch${IFS}x;#", "$(id)", "`id`", "a b", "a/b", "é", "\x1b[31m", "-rf", "x" * 65, "shop.web-1@eu+~_")


def test_a_name_that_no_service_of_ours_can_have_is_no_address() -> None:
    """What any user binds would be shown, completed and looked into under it."""
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    with contextlib.ExitStack() as sockets:
        for number, name in enumerate(NAMES):
            sock = sockets.enter_context(socket.socket(socket.AF_UNIX))
            sock.bind(f"\0pyrometer.{namespace}.{os.getpid()}.{number:08x}.{name}"[:107])
            sock.listen(1)
        assert [address.service for address in find_addresses()[os.getpid()]] == ["shop.web-1@eu+~_"]
