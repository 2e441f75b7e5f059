"""Processes of other users: what the kernel hides is a matter of rights, not of kinds of programs."""

from __future__ import annotations

import subprocess

import pytest
from tests.support.users import as_nobody

from pyrometer.server import diagnosis, kernel, roster
from pyrometer.server.errors import NotPermitted


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
