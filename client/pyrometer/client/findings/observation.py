"""What was observed of a service for some seconds: looks at its stacks, and rounds of its metrics, by process.

Both are documents as `dump` and `info` print them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Document = dict[str, Any]

SEVERITIES = ("critical", "high", "medium", "low")
"""From the worst on."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong. `next` is a command to type; `weight` orders findings of one severity."""

    what: str
    severity: str
    evidence: tuple[str, ...]
    pid: int | None = None
    thread: str | None = None
    next: str = ""
    weight: float = 0.0


@dataclass(frozen=True)
class Thread:
    """One thread of one process in all looks that saw it."""

    pid: int
    name: str
    looks: tuple[Document, ...]

    @cached_property
    def cpu_percent(self) -> float:
        """Of one core, on the average."""
        measured = [look["cpu_percent"] for look in self.looks if look["cpu_percent"] is not None]
        return sum(measured) / len(measured) if measured else 0.0

    def share(self, holds: Any) -> float:
        """Share of its looks that something holds of."""
        return sum(bool(holds(look)) for look in self.looks) / len(self.looks)

    @cached_property
    def common(self) -> list[Document]:
        """Frames of its last look that it had in all looks, innermost first: the calls that it has not left."""
        paths = [[_function(frame) for frame in reversed(look["frames"])] for look in self.looks]
        same = 0
        for step in zip(*paths, strict=False):
            if any(function != step[0] for function in step):
                break
            same += 1
        frames = self.looks[-1]["frames"]
        return list(frames[len(frames) - same :])

    @property
    def place(self) -> Document | None:
        """The innermost frame of the service's own among the common ones."""
        return own_frame(self.common)

    @property
    def still(self) -> bool:
        """Whether it has not moved within any look or between them."""
        positions = {tuple((*_function(frame), frame["line"]) for frame in look["frames"]) for look in self.looks}
        return len(positions) == 1 and all(look["moved"] is False for look in self.looks)


@dataclass(frozen=True)
class Process:
    """One process in all looks and rounds."""

    pid: int
    looks: tuple[Document, ...]
    rounds: tuple[Document, ...]

    @cached_property
    def threads(self) -> list[Thread]:
        """Those that were there in most looks, in the order of the first."""
        seen: dict[tuple[int, str], list[Document]] = {}
        for look in self.looks:
            for thread in look["threads"]:
                seen.setdefault((thread["os_id"], thread["name"]), []).append(thread)
        least = max(1, (len(self.looks) + 1) // 2)
        return [Thread(self.pid, name, tuple(found)) for (_, name), found in seen.items() if len(found) >= least]

    @property
    def last(self) -> Document:
        """Its last round of metrics; empty where there is none."""
        return self.rounds[-1] if self.rounds else {}

    @cached_property
    def cpu_percent(self) -> float:
        """Of one core, on the average."""
        measured = [each["cpu_percent"] for each in self.rounds or self.looks if each["cpu_percent"] is not None]
        return sum(measured) / len(measured) if measured else 0.0


@dataclass(frozen=True)
class Observations:
    """All that was observed. `looks` and `rounds` hold the processes of each, in the order of time."""

    seconds: float
    looks: tuple[list[Document], ...] = ()
    rounds: tuple[list[Document], ...] = ()
    errors: list[Document] = field(default_factory=list)

    @cached_property
    def processes(self) -> list[Process]:
        """By pid, those that were seen at all."""
        looks, rounds = _by_pid(self.looks), _by_pid(self.rounds)
        pids = sorted(looks.keys() | rounds.keys())
        return [Process(pid, tuple(looks.get(pid, ())), tuple(rounds.get(pid, ()))) for pid in pids]

    @cached_property
    def crews(self) -> list[list[Process]]:
        """Processes that do the same work: of one parent, with one command line, at least three."""
        parents = {process.last.get("parent_pid") for process in self.processes}
        groups: dict[tuple[object, ...], list[Process]] = {}
        for process in self.processes:
            if process.last and process.looks and process.pid not in parents:
                key = (process.last["parent_pid"], *process.last["argv"])
                groups.setdefault(key, []).append(process)
        return [group for group in groups.values() if len(group) >= _CREW]


_CREW = 3
"""Processes of which one can be told to be unlike the others."""


def own_frame(frames: Sequence[Document]) -> Document | None:
    """The innermost frame of the service's own code."""
    return next((frame for frame in frames if frame["origin"] == "service"), None)


def _by_pid(moments: Sequence[list[Document]]) -> dict[int, list[Document]]:
    found: dict[int, list[Document]] = {}
    for process in _flat(moments):
        found.setdefault(process["pid"], []).append(process)
    return found


def _flat(moments: Sequence[list[Document]]) -> Iterator[Document]:
    for moment in moments:
        yield from moment


def _function(frame: Document) -> tuple[str, str]:
    return frame["function"], frame["file"]
