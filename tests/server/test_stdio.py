"""The lease that two ends agree on before gRPC speaks."""

from __future__ import annotations

import pytest

from pyrometer.v1 import stdio


def test_the_lease_is_short_where_the_way_is_short() -> None:
    """Probes go within 2 s of their watcher; up to two threads a processor change nothing."""
    assert stdio.lease_for(0.0, 2.0) == stdio.LEASE < 2.0


def test_the_lease_grows_with_the_way_and_the_crowd() -> None:
    """Faults 68 and 89: 5 s at most."""
    assert stdio.LEASE < stdio.lease_for(0.1) < stdio.lease_for(0.1, 9.0) < stdio.MAX_LEASE
    assert stdio.lease_for(60.0, 1000.0) == stdio.MAX_LEASE


@pytest.mark.parametrize(
    ("line", "lease"),
    [(b"ready 2.500", 2.5), (b"ready", 1.8), (b"go -1", 1.8), (b"go 1e9", 5.0), (b"go nan", 1.8), (b"go x", 1.8)],
)
def test_what_a_line_says_stays_within_bounds(line: bytes, lease: float) -> None:
    """Whatever the other end says, and where it is older and says nothing."""
    assert stdio.lease_in(line) == lease


def test_a_crowd_is_not_negative() -> None:
    """Whatever this machine does."""
    assert stdio.crowd() >= 0.0
