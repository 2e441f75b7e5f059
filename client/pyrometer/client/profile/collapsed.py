"""Collapsed stacks: a line a stack, `outermost;…;innermost count`, which every flame graph tool reads.

    process 4107:"gunicorn: worker";thread (4107): MainThread;main (/srv/shop/app.py);hot (/srv/shop/pricing.py) 58

Process and thread are the first two frames, written as py-spy writes them. The count is of samples, shared out as the
time is: those of processes that were looked at less often stand for more. Lines are left out: so equal functions are
equal in any tool, and two files can be compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from pyrometer.client.profile.assembly import Assembly
from pyrometer.client.profile.model import Process, Profile, Thread

_LINE = re.compile(r"^(.+?)\s+(\d+(?:\.\d*)?)\s*$")
_PROCESS = re.compile(r'^process (\d+)(?::"?(.*?)"?)?$')
_THREAD = re.compile(r"^thread \((0x[0-9a-fA-F]+|\d+)\)(?:: (.*))?$")
_FRAME = re.compile(r"^(.*?) \((.*?)(?::(\d+))?\)$")
_MAX_DIGITS = 18
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def write(profile: Profile) -> bytes:
    """The profile as collapsed stacks, equal ones added up."""
    counts: Counter[str] = Counter()
    for stack, count in zip(_stacks(profile), weights(profile), strict=True):
        counts[stack] += count
    return "".join(f"{stack} {count}\n" for stack, count in sorted(counts.items())).encode("utf-8", "replace")


def weights(profile: Profile) -> Iterator[int]:
    """Of each sample its part of all samples, as its value is of all values; one at least, so that no stack is lost.

    What rounding takes from one it gives to the next.
    """
    unit = profile.total / profile.count if profile.count else 1.0
    exact, given = 0.0, 0
    for sample in profile.samples:
        exact += sample.value / unit
        count = max(1, int(exact + 0.5) - given)
        given += count
        yield count


def read(data: bytes) -> Profile:
    """Read collapsed stacks, ours or another's.

    Raises:
        ValueError: it holds something else.
    """
    made = Assembly()
    for line in data.decode("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            _read_line(made, line)
    return made.profile(kind="samples", unit="count", notes={})


def is_likely(head: bytes) -> bool:
    """Whether this is the beginning of such a file: lines of text that end with a number."""
    if _BINARY.search(head):
        return False
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line.strip() and line[0] != "#"]
    return bool(lines) and _LINE.match(lines[0]) is not None


def _stacks(profile: Profile) -> Iterator[str]:
    """Each sample's stack as text, without its count."""
    frames = [_frame(each.name, each.file) for each in profile.functions]
    heads = [f"{_process(profile.processes[each.process])};{_thread(each)}" for each in profile.threads]
    for sample in profile.samples:
        yield ";".join([heads[sample.thread], *(frames[function] for function, _ in reversed(sample.frames))])


def _process(process: Process) -> str:
    return _plain(f'process {process.pid}:"{process.command}"' if process.command else f"process {process.pid}")


def _thread(thread: Thread) -> str:
    return _plain(f"thread ({thread.thread_id}): {thread.name}" if thread.name else f"thread ({thread.thread_id})")


def _frame(name: str, file: str) -> str:
    return _plain(f"{name} ({file})" if file else name)


def _plain(text: str) -> str:
    """Without the sign between frames; line ends are spelled out in every text of a profile."""
    return text.replace(";", ":")


def _read_line(made: Assembly, line: str) -> None:
    found = _LINE.match(line)
    if not found:
        raise ValueError("a line without a number")
    count = round(float(found[2][:_MAX_DIGITS]))
    frames = found[1].split(";")
    thread, used = _whose(made, frames)
    made.add(tuple(_called(made, each) for each in reversed(frames[used:])), thread, count, count)


def _whose(made: Assembly, frames: list[str]) -> tuple[int, int]:
    """The thread that a stack is of, and how many of its frames say so."""
    used, process, name, number = 0, made.process(0), "", 0
    if found := _PROCESS.match(frames[0]):
        used, process = 1, made.process(int(found[1][:_MAX_DIGITS]), "", found[2] or "")
    if used < len(frames) and (found := _THREAD.match(frames[used])):
        used, name, number = used + 1, found[2] or "", int(found[1][:_MAX_DIGITS], 0)
    return made.thread(process, name, number), used


def _called(made: Assembly, frame: str) -> tuple[int, int]:
    """A frame: its function, and its line where there is one."""
    found = _FRAME.match(frame[:2000])
    if not found:
        return made.function(frame, ""), 0
    return made.function(found[1], found[2]), int((found[3] or "0")[:_MAX_DIGITS])
