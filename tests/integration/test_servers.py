"""Real web servers, started the ways that people start them: every process is seen, and a look leaves no trace."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.schemas import validate
from tests.support.servers import GUNICORN, Server, free_port, gunicorn_command, serving, uvicorn_command
from tests.support.services import pyrometer, until

pytestmark = pytest.mark.slow

KINDS = [
    *(pytest.param(name, marks=pytest.mark.needs("gunicorn")) for name in ("workers", "preload", "gthread")),
    pytest.param("nobody", marks=pytest.mark.needs("gunicorn", "root")),
    pytest.param("gevent", marks=pytest.mark.needs("gunicorn", "gevent")),
    pytest.param("uvicorn", marks=pytest.mark.needs("uvicorn")),
]


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, unique: str, tmp_path: Path) -> Iterator[Server]:
    """A web server of some kind, all its processes with agents."""
    port = free_port()
    workers = 2 if request.param == "uvicorn" else 4
    command = uvicorn_command(port, workers) if workers == 2 else gunicorn_command(port, *GUNICORN[request.param])
    folder = tmp_path / "home"
    folder.mkdir()
    with serving(unique, folder, port, command, workers + 1) as served:
        yield served


def test_master_and_workers_are_seen_and_looks_leave_no_trace(server: Server) -> None:
    """Fault 17: all of them in ps, all dumped by their agents; no process, file, socket or zombie that was not there.

    A worker that is killed is replaced in ps.
    """
    before = server.settled()
    listed = pyrometer("ps", server.service, "-o", "json")
    validate("ps", listed.document)
    assert listed.document["errors"] == []
    until(lambda: server.belongings() == before, f"ps left nothing behind: {before}")

    dumped = pyrometer("dump", server.service, "-o", "json")
    assert dumped.code == 0, dumped.err
    validate("dump", dumped.document)
    assert dumped.document["errors"] == []
    assert [process["source"] for process in dumped.document["processes"]] == ["agent"] * server.count
    assert server.pid in {process["pid"] for process in dumped.document["processes"]}
    until(lambda: server.belongings() == before, f"dump left nothing behind: {before}")

    killed = max(until(server.agents, "all agents answer") - {server.pid})
    os.kill(killed, signal.SIGKILL)
    after = until(lambda: server.agents() or {killed}, "a look")
    while killed in after:
        after = until(server.agents, "the worker is replaced")
    assert server.pid in after
    assert server.answers()
