"""CPython's own tests, with every line of their functions probed, every exception watched, every call timed.

The long ones only where `scripts/test --thorough` asks for them.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.only_python("3.11"),
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(importlib.util.find_spec("test.test_raise") is None, reason="CPython's tests are not installed"),
]

PROGRAM = Path(__file__).parent / "programs" / "rewritten_suite.py"

REWRITTEN = {
    "test_argparse": ["argparse"],
    "test_asyncgen": [],
    "test_asyncio.test_tasks": ["asyncio.tasks", "asyncio.base_events", "asyncio.events"],
    "test_asyncio.test_taskgroups": ["asyncio.taskgroups"],
    "test_collections": ["collections"],
    "test_configparser": ["configparser"],
    "test_contextlib": ["contextlib"],
    "test_contextlib_async": ["contextlib"],
    "test_coroutines": ["inspect"],
    "test_dataclasses": ["dataclasses"],
    "test_descr": [],
    "test_enum": ["enum"],
    "test_except_star": [],
    "test_exceptions": ["traceback"],
    "test_functools": ["functools"],
    "test_generators": [],
    "test_grammar": [],
    "test_patma": [],
    "test_raise": [],
    "test_traceback": ["traceback", "linecache"],
    "test_typing": ["typing"],
    "test_weakref": ["weakref"],
    "test_with": ["contextlib"],
    "test_yield_from": [],
}
"""Tests, and the modules whose functions are rewritten beside theirs."""

WATCHING = {
    "test_bdb": ["bdb"],
    "test_frame": [],
    "test_pdb": ["pdb"],
    "test_sys_setprofile": [],
    "test_sys_settrace": [],
}
"""Tests that count the calls and lines of their own functions: ours would be among them but for the switches."""

LONG = {
    *(
        "test_argparse",
        "test_asyncio.test_tasks",
        "test_asyncio.test_taskgroups",
        "test_collections",
        "test_configparser",
        "test_coroutines",
        "test_dataclasses",
    ),
    *("test_descr", "test_enum", "test_exceptions", "test_pdb", "test_traceback", "test_typing", "test_weakref"),
}

TIMED = ("test_asyncgen", "test_contextlib", "test_generators", "test_raise", "test_with", "test_yield_from")
"""Tests whose calls are timed each time; the others', where the thorough ones are run."""
COUNTING = ("test_descr",)
"""Tests that count all objects of the process: what is noted of a call is among them."""


def named(tests: dict[str, list[str]]) -> list[Any]:
    """Parameters of a test, the long ones marked."""
    return [pytest.param(test, marks=pytest.mark.thorough if test in LONG else ()) for test in tests]


@functools.cache
def outcome(mode: str, test: str, *others: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", str(PROGRAM), mode, f"test.{test}", *others]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def check(mode: str, test: str, others: list[str]) -> None:
    plain, rewritten = outcome("plain", test, *others), outcome(mode, test, *others)
    assert rewritten["rewritten"] == rewritten["functions"] > 0
    assert rewritten["restored"]
    assert rewritten["run"] == plain["run"] - rewritten["left_out"]
    assert rewritten["failed"] == plain["failed"], "\n".join(rewritten["texts"])


@pytest.mark.parametrize("mode", ["lines", "exceptions"])
@pytest.mark.parametrize("test", named(REWRITTEN))
def test_what_is_probed_behaves_as_ever(test: str, mode: str) -> None:
    """A call before each line, or each exception told in each frame, changes no outcome."""
    check(mode, test, REWRITTEN[test])


@pytest.mark.parametrize(
    "test",
    [
        pytest.param(test, marks=() if test in TIMED else pytest.mark.thorough)
        for test in REWRITTEN
        if test not in COUNTING
    ],
)
def test_what_is_timed_behaves_as_ever(test: str) -> None:
    """That every call tells of its begin, its suspensions and its end changes no outcome, of coroutines neither."""
    check("calls", test, REWRITTEN[test])


@pytest.mark.parametrize("mode", ["lines-off", "exceptions-off", "calls-off"])
@pytest.mark.parametrize("test", named(WATCHING))
def test_tracers_and_profilers_see_the_same_lines_and_calls(test: str, mode: str) -> None:
    """Switched off, nothing of ours is seen by `sys.settrace`, `sys.setprofile` or a debugger. Fault 39."""
    check(mode, test, WATCHING[test])
