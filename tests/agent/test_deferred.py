"""What is deferred runs whatever has become of the process's files, and costs nothing before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "deferring.py"


@pytest.mark.parametrize("how", ["here", "fork"])
def test_it_runs_without_any_import(how: str) -> None:
    """Fault 87b: after a chroot or an upgrade nothing can be imported; forked half-way, a child starts over."""
    done = subprocess.run([sys.executable, str(PROGRAM), how], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ready [] True [] True pyrometer.agent.values\n"
    assert done.stderr == ""


def test_without_a_cache_it_is_compiled(tmp_path: Path) -> None:
    """An image may have been made with PYTHONDONTWRITEBYTECODE, and a checkout be newer than its cache."""
    done = subprocess.run(
        [sys.executable, "-B", "-X", f"pycache_prefix={tmp_path}", str(PROGRAM)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "ready [] True [] True pyrometer.agent.values\n", done.stderr
