"""The primitives are CPython's own, whatever has been patched, and however far a patching library is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys, types
{before}
from pyrometer.agent.unpatched import native
import _thread
assert native.sleep.__module__ == "time" and type(native.sleep) is type(len), native.sleep
assert native.start_new_thread is _thread.start_new_thread or {patched}
assert type(native.start_new_thread) is type(len), native.start_new_thread
assert type(native.allocate_lock()) is type({lock}), native.allocate_lock
"""


def run(before: str, *, patched: bool) -> None:
    lock = "_thread.allocate_lock()"
    if patched:
        lock = "__import__('gevent.monkey', fromlist=['x']).get_original('_thread', 'allocate_lock')()"
    text = PROGRAM.format(before=before, patched=patched, lock=lock)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["gevent.monkey", "eventlet.patcher"])
def test_a_half_imported_library_has_patched_nothing(module: str) -> None:
    """The agent is loaded in a thread of its own, while gunicorn imports gevent in the main one."""
    run(f"sys.modules[{module!r}] = types.ModuleType({module!r})", patched=False)


@pytest.mark.needs("gevent")
def test_what_gevent_replaced_is_found() -> None:
    """A patched sleep would switch greenlets in a thread that has no hub."""
    run("import gevent.monkey; gevent.monkey.patch_all()", patched=True)
