"""info against real processes: figures that are there, reasons where they are not, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.support.schemas import validate
from tests.support.services import program, pyrometer, until


def told(*words: str) -> dict[str, Any]:
    """The one process that `info` tells of."""
    typed = pyrometer("info", *words, "-o", "json")
    assert typed.code == 0, typed.err
    validate("info", typed.document)
    (found,) = typed.document["processes"]
    return dict(found)


def test_info_of_a_service(unique: str) -> None:
    """Kernel's figures and the agent's, and a reason for whatever is null."""
    with program("idle", unique) as process:
        found = told(unique)
        assert (found["pid"], found["agent"], found["threads"]) == (process.pid, "ok", 3)
        assert found["python"] == ".".join(map(str, sys.version_info[:3]))
        assert found["descriptors"] <= len(os.listdir(f"/proc/{process.pid}/fd")) + 2
        assert found["gc"]["enabled"] is True
        assert (found["event_loops"], found["probes"]) == ([], 0)
        missing = {name for name, value in found.items() if value is None}
        assert missing <= found["reasons"].keys() | {"service"}
        group = {f"cgroup.{name}" for name, value in found["cgroup"].items() if value is None}
        assert group <= found["reasons"].keys()


def test_a_loops_lag_is_told_with_its_callback(unique: str) -> None:
    """On every interpreter, and nothing is scheduled on the loop."""
    with program("broken_loop", unique):
        (loop,) = until(
            lambda: [each for each in told(unique)["event_loops"] if each["lag_seconds"] > 0.1], "it is late"
        )
    assert "fetch" in [frame["function"] for frame in loop["frames"]]


@pytest.mark.once
def test_a_process_without_the_agent_is_measured_by_the_kernel() -> None:
    """What only an agent can tell is null, and says so."""
    with program("burner") as process:
        found = told(str(process.pid))
    assert (found["agent"], found["gc"], found["event_loops"]) == ("none", None, None)
    assert found["reasons"]["gc"] == "it runs without the agent"
    assert found["rss_bytes"] > 0
    assert found["cpu_user_seconds"] is not None


@pytest.mark.once
def test_a_stopped_process_is_measured_all_the_same(unique: str) -> None:
    """Fault 4: its agent is busy, and the answer does not wait for it."""
    with program("idle", unique) as process:
        os.kill(process.pid, signal.SIGSTOP)
        found = told(unique)
        os.kill(process.pid, signal.SIGCONT)
    assert (found["agent"], found["gc"]) == ("busy", None)
    assert found["reasons"]["gc"] == "its agent did not answer"


@pytest.mark.once
def test_a_watch_ends_by_itself_and_leaves_nothing_behind(unique: str) -> None:
    """A document a round; the agent's threads are gone afterwards."""
    with program("broken_loop", unique) as process:
        before = set(os.listdir(f"/proc/{process.pid}/task"))
        typed = pyrometer("info", unique, "--watch", "--every", "200ms", "--for", "1s", "-o", "jsonl")
        assert typed.code == 0, typed.err
        documents = [json.loads(line) for line in typed.out.splitlines()]
        for document in documents:
            validate("info", document)
        assert [len(document["processes"]) for document in documents] == [1] * 5
        until(lambda: set(os.listdir(f"/proc/{process.pid}/task")) == before, "no thread is left")


@pytest.mark.once
def test_ctrl_c_ends_a_watch_cleanly(unique: str) -> None:
    """Exit code 130, no traceback, and the server is gone."""
    with program("idle", unique):
        command = [sys.executable, "-m", "pyrometer.client", "info", unique, "--watch"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
            assert watch.stdout
            assert "TIME" in watch.stdout.readline()
            time.sleep(0.2)
            watch.send_signal(signal.SIGINT)
            _, said = watch.communicate(timeout=20)
        assert (watch.returncode, said.strip()) == (130, "")


@pytest.mark.once
def test_a_process_that_ends_ends_its_watch(unique: str) -> None:
    """Said once, and what was there is kept."""
    with program("idle", unique) as process:
        command = [sys.executable, "-m", "pyrometer.client", "info", unique, "--watch", "--every", "200ms"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
            assert watch.stdout
            assert "TIME" in watch.stdout.readline()
            process.kill()
            watch.communicate(timeout=20)
    assert watch.returncode == 0


@pytest.mark.once
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--watch", "-o", "json"), "Take -o jsonl"),
        (("--for", "3s"), "Add --watch"),
        (("--watch", "--for", "0s"), "more than 0"),
        (("--watch", "--every", "2h"), "at most 1m"),
    ],
)
def test_wrong_words(unique: str, words: tuple[str, ...], said: str) -> None:
    """Exit code 2, before anything is looked at."""
    typed = pyrometer("info", unique, *words)
    assert typed.code == 2
    assert said in typed.err
