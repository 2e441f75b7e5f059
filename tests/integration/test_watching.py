"""`pyrometer watch`, typed: the calls of a service as they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.schemas import validate
from tests.support.services import Typed, program, pyrometer


@pytest.fixture
def service(unique: str) -> Iterator[str]:
    with program("calling", unique):
        yield unique


def watch(service: str, function: str, *options: str) -> Typed:
    return pyrometer("watch", service, f"__main__:{function}", "--for", "30s", *options)


def events_of(typed: Typed) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in typed.out.splitlines()]
    for event in events:
        validate("events", event)
    return events


def test_calls_are_shown_as_they_end(service: str) -> None:
    """As many as were asked for; what goes in, what comes out, what is thrown, what is withheld."""
    typed = watch(service, "*", "-n", "12", "-o", "jsonl")
    assert typed.code == 0, typed.err
    events = events_of(typed)
    hits = [event for event in events if event["event"] == "hit"]
    assert (len(hits), events[-1]["delivered"]) == (12, 12)
    found = [hit for hit in hits if hit["frames"][0]["function"] == "Store.find"]
    assert found
    for hit in found:
        assert list(hit["arguments"]) == ["self", "number", "token"]
        assert hit["arguments"]["token"]["kind"] == "redacted"
        assert (hit["returned"] is None) == (hit["exception"] is not None)
        assert (hit["elapsed_seconds"] > 0, hit["suspended_seconds"]) == (True, None)
    fetched = [hit for hit in hits if hit["frames"][0]["function"] == "fetch"]
    assert all(hit["suspended_seconds"] > 0 for hit in fetched)
    assert "Zm9v" not in typed.out


def test_a_condition_chooses_among_them(service: str) -> None:
    """By what left the call, with its callers."""
    typed = watch(service, "Store.find", "--if", "exc is not None", "-n", "1", "--frames", "2", "--expr", "number")
    assert typed.code == 0, typed.err
    first, *more = typed.out.splitlines()
    assert "Store.find(number=" in first
    assert " ! KeyError" in first
    assert [line.split()[0] for line in more] == ["number", "called", "…"]
    assert "1 of 1 delivered" in typed.err


@pytest.mark.once
def test_what_does_not_end_is_said(service: str) -> None:
    """Nothing came, and why."""
    typed = pyrometer("watch", service, "__main__:never_ends", "--for", "3s")
    assert typed.code == 5
    assert "begun" in typed.err


@pytest.mark.once
def test_wrong_input_is_refused(service: str) -> None:
    """A line; a function that there is not; a condition that would run code."""
    assert pyrometer("watch", service, "calling.py:12").code == 2
    missing = watch(service, "Store.fnid")
    assert missing.code == 2
    assert "Store.find" in missing.err
    assert watch(service, "Store.find", "--if", "number.bit_length() > 3").code == 2
