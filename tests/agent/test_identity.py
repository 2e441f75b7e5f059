"""What a process calls itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pyrometer.agent.identity import clean_service, default_service, new_address, original_argv, start_ticks


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["python", "/srv/app.py", "--port", "1"], "app"),
        (["python", "-W", "error", "-m", "shop.web", "x"], "shop"),
        (["/venv/bin/python", "/venv/bin/gunicorn", "-w", "4"], "gunicorn"),
        (["python", "-c", "pass"], "python"),
        (["python"], "python"),
    ],
)
def test_a_service_without_a_name_has_its_programs(argv: list[str], name: str) -> None:
    """Whoever looks finds something to type."""
    assert default_service({}, argv) == name


def test_a_given_name_wins() -> None:
    """PYROMETER_SERVICE before OpenTelemetry's before the program's."""
    assert default_service({"OTEL_SERVICE_NAME": "b"}, ["python", "x.py"]) == "b"
    assert default_service({"PYROMETER_SERVICE": "a", "OTEL_SERVICE_NAME": "b"}, ["python", "x.py"]) == "a"


def test_an_interpreter_in_another_program_is_called_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """UWSGI tells it no command line: the kernel has one."""
    monkeypatch.setattr(sys, "orig_argv", [])
    words = Path("/proc/self/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    assert original_argv() == [os.fsdecode(word) for word in words]
    assert default_service({}, []) == clean_service(Path(os.fsdecode(words[0])).name)


def test_a_name_can_stand_in_a_target_and_in_an_address() -> None:
    """No slash, blank or control; never too long for an abstract address (107 bytes)."""
    assert clean_service("a b/c\n") == "a-b-c"
    assert clean_service("///") == "python"
    assert len(new_address(clean_service("é" * 200 + "x" * 200))) <= 107


def test_two_addresses_differ() -> None:
    """Any uid may bind an abstract name, so it can't be guessed."""
    assert new_address("shop") != new_address("shop")


def test_a_reused_pid_is_told_by_its_start() -> None:
    """Fault 1."""
    assert start_ticks() == start_ticks(os.getpid()) > 0
    assert start_ticks(2**31 - 1) == 0
