"""pprof: what the server writes, and what other programs do."""

from __future__ import annotations

from collections.abc import Iterator

from pyrometer.client.profile.assembly import Assembly, clean
from pyrometer.client.profile.model import Frames, NotAProfile, Profile
from pyrometer.v1 import pprof_pb2


def read(data: bytes) -> Profile:
    """Read a profile that is not packed any more.

    Raises:
        NotAProfile: it holds nothing.
        ValueError, LookupError: it is none, or broken.
    """
    from google.protobuf.message import DecodeError

    try:
        message = pprof_pb2.Profile.FromString(data)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return _Reader(message).profile()


class _Reader:
    """Turns a message into a profile; what it refers to must be there."""

    def __init__(self, message: pprof_pb2.Profile) -> None:
        self._message = message
        self._texts = [clean(text) for text in message.string_table] or [""]
        comments = list(self._comments())
        self._notes = dict(comments)
        self._commands = dict(_command(text) for name, text in comments if name == "process")
        self._made = Assembly([text for name, text in comments if name == "prefix"])
        self._index: dict[int, int] = {}
        self._frames: dict[int, Frames] = {}

    def profile(self) -> Profile:
        """Read it all. Raises NotAProfile, or LookupError where it refers to what is not there."""
        message = self._message
        if not message.sample_type:
            raise NotAProfile("it does not say what it measures")
        value, count = self._columns()
        self._read_functions()
        self._read_locations()
        for sample in message.sample:
            frames = tuple(frame for location in sample.location_id for frame in self._frames[location])
            seen = sample.value[count] if count is not None else 0
            self._made.add(frames, self._thread(sample), sample.value[value], seen)
        chosen = message.sample_type[value]
        return self._made.profile(
            kind=self._texts[chosen.type],
            unit=self._texts[chosen.unit],
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
            name = self._texts[function.name] or self._texts[function.system_name]
            file = self._texts[function.filename]
            self._index[function.id] = self._made.function(name, file, apart=function.id)

    def _read_locations(self) -> None:
        for location in self._message.location:
            frames = [(self._index[line.function_id], max(0, line.line)) for line in location.line]
            # Native code that nobody had symbols of has its address for a name.
            self._frames[location.id] = tuple(frames) or ((self._made.function(f"{location.address:#x}", ""), 0),)

    def _thread(self, sample: pprof_pb2.Sample) -> int:
        texts, numbers = {}, {}
        for label in sample.label:
            key = self._texts[label.key]
            if label.str:
                texts[key] = self._texts[label.str]
            else:
                numbers[key] = label.num
        pid = numbers.get("pid", 0)
        process = self._made.process(pid, texts.get("service", ""), self._commands.get(str(pid), ""))
        return self._made.thread(process, texts.get("thread", ""), numbers.get("thread_id", 0))


def _command(comment: str) -> tuple[str, str]:
    """A process id and what it runs."""
    pid, _, command = comment.partition(" ")
    return pid, command
