"""Each way to record, on a program that spends 60, 30 and 10 % of its time in three functions."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pyrometer.client.profile import hottest, reading
from pyrometer.client.profile.selection import Selection
from tests.support.schemas import validate
from tests.support.services import PROGRAMS, program, pyrometer, until

ENOUGH = 500
WAYS = [("outside", "cpu"), ("outside", "wall"), ("outside", "gil"), ("agent", "wall")]
_ROUNDS = 4


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.needs("py-spy")
def test_each_source_and_mode_says_what_is_so_by_construction(unique: str, tmp_path: Path) -> None:
    """All ways at once, of one process: within five points in the thread that works; only wall time has who waits.

    Where others crowd the processors, the thread stands still over several samples, which are no more than one then: of
    a way that is off more are taken before it is called wrong.
    """
    command = [sys.executable, "-m", "pyrometer.client", "run", "--service", unique, "--"]
    burner = [sys.executable, str(PROGRAMS / "burner.py")]
    counted: dict[tuple[str, str], Counter[str]] = {way: Counter() for way in WAYS}
    with subprocess.Popen([*command, *burner], stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: '"ok"' in pyrometer("ps", unique, "-o", "json").out, "the agent answers")
            for _ in range(_ROUNDS):
                missing = [way for way in WAYS if not is_right(counted[way])]
                record(unique, missing, tmp_path)
                for way in missing:
                    counted[way] += shares(tmp_path / "-".join(way))
        finally:
            process.kill()
    for way, counts in counted.items():
        assert is_right(counts), (way, counts)
        # Who reads without stopping may take a frame for another one's, once in a thousand.
        assert (counts["rest"] > counts["all"] / 100) == (way[1] == "wall"), (way, counts)


def is_right(counts: Counter[str]) -> bool:
    """Enough samples, and each function's within five points of what is so."""
    found = {name: 100 * counts[name] / max(1, counts["all"]) for name in ("bake", "knead", "weigh")}
    return counts["all"] >= ENOUGH and found == pytest.approx({"bake": 60, "knead": 30, "weigh": 10}, abs=5)


def record(service: str, ways: list[tuple[str, str]], folder: Path) -> None:
    """Record in several ways at once, into files that are called like them."""
    started = []
    for source, mode in ways:
        options = ["--source", source, "--mode", mode, "-d", "25s", "-f", "pprof", "--out", f"{folder}/{source}-{mode}"]
        words = [sys.executable, "-m", "pyrometer.client", "record", service, *options]
        started.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    for each in started:
        _, said = each.communicate(timeout=90)
        assert each.returncode == 0, said


def shares(path: Path) -> Counter[str]:
    """Samples of each function with what it calls, and of all, in the thread that works; "rest" of the other."""
    profile = reading.read(path.read_bytes())
    busy, sums = Selection(thread="MainThread").of(profile), Counter[str]()
    totals = hottest.Sums(busy)
    for index, function in enumerate(busy.functions):
        sums[function.name] += round(totals.total_share(index) * busy.count)
    return Counter({**sums, "all": busy.count, "rest": profile.count - busy.count})


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.needs("py-spy")
def test_native_frames_are_recorded_where_the_process_may_be_stopped(unique: str, tmp_path: Path) -> None:
    """And it runs on afterwards, whatever happens to the looking."""
    out = tmp_path / "native"
    with subprocess.Popen([sys.executable, str(PROGRAMS / "burner.py")], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            typed = pyrometer(
                "record", str(process.pid), "--native", "--pause", "-d", "4s", "--out", str(out), "-o", "json"
            )
            assert typed.code == 0, typed.err
            assert "--pause stops the process at each look" in typed.err
            assert typed.document["native"] is True
            state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
            assert state in ("R", "S")
        finally:
            process.kill()
    assert any(function.origin.value == "native" for function in reading.read(out.read_bytes()).functions)


@pytest.mark.slow
def test_tasks_are_recorded_by_what_they_await(unique: str, tmp_path: Path) -> None:
    """Within five points of what is so by construction, by the name of the task or of its coroutine."""
    with program("baker", unique):
        file = tmp_path / "tasks"
        typed = pyrometer("record", unique, "--tasks", "-d", "8s", "-f", "pprof", "--out", str(file), "-o", "json")
        assert typed.code == 0, typed.err
        document = typed.document
        validate("record", document)
        assert (document["source"], document["mode"], document["tasks"]) == ("agent", "wall", True)
        profile = reading.read(file.read_bytes())
        assert {"work", "bake"} <= {row["function"] for row in document["hottest"]}
        lanes = {"task baker 1", "task baker 2", "task work"}
        assert lanes <= {thread.name for thread in profile.threads}
        sums = hottest.Sums(profile)
        index = {function.name: at for at, function in enumerate(profile.functions)}
        work = sums.total_share(index["work"])
        found = {name: 100 * sums.total_share(index[name]) / work for name in ("bake", "knead", "weigh")}
        assert profile.count >= ENOUGH
        assert found == pytest.approx({"bake": 60, "knead": 30, "weigh": 10}, abs=5)
        refused = pyrometer("record", unique, "--tasks", "--source", "outside")
        assert (refused.code, "from inside only" in refused.err) == (2, True)


def test_without_tasks_it_says_so(unique: str) -> None:
    """A service without asyncio has none: exit 5, and what would show something."""
    with program("idle", unique):
        typed = pyrometer("record", unique, "--tasks", "-d", "1s")
        assert typed.code == 5
        assert "asyncio has no task there" in typed.err
        assert "leave --tasks out" in typed.err
