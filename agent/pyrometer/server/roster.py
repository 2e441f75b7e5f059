"""Which processes there are: agents found by their addresses, Python processes without one, and what each is like."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyrometer.guard.redaction import Redactor
from pyrometer.link.errors import LinkClosed, LinkError
from pyrometer.link.model import Hello
from pyrometer.server import kernel
from pyrometer.server.addresses import Address, find_addresses, is_service
from pyrometer.server.errors import NotFound, NotPermitted, NotPython, ServiceNotNamed
from pyrometer.server.links import AgentBusy, AgentLink, Stranger, open_link

if TYPE_CHECKING:
    import psutil

HELLO_TIMEOUT = 0.5
"""Seconds after which an agent counts as busy."""
_CPU_WINDOW = 0.05
"""Seconds; the kernel counts nanoseconds."""
_MAX_WORKERS = 64
_MAX_LINE = 64
"""Ancestors of a process that are looked at."""
_ROOT = 0
_CODE = re.compile(r"-[bBdEhiIOPqRsSuvVx]*c")
"""Behind it stands a program's text, which may hold anything."""
_SHOWN_SERVICES = 5


@dataclass(frozen=True)
class Candidate:
    """A process that may be looked into."""

    pid: int
    addresses: tuple[Address, ...]
    """Where its agent may listen; empty: it has none."""
    said: str = ""
    """The service's name as its agent says it, where its address does not tell."""
    refused: LinkError | None = None
    """Why we do not ask its agent: who claims a service's name need not be of it."""

    @property
    def service(self) -> str:
        """The service's name, as far as it is known."""
        return next((address.service for address in self.addresses if address.service), self.said)

    def open(self) -> AgentLink:
        """Connect to its agent. Raises LinkClosed, AgentBusy, Stranger."""
        if self.refused is not None:
            raise self.refused
        return open_link(list(self.addresses))


@dataclass(frozen=True)
class Process:
    """A process as `ps` shows it."""

    pid: int
    service: str
    python: str
    argv: tuple[str, ...]
    started: float
    """Seconds since the epoch."""
    agent: str
    """"ok", "busy", "none" or "refused"."""
    threads: int
    rss: int
    uid: int
    parent: int
    cpu_percent: float | None = None
    error: LinkError | None = None


def candidates(service: str = "", pids: Iterable[int] = (), *, without_agent: bool = False) -> list[Candidate]:
    """The processes that a request names: of a service, of some pids, or all with an agent.

    What multiprocessing runs for itself is left out, unless it is named by its pid.

    Raises:
        NotFound, NotPython: a pid or service that is not there, or is no Python.
    """
    addresses = find_addresses()
    wanted = list(dict.fromkeys(pids))
    if wanted:
        found = _with_services([Candidate(pid, tuple(addresses.get(pid, ()))) for pid in wanted])
        for candidate in found:
            _check(candidate, service)
        return found
    running = [pid for pid in sorted(addresses) if kernel.state_of(pid) and not kernel.is_helper(pid)]
    found = _with_strangers(_with_services([Candidate(pid, tuple(addresses[pid])) for pid in running]))
    if service:
        others = sorted({candidate.service for candidate in found} - {service, ""})
        found = [candidate for candidate in found if candidate.service == service]
        if not found:
            raise NotFound(f"no process of a service {service!r} runs here with the agent in it", next=_named(others))
    elif without_agent:
        found += [Candidate(pid, ()) for pid in _pythons() if pid not in addresses]
    return found


def _named(services: list[str]) -> str:
    """What to do where a service was not there."""
    if not services:
        return "pyrometer ps lists what there is; pyrometer run --service NAME -- CMD starts one"
    more = f" and {len(services) - _SHOWN_SERVICES} more" if len(services) > _SHOWN_SERVICES else ""
    return f"there is {', '.join(services[:_SHOWN_SERVICES])}{more}; pyrometer ps lists all"


def _with_services(found: list[Candidate]) -> list[Candidate]:
    """Ask the agents that listen on socket files who they are: their addresses do not tell."""
    nameless = [candidate for candidate in found if candidate.addresses and not candidate.service]
    if not nameless:
        return found
    with ThreadPoolExecutor(min(_MAX_WORKERS, len(nameless))) as pool:
        greetings = pool.map(_greet, nameless)
        said = {c.pid: hello.service for c, (hello, _, _) in zip(nameless, greetings, strict=True) if hello}
    names = {pid: name for pid, name in said.items() if is_service(name)}
    return [replace(candidate, said=names.get(candidate.pid, "")) for candidate in found]


def _with_strangers(found: list[Candidate]) -> list[Candidate]:
    """Mark those that are not asked: any user may claim any service's name, and would be told what is looked for."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in found:
        groups.setdefault(candidate.service, []).append(candidate)
    uids = {candidate.pid: kernel.uid_of(candidate.pid) for candidate in found}
    believed = {pid for group in groups.values() for pid in _believed({c.pid: uids[c.pid] for c in group})}
    return [
        candidate
        if candidate.pid in believed or not candidate.service
        else replace(candidate, refused=_stranger(candidate, uids[candidate.pid]))
        for candidate in found
    ]


def _believed(uids: dict[int, int]) -> set[int]:
    """Which processes of one name belong together, by their users.

    To us: our own and root's. To root: root's and those that they have started, under whatever user; where there is
    none of root, those of the one user there is.
    """
    roots = {pid for pid, uid in uids.items() if uid == _ROOT}
    if us := os.geteuid():
        return roots | {pid for pid, uid in uids.items() if uid == us}
    if not roots:
        return set(uids) if len(set(uids.values())) == 1 else set()
    return {pid for pid in uids if not roots.isdisjoint(_line_of(pid))}


def _line_of(pid: int) -> list[int]:
    """A process, the one that started it, and so on."""
    line = [pid]
    while line[-1] > 1 and len(line) < _MAX_LINE:
        line.append(kernel.parent_of(line[-1]))
    return line


def _stranger(candidate: Candidate, uid: int) -> Stranger:
    if us := os.geteuid():
        return Stranger(
            f"process {candidate.pid} is of user {uid}, and we are {us}", next=f"look as user {uid} or as root"
        )
    return Stranger(
        f"process {candidate.pid} calls itself {candidate.service} and is of user {uid}; others of that name are not",
        next=f"if it is to be looked into all the same, name its pid: {candidate.pid}",
    )


def the_only_service(found: list[Candidate]) -> list[Candidate]:
    """The processes of the one service there is, where a request named none. Raises NotFound, ServiceNotNamed."""
    asked = [candidate for candidate in found if candidate.refused is None] or found
    services = sorted({candidate.service for candidate in asked})
    if not services:
        raise NotFound(
            "no process runs here with the agent in it",
            next="start one: pyrometer run -- CMD; or look at any Python process by its pid: pyrometer dump PID",
        )
    if len(services) > 1:
        raise ServiceNotNamed(f"there are several services: {', '.join(services)}", next="name one of them")
    return [candidate for candidate in found if candidate.service == services[0]]


def describe(found: list[Candidate]) -> list[Process]:
    """What each process is like; its CPU is measured over a moment, of all at once."""
    if not found:
        return []
    with ThreadPoolExecutor(min(_MAX_WORKERS, len(found))) as pool:
        before, began = {c.pid: _cpu_seconds(c.pid) for c in found}, time.monotonic()
        described = [process for process in pool.map(_describe, found) if process is not None]
        time.sleep(max(0.0, began + _CPU_WINDOW - time.monotonic()))
        window = time.monotonic() - began
    used = {process.pid: _cpu_seconds(process.pid) - before[process.pid] for process in described}
    return [
        replace(process, cpu_percent=max(0.0, 100 * used[process.pid] / window))
        for process in sorted(described, key=lambda process: (not process.service, process.service, process.pid))
    ]


def _check(candidate: Candidate, service: str) -> None:
    pid = candidate.pid
    if not kernel.state_of(pid):
        raise NotFound(f"there is no process {pid} here", next="pyrometer ps lists what there is")
    if service and candidate.service != service:
        raise NotFound(
            f"process {pid} is not of the service {service!r}", next="pyrometer ps lists who belongs to whom"
        )
    if not candidate.addresses and kernel.is_hidden(pid):
        raise NotPermitted(
            f"process {pid} is another user's: what it runs can't be seen from here",
            next=f"pyrometer doctor {pid} tells whose it is",
        )
    if not candidate.addresses and not kernel.is_python(pid):
        raise NotPython(
            f"process {pid} is not Python: it runs {kernel.program_of(pid)}", next="pyrometer ps lists what there is"
        )


def _describe(candidate: Candidate) -> Process | None:
    """One process, or None where it is gone by now."""
    return described(candidate, *_greet(candidate))


def described(candidate: Candidate, hello: Hello | None, state: str, error: LinkError | None = None) -> Process | None:
    """A process whose agent has said this, and is in that state; None where it is gone by now."""
    import psutil  # while CPU is measured anyway, and not at the start of every look

    try:
        process = psutil.Process(candidate.pid)
        with process.oneshot():
            return Process(
                pid=candidate.pid,
                service=candidate.service,
                python=hello.python if hello else _python_version(candidate.pid),
                argv=tuple(hello.argv) if hello else outside_argv(process),
                started=process.create_time(),
                agent=state,
                threads=len(kernel.threads_of(candidate.pid).keys() - set(hello.threads if hello else ())),
                rss=process.memory_info().rss,
                uid=process.uids().effective,
                parent=process.ppid(),
                error=error,
            )
    except psutil.Error:
        return None


def _greet(candidate: Candidate) -> tuple[Hello | None, str, LinkError | None]:
    """Connect and wait for the hello, which tells who the agent is and that it answers."""
    if not candidate.addresses:
        return None, "none", None
    connected = False
    try:
        with contextlib.closing(candidate.open()) as link:
            connected = True
            return link.await_hello(time.monotonic() + HELLO_TIMEOUT), "ok", None
    except AgentBusy:
        return None, "busy", None
    except LinkClosed as error:
        return None, "none", error if connected else None
    except LinkError as error:
        return None, "refused", error


def _python_version(pid: int) -> str:
    """As far as the program's name tells it: `3.12`."""
    return ".".join(map(str, kernel.python_version(pid) or ()))


def outside_argv(process: psutil.Process) -> tuple[str, ...]:
    """Without the agent nothing has redacted the arguments: only the program and the script or module are told.

    Raises:
        psutil.Error: the process is gone.
    """
    argv = process.cmdline()
    kept: list[str] = []
    for word in argv:
        code = _CODE.match(word) if kept else None
        kept.append(code[0] if code else word)
        if code or (len(kept) > 1 and not word.startswith("-")):
            break
    whole = kept == argv
    return (*Redactor().argv(kept), *(() if whole else ("…",)))


def _pythons() -> list[int]:
    """Python processes of ours (all, for root), but for ourselves and our starter."""
    own = {os.getpid(), os.getppid()}
    uid = os.geteuid()
    return [pid for pid in kernel.pids() if pid not in own and _may_see(pid, uid) and _is_plain_python(pid)]


def _may_see(pid: int, uid: int) -> bool:
    try:
        return uid in (0, os.stat(f"/proc/{pid}").st_uid)
    except OSError:
        return False


def _is_plain_python(pid: int) -> bool:
    """A Python by its program's name, and no server of ours; a library mapped somewhere is too dear to look for."""
    try:
        name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            mine = b"pyrometer.server" in file.read(4096)
        return name.startswith("python") and not mine and not kernel.is_helper(pid)
    except OSError:
        return False


def _cpu_seconds(pid: int) -> float:
    return sum(thread.cpu_seconds for thread in kernel.threads_of(pid).values())
