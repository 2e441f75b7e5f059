"""A profile as a value: functions, stacks, processes and threads, read from a pprof file of ours or another's."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pyrometer.client.errors import ClientError
from pyrometer.client.profile import paths
from pyrometer.client.profile.paths import Origin
from pyrometer.client.render.terminal import escape

if TYPE_CHECKING:
    from pyrometer.v1 import pprof_pb2

MAX_BYTES = 512 * 1024 * 1024
"""Bytes of an unpacked profile."""
_MAX_NAME = 500


class NotAProfile(ClientError, ValueError):
    """A file that is no pprof profile, or one that is broken."""

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

    frames: tuple[tuple[int, int], ...]
    """(index of the function, line; 0: not known), innermost first."""
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
        own: list[Counter[int]] = [Counter() for _ in self.functions]
        calls: list[Counter[int]] = [Counter() for _ in self.functions]
        for sample in self.samples:
            for depth, (function, line) in enumerate(sample.frames):
                (calls if depth else own)[function][line] += sample.value
        return tuple(_first(seen) or _first(called) for seen, called in zip(own, calls, strict=True))

    @cached_property
    def shortened(self) -> tuple[str, ...]:
        """A short path for each function's file."""
        return paths.shorten([(function.file, function.origin) for function in self.functions])

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


def read(data: bytes) -> Profile:
    """Read a profile, gzipped or not.

    Raises:
        NotAProfile: it is none, or larger than `MAX_BYTES`.
    """
    from google.protobuf.message import DecodeError

    from pyrometer.v1 import pprof_pb2

    try:
        message = pprof_pb2.Profile.FromString(_unpacked(data))
        return _Reader(message).profile()
    except (DecodeError, zlib.error, LookupError, ValueError) as error:
        if isinstance(error, NotAProfile):
            raise
        raise NotAProfile("this is not a pprof profile, or it is broken") from error


def _unpacked(data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    unpacker = zlib.decompressobj(wbits=31)
    unpacked = unpacker.decompress(data, MAX_BYTES)
    if unpacker.unconsumed_tail:
        raise NotAProfile(f"the profile is larger than {MAX_BYTES // 2**20} MiB when unpacked")
    if not unpacker.eof:
        raise NotAProfile("the profile is cut off")
    return unpacked


class _Reader:
    """Turns a message into a profile."""

    def __init__(self, message: pprof_pb2.Profile) -> None:
        self._message = message
        self._texts = [escape(text[:_MAX_NAME]) for text in message.string_table] or [""]
        self._notes = dict(self._comments())
        self._prefixes = tuple(text for name, text in self._comments() if name == "prefix")
        self._functions: list[Function] = []
        self._index: dict[int, int] = {}
        self._frames: dict[int, tuple[tuple[int, int], ...]] = {}
        self._threads: dict[Thread, int] = {}
        self._processes: dict[int, Process] = {}

    def profile(self) -> Profile:
        """Read it all. Raises NotAProfile, or LookupError where it refers to what is not there."""
        message = self._message
        if not message.sample_type:
            raise NotAProfile("this is not a pprof profile: it does not say what it measures")
        value, count = self._columns()
        self._read_functions()
        self._read_locations()
        samples = tuple(sample for sample in self._samples(value, count) if sample.value > 0)
        if not samples and message.sample:
            raise NotAProfile("the profile holds nothing but zeros")
        chosen = message.sample_type[value]
        return Profile(
            kind=self._texts[chosen.type],
            unit=self._texts[chosen.unit],
            functions=tuple(self._functions),
            processes=tuple(self._processes.values()),
            threads=tuple(self._threads),
            samples=samples,
            began=message.time_nanos / 1e9,
            seconds=message.duration_nanos / 1e9,
            notes=self._notes,
        )

    def _columns(self) -> tuple[int, int | None]:
        """Which value to show, and which one counts samples."""
        types = [self._texts[kind.type] for kind in self._message.sample_type]
        default = self._texts[self._message.default_sample_type]
        value = types.index(default) if default in types else len(types) - 1
        return value, types.index("samples") if "samples" in types else None

    def _comments(self) -> Iterator[tuple[str, str]]:
        for index in self._message.comment:
            name, colon, text = self._texts[index].partition(": ")
            if colon:
                yield name, text

    def _read_functions(self) -> None:
        for function in self._message.function:
            file = self._texts[function.filename]
            name = self._texts[function.name] or self._texts[function.system_name] or "(no name)"
            self._index[function.id] = len(self._functions)
            self._functions.append(Function(name, file, paths.origin_of(file, self._prefixes)))

    def _read_locations(self) -> None:
        for location in self._message.location:
            frames = [(self._index[line.function_id], max(0, line.line)) for line in location.line]
            self._frames[location.id] = tuple(frames) if frames else ((self._nameless(location.address), 0),)

    def _nameless(self, address: int) -> int:
        self._functions.append(Function(f"{address:#x}", "", Origin.NATIVE))
        return len(self._functions) - 1

    def _samples(self, value: int, count: int | None) -> Iterator[Sample]:
        for sample in self._message.sample:
            frames = tuple(frame for location in sample.location_id for frame in self._frames[location])
            seen = sample.value[count] if count is not None else 0
            yield Sample(frames, self._thread(sample), sample.value[value], seen)

    def _thread(self, sample: pprof_pb2.Sample) -> int:
        texts, numbers = {}, {}
        for label in sample.label:
            key = self._texts[label.key]
            if label.str:
                texts[key] = self._texts[label.str]
            else:
                numbers[key] = label.num
        process = self._process(numbers.get("pid", 0), texts.get("service", ""))
        thread = Thread(process, texts.get("thread", ""), numbers.get("thread_id", 0))
        return self._threads.setdefault(thread, len(self._threads))

    def _process(self, pid: int, service: str) -> int:
        if pid not in self._processes:
            self._processes[pid] = Process(pid, service, self._command(pid))
        return list(self._processes).index(pid)

    def _command(self, pid: int) -> str:
        for name, text in self._comments():
            number, _, command = text.partition(" ")
            if name == "process" and number == str(pid):
                return command
        return ""


def _first(counts: Counter[int]) -> int:
    """The line with the most, the smallest of several."""
    return min(counts, key=lambda line: (-counts[line], line)) if counts else 0
