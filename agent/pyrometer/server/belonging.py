"""What the kernel says of a process's rights and place: users, groups, capabilities, namespaces, filters, environment.

`self` is ourselves.
"""

from __future__ import annotations

import os
import re

CAP_SYS_PTRACE = 1 << 19
_MAX_ENVIRONMENT = 1024 * 1024
_HEXADECIMAL = {"CapPrm", "CapEff"}
_NAMESPACE = re.compile(r"\w+:\[(\d+)\]")


def numbers(pid: int | str, field: str) -> list[int]:
    """The numbers of a line of /proc/PID/status, such as Uid: real, effective, saved, of the file system."""
    try:
        with open(f"/proc/{pid}/status", errors="replace") as file:
            words = next((line.split()[1:] for line in file if line.startswith(f"{field}:")), [])
    except OSError:
        return []
    base = 16 if field in _HEXADECIMAL else 10
    return [int(word, base) for word in words]


def may_trace_anything() -> bool:
    """Whether we have CAP_SYS_PTRACE."""
    return bool(sum(numbers("self", "CapEff")) & CAP_SYS_PTRACE)


def is_filtered(pid: int | str) -> bool:
    """Whether a seccomp filter decides which system calls a process may make."""
    return numbers(pid, "Seccomp") == [2]


def has_namespace_of_its_own(pid: int, kind: str) -> bool:
    """Whether it is in another namespace than we are: `pid`, `net`, `user`. False where that can't be seen."""
    theirs, ours = _namespace(pid, kind), _namespace("self", kind)
    return bool(theirs and ours and theirs != ours)


def is_dumpable(pid: int) -> bool:
    """Whether the kernel lets its own user read it: else its files in /proc are root's."""
    try:
        return os.stat(f"/proc/{pid}/environ").st_uid in numbers(pid, "Uid")[1:2]
    except OSError:
        return True


def environment(pid: int) -> dict[str, str]:
    """The variables that its program was started with; empty where we may not see them."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            words = file.read(_MAX_ENVIRONMENT).decode("utf-8", "replace").split("\0")
    except OSError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)


def command_line(pid: int) -> list[str]:
    """Its program's words; empty where it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(_MAX_ENVIRONMENT).decode("utf-8", "replace").rstrip("\0").split("\0")
    except OSError:
        return []


def is_unseen(pid: int) -> bool:
    """Whether there is a process that /proc does not show to us (hidepid)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return not os.path.exists(f"/proc/{pid}")
    except (OSError, OverflowError):
        return False
    return False


def is_root() -> bool:
    """Whether we are root already, so that sudo adds nothing."""
    return os.geteuid() == 0


def _namespace(pid: int | str, kind: str) -> str:
    try:
        found = _NAMESPACE.fullmatch(os.readlink(f"/proc/{pid}/ns/{kind}"))
    except OSError:
        return ""
    return found[1] if found else ""
