"""Real web servers, started the ways that people start them: every process is seen, and a look leaves no trace."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.remote.leftovers import children
from tests.support.schemas import validate
from tests.support.servers import (
    GUNICORN,
    Server,
    free_port,
    get,
    gunicorn_command,
    serving,
    uvicorn_command,
    uwsgi_command,
)
from tests.support.services import PROGRAMS, pyrometer, until

pytestmark = pytest.mark.slow

KINDS = [
    *(pytest.param(name, marks=pytest.mark.needs("gunicorn")) for name in ("workers", "preload", "gthread")),
    pytest.param("nobody", marks=pytest.mark.needs("gunicorn", "root")),
    pytest.param("gevent", marks=pytest.mark.needs("gunicorn", "gevent")),
    pytest.param("uvicorn", marks=pytest.mark.needs("uvicorn")),
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for all that a server writes."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, unique: str, home: Path) -> Iterator[Server]:
    """A web server of some kind, all its processes with agents."""
    port = free_port()
    workers = 2 if request.param == "uvicorn" else 4
    command = gunicorn_command(port, *GUNICORN.get(request.param, ()))
    if request.param == "uvicorn":
        command = uvicorn_command(port, "--workers", "2")
    with serving(unique, home, port, command, workers + 1) as served:
        yield served


def _follow(server: Server, gone: set[int]) -> set[int]:
    """Wait until these are replaced, and return all that there are then."""
    found = until(lambda: server.agents() or gone, "a look")
    while found & gone:
        found = until(server.agents, "they are replaced")
    return set(found)


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
    names = [{thread["name"] for thread in process["threads"]} for process in dumped.document["processes"]]
    assert all("MainThread" in found for found in names), names
    until(lambda: server.belongings() == before, f"dump left nothing behind: {before}")

    killed = max(until(server.agents, "all agents answer") - {server.pid})
    os.kill(killed, signal.SIGKILL)
    assert server.pid in _follow(server, {killed})
    assert server.answers()


@pytest.mark.once
@pytest.mark.needs("gunicorn")
def test_a_reload_of_all_workers_is_followed(unique: str, home: Path) -> None:
    """HUP: the master stays, all workers are others."""
    port = free_port()
    with serving(unique, home, port, gunicorn_command(port, "-w", "2"), 3) as server:
        workers = until(server.agents, "all agents answer") - {server.pid}
        os.kill(server.pid, signal.SIGHUP)
        assert server.pid in _follow(server, workers)


@pytest.mark.once
@pytest.mark.needs("uvicorn")
def test_a_changed_file_is_followed(unique: str, home: Path) -> None:
    """`uvicorn --reload`: what runs after the change is found, and runs what was changed."""
    port, source = free_port(), home / "web.py"
    shutil.copy(PROGRAMS / "web.py", source)
    command = uvicorn_command(port, "--reload", "--reload-dir", str(home), path=home)
    with serving(unique, home, port, command, 2) as server:
        workers = until(server.agents, "both agents answer") - {server.pid}
        source.write_text(source.read_text().replace('f"{os.getpid()}', 'f"changed {os.getpid()}'))
        assert server.pid in _follow(server, workers)
        until(lambda: (get(port) or "").startswith("changed"), "the changed code answers")


@pytest.mark.once
@pytest.mark.needs("celery")
def test_celerys_workers_are_seen_and_replaced(unique: str, home: Path) -> None:
    """Fault 17: prefork, by billiard."""
    command = [sys.executable, "-m", "celery", "--workdir", str(PROGRAMS), "-A", "tasks", "worker", "-c", "2"]
    with serving(unique, home, 0, command, 3) as server:
        killed = max(until(server.agents, "all agents answer") - {server.pid})
        os.kill(killed, signal.SIGKILL)
        assert server.pid in _follow(server, {killed})


@pytest.mark.once
@pytest.mark.needs("uwsgi")
def test_uwsgi_with_what_it_needs(unique: str, home: Path) -> None:
    """Faults 17 and 26c: threads, and hooks after the fork; a thread that waits in C is seen, a new worker too."""
    port = free_port()
    command = uwsgi_command(port, "--enable-threads", "--py-call-uwsgi-fork-hooks")
    with serving(unique, home, port, command, 0) as server:
        workers = until(lambda: _workers_with_agents(server), "both workers have agents")
        dumped = pyrometer("dump", unique, "-o", "json")
        assert {process["source"] for process in dumped.document["processes"]} == {"agent"}
        assert {len(process["threads"]) for process in dumped.document["processes"]} == {1}
        os.kill(max(workers), signal.SIGKILL)
        until(lambda: _workers_with_agents(server) - workers, "the worker is replaced")
        assert server.answers()


@pytest.mark.once
@pytest.mark.needs("uwsgi")
def test_uwsgi_without_it_is_told_what_it_needs(unique: str, home: Path) -> None:
    """Fault 26c: doctor says which options, of the master and of its workers; reading from outside works.

    Its workers answer, those too that are forked later: no thread of ours is in the master, which would make them hang.
    """
    port = free_port()
    with serving(unique, home, port, uwsgi_command(port), 0) as server:
        workers = children(server.pid)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        fresh = until(lambda: len(found := children(server.pid) - workers) == 2 and found, "both are replaced")
        assert all(get(port) for _ in range(4))
        worker = min(fresh)
        said = until(lambda: _told(worker, "--py-call-uwsgi-fork-hooks"), "doctor says what a worker needs")
        assert f"its master {server.pid}" in said
        assert "--enable-threads --py-call-uwsgi-fork-hooks" in pyrometer("doctor", str(server.pid)).out
        dumped = pyrometer("dump", str(worker), "-o", "json")
        assert dumped.document["processes"][0]["source"] == "outside"


def _workers_with_agents(server: Server) -> set[int]:
    """Both workers of uWSGI's, once they have agents; its master has one where it hears of forks beforehand."""
    typed = pyrometer("ps", server.service, "-o", "json")
    found = {p["pid"] for p in typed.document["processes"] if p["agent"] == "ok"} if typed.code == 0 else set()
    workers = found & children(server.pid)
    return workers if len(workers) == 2 else set()


def _told(pid: int, what: str) -> str:
    typed = pyrometer("doctor", str(pid))
    return typed.out if what in typed.out else ""
