"""Processes of other users: what the kernel hides is a matter of rights, not of kinds of programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from pyrometer.server import diagnosis, kernel, roster
from pyrometer.server.errors import NotPermitted

NOBODY = 65534


def as_nobody(question: Callable[[], str]) -> str:
    """What a child of another user answers."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writer, question().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        said = answers.read()
    os.waitpid(child, 0)
    return said


def refusal(pid: int) -> str:
    try:
        roster.candidates(pids=[pid])
    except NotPermitted as error:
        return f"{error.reason}: {error.next}"
    return "found"


@pytest.mark.needs("root")
def test_another_users_process_is_not_called_no_python() -> None:
    """It is refused with the code for rights, and `doctor` says what to do."""
    with subprocess.Popen(["sleep", "60"]) as process:
        assert not kernel.is_hidden(process.pid)
        assert as_nobody(lambda: str(kernel.is_hidden(process.pid))) == "True"
        assert as_nobody(lambda: refusal(process.pid)).startswith("NOT_PERMITTED: pyrometer doctor")
        said = as_nobody(lambda: "; ".join(check.cause for check in diagnosis.diagnose(process.pid)))
        process.kill()
    assert "can't be seen from here" in said
    assert "not CPython" not in said
