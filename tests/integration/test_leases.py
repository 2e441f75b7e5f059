"""A probe lives no longer than who watches it, whatever becomes of them; and it reaches who starts later."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.services import program, pyrometer, until

_NEVER = ("snap", "{service}", "late.py:14", "--if", "number < 0", "--for", "5m", "-o", "jsonl")


@contextlib.contextmanager
def watcher(service: str) -> Iterator[subprocess.Popen[str]]:
    """A `snap` that never fires, armed."""
    arguments = [part.format(service=service) for part in _NEVER]
    argv = [sys.executable, "-m", "pyrometer.client", *arguments]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            assert json.loads(line)["event"] == "armed"
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


def armed(service: str) -> int:
    """Probes of a service, by a look of its own."""
    typed = pyrometer("probes", service, "-o", "json")
    assert typed.code == 0, typed.err
    return len(typed.document["probes"])


def server_of(client: int) -> int:
    """The server that a client started."""
    (child,) = [int(word) for word in Path(f"/proc/{client}/task/{client}/children").read_text().split()]
    return child


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_client_that_is_killed_or_stopped_leaves_nothing(unique: str, how: signal.Signals) -> None:
    """Fault 9."""
    with program("late", unique), watcher(unique) as process:
        assert armed(unique) == 1
        server = server_of(process.pid)
        process.send_signal(how)
        until(lambda: not armed(unique), "the probe is gone")
        until(lambda: _gone(server), "the server is gone")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_is_killed_or_stopped_leaves_nothing(unique: str, how: signal.Signals) -> None:
    """Fault 10: and the agent accepts a new link."""
    with program("late", unique), watcher(unique) as process:
        server = server_of(process.pid)
        os.kill(server, how)
        until(lambda: not armed(unique), "the probe is gone")
        assert process.wait(20) == 6
        until(lambda: _gone(server), "the server is gone")
        assert pyrometer("snap", unique, "late.py:14", "--for", "20s").code == 0


def test_ctrl_c_removes_the_probe_before_it_answers(unique: str) -> None:
    """Exit code 130."""
    with program("late", unique), watcher(unique) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert armed(unique) == 0


def test_a_process_that_starts_later_is_armed_too(unique: str) -> None:
    """The probe belongs to the service, not to the processes that it had at first."""
    with program("late", unique) as first, watcher(unique) as process, program("late", unique) as second:
        assert process.stdout is not None
        event = json.loads(process.stdout.readline())
        assert (event["event"], event["pid"]) == ("armed", second.pid)
        assert first.pid != second.pid
        assert armed(unique) == 2


def test_exactly_n_are_delivered_by_all_together(unique: str) -> None:
    """Two processes, three hits: the surplus is counted, not shown."""
    with program("late", unique), program("late", unique):
        typed = pyrometer("snap", unique, "late.py:14", "-n", "3", "--for", "20s", "-o", "jsonl")
    assert typed.code == 0, typed.err
    events = [json.loads(line) for line in typed.out.splitlines()]
    assert [event["event"] for event in events].count("hit") == 3
    assert (events[-1]["event"], events[-1]["delivered"]) == ("done", 3)


def test_one_probe_is_removed_by_hand(unique: str) -> None:
    """`probes --rm ID`, whoever armed it; the watcher ends and says so."""
    with program("late", unique), watcher(unique) as process:
        (probe,) = pyrometer("probes", unique, "-o", "json").document["probes"]
        assert pyrometer("probes", unique, "--rm", probe["probe_id"]).code == 0
        assert armed(unique) == 0
        assert process.wait(20) == 5


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
