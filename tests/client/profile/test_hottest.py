"""The hottest functions, as figures and as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyrometer.client.profile import hottest, table
from pyrometer.client.profile.model import Function, Process, Profile, Sample, Thread
from pyrometer.client.profile.paths import Origin
from pyrometer.client.render.terminal import Style


def profile() -> Profile:
    """Of two workers: one is busy in `hot`, which calls itself; both decode."""
    return Profile(
        kind="cpu",
        unit="nanoseconds",
        functions=(
            Function("main", "/srv/shop/app.py", Origin.SERVICE),
            Function("hot", "/srv/shop/pricing.py", Origin.SERVICE),
            Function("loads", "/usr/lib/python3.11/json/decoder.py", Origin.STDLIB),
        ),
        processes=(Process(4108, "shop", ""), Process(4107, "shop", "")),
        threads=(Thread(0, "MainThread", 4108), Thread(1, "MainThread", 4107)),
        samples=(
            Sample(((1, 80), (1, 80), (0, 12)), 1, 600, 6),
            Sample(((2, 343), (0, 13)), 0, 200, 2),
            Sample(((2, 343), (1, 81), (0, 12)), 1, 200, 2),
        ),
        began=1_790_000_000.0,
        seconds=10.0,
        notes={"service": "shop", "source": "outside", "rate": "98.2", "missed": "10", "own_cpu_seconds": "0.4"},
    )


def test_own_time_ranks_and_recursion_counts_once() -> None:
    """Who calls itself has the time of a sample once."""
    found = [(row.function, row.self_share, row.total_share) for row in hottest.rows(profile())]
    assert found == [("hot", 0.6, pytest.approx(0.8)), ("loads", 0.4, pytest.approx(0.4))]


def test_the_place_is_the_line_where_it_was_at_work() -> None:
    """Not where it was called, nor where it called from."""
    assert [row.where for row in hottest.rows(profile())] == ["shop/pricing.py:80", "json/decoder.py:343"]


def test_shares_by_process_stand_in_the_order_of_their_ids() -> None:
    """One that has nearly all of it is named."""
    hot, loads = hottest.rows(profile())
    assert (hot.spread, loads.spread) == ((1.0, 0.0), (0.5, 0.5))
    assert hottest.sparkline(hot.spread) == "█▁"
    assert [hottest.concentrated(profile(), row.spread) for row in (hot, loads)] == [4107, None]


def test_one_process_needs_no_bars() -> None:
    """Nor do more than one can tell apart."""
    assert hottest.sparkline((1.0,)) == hottest.sparkline((0.01,) * 100) == ""


@pytest.mark.parametrize("width", [100, 60, 40])
def test_the_table_cuts_names_never_figures(width: int) -> None:
    """Whatever the width."""
    head, hot, _ = table.lines(profile(), hottest.rows(profile()), Style(enabled=False), width)
    assert head.startswith(" SELF   TOTAL   FUNCTION")
    assert hot.startswith("  60 %    80 %   hot")
    assert hot.endswith("(all of it in 4107)")


def test_the_summary_says_what_the_profile_is() -> None:
    """In one line."""
    expected = "shop, 10.0 s of CPU time, 10 samples (50.0 % missed), py-spy at 98 Hz, own cost 4 % of a core"
    assert table.summary(profile()) == expected


@pytest.mark.parametrize(("share", "text"), [(0.0, "   0 %"), (0.004, " 0.4 %"), (0.0996, "  10 %"), (1.0, " 100 %")])
def test_a_share_takes_six_columns(share: float, text: str) -> None:
    """Whole per cents, and tenths of what is small."""
    assert table.percent(share) == text


def test_a_poor_recording_is_said_to_be_one() -> None:
    """Ten samples, and a rate that was lowered: how far the shares may be off, and why there are not more."""
    poor = replace(profile(), notes={**profile().notes, "rate": "19.0", "rate_asked": "100"})
    assert list(table.cautions(poor)) == [
        "10 samples: a share may be off by 31 per cent points",
        "19 looks a second instead of 100: reading from outside may use 4 % of the processors, no more",
    ]
    assert "py-spy at 19 Hz of 100" in table.summary(poor)
    good = replace(profile(), samples=tuple(replace(each, count=1000) for each in profile().samples))
    assert list(table.cautions(good)) == []
