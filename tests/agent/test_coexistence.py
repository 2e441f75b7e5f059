"""Probes beside other tools that watch the same code: each sees what it would see alone. Faults 38 to 40."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parent / "programs" / "coexisting.py"
AGENT = Path(__file__).parents[2] / "agent"


@functools.cache
def beside(tool: str, when: str, *flags: str) -> dict[str, Any]:
    """What came of a run: what the tool saw, how often the probes were hit."""
    command = [sys.executable, *flags, str(PROGRAM), tool, when, str(AGENT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**told, "stderr": done.stderr}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "tool",
    [
        "settrace",
        "setprofile",
        "cprofile",
        pytest.param("ctrace", marks=pytest.mark.needs("coverage")),
        pytest.param("sysmon", marks=[pytest.mark.needs("coverage"), pytest.mark.since_python("3.12")]),
        pytest.param("debugged", marks=[pytest.mark.needs("debugpy"), pytest.mark.slow]),
    ],
)
def test_another_tool_sees_what_it_sees_without_us(tool: str, when: str) -> None:
    """Whichever came first; and the probes are hit as often as without it. Faults 38 and 39."""
    alone, both, ours = beside(tool, "never"), beside(tool, when), beside("nothing", "before")
    assert both["error"] == ""
    assert both["seen"] == alone["seen"]
    assert both["seen"]
    assert both["result"] == alone["result"]
    if tool in ("settrace", "setprofile", "cprofile"):
        assert both["hits"] == {"line": 10, "exception": 10}
    else:
        assert both["hits"] == ours["hits"] == {"line": 12, "exception": 12}
    assert both["after"] == {"line": 0, "exception": 0}


@pytest.mark.parametrize(
    "flags",
    [
        ("-OO", "-E"),
        ("-I", "-S", "-B"),
        ("-X", "dev", "-W", "error"),
        ("-X", "frozen_modules=off", "-X", "no_debug_ranges"),
    ],
)
def test_the_interpreters_options_change_nothing(flags: tuple[str, ...]) -> None:
    """Without site, optimised, isolated, warnings as errors: the same hits, and no word on stderr. Fault 40."""
    told = beside("nothing", "before", *flags)
    assert told["error"] == ""
    assert told["hits"] == {"line": 12, "exception": 12}
    assert told["result"] == beside("nothing", "never")["result"]
    assert told["stderr"] == ""
