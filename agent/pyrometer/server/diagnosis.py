"""Why a process can't be looked into: each check with what was found, how to confirm it, and what to do."""

from __future__ import annotations

import contextlib
import time

from pyrometer.link.errors import LinkClosed, LinkError
from pyrometer.server import VERSION, absence, belonging, interpreters, kernel, outside, tracing
from pyrometer.server.addresses import Address, find_addresses
from pyrometer.server.checks import Check, failed, passed
from pyrometer.server.links import AgentBusy, open_link

_AGENT_TIMEOUT = 1.0
_OLDEST = (3, 11)
_SHOWN = 6


def diagnose(pid: int) -> list[Check]:
    """Check one process, in the order in which things matter; what depends on a failed check is left out."""
    checks = [_process(pid)]
    if not checks[0].ok:
        return checks
    checks.append(_python(pid))
    addresses = find_addresses()
    if pid in addresses or kernel.is_python(pid):
        checks += [_agent(pid, addresses.get(pid, [])), _outside(pid)]
    if pid in addresses and (bare := _bare_children(pid, addresses)):
        checks.append(_children(bare))
    return checks


def _process(pid: int) -> Check:
    state = kernel.state_of(pid)
    if not state and belonging.is_unseen(pid):
        return failed(
            "visible",
            f"there is a process {pid}, and /proc does not show it to us: it is mounted with hidepid",
            "grep hidepid /proc/mounts",
            f"look as its user or as root: sudo pyrometer doctor {pid}",
        )
    if not state:
        return failed("process", f"there is no process {pid} here", f"ps -p {pid}", "pyrometer ps lists what there is")
    if state == "Z":
        parent = kernel.parent_of(pid)
        cause = f"process {pid} has ended, and its parent {parent} has not asked for its status yet"
        return failed("running", cause, f"ps -o stat=,ppid= -p {pid}", f"pyrometer doctor {parent}")
    if state in "Tt":
        return failed("running", f"process {pid} is stopped", f"ps -o stat= -p {pid}", f"kill -CONT {pid}")
    return passed("process", f"process {pid} exists, user {kernel.uid_of(pid)}")


def _python(pid: int) -> Check:
    version, confirm = kernel.python_version(pid), f"readlink /proc/{pid}/exe"
    if other := interpreters.other_implementation(pid):
        cause = f"it is {other}, {kernel.program_of(pid)}: the agent and py-spy know CPython only"
        return failed("python", cause, confirm, "run it with CPython: pyrometer run -- python3 …")
    if version is not None and version < _OLDEST:
        cause = f"it is Python {version[0]}.{version[1]}: the agent needs {_OLDEST[0]}.{_OLDEST[1]}"
        return failed("python", cause, confirm, "dump and record work without it, values do not")
    if kernel.is_python(pid):
        return passed("python", f"it runs {kernel.program_of(pid)}{_how_it_is_linked(pid)}")
    if kernel.is_hidden(pid):
        rule = tracing.forbidding(pid)
        return failed("python", f"what it runs can't be seen from here: {rule.cause}", rule.confirm, rule.remedy)
    cause = f"it is not CPython: it runs {kernel.program_of(pid)}"
    return failed("python", cause, confirm, "pyrometer ps lists what there is")


def _how_it_is_linked(pid: int) -> str:
    """Said where its name does not say that it is Python: then it was found out by looking into it."""
    name = kernel.program_of(pid).rpartition("/")[2]
    return ", with CPython linked into it" if not name.startswith("python") and kernel.holds_cpython(pid) else ""


def _agent(pid: int, addresses: list[Address]) -> Check:
    if not addresses:
        return failed("agent", *absence.explain(pid))
    try:
        with contextlib.closing(open_link(addresses)) as link:
            hello = link.await_hello(time.monotonic() + _AGENT_TIMEOUT)
    except AgentBusy:
        return _busy(pid)
    except LinkClosed as error:
        return failed("agent", error.message, f"grep pyrometer /proc/net/unix | grep '\\.{pid}\\.'")
    except LinkError as error:
        return failed("agent", f"the agent refused us: {error.message}", "id -u", error.next or _refusal_remedy(pid))
    if hello.version != VERSION:
        return failed(
            "agent",
            f"the agent is of version {hello.version}, this server of {VERSION}: what is new in one is missing in both",
            "pyrometer --version, where the service runs and here",
            "install the same version on both sides, and restart the service when that is possible",
        )
    return passed("agent", f"the agent {hello.version} answers: Python {hello.python}, service {hello.service}")


def _busy(pid: int) -> Check:
    if known := absence.without_threads(pid):
        return failed("agent", *known)
    cause = "the agent is there and does not answer: the GIL is held, or the process is starved"
    return failed("agent", cause, f"pyrometer dump {pid}", "dump reads it from outside, and names the holder")


def _outside(pid: int) -> Check:
    try:
        outside.read_threads(pid)
    except LinkError as error:
        if error.reason == "NOT_PERMITTED":
            cause, confirm, remedy = tracing.forbidding(pid)
            return failed("outside", f"reading from outside is not permitted: {cause}", confirm, remedy)
        return failed("outside", error.message, f"py-spy dump --nonblocking --pid {pid}", error.next)
    return passed("outside", "reading from outside is permitted")


def _bare_children(pid: int, addresses: dict[int, list[Address]]) -> list[int]:
    """Pythons that it has started and that have no agent."""
    children = [child for child in kernel.pids() if kernel.parent_of(child) == pid and child not in addresses]
    return [child for child in children if kernel.is_python(child) and not kernel.is_helper(child)]


def _children(bare: list[int]) -> Check:
    named = ", ".join(map(str, bare[:_SHOWN])) + ("…" if len(bare) > _SHOWN else "")
    has = "a process that it started has" if len(bare) == 1 else f"{len(bare)} processes that it started have"
    return failed("children", f"{has} no agent: {named}", f"ps -fp {bare[0]}", f"pyrometer doctor {bare[0]}")


def _refusal_remedy(pid: int) -> str:
    return f"look as user {kernel.uid_of(pid)} or as root, from the same pid namespace"
