"""A server with one reader: prints the pids of the launcher and of the reader, then waits."""

import sys
import time

from pyrometer.server.profiling.launching import Began, Launch, Started

with Launch() as launch:
    launch.run("a", sys.argv[1:], 600)
    seen = []
    while not any(isinstance(event, Began) for event in seen):
        seen += launch.events(1.0)
    started = next(event for event in seen if isinstance(event, Started))
    print(launch._process.pid, started.pid, flush=True)
    time.sleep(600)
