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

_COUNT = re.compile(r"\d+(?:\.\d*)?")
_PROCESS = re.compile(r'^process (\d+)(?::"?(.*?)"?)?$')
_THREAD = re.compile(r"^thread \((0x[0-9a-fA-F]+|\d+)\)(?:: (.*))?$")
_FRAME = re.compile(r"^(.*?) \((.*?)(?::(\d+))?\)$")
_MAX_DIGITS = 18
_LONG = 2000
"""Characters of a frame that are looked at for a file; a first line longer than that is taken for one of these."""
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
    reader = _Reader()
    for line in _lines(data.decode("utf-8")):
        reader.read(line)
    return reader.made.profile(kind="samples", unit="count", notes={})


def is_likely(head: bytes) -> bool:
    """Whether this is the beginning of such a file: lines of text that end with a number."""
    if _BINARY.search(head):
        return False
    first = next(_lines(head.decode("utf-8", "replace")), "")
    stack, _, count = first.rpartition(" ")
    return len(first) >= _LONG or bool(stack.strip() and _COUNT.fullmatch(count))


def _lines(text: str) -> Iterator[str]:
    """Those that hold a stack."""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped and stripped[0] != "#":
            yield stripped


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


class _Reader:
    """Takes lines, and knows the frames that it has seen: a hundred thousand stacks have few different ones."""

    def __init__(self) -> None:
        self.made = Assembly()
        self._frames: dict[str, tuple[int, int]] = {}

    def read(self, line: str) -> None:
        """Take a stack. Raises ValueError: there is no count."""
        text, _, number = line.rpartition(" ")
        if not _COUNT.fullmatch(number):
            raise ValueError("a line without a number")
        count, frames = round(float(number[:_MAX_DIGITS])), text.strip().split(";")
        thread, used = self._whose(frames)
        self.made.add(tuple([self._frame(each) for each in reversed(frames[used:])]), thread, count, count)

    def _whose(self, frames: list[str]) -> tuple[int, int]:
        """The thread that a stack is of, and how many of its frames say so."""
        used, process, name, number = 0, self.made.process(0), "", 0
        if found := _PROCESS.match(frames[0]):
            used, process = 1, self.made.process(int(found[1][:_MAX_DIGITS]), "", found[2] or "")
        if used < len(frames) and (found := _THREAD.match(frames[used])):
            used, name, number = used + 1, found[2] or "", int(found[1][:_MAX_DIGITS], 0)
        return self.made.thread(process, name, number), used

    def _frame(self, text: str) -> tuple[int, int]:
        """A frame: its function, and its line where there is one."""
        known = self._frames.get(text)
        if known is None:
            found = _FRAME.match(text[:_LONG])
            function = self.made.function(found[1], found[2]) if found else self.made.function(text, "")
            line = int(found[3][:_MAX_DIGITS]) if found and found[3] else 0
            known = self._frames[text] = function, line
        return known
