"""How long probes outlive their watcher: killed, stopped, or its server stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence

from benchmarks import processes
from benchmarks.model import Figure, Row, Setting
from benchmarks.rounds import median, quartiles

_SERVICE = "bench-leases"


def measure(setting: Setting) -> Sequence[Figure]:
    """Arm by the command line, end or stop somebody, and wait until the service has no probe left."""
    with processes.program("raising", _SERVICE) as target:
        return [
            _figure(what, [_outlived(target, number, server=server) for _ in range(setting.rounds(5))])
            for what, number, server in (
                ("client killed", signal.SIGKILL, False),
                ("client stopped", signal.SIGSTOP, False),
                ("server stopped", signal.SIGSTOP, True),
            )
        ]


def _outlived(target: processes.Program, number: signal.Signals, *, server: bool) -> float:
    """Milliseconds that a probe is there after its watcher has got a signal."""
    watcher = subprocess.Popen(
        [processes.PYROMETER, "catch", _SERVICE, "KeyError", "--for", "60s", "-o", "jsonl"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        target.ask("armed")
        time.sleep(1.0)
        ended = processes.child(watcher.pid) if server else watcher.pid
        began = time.monotonic()
        os.kill(ended, number)
        return 1000 * (float(target.ask("gone")) - began)
    finally:
        for pid in (*processes.children(watcher.pid), watcher.pid):
            with contextlib.suppress(ProcessLookupError):  # it has ended since: its client is gone
                os.kill(pid, signal.SIGCONT)
        watcher.kill()
        watcher.wait()


def _figure(what: str, outlived: list[float]) -> Figure:
    return Figure(f"{what}: probes gone after", median(outlived), "ms", 2000, quartiles=quartiles(outlived))


ROWS = [Row("leases", measure)]
