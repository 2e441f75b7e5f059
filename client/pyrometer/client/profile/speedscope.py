"""speedscope's file format: a profile a thread, for speedscope and the tools that read what it reads.

Stacks are added up, so their order in time is not in it ("left heavy" is the view to choose). What the format has no
place for stands under the key `pyrometer`, which other programs leave alone.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pyrometer.client import VERSION
from pyrometer.client.profile.assembly import Assembly, clean
from pyrometer.client.profile.model import NotAProfile, Profile, Sample, Thread
from pyrometer.client.profile.paths import Origin

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_UNITS = {"nanoseconds": 1.0, "microseconds": 1e3, "milliseconds": 1e6, "seconds": 1e9}
_THREAD = re.compile(r'^(?:Process (\d{1,18})(?::"(.*?)")? )?Thread (0x[0-9a-fA-F]{1,16}|\d{1,18})(?: "(.*)")?$')
"""As py-spy names threads."""


def write(profile: Profile) -> bytes:
    """The profile in speedscope's format."""
    threads = [_Written(profile, thread) for thread in profile.threads]
    for sample in profile.samples:
        threads[sample.thread].add(sample)
    document = {
        "$schema": SCHEMA,
        "name": profile.service or "profile",
        "exporter": f"pyrometer {VERSION}",
        "activeProfileIndex": max(range(len(threads)), key=lambda thread: threads[thread].total),
        "shared": {"frames": [_frame(profile, index) for index in range(len(profile.functions))]},
        "profiles": [thread.document() for thread in threads],
        "pyrometer": {
            "kind": profile.kind,
            "unit": profile.unit,
            "began": profile.began,
            "seconds": profile.seconds,
            "notes": dict(profile.notes),
            "origins": [function.origin.value for function in profile.functions],
            "counts": [[*thread.counts.values()] for thread in threads],
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _frame(profile: Profile, index: int) -> dict[str, Any]:
    function, line = profile.functions[index], profile.lines[index]
    return {
        "name": function.name,
        **({"file": function.file} if function.file else {}),
        **({"line": line} if line else {}),
    }


class _Written:
    """One thread, its stacks added up."""

    def __init__(self, profile: Profile, thread: Thread) -> None:
        self._profile = profile
        self._thread = thread
        self._values: Counter[tuple[int, ...]] = Counter()
        self.counts: Counter[tuple[int, ...]] = Counter()
        """How often each stack was seen, in the order of the samples."""

    def add(self, sample: Sample) -> None:
        """Add what was seen of it."""
        stack = tuple([function for function, _ in reversed(sample.frames)])
        self._values[stack] += sample.value
        self.counts[stack] += sample.count

    @property
    def total(self) -> int:
        """All values of the thread."""
        return sum(self._values.values())

    def document(self) -> dict[str, Any]:
        """The thread as a profile of the format."""
        unit = self._profile.unit
        return {
            "type": "sampled",
            "name": self._name(),
            "unit": unit if unit in _UNITS or unit == "bytes" else "none",
            "startValue": 0,
            "endValue": self.total,
            "samples": [*self._values],
            "weights": [*self._values.values()],
        }

    def _name(self) -> str:
        process = self._profile.processes[self._thread.process]
        command = f':"{process.command}"' if process.command else ""
        name = f' "{self._thread.name}"' if self._thread.name else ""
        return f"Process {process.pid}{command} Thread {self._thread.thread_id}{name}"


def read(data: bytes) -> Profile:
    """Read such a file, ours or another's.

    Raises:
        NotAProfile: it is JSON of another kind.
        ValueError, LookupError, TypeError, AttributeError, RecursionError: it is broken.
    """
    document = json.loads(data, parse_constant=_no_number)
    if not isinstance(document.get("profiles"), list) or not isinstance(document.get("shared"), dict):
        raise NotAProfile("this is JSON, and not speedscope's")
    return _Reader(document).profile()


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no weight")


class _Reader:
    """Turns a document into a profile."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._profiles = document["profiles"]
        ours = document.get("pyrometer")
        self._ours: dict[str, Any] = ours if isinstance(ours, dict) else {}
        self._made = Assembly()
        self._frames = [self._function(index, frame) for index, frame in enumerate(document["shared"]["frames"])]

    def profile(self) -> Profile:
        """Read it all."""
        units = {profile["unit"] for profile in self._profiles}
        if len(units) > 1 and not units <= set(_UNITS):
            raise NotAProfile(f"its parts are measured in {', '.join(sorted(map(clean, units)))}: they can't be added")
        unit = next(iter(units), "none")
        for index, profile in enumerate(self._profiles):
            self._read(profile, self._counts(index))
        return self._made.profile(
            kind=clean(self._ours.get("kind"))
            or ("time" if unit in _UNITS else clean(unit).replace("none", "samples")),
            unit="nanoseconds" if unit in _UNITS else "count" if unit == "none" else clean(unit),
            began=_figure(self._ours.get("began")),
            seconds=_figure(self._ours.get("seconds")),
            notes=self._notes(),
        )

    def _function(self, index: int, frame: dict[str, Any]) -> tuple[int, int]:
        line, origins = frame.get("line"), self._ours.get("origins")
        origin = Origin(origins[index]) if isinstance(origins, list) else None
        made = self._made.function(str(frame["name"]), str(frame.get("file") or ""), origin=origin)
        return made, line if isinstance(line, int) and line > 0 else 0

    def _counts(self, index: int) -> list[int] | None:
        counts = self._ours.get("counts")
        return [int(count) for count in counts[index]] if isinstance(counts, list) else None

    def _read(self, profile: dict[str, Any], counts: list[int] | None) -> None:
        scale, thread = _UNITS.get(profile["unit"], 1.0), self._thread(profile)
        for at, (stack, weight) in enumerate(_stacks(profile)):
            frames = tuple(self._frames[index] for index in reversed(stack))
            count = counts[at] if counts is not None else 1 if profile["type"] == "sampled" else 0
            self._made.add(frames, thread, round(weight * scale), count)

    def _thread(self, profile: dict[str, Any]) -> int:
        known = _THREAD.match(str(profile["name"]))
        if not known:
            return self._made.thread(self._made.process(0), str(profile["name"]), 0)
        process = self._made.process(int(known[1] or 0), "", known[2] or "")
        return self._made.thread(process, known[4] or "", int(known[3], 0))

    def _notes(self) -> dict[str, str]:
        notes = self._ours.get("notes")
        return {clean(name): clean(text) for name, text in notes.items()} if isinstance(notes, dict) else {}


def _stacks(profile: dict[str, Any]) -> Iterator[tuple[list[int], float]]:
    """Stacks, outermost first, with their weights: samples as they are, events as the stack between two of them."""
    if profile["type"] == "sampled":
        for stack, weight in zip(profile["samples"], profile["weights"], strict=True):
            yield [_index(each) for each in stack], weight
        return
    stack, since = list[int](), profile["startValue"]
    for event in [*profile["events"], {"type": "", "at": profile["endValue"]}]:
        if stack and event["at"] > since:
            yield list(stack), event["at"] - since
        since = event["at"]
        if event["type"] == "O":
            stack.append(_index(event["frame"]))
        elif event["type"] == "C":
            stack.pop()


def _index(value: Any) -> int:
    """An index; a list's end is not meant by a negative one."""
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no index")
    return value


def _figure(value: Any) -> float:
    return value if isinstance(value, (int, float)) and 0 <= value < math.inf else 0.0
