"""What runs because of a look: processes that carry a mark in their environment, wherever they are on this machine."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

MARK = "PYROMETER_TEST_MARK"
"""Variable that the places of the tests give to all that is started in them."""


def new_mark() -> str:
    """Make a value that no other test, and no other user of this machine, has."""
    return uuid.uuid4().hex


def marked(mark: str) -> set[int]:
    """List the processes that carry a mark; those in containers are seen from here too."""
    wanted = f"{MARK}={mark}".encode()
    return {pid for pid in _pids() if wanted in _read(pid, "environ").split(b"\0")}


def servers(mark: str) -> set[int]:
    """List the servers of looks that carry a mark."""
    return {pid for pid in marked(mark) if b"pyrometer.server" in _read(pid, "cmdline").split(b"\0")}


def children(pid: int) -> set[int]:
    """List the children of a process."""
    return {child for child in _pids() if _parent(child) == pid}


def is_running(pid: int) -> bool:
    """Tell whether a process is there and not a zombie."""
    return _read(pid, "stat").rpartition(b")")[2].split()[:1] not in ([], [b"Z"])


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _parent(pid: int) -> int:
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
