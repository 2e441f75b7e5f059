"""Probes where the service leaves no room: the hottest line, a storm of exceptions, a client that takes them all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from pyrometer.agent.probes import MAX_PROBES
from pyrometer.server.links import AgentLink
from pyrometer.server.roster import candidates
from tests.support.services import PROGRAMS, program, pyrometer


def line_of(words: str) -> int:
    """The line of the program that ends with a comment of these words."""
    lines = Path(PROGRAMS / "pressed.py").read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith("# " + words))


def test_the_hottest_line_of_eight_threads_is_paused_with_a_reason(unique: str) -> None:
    """Fault 63: the governor switches it off, says so, and how much of it was seen."""
    place = f"pressed.py:{line_of('the hot line')}"
    words = ["snap", unique, place, "--if", "number < 0", "--for", "30s", "-o", "jsonl"]
    with program("pressed", unique, "line"):
        command = [sys.executable, "-m", "pyrometer.client", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as snap:
            assert snap.stdout is not None
            events = (json.loads(line) for line in snap.stdout)
            paused = next((event for event in events if event["event"] == "paused"), None)
            snap.send_signal(signal.SIGINT)
    assert paused is not None
    assert paused["reason"].startswith("over the budget of its process")
    assert paused["status"]["reached"] > 0


def test_a_storm_of_exceptions_is_told_ten_a_second_and_none_twice(unique: str) -> None:
    """Fault 64: each passes three functions; what is not delivered is counted."""
    with program("pressed", unique, "storm"):
        told = pyrometer("catch", unique, "Refused", "-n", "12", "--for", "20s", "-o", "jsonl")
    assert told.code == 0, told
    events = [json.loads(line) for line in told.out.splitlines()]
    messages = [event["exception"]["message"] for event in events if event["event"] == "hit"]
    assert len(messages) == len(set(messages)) == 12


def test_a_client_that_has_taken_all_probes_leaves_others_a_fair_answer(unique: str) -> None:
    """Fault 70: exit 7, with what can be done; and as soon as one is free, theirs is armed."""
    with program("pressed", unique, "storm"):
        (candidate,) = candidates(unique, [])
        greedy = candidate.open()
        try:
            arm_all(greedy)
            told = pyrometer("snap", unique, "pressed.py:24", "--for", "5s")
            assert (told.code, f"{MAX_PROBES} probes are armed" in told.err) == (7, True), told
            assert "pyrometer probes rm" in told.err
            greedy.call("disarm", time.monotonic() + 10, probe_ids=["g0"])
            told = pyrometer("catch", unique, "Refused", "--for", "20s")
            assert told.code == 0, told
        finally:
            greedy.close()


def arm_all(link: AgentLink) -> None:
    """Arm as many probes as there may be, all at a line that is never reached."""
    deadline = time.monotonic() + 30
    link.await_hello(deadline)
    for number in range(MAX_PROBES):
        probe = {"probe_id": f"g{number}", "where": "spin", "function": ["__main__", "spin"], "lease": 5.0}
        link.call("arm", deadline, probe=probe)
