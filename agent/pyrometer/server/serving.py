"""The server kept running on a unix socket: for other gRPC clients, sidecars, and single-process programs.

The folder is the guard: only its owner can enter it. A second gRPC server on a live path would silently take it over,
hence the lock beside it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from pyrometer.link.errors import BadRequest, LinkError
from pyrometer.server import edge
from pyrometer.v1 import rpc, stdio

_SCHEME = "unix:"
_MAX_PATH = 107
_FORKING = ("gunicorn.arbiter", "uwsgi", "celery.concurrency.prefork", "multiprocessing.pool")
_OPTIONS = [
    ("grpc.max_send_message_length", rpc.MAX_MESSAGE),
    ("grpc.max_receive_message_length", rpc.MAX_MESSAGE),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 100),
]


class NotListening(LinkError, OSError):
    """The address can't be served, and why."""

    reason = "NOT_LISTENING"


@dataclass(frozen=True)
class Serving:
    """A server that listens; `stop` ends it and removes its socket."""

    server: grpc.Server
    path: Path
    lock: int

    def stop(self, grace: float = 1.0) -> None:
        """End all calls within `grace` seconds."""
        self.server.stop(grace).wait(grace + 1)
        self.path.unlink(missing_ok=True)
        os.close(self.lock)


def listen(address: str) -> Serving:
    """Serve on `unix:PATH` until stopped.

    Raises:
        BadRequest, NotListening: another scheme; a folder that others can enter; somebody serves there already.
    """
    path = _path_of(address)
    _check_folder(path)
    lock = _lock(path)
    server = edge.build(secret=None, lease=stdio.LEASE, options=_OPTIONS, at_once=True)
    names = rpc.service_names()
    checks = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    for name in ("", *names):
        checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    before = os.umask(0o077)
    try:
        server.add_insecure_port(f"{_SCHEME}{path}")
    except RuntimeError as error:
        os.close(lock)
        raise NotListening(f"{address} can't be listened on: {error}") from None
    finally:
        os.umask(before)
    server.start()
    return Serving(server, path, lock)


def embed(address: str) -> Serving:
    """Serve from a thread of this program, which must not fork workers: with grpcio in it, children of a fork die.

    Args:
        address: `unix:PATH`.

    Raises:
        RuntimeError: this program forks workers.
        BadRequest, NotListening: as `listen`.
    """
    forking = [name for name in _FORKING if name in sys.modules]
    if forking:
        raise RuntimeError(
            f"this program forks workers ({forking[0]} is loaded): run `pyrometer serve` beside it instead"
        )
    return listen(address)


def serve(address: str) -> int:
    """Serve until SIGTERM or ctrl-C; the exit status."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        serving = listen(address)
    except LinkError as error:
        _say(f"{error.message}\n  {error.next}" if error.next else error.message)
        return 2 if isinstance(error, BadRequest) else 1
    _say(f"listening on {address}; whoever can enter the folder may look")
    ended.wait()
    serving.stop()
    return 0


def _path_of(address: str) -> Path:
    if not address.startswith(f"{_SCHEME}/"):
        example = f"{_SCHEME}/run/user/{os.geteuid()}/pyrometer/api.sock"
        raise BadRequest(
            f"{address!r} is not unix:/absolute/path; TCP needs mutual TLS, which is not built yet.",
            next=f"For instance: pyrometer serve --listen {example}",
        )
    path = Path(address.removeprefix(_SCHEME))
    if len(os.fsencode(path)) > _MAX_PATH:
        raise BadRequest(
            f"{path} is longer than the {_MAX_PATH} bytes that a unix socket's path can have.",
            next="Choose a shorter one.",
        )
    return path


def _check_folder(path: Path) -> None:
    """See that only we can enter the socket's folder; it is made so where it is absent."""
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise NotListening(
            f"{folder} can't be made or entered: {error.strerror}.", next=f"mkdir -p {folder.parent}"
        ) from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise NotListening(
            f"{folder} must be a folder of user {os.geteuid()} with mode 0700, for whoever can enter it may look.",
            next=f"One that is not there yet is made so: pyrometer serve --listen unix:{folder}/pyrometer/{path.name}",
        )


def _lock(path: Path) -> int:
    try:
        number = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotListening(f"{path}.lock: {error.strerror}") from None
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        raise NotListening(
            f"another server listens on {path} already.", next=f"Use it: pyrometer ps {_SCHEME}{path}"
        ) from None
    return number


def _say(text: str) -> None:
    sys.stderr.write(f"pyrometer: {text}\n")
    sys.stderr.flush()
