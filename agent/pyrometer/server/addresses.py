"""Addresses of agents: found in /proc/net/unix, or as files in PYROMETER_RUN_DIR. Nothing is connected to here."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_SERVICE = r"[A-Za-z0-9_@.+~][A-Za-z0-9_@.+~-]{0,63}"
_NAME = re.compile(
    rf"@pyrometer\.(?P<namespace>[0-9]+)\.(?P<pid>[0-9]{{1,10}})\.(?P<token>[0-9a-f]{{8}})(?:\.(?P<service>{_SERVICE}))?"
)
"""Any user may bind any name: one that no agent of ours has is none."""
_LISTENING = 0x10000  # __SO_ACCEPTCON
_FILE = re.compile(r"(?P<pid>[0-9]{1,10})\.sock")


@dataclass(frozen=True)
class Address:
    """Where an agent listens, as far as its name is to be believed: the connect checks it."""

    pid: int
    name: str
    """As `socket.connect` takes it."""
    service: str = ""


def is_service(name: str) -> bool:
    """Whether it is a name that a service of ours can have, and that can be typed as a target."""
    return re.fullmatch(_SERVICE, name) is not None


def find_addresses() -> dict[int, list[Address]]:
    """All addresses of this pid namespace, by pid. Several for one pid: at most one of them is true."""
    found: dict[int, list[Address]] = {}
    for address in (*_abstract(), *_files(os.environ.get("PYROMETER_RUN_DIR"))):
        found.setdefault(address.pid, []).append(address)
    return found


def _abstract() -> list[Address]:
    namespace = str(os.stat("/proc/self/ns/pid").st_ino)
    found = []
    with open("/proc/net/unix", errors="replace") as file:
        lines = file.read().splitlines()[1:]
    for line in lines:
        columns = line.split(maxsplit=7)
        match = _NAME.fullmatch(columns[7]) if len(columns) == 8 else None
        if match and int(columns[3], 16) & _LISTENING and match["namespace"] == namespace:
            found.append(Address(int(match["pid"]), "\0" + columns[7][1:], match["service"] or ""))
    return found


def _files(run_dir: str | None) -> list[Address]:
    if not run_dir:
        return []
    try:
        names = os.listdir(run_dir)
    except OSError:
        return []
    matches = (_FILE.fullmatch(name) for name in names)
    return [Address(int(match["pid"]), f"{run_dir}/{match[0]}") for match in matches if match]
