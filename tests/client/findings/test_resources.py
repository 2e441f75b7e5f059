"""Quota, memory, descriptors, the collector."""

from __future__ import annotations

from typing import Any

import pytest
from tests.client.findings.made_up import COMMANDS, seen, usage

from pyrometer.client.findings import resources
from pyrometer.client.findings.observation import Finding, Observations

MIB = 2**20


def found(observed: Observations) -> list[Finding]:
    return list(resources.find(observed, COMMANDS))


def growing(sizes: list[float], **more: Any) -> Observations:
    return seen(rounds=[[usage(7, at, rss=int(size * MIB), **more)] for at, size in enumerate(sizes)])


def test_memory_that_grows_all_the_time_is_told_with_its_slope() -> None:
    """Without a limit it is bad; a limit that is near makes it worse."""
    (finding,) = found(growing([40, 44, 48, 52, 56, 60]))
    assert (finding.what, finding.severity) == ("the memory of 7 grows", "high")
    assert finding.evidence[1] == "that is 240.0 MiB a minute"
    (finding,) = found(growing([40, 44, 48, 52, 56, 60], cgroup={"memory_left_bytes": 400 * MIB}))
    assert (finding.severity, finding.evidence[2]) == ("critical", "the memory limit is reached in 100 s")


@pytest.mark.parametrize(
    "sizes", [[40, 40, 40, 40, 40], [40, 60, 40, 60, 40], [40, 50, 50, 50, 50, 50], [40, 46, 50, 52, 53, 54], [40, 44]]
)
def test_memory_that_is_used_and_given_back_is_all_right(sizes: list[float]) -> None:
    """And so is what was filled once, or what a first look takes; two rounds say nothing."""
    assert not found(growing(sizes))


def test_throttling_is_told_once_for_all_under_one_quota() -> None:
    """By the share of the periods, and what they used."""
    cgroup = {"quota_cores": 1.0, "periods": 1000, "throttled_share": 0.4}
    rounds = [[usage(pid, cgroup=cgroup, cpu_percent=50.0) for pid in (7, 8)]]
    (finding,) = found(seen(rounds=rounds))
    assert (finding.what, finding.severity, finding.pid) == ("7 and 8 are throttled", "high", None)
    assert finding.evidence[2] == "they used 100 % of a core"
    assert finding.next == "pyrometer record shop -d 10s"


def test_a_quota_that_is_hardly_used_up_is_all_right() -> None:
    """A period now and then is usual."""
    assert not found(seen(rounds=[[usage(7, cgroup={"quota_cores": 1.0, "throttled_share": 0.01})]]))


def test_processes_that_were_killed_meanwhile_are_told() -> None:
    """Not those that were killed before."""
    rounds = [[usage(7, at, cgroup={"oom_kills": kills})] for at, kills in enumerate([3, 3, 4])]
    (finding,) = found(seen(rounds=rounds))
    assert finding.what == "the kernel killed 1 process for want of memory, just now"
    assert not found(seen(rounds=rounds[:2]))


def test_little_memory_is_told_once_for_a_group() -> None:
    """Under a tenth of the limit."""
    cgroup = {"memory_limit_bytes": 500 * MIB, "memory_left_bytes": 20 * MIB}
    (finding,) = found(seen(rounds=[[usage(7, cgroup=cgroup), usage(8, cgroup=cgroup)]]))
    assert finding.what == "little memory is left: 20.0 MiB until the limit"


@pytest.mark.parametrize(
    ("counts", "limit", "what", "severity"),
    [
        ([950] * 4, 1000, "7 runs out of descriptors", "critical"),
        ([800] * 4, 1000, "7 runs out of descriptors", "high"),
        ([10, 20, 30, 40], 1000, "7 opens more and more descriptors", "medium"),
        ([10, 40, 20, 40], 1000, None, None),
        ([900] * 4, None, None, None),
    ],
)
def test_descriptors_run_out(counts: list[int], limit: int | None, what: str | None, severity: str | None) -> None:
    """By the share of the limit; or they become more and never fewer."""
    rounds = [[usage(7, at, descriptors=n, descriptor_limit=limit)] for at, n in enumerate(counts)]
    assert [(each.what, each.severity) for each in found(seen(rounds=rounds))] == ([(what, severity)] if what else [])


def test_collections_are_told_where_their_time_is_known() -> None:
    """Nothing is guessed where it is not."""
    rounds = [[usage(7, at, gc={"collections": [1, 1, 1], "pause_seconds": at * 1.0})] for at in range(3)]
    (finding,) = found(seen(rounds=rounds))
    assert finding.evidence == ("25 % of the last 8 s",)
    assert not found(seen(rounds=[[usage(7)], [usage(7, 1)]]))


def test_a_machine_that_is_too_small_is_told() -> None:
    """Unless a quota stops them: then that is the reason."""
    starved: dict[str, Any] = {"cpu_delay_percent": 80.0, "cpu_percent": 30.0}
    (finding,) = found(seen(rounds=[[usage(7, **starved), usage(8)]]))
    assert (finding.what, finding.severity) == ("7 waits for a processor", "medium")
    assert "80 % of the time" in finding.evidence[0]
    assert finding.next == "pyrometer ps"
    (finding,) = found(seen(rounds=[[usage(7, cgroup={"quota_cores": 1.0, "throttled_share": 0.4}, **starved)]]))
    assert finding.what == "7 is throttled"
