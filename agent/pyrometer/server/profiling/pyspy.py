"""py-spy as a reader of stacks: where it is, how it is called, and what its answer means.

`--nonblocking`: stopping the process at each look costs the service up to two thirds of its speed. Native frames need
it, and are read only where the client says that it may be stopped.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pyrometer.link.errors import LinkError
from pyrometer.server.errors import NotFound, NotPermitted, NotPython, Unreadable
from pyrometer.server.outside import find_pyspy
from pyrometer.server.profiling.model import Mode, Place, Stack

MAX_FRAMES = 500
_THREAD = re.compile(r'^(?:Process \d+ )?Thread (\d+|0x[0-9a-fA-F]+)(?: "(.*)")?$', re.DOTALL)
_SUMMARY = re.compile(r"Samples: (\d+) Errors: (\d+)")
_FLAGS = {Mode.CPU: [], Mode.WALL: ["--idle"], Mode.GIL: ["--gil"]}
_WAITS = {("wait", "/threading.py"), ("select", "/selectors.py"), ("accept", "/socket.py")}
"""Functions, and ends of their files, that do nothing but wait; py-spy's own list, where it must guess, is like it."""
_BOUND = 3600
"""Seconds after which py-spy would end by itself; the launcher ends it long before."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one run of py-spy saw of one process."""

    stacks: Counter[Stack] = field(default_factory=Counter)
    errors: int = 0
    """Looks that failed."""
    target_gone: bool = False
    """The process ended meanwhile."""


def find_executable() -> str | None:
    """The py-spy of this installation, else one on the PATH; None: there is none."""
    try:
        return find_pyspy()
    except LinkError:
        return None


def command(executable: str, pid: int, rate: int, mode: Mode, *, native: bool = False) -> list[str]:
    """The command line for the launcher."""
    flags = ["--native" if native else "--nonblocking", "--full-filenames", "--format", "speedscope", *_FLAGS[mode]]
    return [executable, "record", *flags, "-p", str(pid), "-r", str(rate), "-d", str(_BOUND), "-o", "{output}"]


def read_chunk(result: bytes, said: str) -> Chunk:
    """Understand what py-spy wrote (speedscope's format) and said.

    Raises:
        LinkError: it is not what py-spy writes.
    """
    summary = _SUMMARY.search(said)
    gone = "process exited" in said
    if not result:
        return Chunk(errors=int(summary[2]) if summary else 0, target_gone=gone)
    try:
        document = json.loads(result)
        places = [_place(frame) for frame in document["shared"]["frames"]]
        stacks: Counter[Stack] = Counter()
        for profile in document["profiles"]:
            stacks.update(_stacks(profile, places))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"py-spy's answer can't be read: {error!r}") from error
    return Chunk(stacks, int(summary[2]) if summary else 0, gone)


def on_processor(stacks: Counter[Stack]) -> Counter[Stack]:
    """Those that are not waiting in Python's own waits.

    py-spy tells a waiting thread by the kernel's word, and on a busy machine one that was woken and has no processor
    yet counts as running: a tenth of all samples were such.
    """
    return Counter({stack: count for stack, count in stacks.items() if not _waits(stack.places)})


def explain(pid: int, said: str, status: int) -> LinkError:
    """Why py-spy failed, by what it said."""
    text = " ".join(line.strip() for line in said.splitlines() if line.strip() and "backtrace" not in line)
    if re.search(r"[Pp]ermission|not permitted|os error (1|13)\b", text):
        step = f"pyrometer doctor {pid} tells which rule forbids it"
        return NotPermitted(f"reading process {pid} from outside is not permitted", next=step)
    if re.search(r"os error 3\b|No such process|executable name.*os error 2\b", text):
        return NotFound(f"process {pid} has ended", reason="TARGET_GONE")
    if re.search(r"Failed to find (a )?python|python (version|library|interpreter)", text, re.IGNORECASE):
        return NotPython(f"process {pid} is no Python that py-spy can read")
    cause = text.removeprefix("Error: ")[:300] or "it said nothing"
    return Unreadable(f"py-spy failed on process {pid} (status {status}): {cause}")


def _waits(places: tuple[Place, ...]) -> bool:
    """Whether its innermost frame of Python's is a wait; native ones may be below that."""
    place = next((place for place in places if place.file.endswith(".py")), None)
    if place is None:
        return False
    name = place.function.rpartition(".")[2]
    return any(name == function and place.file.endswith(file) for function, file in _WAITS)


def _place(frame: dict[str, Any]) -> Place:
    line = frame.get("line")
    return Place(str(frame["name"]), str(frame.get("file") or ""), line if isinstance(line, int) else 0)


def _stacks(profile: dict[str, Any], places: list[Place]) -> Counter[Stack]:
    """Count the stacks of one thread. py-spy's begin at the outermost frame, ours at the innermost."""
    known = _THREAD.match(profile["name"])
    number, name = (int(known[1], 0), known[2] or "") if known else (0, str(profile["name"]))
    counted = Counter(map(tuple, profile["samples"]))
    return Counter(
        {
            Stack(name, number, tuple(places[index] for index in reversed(sample[-MAX_FRAMES:]))): count
            for sample, count in counted.items()
        }
    )
