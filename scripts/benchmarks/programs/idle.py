"""A process that measures what starting something in it adds, says so, and then does nothing.

Arguments: `bare` (nothing is loaded before) or `usual` (what a web service has loaded before), then what is started:
`nothing`, `agent`, or `grpc` (a server on a thread of the process, as peers embed one).
"""

from __future__ import annotations

import gc
import sys
import time


def memory() -> tuple[int, int]:
    """Kilobytes that are resident, and how many of them are not a file's."""
    found = {}
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        for line in file:
            name, _, rest = line.partition(":")
            found[name] = rest.split()[0]
    return int(found["Rss"]), int(found["Anonymous"])


def start(what: str) -> object:
    """Start it and return what keeps it alive."""
    if what == "agent":
        import pyrometer.agent

        return pyrometer.agent.start(service="bench-idle", strict=True)
    if what == "grpc":
        from concurrent.futures import ThreadPoolExecutor

        import grpc

        server = grpc.server(ThreadPoolExecutor(2))
        server.add_insecure_port("127.0.0.1:0")
        server.start()
        return server
    return None


def main(loaded: str, what: str) -> None:
    """Measure, say, wait."""
    if loaded == "usual":
        import usual  # noqa: F401
    memory()
    gc.collect()
    before, began = memory(), time.perf_counter()
    kept = start(what)
    took = time.perf_counter() - began
    time.sleep(0.5)
    after = memory()
    sys.stdout.write(f"ready\n[{1000 * took:.3f}, {after[0] - before[0]}, {after[1] - before[1]}]\n")
    sys.stdout.flush()
    sys.stdin.read()
    del kept


main(*sys.argv[1:])
