"""Why there is no agent in a process, as far as that can be told from how it was started."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pyrometer.server import belonging, kernel
from pyrometer.server.addresses import find_addresses

_BOOTSTRAP = "/pyrometer/agent/bootstrap"
_SETTLED = 2.0
"""Seconds after which an agent that comes is there: 0.2 until it is loaded, 0.7 in a forked child."""
_IGNORES_PATH = re.compile(r"-[bBdhiOPqRsuvVx]*[IES][bBdhiOPqRsuvVxIES]*c?")
_TAKES_A_WORD = {"-W", "-X", "--check-hash-based-pycs"}
_MAX_ANCESTORS = 32
_IN_CODE = "pyrometer.agent.start() in its code"
_WAITS = re.compile(r"epoll_wait|poll|select|accept|flock|sem|hrtimer_nanosleep|inet_csk_accept")


class Absence(NamedTuple):
    """Why there is none, how to see that, and what to do."""

    cause: str
    confirm: str
    remedy: str


def explain(pid: int) -> Absence:
    """The likeliest reason, the most certain first."""
    return (
        _elsewhere(pid)
        or _disabled(pid)
        or _young(pid)
        or _uwsgi(pid)
        or _with_run(pid)
        or _below_run(pid)
        or Absence(
            "no agent answers: it was started without one",
            f"grep pyrometer /proc/net/unix | grep '\\.{pid}\\.'",
            f"to have values: pyrometer run -- CMD, or {_IN_CODE}",
        )
    )


def is_uwsgi(pid: int) -> bool:
    """Whether a process is uWSGI: the program, or pyuwsgi in a Python."""
    if os.path.basename(kernel.program_of(pid)).startswith("uwsgi"):
        return True
    try:
        with open(f"/proc/{pid}/maps", errors="replace") as file:
            return any("/pyuwsgi" in line for line in file)
    except OSError:
        return False


def without_threads(pid: int) -> Absence | None:
    """Tell of uWSGI whose own thread waits for a request and keeps the GIL meanwhile, as it does without threads."""
    if not is_uwsgi(pid) or not _keeps_the_gil(pid):
        return None
    return Absence(
        "uWSGI runs without threads: its own one keeps the GIL while it waits, so that none of ours runs",
        _grep(pid, "cmdline", "enable-threads"),
        "start uWSGI with --enable-threads; its workers also need --py-call-uwsgi-fork-hooks",
    )


def _elsewhere(pid: int) -> Absence | None:
    """Its agent may be there and not be seen from here."""
    folder = belonging.environment(pid).get("PYROMETER_RUN_DIR")
    if folder and folder != os.environ.get("PYROMETER_RUN_DIR"):
        return Absence(
            f"its agent listens in a folder, {folder}, in which we did not look",
            _grep(pid, "environ", "PYROMETER_RUN_DIR"),
            f"PYROMETER_RUN_DIR={folder} pyrometer doctor {pid}; on another machine: --run-dir {folder}",
        )
    for kind, inside in (("pid", f"--target {pid} --mount --pid --net"), ("net", f"--net=/proc/{pid}/ns/net")):
        if belonging.has_namespace_of_its_own(pid, kind):
            return Absence(
                f"it is in a {kind} namespace of its own, as in a container: its agent is not seen from here",
                f"readlink /proc/self/ns/{kind} /proc/{pid}/ns/{kind}",
                f"look from inside: nsenter {inside} pyrometer ps; or pyrometer ps docker:CONTAINER",
            )
    return None


def _disabled(pid: int) -> Absence | None:
    if belonging.environment(pid).get("PYROMETER_DISABLE", "") in ("", "0"):
        return None
    return Absence(
        "it was started with PYROMETER_DISABLE",
        _grep(pid, "environ", "PYROMETER_DISABLE"),
        "ask who runs it, and start it anew without that variable",
    )


def _young(pid: int) -> Absence | None:
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - kernel.start_ticks(pid) * kernel.TICK
    if age > _SETTLED:
        return None
    return Absence(
        "no agent answers yet: it started a moment ago",
        f"ps -o etimes= -p {pid}",
        f"pyrometer doctor {pid} again, in a second",
    )


def _uwsgi(pid: int) -> Absence | None:
    if not is_uwsgi(pid):
        return None
    master = kernel.parent_of(pid)
    if is_uwsgi(master):
        return Absence(
            f"it is a worker of uWSGI, which forks in C and tells Python nothing of it: what its master {master} has "
            "loaded does not run here",
            _grep(pid, "cmdline", "fork-hooks"),
            f"start uWSGI with --enable-threads --py-call-uwsgi-fork-hooks; or --lazy-apps and {_IN_CODE}",
        )
    return without_threads(pid) or Absence(
        "it is uWSGI's master, which forks in C: no agent starts in it, for a thread there can make a worker hang",
        _grep(pid, "cmdline", "py-call"),
        "its workers have agents if uWSGI is started with --enable-threads --py-call-uwsgi-fork-hooks",
    )


def _with_run(pid: int) -> Absence | None:
    """It was started by `run`, which brings the agent in by PYTHONPATH and a sitecustomize."""
    folders = belonging.environment(pid).get("PYTHONPATH", "").split(os.pathsep)
    ours = next((index for index, folder in enumerate(folders) if folder.endswith(_BOOTSTRAP)), None)
    if ours is None:
        return None
    return _masked(pid, folders[:ours]) or _ignoring(pid) or _filtered(pid) or _failed()


def _masked(pid: int, before: list[str]) -> Absence | None:
    masking = next((folder for folder in before if folder and _has_sitecustomize(folder)), None)
    if masking is None:
        return None
    who = "opentelemetry-instrument" if "/opentelemetry/" in f"{masking}/" else masking
    other = "opentelemetry-instrument … pyrometer run -- CMD" if "opentelemetry" in who else f"{masking} behind ours"
    return Absence(
        f"{who} came in between: its sitecustomize is found before the agent's, and does not run it",
        _grep(pid, "environ", "PYTHONPATH"),
        f"the other way round: {other}",
    )


def _has_sitecustomize(folder: str) -> bool:
    """Asked of the name only: nothing of the target's is opened."""
    return os.path.lexists(f"{folder}/sitecustomize.py")


def _ignoring(pid: int) -> Absence | None:
    option = next((word for word in _options(pid) if _IGNORES_PATH.fullmatch(word)), None)
    if option is None:
        return None
    return Absence(
        f"Python was started with {option}: then it does not look where run has put the agent",
        f"tr '\\0' ' ' </proc/{pid}/cmdline",
        f"leave {option} out, or {_IN_CODE}",
    )


def _options(pid: int) -> Iterator[str]:
    """The interpreter's own options: those before the script, -m or -c."""
    words = iter(belonging.command_line(pid)[1:])
    for word in words:
        if not word.startswith("-") or word in ("-c", "-m", "-"):
            return
        yield word
        if word in _TAKES_A_WORD:
            next(words, None)


def _filtered(pid: int) -> Absence | None:
    if not belonging.is_filtered(pid):
        return None
    return Absence(
        "the agent did not start; a seccomp filter is on the process, which may forbid its socket or its thread",
        f"grep Seccomp: /proc/{pid}/status; its stderr has a line that begins with pyrometer:",
        "let the filter allow socket, bind, listen and accept4 on unix sockets, and clone3",
    )


def _failed() -> Absence:
    return Absence(
        "it was started by run, and its agent did not start, or was stopped",
        "its stderr has a line that begins with pyrometer:",
        f"pyrometer run -- python -c 'import pyrometer.agent as a; a.start(strict=True)' says why; or {_IN_CODE}",
    )


def _below_run(pid: int) -> Absence | None:
    """What started it has the agent, and did not pass on by which it would have come here too."""
    starter = next((each for each in _ancestors(pid) if _has_agent(each)), None)
    if starter is None or (os.geteuid() and not belonging.environment(pid)):
        return None
    if parent_forks := belonging.command_line(pid) == belonging.command_line(kernel.parent_of(pid)):
        cause = f"process {starter} has the agent; this is a fork of it that has none: children=False, or a fork in C"
    else:
        cause = f"process {starter}, which started it, has the agent, and passed it an environment without PYTHONPATH"
    look = _grep(starter, "environ", "PYROMETER") if parent_forks else _grep(pid, "environ", "PYTHONPATH")
    return Absence(cause, look, f"pass the environment on (env=os.environ), or {_IN_CODE}")


def _has_agent(pid: int) -> bool:
    return pid in find_addresses()


def _ancestors(pid: int) -> Iterator[int]:
    for _ in range(_MAX_ANCESTORS):
        pid = kernel.parent_of(pid)
        if pid <= 1:
            return
        yield pid


def _keeps_the_gil(pid: int) -> bool:
    """Whether its main thread waits in the kernel for requests while another one waits for a lock."""
    waits = {number: _waits_in(pid, number) for number in kernel.threads_of(pid)}
    main = waits.pop(pid, "")
    return bool(_WAITS.search(main)) and any("futex" in other for other in waits.values())


def _waits_in(pid: int, number: int) -> str:
    try:
        return Path(f"/proc/{pid}/task/{number}/wchan").read_text()
    except OSError:
        return ""


def _grep(pid: int, file: str, what: str) -> str:
    return f"tr '\\0' '\\n' </proc/{pid}/{file} | grep -- {what}"
