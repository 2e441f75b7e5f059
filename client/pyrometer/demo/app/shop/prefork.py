"""Serves the shop over HTTP: a master that owns the socket, and workers that it forks, with threads."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from types import FrameType
from typing import NoReturn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from shop.wsgi import application

SHORTEST_LIFE = 1.0
"""Seconds; a worker that lived less is not replaced at once."""
_ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
"""Signals that end the shop."""


class QuietHandler(WSGIRequestHandler):
    """Answers requests without a line on stderr for each."""

    timeout = 10

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Worker(ThreadingMixIn, WSGIServer):
    """Answers requests on a socket that others listen on too; ends when its master is gone."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, master: int) -> None:
        super().__init__(("127.0.0.1", 0), QuietHandler, bind_and_activate=False)
        self.socket.close()
        # Another worker may be quicker: then accept() must not wait for the next customer.
        listener.settimeout(0)
        self.socket = listener
        self._master = master
        self.server_name, self.server_port = listener.getsockname()[:2]
        self.setup_environ()
        self.set_app(application)

    def service_actions(self) -> None:
        """Look twice a second whether the master is still there."""
        if os.getppid() != self._master:
            os._exit(0)


class Shop:
    """The master: binds, forks, replaces what dies, and ends everything that it started."""

    def __init__(self, *, workers: int, port: int, traffic: bool) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._count = workers
        self._workers: dict[int, float] = {}
        self._wants_traffic = traffic
        self._traffic: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where customers go."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self, *, seconds: float) -> int:
        """Serve for so many seconds, or until SIGTERM or ctrl-C; returns the exit status."""
        for number in _ENDS:
            signal.signal(number, _stop)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            self._open()
            while True:
                self._replace_the_dead()
                # Not a blocking wait: a signal that comes just before it would be noticed when a child dies.
                time.sleep(0.2)
        except SystemExit:
            return 0
        finally:
            self._close()

    def _open(self) -> None:
        for _ in range(self._count):
            self._fork()
        if self._wants_traffic:
            program = str(Path(__file__).with_name("traffic.py"))
            # Customers are not part of the service: -I keeps whatever the environment adds out of them.
            # A ctrl-C that comes while their Python starts waits until they can take it.
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
            self._traffic = subprocess.Popen([sys.executable, "-I", program, self.url, str(os.getpid())])
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
        print(f"shop: {self._count} workers at {self.url}", "ready", sep="\n", flush=True)

    def _fork(self) -> None:
        master = os.getpid()
        # Python forgets a signal that comes to a child before its first step: let it wait until the child is ready.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
        pid = os.fork()
        if pid == 0:
            _work(self._listener, master)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
        self._workers[pid] = time.monotonic()

    def _replace_the_dead(self) -> None:
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            started = self._workers.pop(pid, None)
            if started is None:
                self._traffic = None  # the customers went away
                continue
            if time.monotonic() - started < SHORTEST_LIFE:
                time.sleep(SHORTEST_LIFE)
            self._fork()

    def _close(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        children = [*self._workers, *([self._traffic.pid] if self._traffic else [])]
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for pid in children:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        if self._traffic:
            self._traffic.returncode = 0  # waited for above
        self._listener.close()


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


def _work(listener: socket.socket, master: int) -> NoReturn:
    """Be a worker; never returns into the master's code."""
    try:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # A ctrl-C reaches the whole group of processes: the master says when it is over.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
        Worker(listener, master).serve_forever()
    finally:
        os._exit(1)
