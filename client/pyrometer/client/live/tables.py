"""The functions and threads of a round, hottest first, and the heaviest stack of one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from pyrometer.client import documents
from pyrometer.client.profile import hottest
from pyrometer.client.profile.model import Frames, Profile, Sample

Key = tuple[str, ...]
"""What a row is of, from one round to the next: ("function", name, file) or ("thread", pid, id, name)."""


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A thread with what it had, and where most of that went."""

    pid: int
    name: str
    thread_id: int
    share: float
    """Of the whole profile, 0 to 1."""
    function: str
    """With the most time of its own in that thread."""
    where: str
    file: str
    line: int

    @property
    def key(self) -> Key:
        """What it is from one round to the next."""
        return ("thread", str(self.pid), str(self.thread_id), self.name)


@dataclass(frozen=True, slots=True)
class Way:
    """A stack, and how much of what was asked for it is."""

    frames: Frames
    share: float
    """Of the function's or thread's own samples, 0 to 1."""


def threads(profile: Profile, limit: int) -> list[ThreadRow]:
    """The threads with most time."""
    values: defaultdict[int, int] = defaultdict(int)
    own: defaultdict[int, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for sample in profile.samples:
        values[sample.thread] += sample.value
        if sample.frames:
            own[sample.thread][sample.frames[0][0]] += sample.value
    ranked = sorted(values, key=lambda index: (-values[index], index))[:limit]
    return [_row(profile, index, values[index], own[index]) for index in ranked]


def _row(profile: Profile, index: int, value: int, own: dict[int, int]) -> ThreadRow:
    thread = profile.threads[index]
    top = max(own, key=lambda function: (own[function], -function)) if own else None
    return ThreadRow(
        pid=profile.processes[thread.process].pid,
        name=thread.name or f"thread {thread.thread_id}",
        thread_id=thread.thread_id,
        share=value / profile.total if profile.total else 0.0,
        function=profile.functions[top].name if top is not None else "",
        where=profile.where(top) if top is not None else "",
        file=profile.functions[top].file if top is not None else "",
        line=profile.lines[top] if top is not None else 0,
    )


def way(profile: Profile, key: Key) -> Way | None:
    """The stack that a function or thread was seen on most; None: it was not seen at all."""
    sums: defaultdict[tuple[int, ...], int] = defaultdict(int)
    shown: dict[tuple[int, ...], Sample] = {}
    for sample in profile.samples:
        if not _is_of(profile, sample, key):
            continue
        functions = tuple(function for function, _ in sample.frames)
        sums[functions] += sample.value
        if functions not in shown or sample.value > shown[functions].value:
            shown[functions] = sample
    whole = sum(sums.values())
    if not whole:
        return None
    heaviest = max(sums, key=lambda functions: sums[functions])
    return Way(shown[heaviest].frames, sums[heaviest] / whole)


def _is_of(profile: Profile, sample: Sample, key: Key) -> bool:
    if key[0] == "function":
        return any(_name(profile, function) == key for function, _ in sample.frames)
    thread = profile.threads[sample.thread]
    name = thread.name or f"thread {thread.thread_id}"
    return key == ("thread", str(profile.processes[thread.process].pid), str(thread.thread_id), name)


def _name(profile: Profile, function: int) -> Key:
    return ("function", profile.functions[function].name, profile.functions[function].file)


def function_documents(profile: Profile, limit: int) -> list[documents.Document]:
    """The hottest functions, as JSON has them."""
    return [hottest.document(row) for row in hottest.rows(profile, limit)]


def thread_documents(profile: Profile, limit: int) -> list[documents.Document]:
    """The hottest threads, as JSON has them."""
    return [
        {
            "pid": row.pid,
            "name": row.name,
            "os_id": row.thread_id or None,
            "percent": min(100.0, 100 * row.share),
            "function": row.function or None,
            "file": row.file or None,
            "line": row.line or None,
        }
        for row in threads(profile, limit)
    ]
