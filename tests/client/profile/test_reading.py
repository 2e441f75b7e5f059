"""Reading a profile: what the server writes, what other programs write, and what is none."""

from __future__ import annotations

import gzip

import pytest

from pyrometer.client.profile import model, reading
from pyrometer.client.profile.model import NotAProfile, Process, Thread
from pyrometer.client.profile.paths import Origin
from pyrometer.server.profiling import pprof
from pyrometer.server.profiling.model import Count, Mode, Place, Recorded, Source, Stack, Target
from pyrometer.v1 import pprof_pb2

_MAIN = Place("main", "/srv/shop/app.py", 12, 10, "shop.app")
_HOT = Place("hot", "/srv/shop/pricing.py", 80, 77, "shop.pricing")


def recorded(function: str = "hot") -> Recorded:
    """A recording of two processes; 60 % of it in one function."""
    hot = _HOT._replace(function=function)
    return Recorded(
        source=Source.OUTSIDE,
        reason="",
        mode=Mode.CPU,
        rate_asked=100,
        rate=98.0,
        samples=10,
        missed=2,
        seconds=5.0,
        own_cpu_seconds=0.25,
        began=1_790_000_000.0,
        targets=(Target(4107, "shop", ("gunicorn:", "worker")), Target(4108, "shop", (), ("/opt/py/lib",))),
        counts={
            (4107, Stack("MainThread", 4107, (hot, _MAIN))): Count(6, 6e7),
            (4108, Stack("", 0, (Place("get", "/opt/py/lib/queue.py", 171), _MAIN))): Count(4, 4e7),
        },
    )


def test_what_the_server_writes_is_read_back() -> None:
    """Stacks, times, processes, threads and notes."""
    profile = reading.read(pprof.encode(recorded()))
    assert (profile.kind, profile.unit, profile.total, profile.count) == ("cpu", "nanoseconds", 10**8, 10)
    assert (profile.service, profile.seconds, profile.began) == ("shop", 5.0, 1_790_000_000.0)
    assert profile.processes == (Process(4107, "shop", "gunicorn: worker"), Process(4108, "shop", ""))
    assert profile.threads == (Thread(0, "MainThread", 4107), Thread(1, "", 0))
    assert [[profile.functions[index].name for index, _ in each.frames] for each in profile.samples] == [
        ["hot", "main"],
        ["get", "main"],
    ]
    assert [profile.functions[index].origin for index in (0, 2)] == [Origin.SERVICE, Origin.STDLIB]


def test_a_function_s_line_is_where_it_was_seen_at_work() -> None:
    """Else where it called."""
    assert reading.read(pprof.encode(recorded())).lines == (80, 12, 171)


def test_figures_of_the_notes_are_numbers_or_absent() -> None:
    """Another program may write anything there."""
    message = pprof.build(recorded())
    for note in ("missed: many", "own_cpu_seconds: nan", "rate_asked: -1"):
        message.string_table.append(note)
        message.comment.append(len(message.string_table) - 1)
    profile = reading.read(message.SerializeToString())
    assert profile.figure("rate") == 98.0
    assert [profile.figure(name) for name in ("missed", "own_cpu_seconds", "rate_asked", "absent")] == [None] * 4


def test_names_are_safe_to_print() -> None:
    """Fault 83: controls and direction marks are spelled out."""
    names = {function.name for function in reading.read(pprof.encode(recorded("a\x1b[2J\u202eb"))).functions}
    assert "a\\x1b[2J\\u202eb" in names


def test_a_frame_without_a_name_has_its_address() -> None:
    """Native code that nobody had symbols of."""
    message = pprof_pb2.Profile(string_table=["", "cpu", "nanoseconds"])
    message.sample_type.add(type=1, unit=2)
    message.location.add(id=1, address=0x7F00)
    message.sample.add(location_id=[1], value=[5])
    (function,) = reading.read(gzip.compress(message.SerializeToString())).functions
    assert (function.name, function.origin) == ("0x7f00", Origin.NATIVE)


@pytest.mark.parametrize(
    "data",
    [b"", b"plain text, and no profile", b"\x1f\x8bbroken", pprof.encode(recorded())[:-20]],
    ids=["empty", "text", "gzip", "cut off"],
)
def test_what_is_none_is_refused(data: bytes) -> None:
    """With words for people, not a traceback."""
    with pytest.raises(NotAProfile):
        reading.read(data)


def test_a_reference_to_what_is_not_there_is_refused() -> None:
    """A broken file is told, wherever it breaks."""
    message = pprof.build(recorded())
    message.sample[0].location_id.append(999)
    with pytest.raises(NotAProfile):
        reading.read(message.SerializeToString())


def test_a_file_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 83: a bomb costs no more than the bound."""
    monkeypatch.setattr(model, "MAX_BYTES", 1000)
    with pytest.raises(NotAProfile, match="larger"):
        reading.read(gzip.compress(b"\0" * 10_000))
