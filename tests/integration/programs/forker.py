"""A service that forks N children, counts those that end well, and prints the count; its stderr stays empty."""

from __future__ import annotations

import os
import sys

import pyrometer.agent

pyrometer.agent.start(service=sys.argv[1], strict=True)
print("ready", flush=True)
sys.stdin.readline()
well = 0
for _ in range(int(sys.argv[2])):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    well += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
print(f"{well} ended well", flush=True)
sys.stdin.read()
