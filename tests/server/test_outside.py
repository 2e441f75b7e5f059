"""What a reading from outside leaves out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pyrometer.server import outside

AGENT = "/srv/venv/lib/python3.12/site-packages/pyrometer/agent"


def thread(*files: str) -> dict[str, Any]:
    frames = [{"name": "run", "filename": file, "line": 1} for file in files]
    return {"thread_id": 1, "thread_name": None, "os_thread_id": 2, "frames": frames, "owns_gil": False}


def test_the_main_thread_has_a_name_where_py_spy_finds_none() -> None:
    """Under gevent: by its number, which is the process's."""
    answer = json.dumps([thread("/srv/shop/views.py")]).encode()
    assert [outside._parse(pid, answer)[0].name for pid in (2, 3)] == ["MainThread", "thread 0x1"]


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        ((f"{AGENT}/listener.py", f"{AGENT}/service.py"), 0),
        ((f"{AGENT}/listener.py",), 0),
        ((f"{AGENT}/probe.py", "/srv/shop/views.py"), 1),
        (("/srv/shop/views.py",), 1),
        ((), 1),
    ],
)
def test_the_agents_own_threads_are_not_the_services(files: tuple[str, ...], shown: int) -> None:
    """Also where only its innermost frame could be read; a thread of the service that is in a probe stays."""
    assert len(outside._parse(1, json.dumps([thread(*files)]).encode())) == shown
