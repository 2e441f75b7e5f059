"""Stacks read from outside the process, by py-spy: what works when the agent can't answer, or there is none.

Without stopping it (`--nonblocking`), unless native stacks were asked for; never with values: redaction lives in the
process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from pyrometer.link.errors import LinkError
from pyrometer.server.errors import NotFound, NotPermitted, NotPython, Unreadable
from pyrometer.server.origins import is_agents, origin_of
from pyrometer.server.stacks import Frame, ThreadStack

TIMEOUT = 4.0
"""Seconds that one reading may take."""
_MAX_OUTPUT = 32 * 1024 * 1024


def find_pyspy() -> str:
    """Path of the py-spy that came with this installation, else the one on the PATH. Raises Unreadable."""
    beside = Path(sysconfig.get_path("scripts")) / "py-spy"
    path = str(beside) if os.access(beside, os.X_OK) else shutil.which("py-spy")
    if path is None:
        raise Unreadable("py-spy is not installed here, so nothing can be read from outside", next="pip install py-spy")
    return path


def read_threads(pid: int, *, native: bool = False) -> tuple[ThreadStack, ...]:
    """All Python threads of a process; `native`: with their C frames, for which it is stopped meanwhile.

    Raises:
        NotFound, NotPermitted, NotPython, Unreadable: why py-spy could not read it.
    """
    how = "--native" if native else "--nonblocking"
    argv = [find_pyspy(), "dump", "--json", how, "--full-filenames", "--pid", str(pid)]
    try:
        done = subprocess.run(
            argv, capture_output=True, timeout=TIMEOUT, check=False, stdin=subprocess.DEVNULL, cwd="/"
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(f"process {pid} could not be read from outside within {TIMEOUT:.0f} s") from None
    except OSError as error:
        raise Unreadable(f"py-spy could not be started: {error}") from None
    if done.returncode != 0:
        raise _explain(pid, done.stderr.decode("utf-8", "replace"))
    return _parse(pid, done.stdout[:_MAX_OUTPUT])


def _parse(pid: int, output: bytes) -> tuple[ThreadStack, ...]:
    try:
        threads = (_thread(pid, entry) for entry in json.loads(output))
        return tuple(thread for thread in threads if not _is_agents(thread))
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"py-spy's answer for process {pid} can't be read: {error}") from None


def _thread(pid: int, entry: dict[str, Any]) -> ThreadStack:
    """One thread. Under gevent the main one has no name that py-spy can find, but the process's number."""
    ident, native_id = int(entry["thread_id"]), int(entry.get("os_thread_id") or 0)
    return ThreadStack(
        name=entry.get("thread_name") or ("MainThread" if native_id == pid else f"thread {ident:#x}"),
        native_id=native_id,
        frames=tuple(Frame(frame["name"], frame["filename"], int(frame["line"])) for frame in entry["frames"]),
        holds_gil=bool(entry.get("owns_gil")),
    )


def _is_agents(thread: ThreadStack) -> bool:
    """Whether it is a thread of our agent: its outermost frame is the agent's, whichever a torn reading leaves."""
    outermost = next((frame for frame in reversed(thread.frames) if origin_of(frame.file) != "NATIVE"), None)
    return outermost is not None and is_agents(outermost.file)


def _explain(pid: int, said: str) -> LinkError:
    text = re.sub(r"\s+", " ", said).strip()[-500:]
    if not os.path.exists(f"/proc/{pid}"):
        return NotFound(f"process {pid} is gone", next="pyrometer ps lists what there is")
    if re.search(r"[Pp]ermission|EPERM|not permitted", text):
        return NotPermitted(
            f"reading process {pid} from outside is not permitted",
            next=f"pyrometer doctor {pid} tells which rule forbids it",
        )
    if re.search(r"Failed to find python version|python (library|interpreter)", text, re.IGNORECASE):
        return NotPython(f"process {pid} is no Python that py-spy can read: {text}")
    return Unreadable(f"process {pid} could not be read from outside: {text}")
