"""A profile as a value: functions, stacks, processes and threads, whatever file it was read from."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pyrometer.client.errors import ClientError
from pyrometer.client.profile import paths
from pyrometer.client.profile.paths import Origin

MAX_BYTES = 512 * 1024 * 1024
"""Bytes of an unpacked profile."""

Frames = tuple[tuple[int, int], ...]
"""(index of the function, line; 0: not known), innermost first."""


class NotAProfile(ClientError, ValueError):
    """A file that is no profile, or one that is broken."""

    reason = "NOT_A_PROFILE"


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the service, of a library, or of native code."""

    name: str
    """Qualified name."""
    file: str
    """As its code object has it."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the profile."""

    pid: int
    """0: the profile does not say."""
    service: str
    command: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of a process."""

    process: int
    """Index of its process."""
    name: str
    thread_id: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A stack, and how often it was seen in one thread."""

    frames: Frames
    thread: int
    """Index of the thread."""
    value: int
    """In the profile's unit."""
    count: int
    """How often it was seen."""


@dataclass(frozen=True)
class Profile:
    """All of it. Texts are safe to print: controls and direction marks are spelled out."""

    kind: str
    """What is measured: "cpu", "wall", "gil"."""
    unit: str
    """Of the values: "nanoseconds", "count"."""
    functions: tuple[Function, ...]
    processes: tuple[Process, ...]
    threads: tuple[Thread, ...]
    samples: tuple[Sample, ...]
    began: float
    """Seconds since the epoch; 0: not known."""
    seconds: float
    """How long it took; 0: not known."""
    notes: Mapping[str, str]
    """What the recording says of itself: service, source, mode, rate, rate_asked, samples, missed, own_cpu_seconds."""

    @cached_property
    def total(self) -> int:
        """All values together."""
        return sum(sample.value for sample in self.samples)

    @cached_property
    def count(self) -> int:
        """All samples together."""
        return sum(sample.count for sample in self.samples)

    @cached_property
    def lines(self) -> tuple[int, ...]:
        """The line of each function where it was seen most: at work itself, else in a call; 0: not known."""
        own: defaultdict[tuple[int, int], int] = defaultdict(int)
        calls: defaultdict[tuple[int, int], int] = defaultdict(int)
        for sample in self.samples:
            if sample.frames:
                own[sample.frames[0]] += sample.value
            for frame in sample.frames[1:]:
                calls[frame] += sample.value
        found = {**_most(calls), **_most(own)}
        return tuple(found.get(function, 0) for function in range(len(self.functions)))

    @cached_property
    def shortened(self) -> tuple[str, ...]:
        """A short path for each function's file."""
        return paths.shorten([(function.file, function.origin) for function in self.functions])

    def where(self, function: int) -> str:
        """A short path and the line of a function, by its index."""
        line, short = self.lines[function], self.shortened[function]
        return f"{short}:{line}" if line and short else short

    def figure(self, name: str) -> float | None:
        """A figure that the notes give, not negative; None: there is none, whatever another program wrote there."""
        try:
            figure = float(self.notes[name])
        except (KeyError, ValueError):
            return None
        return figure if 0 <= figure < math.inf else None

    @property
    def service(self) -> str:
        """The services in it."""
        return self.notes.get("service", "")


def _most(seen: Mapping[tuple[int, int], int]) -> dict[int, int]:
    """Each function's line with the most, the smallest of several; a function of which no line is known has none."""
    found: dict[int, int] = {}
    for (function, line), value in seen.items():
        best = found.get(function)
        if line and (best is None or (-value, line) < (-seen[function, best], best)):
            found[function] = line
    return found
