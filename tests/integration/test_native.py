"""Native stacks: only if both flags are there, with the price said, and the process runs afterwards."""

from __future__ import annotations

import re

import pytest

from tests.support.schemas import validate
from tests.support.services import program, pyrometer

pytestmark = pytest.mark.needs("py-spy")


def test_native_frames_stand_between_pythons(unique: str) -> None:
    """And how long the process stood still is said; what the agent knows is there as well."""
    with program("deadlock", unique, "locks") as process:
        typed = pyrometer("dump", unique, "--native", "--pause", "-o", "json")
        assert typed.code == 0, typed.err
        validate("dump", typed.document)
        (stacks,) = typed.document["processes"]
        assert stacks["source"] == "both"
        assert re.search(r"stopped for \d+ ms", stacks["reason"])
        waiting = next(thread for thread in stacks["threads"] if thread["name"] == "Thread-1")
        assert {frame["origin"] for frame in waiting["frames"]} >= {"native", "service"}
        wait = waiting["waits_for"]
        assert waiting["frames"][wait["frame"]]["source"] == "with self.audit.lock:"
        assert all(frame["locals"] is None for frame in waiting["frames"])
        assert not any("/pyrometer/agent/" in f["file"] for thread in stacks["threads"] for f in thread["frames"])
        assert len(stacks["deadlocks"]) == 1
        with open(f"/proc/{process.pid}/stat") as file:
            assert file.read().rpartition(")")[2].split()[0] == "S"


@pytest.mark.once
def test_without_the_agent_too() -> None:
    """From outside alone."""
    with program("burner", "idle") as process:
        (stacks,) = pyrometer("dump", str(process.pid), "--native", "--pause", "-o", "json").document["processes"]
        assert stacks["source"] == "outside"
        assert "without the agent; the process was stopped" in stacks["reason"]


@pytest.mark.once
@pytest.mark.parametrize("flag", ["--native", "--pause"])
def test_one_flag_alone_is_refused(flag: str) -> None:
    """Nobody stops a process by chance: the message says what it costs, and how to go on."""
    typed = pyrometer("dump", "1", flag)
    assert typed.code == 2
    assert "--pause" in typed.err
    assert "Traceback" not in typed.err
