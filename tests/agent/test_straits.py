"""Services in straits, real processes: without memory, with tiny stacks, without a collector, switching always."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parent / "programs"


def ran(name: str, *arguments: str) -> dict[str, Any]:
    """What a program says of itself at its end."""
    command = [sys.executable, str(PROGRAMS / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith("ready ")
    told: dict[str, Any] = json.loads(done.stdout.removeprefix("ready "))
    return told


@pytest.mark.parametrize("smallest", ["65536", "1024"])
def test_a_hit_without_memory_is_dropped_and_counted(smallest: str) -> None:
    """Fault 55: the service sees its own MemoryErrors, each once, none of ours, and goes on; so do the probes."""
    told = ran("exhausted", smallest)
    assert told["before"], "hits came before"
    assert (told["wrong"], told["caught"], told["result"]) == (0, told["rounds"], 200_000)
    assert told["counted"] > 0
    assert told["after"], "hits come again"


@pytest.mark.parametrize("interval", ["1e-6", "0.1"])
def test_probes_hit_whatever_the_interpreters_settings(interval: str) -> None:
    """Fault 25: switching each microsecond or hardly ever, stacks of 64 KB, no collector, frozen code."""
    told = ran("switching", interval)
    assert (told["wrong"], told["result"]) == ([], 10)
    assert all(told["hits"].values())
    assert [errors for errors, _ in told["errors"].values()] == [0, 0, 0], told["errors"]
