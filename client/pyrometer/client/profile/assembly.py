"""A profile put together from what a reader finds in a file: each function, process and thread is there once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyrometer.client.profile import paths
from pyrometer.client.profile.model import Frames, Function, NotAProfile, Process, Profile, Sample, Thread
from pyrometer.client.profile.paths import Origin
from pyrometer.client.render.terminal import escape

MAX_NAME = 500
"""Characters of a name or path: a file may come from anywhere."""


def clean(text: object) -> str:
    """Text from a file, short and safe to print; what is none is none."""
    return escape(text[:MAX_NAME]) if isinstance(text, str) else ""


class Assembly:
    """Collects a profile; what it is given is what a file says, and need not be sane."""

    def __init__(self, prefixes: Sequence[str] = ()) -> None:
        self._prefixes = tuple(prefixes)
        self._functions: dict[tuple[str, str, object], int] = {}
        self._made: list[Function] = []
        self._processes: dict[Process, int] = {}
        self._threads: dict[Thread, int] = {}
        self._samples: list[Sample] = []

    def function(self, name: str, file: str, *, apart: object = None, origin: Origin | None = None) -> int:
        """The index of a function; `apart` tells those of one name and file from each other."""
        known = self._functions.get((name, file, apart))
        if known is None:
            known = self._functions[name, file, apart] = len(self._made)
            place = clean(file)
            self._made.append(
                Function(clean(name) or "(no name)", place, origin or paths.origin_of(place, self._prefixes))
            )
        return known

    def process(self, pid: int, service: str = "", command: str = "") -> int:
        """The index of a process."""
        return self._processes.setdefault(Process(pid, clean(service), clean(command)), len(self._processes))

    def thread(self, process: int, name: str, thread_id: int) -> int:
        """The index of a thread of a process."""
        return self._threads.setdefault(Thread(process, clean(name), thread_id), len(self._threads))

    def add(self, frames: Frames, thread: int, value: int, count: int) -> None:
        """A stack that was seen; one without a value is none."""
        if value > 0:
            self._samples.append(Sample(frames, thread, value, max(0, count)))

    def profile(
        self, *, kind: str, unit: str, notes: Mapping[str, str], began: float = 0.0, seconds: float = 0.0
    ) -> Profile:
        """All of it.

        Raises:
            NotAProfile: there is no sample in it.
        """
        if not self._samples:
            raise NotAProfile("the profile holds no sample")
        return Profile(
            kind=kind,
            unit=unit,
            functions=tuple(self._made),
            processes=tuple(self._processes),
            threads=tuple(self._threads),
            samples=tuple(self._samples),
            began=began,
            seconds=seconds,
            notes=notes,
        )
