"""Where the interpreter's state lies, read from outside without a word to the process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pyrometer.server import runtime
from pyrometer.server.gil import GilWatch
from pyrometer.server.stacks import ThreadStack


@pytest.mark.skipif(sys.version_info < (3, 14), reason="the interpreter says where from 3.14 on")
def test_the_gil_is_found_in_a_process_without_agent_and_ctypes() -> None:
    """A thread that works all the time is seen to hold it."""
    text = "import threading; print(threading.get_ident(), flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-S", "-c", text], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            busy = ThreadStack("MainThread", process.pid, (), ident=int(process.stdout.readline()))
            watch = GilWatch(process.pid, runtime.gil_place(process.pid))
            watch.wait(0.1)
            (marked,) = watch.marked((busy,))
        finally:
            process.kill()
    assert marked.holds_gil is True


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="the interpreter says where from 3.14 on")
def test_an_older_interpreter_does_not_say() -> None:
    """3.13 has such a table, without what a GIL says."""
    assert runtime.gil_place(os.getpid()) is None


def test_what_is_no_python_or_gone_has_no_place() -> None:
    """It is no error: who holds the GIL is not known then."""
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            assert runtime.gil_place(process.pid) is None
        finally:
            process.kill()
    assert runtime.gil_place(2**22 + 1) is None


@pytest.mark.parametrize(
    "table",
    [
        b"xdebugpy" + bytes(runtime._TABLE.size - 8),
        b"xdebugpy" + b"\xff" * (runtime._TABLE.size - 8),
        runtime._TABLE.pack(b"xdebugpy", 3 << 24 | 14 << 16, 0, *[2**63] * 29),
    ],
)
def test_a_table_that_is_none_leads_nowhere(table: bytes) -> None:
    """The mark may stand anywhere in a process's data, and what follows may be anything."""
    with open("/proc/self/mem", "rb") as memory:
        try:
            found = runtime._place(memory.fileno(), table, 0)
        except runtime._NOT_READABLE:
            found = None
    assert found is None
