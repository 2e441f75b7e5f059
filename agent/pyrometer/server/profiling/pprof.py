"""The pprof file of a recording: what every viewer of profiles reads.

Two values a sample, `samples/count` and `cpu|wall|gil/nanoseconds`, the latter shown by default. Labels: `pid` and
`thread_id` (numbers), `thread`, `service`. What pprof has no field for stands in the comments, a `name: value` each.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from pyrometer.server.profiling.model import Count, Place, Recorded, Stack
from pyrometer.v1 import pprof_pb2 as messages

MAX_TEXT = 500
"""Characters of a name or path: they come from the process and may be as long as it likes."""


def encode(recorded: Recorded) -> bytes:
    """The gzipped profile of a recording that is over."""
    return gzip.compress(build(recorded).SerializeToString(), compresslevel=6, mtime=0)


def build(recorded: Recorded) -> messages.Profile:
    """The profile as a message."""
    return _Builder(recorded).profile


class _Builder:
    """Fills a message; texts, functions and locations are there once each."""

    def __init__(self, recorded: Recorded) -> None:
        self.profile = messages.Profile(string_table=[""])
        self._texts = {"": 0}
        self._functions: dict[tuple[str, str, int], int] = {}
        self._locations: dict[Place, int] = {}
        self._services = {target.pid: target.service for target in recorded.targets}
        self._head(recorded)
        for (pid, stack), count in recorded.counts.items():
            self._sample(pid, stack, count)

    def _head(self, recorded: Recorded) -> None:
        profile, period = self.profile, round(1e9 / max(recorded.rate, 1e-3))
        time_type = self._text(recorded.mode.value)
        profile.sample_type.add(type=self._text("samples"), unit=self._text("count"))
        profile.sample_type.add(type=time_type, unit=self._text("nanoseconds"))
        profile.default_sample_type = time_type
        profile.period_type.type, profile.period_type.unit = time_type, self._text("nanoseconds")
        profile.period = period
        profile.time_nanos = round(recorded.began * 1e9)
        profile.duration_nanos = round(recorded.seconds * 1e9)
        profile.mapping.add(
            id=1, filename=self._text("python"), has_functions=True, has_filenames=True, has_line_numbers=True
        )
        profile.comment.extend(self._text(comment) for comment in comments(recorded))

    def _sample(self, pid: int, stack: Stack, count: Count) -> None:
        sample = self.profile.sample.add()
        sample.location_id.extend([self._location(place) for place in stack.places])
        sample.value.extend((count.samples, round(count.nanoseconds)))
        sample.label.add(key=self._text("pid"), num=pid)
        if stack.thread:
            sample.label.add(key=self._text("thread"), str=self._text(stack.thread))
        if stack.thread_id:
            sample.label.add(key=self._text("thread_id"), num=stack.thread_id)
        if self._services.get(pid):
            sample.label.add(key=self._text("service"), str=self._text(self._services[pid]))

    def _location(self, place: Place) -> int:
        known = self._locations.get(place)
        if known is None:
            known = self._locations[place] = len(self._locations) + 1
            location = self.profile.location.add(id=known, mapping_id=1)
            location.line.add(function_id=self._function(place), line=place.line)
        return known

    def _function(self, place: Place) -> int:
        key = (place.function, place.file, place.start_line)
        known = self._functions.get(key)
        if known is None:
            known = self._functions[key] = len(self._functions) + 1
            name = self._text(place.function)
            system_name = self._text(f"{place.module}.{place.function}") if place.module else name
            self.profile.function.add(
                id=known,
                name=name,
                system_name=system_name,
                filename=self._text(place.file),
                start_line=place.start_line,
            )
        return known

    def _text(self, text: str) -> int:
        text = text.encode("utf-8", "replace").decode()[:MAX_TEXT]
        known = self._texts.get(text)
        if known is None:
            known = self._texts[text] = len(self._texts)
            self.profile.string_table.append(text)
        return known


def comments(recorded: Recorded) -> Iterator[str]:
    """What is known of a recording beside its samples, a `name: value` each; readers may rely on the names."""
    source = recorded.source.value if recorded.source is not None else "both"
    yield f"service: {', '.join(sorted({target.service for target in recorded.targets if target.service}))}"
    yield f"source: {source}"
    yield f"mode: {recorded.mode.value}"
    yield f"rate: {recorded.rate:.1f}"
    yield f"rate_asked: {recorded.rate_asked}"
    yield f"samples: {recorded.samples}"
    yield f"missed: {recorded.missed}"
    yield f"own_cpu_seconds: {recorded.own_cpu_seconds:.3f}"
    if recorded.tasks:
        yield "tasks: true"
    if recorded.paused:
        yield "paused: true"
    for target in recorded.targets:
        yield f"process: {target.pid} {' '.join(target.argv)}".rstrip()
    for prefix in sorted({prefix for target in recorded.targets for prefix in target.prefixes}):
        yield f"prefix: {prefix}"
