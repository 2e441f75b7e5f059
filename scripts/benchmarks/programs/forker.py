"""A service that forks children which end at once, and counts those that do not end well.

Arguments: `nothing`, `agent`, or `grpc`: a server in this process, with one stream open to a client outside.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import talk

_PATIENCE = 0.5
"""Seconds; a fork, exit and wait takes a millisecond."""


def fork(count: str) -> list[float]:
    """Fork so many; microseconds of one fork, exit and wait, in the median, and how many children were lost."""
    took, lost = [], 0
    for _ in range(int(count)):
        began = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        with _patience(pid):
            status = os.waitpid(pid, 0)[1]
        took.append(1e6 * (time.perf_counter() - began))
        lost += os.waitstatus_to_exitcode(status) != 0
    return [statistics.median(took), lost]


@contextlib.contextmanager
def _patience(pid: int) -> Iterator[None]:
    """Give a child that hangs half a second; then it is killed, and so it is lost."""
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def stream(request: bytes, context: Any) -> Iterator[bytes]:
    """Say something ten times a second, for ever."""
    while True:
        yield b"."
        time.sleep(0.1)


def serve_grpc() -> tuple[object, int]:
    """A server in this process, and its port."""
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    server = grpc.server(ThreadPoolExecutor(4))
    handler = grpc.unary_stream_rpc_method_handler(stream)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Bench", {"Stream": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


kept: tuple[object, int] = (None, 0)
if sys.argv[1] == "agent":
    import pyrometer.agent

    pyrometer.agent.start(service="bench-fork", strict=True)
elif sys.argv[1] == "grpc":
    kept = serve_grpc()
talk.serve({"fork": fork, "port": lambda: kept[1]})
