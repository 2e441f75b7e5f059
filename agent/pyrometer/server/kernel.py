"""What the kernel says of a process and its threads: CPU time, state, start, without disturbing it."""

from __future__ import annotations

import mmap
import os
import re
from dataclasses import dataclass

TICK = 1 / os.sysconf("SC_CLK_TCK")
"""Seconds: how finely the kernel counts a process's processor time."""
_MAX_PROGRAM = 256 * 1024 * 1024
_VERSION = re.compile(r"/(?:lib)?python(\d)\.(\d+)[^/]*$")
_PYTHON = re.compile(r"(lib)?python[0-9.]*[a-z]*(\.so.*)?")
_HELPER = re.compile(rb"\0-c\0(?:import sys; )?from multiprocessing\.(resource_tracker|forkserver) import main")


@dataclass(frozen=True)
class Thread:
    """A thread of the operating system at one moment."""

    native_id: int
    state: str
    """One letter, as in /proc/PID/task/TID/stat: R, S, D, T…"""
    cpu_seconds: float
    """Processor time used so far."""
    delay_seconds: float | None = None
    """Time for which it was ready to run and had no processor; None: the kernel does not count it."""


def pids() -> list[int]:
    """All processes that /proc shows."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def threads_of(pid: int) -> dict[int, Thread]:
    """The threads of a process by native id; empty where it is gone."""
    try:
        names = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return {}
    read = (_thread(pid, int(name)) for name in names)
    return {thread.native_id: thread for thread in read if thread is not None}


def cpu_seconds_of(pid: int) -> float:
    """Processor time of a process, ended threads included, in whole ticks (mostly 0.01 s); 0 where it is gone."""
    fields = _stat(f"/proc/{pid}/stat")
    return (int(fields[11]) + int(fields[12])) * TICK if fields else 0.0


def times_of(pid: int) -> tuple[float, float] | None:
    """Processor time of a process in its own code and in the kernel, seconds; None where it is gone."""
    fields = _stat(f"/proc/{pid}/stat")
    return (int(fields[11]) * TICK, int(fields[12]) * TICK) if fields else None


def memory_of(pid: int, name: str) -> int | None:
    """One of the sizes in /proc/PID/status, such as VmRSS, VmHWM, VmSwap, in bytes; None where it does not tell."""
    try:
        with open(f"/proc/{pid}/status", errors="replace") as file:
            line = next((line for line in file if line.startswith(f"{name}:")), "")
        return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None


def descriptors_of(pid: int) -> int | None:
    """How many descriptors a process has open; None where it does not let us see, or is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


def descriptor_limit(pid: int) -> int | None:
    """How many it may have (the soft limit); None where there is no limit, or that can't be seen."""
    try:
        with open(f"/proc/{pid}/limits", errors="replace") as file:
            line = next((line for line in file if line.startswith("Max open files")), "")
        return int(line.split()[3])
    except (OSError, ValueError, IndexError):
        return None


def start_ticks(pid: int) -> int:
    """Start of a process in clock ticks since boot; 0 where it is gone."""
    fields = _stat(f"/proc/{pid}/stat")
    return int(fields[19]) if fields else 0


def state_of(pid: int) -> str:
    """State letter of a process's main thread; "" where it is gone."""
    fields = _stat(f"/proc/{pid}/stat")
    return fields[0] if fields else ""


def uid_of(pid: int) -> int:
    """Effective user of a process; -1 where it is gone."""
    try:
        with open(f"/proc/{pid}/status", errors="replace") as file:
            return next((int(line.split()[2]) for line in file if line.startswith("Uid:")), -1)
    except OSError:
        return -1


def parent_of(pid: int) -> int:
    """The process that started it, or that took it over; 0 where it is gone."""
    fields = _stat(f"/proc/{pid}/stat")
    return int(fields[1]) if fields else 0


def is_python(pid: int) -> bool:
    """Whether a process's program is called python, has libpython mapped, or has CPython linked into it."""
    try:
        if _PYTHON.fullmatch(os.path.basename(os.readlink(f"/proc/{pid}/exe")).removesuffix(" (deleted)")):
            return True
        with open(f"/proc/{pid}/maps", errors="replace") as file:
            return any("/libpython" in line for line in file) or holds_cpython(pid)
    except OSError:
        return False


def holds_cpython(pid: int) -> bool:
    """Whether a program has the symbol in which CPython keeps all its state: then no library tells what it is."""
    try:
        with open(f"/proc/{pid}/exe", "rb") as file:
            size = min(os.fstat(file.fileno()).st_size, _MAX_PROGRAM)
            with mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as program:
                return program.find(b"\0_PyRuntime\0") >= 0
    except (OSError, ValueError):
        return False


def is_hidden(pid: int) -> bool:
    """Whether the kernel does not tell us what program a process runs: it is another user's."""
    try:
        os.readlink(f"/proc/{pid}/exe")
    except PermissionError:
        return True
    except OSError:  # a thread of the kernel's runs none
        return False
    return False


def is_helper(pid: int) -> bool:
    """Whether a process is one of multiprocessing's own: what tracks resources, or what forks others.

    Those that a fork server forks bear its command line and are no helpers.
    """
    kind = _helper_kind(pid)
    return kind == b"resource_tracker" or (kind == b"forkserver" and _helper_kind(parent_of(pid)) != kind)


def python_version(pid: int) -> tuple[int, int] | None:
    """Major and minor version, as the name of the program or of its library tells; None where it does not."""
    try:
        names = [os.readlink(f"/proc/{pid}/exe")]
        with open(f"/proc/{pid}/maps", errors="replace") as file:
            names += [line.split()[-1] for line in file if "/libpython" in line]
    except OSError:
        return None
    found = (_VERSION.search(name) for name in names)
    return next(((int(match[1]), int(match[2])) for match in found if match), None)


def program_of(pid: int) -> str:
    """Path of the program that a process runs; its short name where the path can't be seen."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        pass
    try:
        with open(f"/proc/{pid}/comm", errors="replace") as file:
            return file.read().strip() or "something without a name"
    except OSError:
        return "something that can't be seen from here"


def _helper_kind(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            found = _HELPER.search(file.read(4096))
    except OSError:
        return b""
    return found[1] if found else b""


def _thread(pid: int, native_id: int) -> Thread | None:
    task = f"/proc/{pid}/task/{native_id}"
    fields = _stat(f"{task}/stat")
    if not fields:
        return None
    try:
        with open(f"{task}/schedstat", "rb") as file:
            used, delayed = (int(word) / 1e9 for word in file.read().split()[:2])
    except (OSError, ValueError):  # a kernel without scheduler statistics counts in ticks
        return Thread(native_id, fields[0], (int(fields[11]) + int(fields[12])) * TICK)
    return Thread(native_id, fields[0], used, delayed)


def _stat(path: str) -> list[str]:
    """Fields of a stat file from the state on; the name before them may hold anything."""
    try:
        with open(path, errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []
