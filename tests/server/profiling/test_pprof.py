"""The pprof file."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from pyrometer.server.profiling import pprof
from pyrometer.server.profiling.model import Count, Mode, Place, Recorded, Source, Stack, Target
from pyrometer.v1 import pprof_pb2

LEAF = Place("Shop.price", "/srv/shop.py", 88, 80, "shop")
ROOT = Place("<module>", "/srv/app.py", 3)


def recorded(**changes: object) -> Recorded:
    values: dict[str, object] = {
        "source": Source.OUTSIDE,
        "reason": "",
        "mode": Mode.CPU,
        "rate_asked": 100,
        "rate": 98.5,
        "samples": 5,
        "missed": 1,
        "seconds": 10.0,
        "own_cpu_seconds": 0.4,
        "began": 1_700_000_000.0,
        "targets": (Target(7, "shop", ("gunicorn", "shop:app"), ("/usr/lib/python3.12",)), Target(8, "shop")),
        "counts": {
            (7, Stack("MainThread", 71, (LEAF, ROOT))): Count(3, 3e7),
            (8, Stack("", 0, (LEAF,))): Count(2, 2e7),
        },
    }
    return Recorded(**{**values, **changes})  # type: ignore[arg-type]


def parse(data: bytes) -> pprof_pb2.Profile:
    return pprof_pb2.Profile.FromString(gzip.decompress(data))


def test_samples_have_a_count_and_the_time_that_they_stand_for() -> None:
    """Two sample types, the time shown first; stacks leaf first."""
    profile = parse(pprof.encode(recorded()))
    text = profile.string_table
    assert text[0] == ""
    assert [(text[t.type], text[t.unit]) for t in profile.sample_type] == [("samples", "count"), ("cpu", "nanoseconds")]
    assert text[profile.default_sample_type] == "cpu"
    assert [list(sample.value) for sample in profile.sample] == [[3, 30_000_000], [2, 20_000_000]]
    functions = {function.id: function for function in profile.function}
    locations = {location.id: location for location in profile.location}
    line = locations[profile.sample[0].location_id[0]].line[0]
    function = functions[line.function_id]
    assert (text[function.name], text[function.filename], function.start_line, line.line) == (
        "Shop.price",
        "/srv/shop.py",
        80,
        88,
    )
    assert profile.time_nanos == 1_700_000_000 * 10**9
    assert profile.duration_nanos == 10 * 10**9


def test_samples_are_labelled_by_process_and_thread() -> None:
    """Pid and thread_id are numbers, thread and service texts; what is not known has no label."""
    profile = parse(pprof.encode(recorded()))
    text = profile.string_table
    labels = [
        {text[label.key]: text[label.str] if label.str else label.num for label in sample.label}
        for sample in profile.sample
    ]
    assert labels == [
        {"pid": 7, "thread": "MainThread", "thread_id": 71, "service": "shop"},
        {"pid": 8, "service": "shop"},
    ]


def test_comments_say_what_pprof_has_no_field_for() -> None:
    """The client reads them: service, source, mode, rates, processes, the libraries' folders."""
    profile = parse(pprof.encode(recorded()))
    comments = dict(profile.string_table[index].split(": ", 1) for index in profile.comment)
    assert comments["service"] == "shop"
    assert comments["source"] == "outside"
    assert comments["prefix"] == "/usr/lib/python3.12"
    assert (comments["rate"], comments["rate_asked"], comments["missed"]) == ("98.5", "100", "1")


def test_the_bytes_depend_on_the_recording_alone() -> None:
    """Twice the same recording is twice the same file."""
    assert pprof.encode(recorded()) == pprof.encode(recorded())


def test_texts_of_the_target_are_bounded_and_valid() -> None:
    """A name of a megabyte, a lone surrogate: valid UTF-8 comes out, and not much of it (faults 42, 47)."""
    hostile = Place("x" * 1_000_000, "\udcff/a\x1b[31m.py", 1)
    profile = parse(pprof.encode(recorded(counts={(7, Stack("t\ud800", 1, (hostile,))): Count(1, 1.0)})))
    assert max(len(text) for text in profile.string_table) == pprof.MAX_TEXT


@pytest.mark.needs("go")
def test_go_tool_pprof_reads_it(tmp_path: Path) -> None:
    """The reference reader accepts the file and finds the function on top."""
    file = tmp_path / "p.pb.gz"
    file.write_bytes(pprof.encode(recorded()))
    go = shutil.which("go")
    assert go
    top = subprocess.run(
        [go, "tool", "pprof", "-top", str(file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "GOFLAGS": "-mod=mod"},
    ).stdout
    assert "Type: cpu" in top
    assert "Shop.price" in top
