"""`pyrometer doctor`: cause, how to confirm it, remedy."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.schemas import validate
from tests.support.services import program, pyrometer


def test_a_healthy_service_passes_every_check(unique: str) -> None:
    """Exit code 0, and a document that keeps to its schema."""
    with program("idle", unique):
        typed = pyrometer("doctor", unique, "-o", "json")
    assert typed.code == 0, typed.err
    validate("doctor", typed.document)
    assert [(check["name"], check["ok"]) for check in typed.document["checks"]] == [
        ("process", True),
        ("python", True),
        ("agent", True),
        ("outside", True),
    ]


def test_a_python_without_the_agent_is_told_how_to_get_one() -> None:
    """The cause, and the command to type."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        typed = pyrometer("doctor", str(process.pid))
        process.kill()
    assert typed.code == 0
    assert "started without one" in typed.out
    assert "pyrometer run" in typed.out


def test_what_is_not_there_or_not_python_is_named() -> None:
    """Faults 1 and 2."""
    assert pyrometer("doctor", "99999999").code == 3
    with subprocess.Popen(["sleep", "60"]) as process:
        typed = pyrometer("doctor", str(process.pid))
        process.kill()
    assert typed.code == 0
    assert "not CPython" in typed.out


def test_a_held_gil_is_named(unique: str) -> None:
    """Fault 5: and what to type."""
    with program("hold_gil", unique) as process:
        typed = pyrometer("doctor", str(process.pid))
    assert typed.code == 0
    assert "the GIL is held" in typed.out
    assert "pyrometer dump" in typed.out


def test_a_python_too_old_for_the_agent_is_named(tmp_path: Path) -> None:
    """By the name of its program, whatever that is a link to."""
    old = tmp_path / "python3.9"
    shutil.copy(Path("/bin/sleep").resolve(), old)
    with subprocess.Popen([str(old), "60"]) as process:
        typed = pyrometer("doctor", str(process.pid))
        process.kill()
    assert "it is Python 3.9: the agent needs 3.11" in typed.out


def test_a_stopped_process_is_named(unique: str) -> None:
    """Fault 4: with the command that lets it go on."""
    with program("idle", unique) as process:
        os.kill(process.pid, signal.SIGSTOP)
        typed = pyrometer("doctor", str(process.pid))
        os.kill(process.pid, signal.SIGCONT)
    assert f"kill -CONT {process.pid}" in typed.out
