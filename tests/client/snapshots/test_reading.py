"""Snapshots read back from files: the same in each form, and nothing else than a snapshot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.client.snapshots.examples import call, hit, snapshot, text

from pyrometer.client.command import run
from pyrometer.client.snapshots import reading
from pyrometer.client.snapshots.gathering import SUFFIXES, encoded
from pyrometer.client.snapshots.model import NotASnapshot

Document = dict[str, Any]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_written_is_read(suffix: str) -> None:
    """Page, document and lines hold the same events; lines alone know no command."""
    data = encoded(snapshot(), suffix)
    assert reading.is_snapshot(data)
    found = reading.read(data)
    assert found.events == snapshot().events
    assert found.command == ("" if suffix == ".jsonl" else snapshot().command)


@pytest.mark.parametrize("verb", ["watch", "log"])
def test_calls_and_log_lines_are_read_too(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And shown in the words of their verb."""
    event = call(returned=None) if verb == "watch" else hit(message="order 7", exception=None)
    file = tmp_path / "kept.json"
    file.write_bytes(encoded(snapshot(event, verb=verb), ".json"))
    assert reading.read(file.read_bytes()).hits == [event]
    assert run(["view", str(file), "--text"]) == 0
    assert {"watch": "430.1 ms  charge(", "log": "  order 7\n"}[verb] in capsys.readouterr().out


def test_a_verdict_that_came_later_is_the_hit_s() -> None:
    """`handled` is known when the file is written, though it was not at the hit."""
    late = hit()
    late["exception"]["handled"] = None
    verdict = {"event": "verdict", "probe_id": "c3f1aa", "pid": 4109, "hit_id": "4109.0"}
    found = snapshot(late, {**verdict, "handled": False, "handled_why": "it ended the thread"})
    again = reading.read(encoded(found, ".json"))
    assert [each["exception"]["handled"] for each in again.hits] == [False]
    assert again.hits[0]["exception"]["handled_why"] == "it ended the thread"


def without(name: str) -> Callable[[Document], Any]:
    return lambda event: event.pop(name)


@pytest.mark.parametrize(
    "breaks",
    [
        lambda event: event.update(elapsed_seconds=1.0),
        *map(without, ("frames", "thread", "exception", "expressions", "time")),
        lambda event: event.update(frames="all"),
        lambda event: event.update(pid="1"),
        lambda event: event.update(pid=True),
        lambda event: event["frames"][0].update(line=-1),
        lambda event: event["frames"][0].update(locals=[1]),
        lambda event: event["frames"][0].update(context=[{"line": 1}]),
        lambda event: event["exception"].update(message=7),
        lambda event: event.update(expressions={"a": {"type": "str", "kind": "str", "value": [1]}}),
        lambda event: event.update(expressions={"a": {"type": "list", "kind": "list"}}),
        lambda event: event.update(expressions={"a": {"type": "X", "kind": "ref"}}),
    ],
)
def test_a_broken_one_is_refused(breaks: Callable[[Document], Any]) -> None:
    """Fault 83: what is missing, or of another type."""
    event = json.loads(json.dumps(hit()))
    breaks(event)
    with pytest.raises(NotASnapshot):
        reading.read(encoded(snapshot(event), ".json"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"schema": "pyrometer.snapshot/v1"}',
        b'{"schema": "pyrometer.snapshot/v1", "verb": "dump", "command": null, "service": null, "events": []}',
        b'{"schema": "pyrometer.snap/v1", "event": "done", "probe_id": "x", "pid": null}',
    ],
)
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    """Whatever it is."""
    with pytest.raises(NotASnapshot):
        reading.read(data)


def test_values_of_another_version_and_very_deep_ones_are_named_as_such() -> None:
    """A reader ignores what it does not know; it does not fail."""
    deep: Document = text("x")
    for _ in range(200):
        deep = {"type": "list", "kind": "list", "items": [deep]}
    strange = {"type": "shop.New", "kind": "hologram", "value": [1, 2]}
    found = reading.read(encoded(snapshot(hit(expressions={"deep": deep, "strange": strange}, surprise=1)), ".json"))
    assert found.hits[0]["expressions"]["strange"]["kind"] == "unreadable"
    assert '"too deep"' in json.dumps(found.hits[0]["expressions"]["deep"])
    assert "surprise" not in found.hits[0]


def test_view_shows_a_part_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of one process, in the words that the terminal showed; a process that it has not is named with those it has."""
    file = tmp_path / "shop.jsonl"
    file.write_bytes(encoded(snapshot(hit(), hit("gone", pid=4110)), ".jsonl"))
    assert run(["view", str(file), "--text", "--pid", "4110"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("gone: gone")
    assert "card declined" not in out
    assert run(["view", str(file), "--text", "--pid", "1"]) == 3
    assert "4109, Thread-2 (card declined)" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_view_makes_any_form_of_any(tmp_path: Path, suffix: str) -> None:
    """`--out`, and only its owner may read what it holds."""
    file, out = tmp_path / "shop.json", tmp_path / f"again{suffix}"
    file.write_bytes(encoded(snapshot(), ".json"))
    assert run(["view", str(file), "--out", str(out)]) == 0
    assert reading.read(out.read_bytes()).events == snapshot().events
    assert out.stat().st_mode & 0o777 == 0o600


def test_view_says_of_a_broken_one_what_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the file, the next step."""
    file = tmp_path / "shop.jsonl"
    file.write_text('{"schema": "pyrometer.catch/v1", "event": "hit"}\n')
    assert run(["view", str(file)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert str(file) in first
    assert "--out" in second
