"""`pyrometer catch` on what nobody handles: also where the process dies of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.schemas import validate
from tests.support.services import program


def caught(service: str, how: str, *options: str) -> list[dict[str, Any]]:
    """The events of a catch of `Lost` in a service that then ends so."""
    words = ["catch", service, "Lost", *options, "--for", "20s", "-o", "jsonl"]
    with program("dying", service, how) as target:
        command = [sys.executable, "-m", "pyrometer.client", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as catch:
            assert catch.stdout is not None
            armed = catch.stdout.readline()
            assert target.stdin is not None
            target.stdin.write("\n")
            target.stdin.flush()
            events = [json.loads(line) for line in (armed, *catch.stdout)]
    for event in events:
        validate("events", event)
    return events


@pytest.mark.parametrize(
    ("how", "why"), [("main", "ended the process"), ("thread", "ended thread worker-1"), ("loop", "ended the process")]
)
def test_what_ends_a_thread_or_the_process_is_delivered(unique: str, how: str, why: str) -> None:
    """The hit, with its source, and what it ended: the process says so before it is gone."""
    (hit,) = [event for event in caught(unique, how) if event["event"] == "hit"]
    raised = hit["exception"]
    if how == "loop" and sys.version_info < (3, 12):  # who asks a task is not seen, but for where it then ends it all
        assert raised["handled"] is not True
    else:
        assert (raised["handled"], raised["handled_why"]) == (False, why)
    assert hit["frames"][0]["function"] == "lose"
    assert "order" in hit["frames"][0]["locals"]
    assert hit["frames"][0]["source"].startswith("raise Lost")


def test_only_what_nobody_handles_is_delivered(unique: str) -> None:
    """`--unhandled`, and the process dies of it: exactly that one."""
    events = caught(unique, "main", "--unhandled", "-n", "5")
    (hit,) = [event for event in events if event["event"] == "hit"]
    assert (hit["exception"]["handled"], hit["exception"]["handled_why"]) == (False, "ended the process")
    assert not [event for event in events if event["event"] == "verdict"]


def test_that_all_were_handled_is_told(unique: str) -> None:
    """`--unhandled` delivers nothing, and who reads that must not believe that nothing was raised."""
    with program("raising", unique):
        words = ["catch", unique, "PaymentError", "--unhandled", "--for", "2s"]
        command = [sys.executable, "-m", "pyrometer.client", *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 5
    assert " handled, the last one by checkout, " in done.stderr
    assert "without --unhandled" in done.stderr
