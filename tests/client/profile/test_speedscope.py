"""speedscope's format: held to the schema that speedscope publishes, and read from whoever writes it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from tests.client.profile import examples

from pyrometer.client.profile import reading, speedscope
from pyrometer.client.profile.model import NotAProfile, Profile

_PUBLISHED = json.loads((Path(__file__).parent / "published" / "speedscope.schema.json").read_text(encoding="utf-8"))
_HOSTILE = ["</script>", "a;b c 12", '"Thread 7"', "\x1b[2J\u202e\ud800", "名前", ""]


def document(profile: Profile) -> dict[str, Any]:
    """What is written, as another program reads it."""
    made: dict[str, Any] = json.loads(speedscope.write(profile))
    return made


@pytest.mark.parametrize(
    "profile", [examples.profile(), examples.of_others(), *(examples.profile(name) for name in _HOSTILE)]
)
def test_what_is_written_is_what_the_schema_says(profile: Profile) -> None:
    """Fault 83: whatever a function is called."""
    Draft7Validator(_PUBLISHED).validate(document(profile))


def test_a_thread_is_a_profile_and_the_busiest_is_shown() -> None:
    """With its process, its stacks outermost first, equal ones added up, and its time."""
    made = document(examples.profile())
    names = [frame["name"] for frame in made["shared"]["frames"]]
    assert [each["name"] for each in made["profiles"]] == [
        'Process 4107:"gunicorn: worker" Thread 4107 "MainThread"',
        "Process 4108 Thread 4109",
    ]
    first = made["profiles"][made["activeProfileIndex"]]
    assert [[names[index] for index in stack] for stack in first["samples"]] == [["run", "main", "hot"]]
    assert (first["weights"], first["unit"], first["endValue"]) == ([60_000], "nanoseconds", 60_000)


@pytest.mark.parametrize("profile", [examples.profile(), examples.of_others()])
def test_what_was_written_is_read_back(profile: Profile) -> None:
    """Stacks by process and thread, counts, what was measured and by whom, and whose code it is."""
    found = reading.read(speedscope.write(profile))
    for counts in (False, True):
        assert examples.seen(found, counts=counts) == examples.seen(profile, counts=counts)
    for name in ("kind", "unit", "began", "seconds", "notes", "lines", "functions"):
        assert getattr(found, name) == getattr(profile, name)


def test_another_s_file_needs_nothing_of_ours() -> None:
    """As py-spy writes it: samples in their order, weights in seconds."""
    made = {
        "shared": {"frames": [{"name": "main", "file": "app.py", "line": 3}, {"name": "hot"}]},
        "profiles": [
            {
                "type": "sampled",
                "name": 'Process 12 Thread 0x7F "worker"',
                "unit": "seconds",
                "startValue": 0.0,
                "endValue": 0.03,
                "samples": [[0, 1], [0, 1], [0]],
                "weights": [0.01, 0.01, 0.01],
            }
        ],
    }
    found = reading.read(json.dumps(made).encode())
    assert examples.seen(found) == {(12, "worker", ("main", "hot")): 20_000_000, (12, "worker", ("main",)): 10_000_000}
    assert (found.kind, found.unit, found.count, found.lines) == ("time", "nanoseconds", 3, (3, 0))


def test_events_become_the_time_between_them() -> None:
    """What opens and closes: each stack has the time for which it was the whole."""
    events = [("O", 0, 1), ("O", 1, 2), ("C", 1, 5), ("C", 0, 6)]
    profile = {
        "type": "evented",
        "name": "trace",
        "unit": "milliseconds",
        "startValue": 0,
        "endValue": 9,
        "events": [{"type": kind, "frame": frame, "at": at} for kind, frame, at in events],
    }
    found = reading.read(
        json.dumps({"shared": {"frames": [{"name": "a"}, {"name": "b"}]}, "profiles": [profile]}).encode()
    )
    assert examples.seen(found) == {(0, "trace", ("a",)): 2_000_000, (0, "trace", ("a", "b")): 3_000_000}


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made["profiles"][0]["samples"][0].append(-1),
        lambda made: made["profiles"][0]["samples"][0].append(99),
        lambda made: made["profiles"][0]["weights"].append(1),
        lambda made: made["profiles"][0].update(weights=[float("nan")]),
        lambda made: made["profiles"][0].update(unit="bytes"),
        lambda made: made["profiles"][0].update(type="other"),
        lambda made: made.update(profiles=[]),
        lambda made: made.update(shared={"frames": [7]}),
        lambda made: made.update(pyrometer={"counts": "many", "origins": ["mine"]}),
    ],
)
def test_what_is_broken_is_refused(change: Any) -> None:
    """Fault 83: with words for people, wherever it breaks."""
    made = document(examples.profile())
    change(made)
    with pytest.raises(NotAProfile):
        reading.read(json.dumps(made).encode())


def test_json_without_a_bottom_is_refused() -> None:
    """Fault 83: a bomb is told, not fallen for."""
    with pytest.raises(NotAProfile):
        reading.read(b'{"profiles":' + b"[" * 100_000)


def test_values_that_are_no_time_keep_their_unit() -> None:
    """Bytes are bytes, counts are counts."""
    counts = replace(examples.of_others(), kind="samples", unit="count")
    assert reading.read(speedscope.write(counts)).unit == "count"
    assert document(counts)["profiles"][0]["unit"] == "none"
