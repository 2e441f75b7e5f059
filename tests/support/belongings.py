"""What a service has: processes, threads, descriptors, sockets, files; so that a look can be seen to leave none."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.integration.remote.leftovers import children, is_running, marked


class Belongings(NamedTuple):
    """What all processes of a service have at a moment. Of descriptors only the kinds: numbers and inodes change."""

    processes: frozenset[int]
    zombies: frozenset[int]
    threads: dict[int, int]
    descriptors: dict[int, list[str]]
    files: frozenset[str]


def belongings(mark: str, folder: Path) -> Belongings:
    """Look at all that carries a mark in its environment, and at the files in the folder that it may write to."""
    processes = {pid for pid in marked(mark) if is_running(pid)}
    born = set().union(*(children(pid) for pid in {*processes, os.getpid()}))
    return Belongings(
        frozenset(processes),
        frozenset(pid for pid in born if Path(f"/proc/{pid}").exists() and not is_running(pid)),
        {pid: len(_names(f"/proc/{pid}/task")) for pid in processes},
        {pid: sorted(_kind(pid, number) for number in _names(f"/proc/{pid}/fd")) for pid in processes},
        frozenset(str(path) for path in folder.rglob("*")),
    )


def settled(look: Callable[[], Belongings]) -> Belongings:
    """What is there once two looks in a row agree: the connection of the last answer may still be closing."""
    seen = look()
    for _ in range(100):
        time.sleep(0.2)
        before, seen = seen, look()
        if seen == before:
            break
    return seen


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _kind(pid: int, number: str) -> str:
    try:
        return str(Path(f"/proc/{pid}/fd/{number}").readlink()).partition(":[")[0]
    except OSError:
        return "gone"
