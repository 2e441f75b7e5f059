"""Why a process can't be looked into: each check with what was found, how to confirm it, and what to do."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pyrometer.link.errors import LinkClosed, LinkError
from pyrometer.server import VERSION, kernel, outside
from pyrometer.server.addresses import Address, find_addresses
from pyrometer.server.links import AgentBusy, open_link

_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
_AGENT_TIMEOUT = 1.0
_OLDEST = (3, 11)


@dataclass(frozen=True)
class Check:
    """One check. `confirm` and `remedy` are empty where there is nothing to confirm or to do."""

    name: str
    ok: bool
    cause: str
    confirm: str = ""
    remedy: str = ""


def _passed(name: str, cause: str) -> Check:
    return Check(name, ok=True, cause=cause)


def _failed(name: str, cause: str, confirm: str = "", remedy: str = "") -> Check:
    return Check(name, ok=False, cause=cause, confirm=confirm, remedy=remedy)


def diagnose(pid: int) -> list[Check]:
    """Check one process, in the order in which things matter; what depends on a failed check is left out."""
    checks = [_process(pid)]
    if checks[0].ok:
        checks.append(_python(pid))
        addresses = find_addresses().get(pid, [])
        if addresses or kernel.is_python(pid):
            checks.append(_agent(pid, addresses))
        if kernel.is_python(pid):
            checks.append(_outside(pid))
    return checks


def _process(pid: int) -> Check:
    state = kernel.state_of(pid)
    if not state:
        return _failed("process", f"there is no process {pid} here", f"ps -p {pid}", "pyrometer ps lists what there is")
    if state == "Z":
        return _failed("running", f"process {pid} has ended, and its parent has not asked for its status yet")
    if state in "Tt":
        return _failed("running", f"process {pid} is stopped", f"ps -o stat= -p {pid}", f"kill -CONT {pid}")
    return _passed("process", f"process {pid} exists, user {kernel.uid_of(pid)}")


def _python(pid: int) -> Check:
    version = kernel.python_version(pid)
    if version is not None and version < _OLDEST:
        cause = f"it is Python {version[0]}.{version[1]}: the agent needs {_OLDEST[0]}.{_OLDEST[1]}"
        return _failed("python", cause, f"readlink /proc/{pid}/exe", "dump and record work without it, values do not")
    if kernel.is_python(pid):
        return _passed("python", f"it runs {kernel.program_of(pid)}")
    if kernel.is_hidden(pid):
        cause = "what it runs can't be seen from here: it belongs to another user"
        return _failed("python", cause, f"ls -l /proc/{pid}/exe", "look as that user or as root")
    cause = f"it is not CPython: it runs {kernel.program_of(pid)}"
    return _failed("python", cause, f"readlink /proc/{pid}/exe", "pyrometer ps lists what there is")


def _agent(pid: int, addresses: list[Address]) -> Check:
    confirm = f"grep pyrometer /proc/net/unix | grep '\\.{pid}\\.'"
    if not addresses:
        return _failed(
            "agent",
            "no agent answers: it was started without one",
            confirm,
            "to have values: pyrometer run -- CMD, or pyrometer.agent.start() in its code",
        )
    try:
        with contextlib.closing(open_link(addresses)) as link:
            hello = link.await_hello(time.monotonic() + _AGENT_TIMEOUT)
    except AgentBusy:
        cause = "the agent is there and does not answer: the GIL is held, or the process is starved"
        return _failed("agent", cause, f"pyrometer dump {pid}", "dump reads it from outside, and names the holder")
    except LinkClosed as error:
        return _failed("agent", error.message, confirm)
    except LinkError as error:
        return _failed("agent", f"the agent refused us: {error.message}", "id -u", error.next or _refusal_remedy(pid))
    if hello.version != VERSION:
        return _failed(
            "agent",
            f"the agent is of version {hello.version}, this server of {VERSION}: what is new in one is missing in both",
            remedy="install the same version on both sides, and restart the service when that is possible",
        )
    return _passed("agent", f"the agent {hello.version} answers: Python {hello.python}, service {hello.service}")


def _outside(pid: int) -> Check:
    try:
        outside.read_threads(pid)
    except LinkError as error:
        if error.reason == "NOT_PERMITTED":
            cause, confirm, remedy = _why_not_permitted(pid)
            return _failed("outside", f"reading from outside is not permitted: {cause}", confirm, remedy)
        return _failed("outside", error.message, remedy=error.next)
    return _passed("outside", "reading from outside is permitted")


def _why_not_permitted(pid: int) -> tuple[str, str, str]:
    """The rule that forbids ptrace, in the order in which the kernel asks; cause, confirm, remedy."""
    sudo = f"sudo {sys.executable} -m pyrometer.client dump {pid}"
    if kernel.uid_of(pid) not in (os.geteuid(), -1):
        cause = f"it belongs to user {kernel.uid_of(pid)}, and we are {os.geteuid()} without CAP_SYS_PTRACE"
        return cause, f"ps -o uid= -p {pid}", f"look as that user, or: {sudo}"
    if (scope := _yama_scope()) > 0:
        cause = f"Yama's ptrace_scope is {scope} and we are not its parent"
        return cause, f"cat {_YAMA}", f"{sudo}; or start it with PYROMETER_OUTSIDE=1"
    theirs, ours = _capabilities(pid), _capabilities("self")
    if theirs & ~ours:
        return "it has capabilities that we lack", f"grep CapPrm /proc/{pid}/status", sudo
    if _owner_of_proc(pid) != kernel.uid_of(pid):
        return "it is not dumpable: it changed its user after it started", f"ls -ld /proc/{pid}", sudo
    return "seccomp or a security module forbids it", f"grep Seccomp /proc/{pid}/status", sudo


def _refusal_remedy(pid: int) -> str:
    return f"look as user {kernel.uid_of(pid)} or as root, from the same pid namespace"


def _capabilities(pid: int | str) -> int:
    return next((int(line.split()[1], 16) for line in _status(pid) if line.startswith("CapPrm:")), 0)


def _status(pid: int | str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return []


def _owner_of_proc(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}/environ").st_uid
    except OSError:
        return -1


def _yama_scope() -> int:
    try:
        return int(_YAMA.read_text())
    except (OSError, ValueError):
        return 0
