"""Metrics as values: shares of a window, pieces of one, and what an agent may say."""

from __future__ import annotations

import os
from typing import Any

import pytest

from pyrometer.link.errors import LinkClosed
from pyrometer.server.cgroups import Throttling
from pyrometer.server.metrics import Allowance, merged, reasons, throttled_share, vitals_from


def reply(**changes: Any) -> dict[str, Any]:
    """What an agent says."""
    collector = {"enabled": True, "counts": [1, 2, 3], "collections": [9, 5, 1], "collected": 7, "uncollectable": 0}
    return {"gc": {**collector, "pause": None}, "loops": [], "probes": 0, **changes}


def loop(lag: float | None, busy: float, looks: int, thread: str = "MainThread") -> dict[str, Any]:
    """A loop that an agent tells of."""
    frames = [["parse", "/srv/feeds.py", 30, "feeds"]] if lag else []
    return {"thread": thread, "native_id": 7, "lag": lag, "busy": busy, "looks": looks, "frames": frames}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Throttling(1.0, 10, 2, 0.1), Throttling(1.0, 20, 7, 0.4), 0.5),
        (Throttling(1.0, 10, 2, 0.1), Throttling(1.0, 10, 2, 0.1), None),
        (Throttling(1.0, None, None, None), Throttling(1.0, None, None, None), None),
        (None, Throttling(1.0, 20, 7, 0.4), None),
        (Throttling(1.0, 10, 9, 0.1), Throttling(1.0, 20, 2, 0.4), 0.0),
    ],
)
def test_the_share_is_that_of_the_windows_periods(
    before: Throttling | None, after: Throttling | None, expected: float | None
) -> None:
    """What was before does not count; where no period ended, nothing is known."""
    assert throttled_share(before, after) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        reply(gc=None),
        reply(loops=[{"thread": "x"}]),
        reply(loops=[{**loop(0.1, 0.5, 2), "frames": [["f"]]}]),
        reply(loops=None),
        reply(probes="many"),
        reply(gc={**reply()["gc"], "counts": ["x"]}),
    ],
)
def test_what_has_another_shape_closes_the_conversation(wrong: dict[str, Any]) -> None:
    """An agent is a stranger, too."""
    with pytest.raises(LinkClosed):
        vitals_from(wrong)


def test_pieces_of_a_window_become_one() -> None:
    """The longest lag with its place, all looks, the last figures."""
    first = vitals_from(reply(loops=[loop(0.4, 1.0, 10)]))
    last = vitals_from(reply(loops=[loop(0.1, 0.5, 30), loop(None, 0.0, 5, "other")], probes=2))
    together = merged(merged(None, first), last)
    (ours, other) = together.loops
    assert (ours.lag, ours.looks, ours.busy, together.probes) == (0.4, 40, 0.625, 2)
    assert ours.frames[0].function == "parse"
    assert other.lag is None


def test_a_reason_stands_for_whatever_is_absent() -> None:
    """Null with a reason, never a guess."""
    nothing = Allowance(None, None, None, None)
    silent = reasons(os.getpid(), nothing, None, "its agent did not answer")
    assert silent["event_loops"] == silent["gc"] == "its agent did not answer"
    assert {"cgroup.quota_cores", "cgroup.memory_limit_bytes", "cgroup.oom_kills"} <= silent.keys()
    told = reasons(os.getpid(), nothing, vitals_from(reply(loops=[loop(None, 1.0, 3)])), "")
    assert {"gc.pause_seconds", "event_loops.lag_seconds"} <= told.keys()
    assert "gc" not in told
