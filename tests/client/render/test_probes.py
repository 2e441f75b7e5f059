"""The text of `probes`: why has it not fired."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pyrometer.client.render.probes import lines, why_silent
from pyrometer.client.render.terminal import Style

NOTE = "on Python 3.11 new calls are seen, frames that already run are not"
NOW = datetime(2026, 11, 24, 8, 43, 51, tzinfo=UTC)


def probe(pid: int, **more: Any) -> dict[str, Any]:
    return {
        "probe_id": "c3f1aa",
        "pid": pid,
        "where": "PaymentError in shop.*",
        "condition": "order.total > 1000",
        "state": "ARMED",
        "reason": NOTE,
        "by": "uid 1000, pid 77",
        "reached": 12,
        "condition_false": 12,
        "matched": 0,
        "errors": 0,
        "last_error": None,
        "sampled_share": 1.0,
        "cpu_share": 0.0002,
        "expires": "2026-11-24T08:44:51Z",
        "open_calls": 0,
        "oldest_open_call_seconds": None,
        **more,
    }


def test_a_probe_is_shown_once_with_its_processes_under_it() -> None:
    """What is true of all of them is said once."""
    shown = list(lines([probe(12), probe(11, reached=0, condition_false=0)], Style(enabled=False), 80, NOW))
    assert shown == [
        "c3f1aa  PaymentError in shop.* if order.total > 1000",
        "  armed by uid 1000, pid 77, ends in 1m",
        "  PID  STATE  REACHED  FALSE  HITS  ERRORS    COST",
        "   11  ARMED        0      0     0       0  0.02 %",
        "   12  ARMED       12     12     0       0  0.02 %",
        f"  {NOTE}",
        "  11: not reached so far",
        "  12: the condition was never true so far",
    ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"reached": 0}, "not reached so far"),
        ({}, "the condition was never true so far"),
        ({"sampled_share": 0.4}, "the condition was never true so far, of the 40 % that the governor let be looked at"),
        ({"errors": 3, "last_error": "no x"}, "the condition could not be evaluated: no x"),
        ({"matched": 1}, ""),
        ({"state": "PENDING", "reason": "shop is not loaded yet"}, ""),
    ],
)
def test_why_it_has_not_fired(more: dict[str, Any], expected: str) -> None:
    """Always answerable from the counters."""
    assert why_silent(probe(1, **more)) == expected


def test_calls_that_are_open_are_why_none_has_ended() -> None:
    """A watch tells how many, and for how long the first of them is."""
    waiting = probe(11, reached=0, condition_false=0, open_calls=2, oldest_open_call_seconds=12.04)
    shown = list(lines([waiting], Style(enabled=False), 80, NOW))
    assert shown[-1] == "  open calls: 2, the first for 12.0 s"
    assert why_silent(waiting) == ""
