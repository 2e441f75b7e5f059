"""`pyrometer demo`: a shop under load that can be looked into, and nothing of it afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.services import pyrometer, until

ENOUGH = 500
"""Samples with which a share of 60 % has a standard deviation of 2.2; the bounds are four and a half of those."""
MOST_RECORDINGS = 12


@contextlib.contextmanager
def demo(service: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The demo in a terminal's foreground: a group of processes of its own, which a ctrl-C reaches as a whole."""
    command = [sys.executable, "-m", "pyrometer.client", "demo", "--service", service, *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def words_until_ready(process: subprocess.Popen[str]) -> str:
    """What it said until orders could be placed."""
    assert process.stdout is not None
    words = ""
    while not words.endswith("ready\n"):
        line = process.stdout.readline()
        assert line, words
        words += line
    return words


def group_of(process: subprocess.Popen[str]) -> set[int]:
    """All that runs in the demo's group of processes."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == process.pid and fields[0] != "Z":
                found.add(int(entry.name))
    return found


def test_the_shop_is_a_service_with_the_agent(unique: str) -> None:
    """Master and workers answer, its customers are not of it, and what it says to type names the service."""
    with demo(unique, "--workers", "2", "--for", "60s") as process:
        words = words_until_ready(process)
        assert f"catch {unique} PaymentError" in words
        until(lambda: _answering(unique) == 3, "a master and two workers")
        assert len(group_of(process)) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_of_it(unique: str, number: signal.Signals) -> None:
    """Ctrl-C, which reaches all of its processes at once, ends it without a word on stderr."""
    with demo(unique, "--for", "60s") as process:
        words_until_ready(process)
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        assert (process.wait(30), process.stderr.read() if process.stderr else "") == (0, "")
        until(lambda: not group_of(process), "all of it has ended")


@contextlib.contextmanager
def preferred(process: subprocess.Popen[str]) -> Iterator[None]:
    """Let the demo and what we start have processors before all others.

    From outside a thread that waits for a processor counts as running, and in some functions more so than in others.
    """
    threads = [int(thread) for pid in group_of(process) for thread in os.listdir(f"/proc/{pid}/task")]
    for thread in (*threads, 0):
        with contextlib.suppress(ProcessLookupError):  # one that served a request, and is over
            os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def test_it_ends_by_itself(unique: str) -> None:
    """Bounded, whoever forgets it."""
    with demo(unique, "--for", "1s") as process:
        assert process.wait(30) == 0
        until(lambda: not group_of(process), "all of it has ended")


def _answering(service: str) -> int:
    typed = pyrometer("ps", service, "-o", "json")
    if typed.code:
        return 0
    return sum(process["agent"] == "ok" for process in typed.document["processes"])


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.needs("root")
@pytest.mark.timeout(360)
def test_a_profile_says_what_is_so_by_construction(unique: str, tmp_path: Path) -> None:
    """The hot function gets its 60 % of the processor time, and the warm one its 30."""
    counted: Counter[str] = Counter()
    profile = str(tmp_path / "profile")
    with demo(unique, "--for", "5m") as process:
        words_until_ready(process)
        until(lambda: _answering(unique) == 3, "a master and two workers")
        with preferred(process):
            for _ in range(MOST_RECORDINGS):
                recorded = pyrometer("record", unique, "-d", "15s", "--mode", "cpu", "--out", profile, "-o", "json")
                assert recorded.code == 0, recorded.err
                counted["all"] += recorded.document["samples"]
                for each in recorded.document["hottest"]:
                    counted[each["function"]] += round(each["self_percent"] / 100 * recorded.document["samples"])
                if counted["all"] >= ENOUGH:
                    break
    assert counted["all"] >= ENOUGH
    assert 0.5 <= counted["discount_for"] / counted["all"] <= 0.7, counted
    assert 0.2 <= counted["reserve"] / counted["all"] <= 0.4, counted
