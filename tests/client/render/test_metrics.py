"""The text of `info`."""

from __future__ import annotations

from typing import Any

import pytest
from tests.client.findings.made_up import frame, loop, usage

from pyrometer.client.render.metrics import MetricsText, lag
from pyrometer.client.render.terminal import Style

PLAIN = Style(enabled=False)
NEITHER = {"cgroup.quota_cores": "no group has a quota", "cgroup.memory_limit_bytes": "no group has a limit"}


def process(**changes: Any) -> dict[str, Any]:
    """A process of `info`."""
    more = {
        "python": "3.11.7",
        "uptime_seconds": 75.0,
        "agent": "ok",
        "uid": 1000,
        "threads": 3,
        "window_seconds": 0.5,
        "cpu_user_seconds": 12.5,
        "cpu_system_seconds": 0.3,
        "peak_rss_bytes": 50 * 2**20,
        "swap_bytes": 0,
        "probes": 0,
        "gc": {
            "enabled": True,
            "counts": [1, 2, 3],
            "collections": [1200, 40, 2],
            "collected": 77,
            "uncollectable": 0,
            "pause_seconds": 1.5,
        },
        "reasons": NEITHER,
    }
    return usage(7, **{**more, **changes})


def block(**changes: Any) -> str:
    return "\n".join(MetricsText(PLAIN, 200).blocks([process(**changes)]))


def test_a_block_tells_all_with_units() -> None:
    """What it uses and what it may."""
    text = block()
    for part in (
        "shop  7  python app.py",
        "Python 3.11.7, up 1m, user 1000, started by 1, agent: ok",
        "0.0 % of a core over 0.5 s; since its start 12.5 s, and 0.3 s by the kernel",
        "40 MiB, at most 50 MiB so far",
        "10 of 1,000",
        "1,200 + 40 + 2 collections (young to old), 77 objects, 1.50 s in all",
        "event loop    none",
        "quota         none: no group has a quota",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"gc": None, "reasons": {"gc": "its agent did not answer"}},
            "GC            not known: its agent did not answer",
        ),
        ({"event_loops": None, "reasons": {"event_loops": "no agent"}}, "event loop    not known: no agent"),
        ({"probes": None, "reasons": {"probes": "no agent"}}, "probes        not known: no agent"),
        ({"descriptors": None, "reasons": {"descriptors": "hidden"}}, "descriptors   not known: hidden"),
        ({"descriptor_limit": None}, "descriptors   10\n"),
        ({"cpu_percent": None, "cpu_user_seconds": None}, "CPU           not measured\n"),
        ({"cpu_delay_percent": 40.0}, "ready and without a processor for 40 %"),
        ({"swap_bytes": 3 * 2**20}, "3 MiB in swap"),
        (
            {"event_loops": [loop(1.5, 0.9)]},
            "MainThread: lag 1.5 s in parse (shop/app.py:30), busy in 90 % of 40 looks",
        ),
        ({"event_loops": [loop(0.01, 0.0)]}, "MainThread: lag 10 ms, busy in 0 %"),
        ({"event_loops": [loop(None, 0.9)]}, "MainThread: busy in 90 % of 40 looks; lag not known"),
    ],
)
def test_what_is_not_known_is_said_with_its_reason(changes: dict[str, Any], said: str) -> None:
    """Null is no zero."""
    assert said in block(**changes) + "\n"


def test_a_quota_and_a_limit_come_with_what_is_left() -> None:
    """And how often it was used up."""
    group = {"quota_cores": 0.5, "periods": 400, "throttled_periods": 100, "throttled_seconds": 2.5}
    limit = {"memory_limit_bytes": 64 * 2**20, "memory_used_bytes": 40 * 2**20, "memory_left_bytes": 24 * 2**20}
    text = block(cgroup={**group, "throttled_share": 0.3, **limit, "oom_kills": 2})
    assert "0.50 cores, throttled in 30 % of the periods; so far in 100 of 400, for 2.5 s" in text
    assert "40 MiB of 64 MiB used, 24 MiB left; 2 processes killed for want of memory" in text


def test_a_watch_has_its_header_once_and_counts_collections_between_rounds() -> None:
    """The first round has none before it."""
    text = MetricsText(PLAIN, 100)
    first = list(text.rows([process()]))
    later = {**process()["gc"], "collections": [1210, 41, 2]}
    (row,) = text.rows([process(gc=later, event_loops=[loop(0.35, 0.9)])])
    assert (len(first), first[0].split()[:3]) == (2, ["TIME", "PID", "CPU"])
    assert row.split()[-4:] == ["11", "350", "ms", "–"]


def test_strangers_words_do_not_command_the_terminal() -> None:
    """Names of threads, functions and programs are theirs."""
    evil = {**loop(0.5, 1.0), "thread": "\x1b[2J", "frames": [frame("\x1b]0;x\x07")]}
    text = block(event_loops=[evil], argv=["python", "\x1b[31m"], service="s\x1b", python="3\x1b")
    assert "\x1b" not in text


def test_a_lag_has_the_unit_that_fits() -> None:
    """Milliseconds under a second."""
    assert (lag(0.0123), lag(1.84)) == ("12 ms", "1.8 s")
