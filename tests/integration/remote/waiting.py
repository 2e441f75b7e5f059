"""Conditions that come true some time, and what is left running."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def wait_for(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait until a condition holds; fail with its name when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)


def running_servers() -> set[int]:
    """List the pids of all servers of looks on this machine, those in containers included, zombies apart."""
    return {pid for pid, line in command_lines() if b"\0-m\0pyrometer.server\0" in line + b"\0"}


def command_lines() -> list[tuple[int, bytes]]:
    """Read what runs on this machine: pids and NUL-separated command lines."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((int(entry.name), (entry / "cmdline").read_bytes()))
            except OSError:
                continue
    return found
