"""Real servers under `pyrometer run`, for tests: gunicorn, uvicorn, uWSGI, started the ways that people start them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from tests.integration.remote.leftovers import MARK, marked, new_mark
from tests.support.belongings import Belongings, belongings, settled
from tests.support.needs import UWSGI_PLUGINS, find_program
from tests.support.services import PROGRAMS, pyrometer, until

GUNICORN = {
    "workers": ("-w", "4"),
    "preload": ("-w", "4", "--preload"),
    "nobody": ("-w", "4", "--preload", "--user", "nobody"),
    "gthread": ("-w", "4", "-k", "gthread", "--threads", "8"),
    "gevent": ("-w", "4", "-k", "gevent"),
}
"""Options of gunicorn, each with a name."""


class Server(NamedTuple):
    """A running server: `pid` is the master's, `count` the number of its processes, `folder` all that it may write."""

    service: str
    pid: int
    port: int
    count: int
    mark: str
    folder: Path

    def agents(self) -> set[int]:
        """Processes whose agents answer, once they are all there; before that none."""
        typed = pyrometer("ps", self.service, "-o", "json")
        if typed.code:
            return set()
        found = typed.document["processes"]
        whole = len(found) == self.count and all(process["agent"] == "ok" for process in found)
        return {process["pid"] for process in found} if whole else set()

    def answers(self) -> bool:
        """Whether it answers a request."""
        return get(self.port) is not None

    def belongings(self) -> Belongings:
        """What its processes have now."""
        return belongings(self.mark, self.folder)

    def settled(self) -> Belongings:
        """What its processes have when they have nothing to do."""
        return settled(self.belongings)


def get(port: int, path: str = "/", timeout: float = 10) -> str | None:
    """What a server of this machine answers with status 200, else None."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read().decode() if answer.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def gunicorn_command(port: int, *options: str, app: str = "web:wsgi", path: Path = PROGRAMS) -> list[str]:
    """The command line of gunicorn for an application of ours."""
    words = [sys.executable, "-m", "gunicorn", "--log-level", "error", "--pythonpath", str(path)]
    return [*words, "-b", f"127.0.0.1:{port}", *options, app]


def uvicorn_command(port: int, *options: str, path: Path = PROGRAMS) -> list[str]:
    """The command line of uvicorn."""
    words = [sys.executable, "-m", "uvicorn", "--log-level", "error", "--app-dir", str(path)]
    return [*words, "--port", str(port), *options, "web:asgi"]


def uwsgi_command(port: int, *options: str) -> list[str]:
    """The command line of Debian's uWSGI, which runs the system's own Python: a master and two workers."""
    plugin = UWSGI_PLUGINS[-1]
    words = [find_program("uwsgi") or "", "--plugins-dir", str(plugin.parent), "--plugin", plugin.name.split("_")[0]]
    words += ["--master", "--processes", "2", "--die-on-term", "--disable-logging"]
    words += ["--http-socket", f"127.0.0.1:{port}", "--wsgi-file", f"{PROGRAMS}/web.py", "--callable", "wsgi"]
    return [*words, *options]


@contextlib.contextmanager
def serving(
    service: str, folder: Path, port: int, command: list[str], count: int, before: tuple[str, ...] = ()
) -> Iterator[Server]:
    """Start a server under `pyrometer run` until all its processes have agents that answer; end it afterwards.

    Args:
        folder: its home, its temporary folder and where it runs.
        port: where it answers; 0: it is no web server.
        count: its processes with an agent, master included.
        before: words that come before `pyrometer`, such as `unshare`'s.
    """
    mark = new_mark()
    places = {"HOME": str(folder), "TMPDIR": str(folder)}
    started = [*before, sys.executable, "-m", "pyrometer.client", "run", "--service", service, "--", *command]
    log = folder.with_suffix(".stderr")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            started, stderr=errors, cwd=folder, env={**os.environ, **places, MARK: mark}, start_new_session=True
        )
    try:
        server = Server(service, process.pid, port, count, mark, folder)
        until(lambda: process.poll() is not None or not port or server.answers(), f"{command} answers")
        assert process.poll() is None, log.read_text()
        try:
            until(lambda: not count or server.agents(), f"{count} processes with agents")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{pyrometer('ps', service).out}\n{log.read_text()}") from None
        yield server
    finally:
        end(process, mark)


def end(process: subprocess.Popen[Any], mark: str) -> None:
    """End a server as its supervisor would, and then whatever is left of it."""
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    for pid in marked(mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
