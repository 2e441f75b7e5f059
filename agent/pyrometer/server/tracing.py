"""The kernel's rules on reading another process's memory: which of them forbids it, how to see that, what to do.

They are asked in the kernel's own order (ptrace_may_access): a seccomp filter on us, users and groups, dumpable,
capabilities, Yama. CAP_SYS_PTRACE is above all of them but the filter and Yama's scope 3; without it each must agree.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from pyrometer.server import belonging, kernel

YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
_NOT_TO_BE_LOWERED = 3


class Rule(NamedTuple):
    """A rule that forbids it."""

    cause: str
    confirm: str
    remedy: str


def forbidding(pid: int, yama: Path = YAMA) -> Rule:
    """What forbids us to read a process; of several rules all causes, and what helps against all of them."""
    if above := _filter() or _scope_3(yama):
        return above
    whose = _user(pid)
    asked = (whose or _group(pid), _dumpable(pid), None if whose else _capabilities(pid), _yama(pid, yama))
    rules = [rule for rule in asked if rule is not None]
    if not rules:
        return Rule(
            "a security module forbids it (AppArmor, SELinux, Landlock), or a user namespace",
            f"cat /proc/{pid}/attr/current; readlink /proc/self/ns/user /proc/{pid}/ns/user",
            _with_rights(pid),
        )
    if len(rules) == 1:
        return rules[0]
    return Rule(
        "; and ".join(rule.cause for rule in rules), "; ".join(rule.confirm for rule in rules), _with_rights(pid)
    )


def _filter() -> Rule | None:
    """A filter on us may forbid the call, whatever the process: then we can't even read ourselves."""
    if not belonging.is_filtered("self") or _reads_itself():
        return None
    return Rule(
        "a seccomp filter on us forbids process_vm_readv, or ptrace",
        "grep Seccomp: /proc/self/status",
        f"look from outside of the container, as root of the host; in Docker: {_docker('--security-opt seccomp=FILE')}",
    )


def _scope_3(yama: Path) -> Rule | None:
    if _scope(yama) < _NOT_TO_BE_LOWERED:
        return None
    return Rule(
        "Yama's ptrace_scope is 3: nobody may read another process, root neither, until the machine starts anew",
        f"cat {yama}",
        "have the agent in it, which needs no such right: pyrometer run -- CMD",
    )


def _user(pid: int) -> Rule | None:
    users, ours = belonging.numbers(pid, "Uid")[:3], os.getuid()
    if belonging.may_trace_anything() or not users or set(users) == {ours}:
        return None
    whose = next((user for user in (users[1], *users) if user != ours), ours)
    return Rule(
        f"it belongs to user {whose}, and we are {ours} without CAP_SYS_PTRACE",
        f"ps -o ruid=,euid=,suid= -p {pid}",
        f"look as that user: {_as_its_user(pid)}; or {_with_rights(pid)}",
    )


def _group(pid: int) -> Rule | None:
    groups, ours = belonging.numbers(pid, "Gid")[:3], os.getgid()
    if belonging.may_trace_anything() or not groups or set(groups) == {ours}:
        return None
    whose = next((group for group in (groups[1], *groups) if group != ours), ours)
    return Rule(
        f"its group is {whose}, and ours is {ours}",
        f"ps -o rgid=,egid=,sgid= -p {pid}",
        f"look as its user and group: {_as_its_user(pid)}; or {_with_rights(pid)}",
    )


def _dumpable(pid: int) -> Rule | None:
    if belonging.may_trace_anything() or belonging.is_dumpable(pid):
        return None
    return Rule(
        "it is not dumpable: it changed its user after its start, or asked for that (PR_SET_DUMPABLE)",
        f"ls -ld /proc/{pid}/environ",
        _with_rights(pid),
    )


def _capabilities(pid: int) -> Rule | None:
    theirs, ours = (sum(belonging.numbers(whose, "CapPrm")) for whose in (pid, "self"))
    if belonging.may_trace_anything() or not theirs & ~ours:
        return None
    return Rule(
        f"it has capabilities that we lack ({theirs & ~ours:#x})",
        f"grep CapPrm: /proc/self/status /proc/{pid}/status",
        _with_rights(pid),
    )


def _yama(pid: int, yama: Path) -> Rule | None:
    scope = _scope(yama)
    if scope <= 0 or belonging.may_trace_anything():
        return None
    if scope == 1:
        cause = "Yama's ptrace_scope is 1: a process may be read by what started it only, and we did not"
        return Rule(cause, f"cat {yama}", f"{_with_rights(pid)}; or start it with PYROMETER_OUTSIDE=1")
    return Rule(
        f"Yama's ptrace_scope is {scope}: only who has CAP_SYS_PTRACE may read another process",
        f"cat {yama}",
        _with_rights(pid),
    )


def _scope(yama: Path) -> int:
    try:
        return int(yama.read_text())
    except (OSError, ValueError):
        return 0


def _with_rights(pid: int) -> str:
    """How to have CAP_SYS_PTRACE: root of a machine has it, root of a container does not."""
    if belonging.is_root():
        return f"give this container the right: {_docker('--cap-add SYS_PTRACE')}"
    return f"sudo {shlex.quote(sys.executable)} -m pyrometer.client dump {pid}"


def _as_its_user(pid: int) -> str:
    user = kernel.uid_of(pid)
    group = next(iter(belonging.numbers(pid, "Gid")[1:2]), user)
    us = "" if belonging.is_root() else "sudo "
    return f"{us}setpriv --reuid {user} --regid {group} --clear-groups pyrometer dump {pid}"


def _docker(option: str) -> str:
    return f"docker run {option} IMAGE"


def _reads_itself() -> bool:
    """Whether process_vm_readv works at all: of one's own memory it needs no right."""
    import ctypes

    word, copy = ctypes.c_uint64(1), ctypes.c_uint64(0)
    ours, theirs = ((ctypes.c_size_t * 2)(ctypes.addressof(part), 8) for part in (copy, word))
    read = ctypes.CDLL(None).process_vm_readv
    read.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    return bool(read(os.getpid(), ours, 1, theirs, 1, 0) == 8)
