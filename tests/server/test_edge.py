from __future__ import annotations

import subprocess
import sys

import pytest

from pyrometer.server import edge
from pyrometer.v1 import rpc


@pytest.mark.parametrize("method", list(rpc.methods()), ids=lambda method: method.path)
def test_every_method_of_the_api_is_served(method: rpc.Method) -> None:
    """Servicers are made when they are first called: one that lacks a method would be noticed by a user."""
    assert callable(edge._servicers(1.8)[method.service].method(method.name))


def imported(options: str) -> list[str]:
    """The servicers' modules that a process has imported once it has built a server."""
    program = (
        f"import sys; from pyrometer.server import edge; edge.build(secret=None, lease=1.8, options=[]{options});"
        "print(*[name for name in sys.modules if name.endswith('_service') and name.startswith('pyrometer.server')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


def test_what_a_look_does_not_call_is_not_imported() -> None:
    """Profiles and probes take as long to import as a dump takes to answer."""
    assert imported("") == []


def test_a_server_that_is_kept_running_has_imported_everything() -> None:
    """It must not meet another version on the disk, weeks later."""
    assert len(imported(", at_once=True")) == 4
