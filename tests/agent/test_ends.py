"""What a process leaves as it would be without us: at its end, and in the children that it forks meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "leaving.py"


@pytest.mark.parametrize("child", ["given back", "inert"])
def test_the_globals_of_a_watched_module_are_cleared_at_the_end(tmp_path: Path, child: str) -> None:
    """Files are flushed and `__del__` runs, in a child too; nothing fires there, given back or not. Fault 13."""
    log = tmp_path / "log"
    command = [sys.executable, str(PROGRAM), str(log), child]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "gone child\ngone parent\n", "")
    assert log.read_text() == "the last words of the child\nthe last words of the parent\n"
