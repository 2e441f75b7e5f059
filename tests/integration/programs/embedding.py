"""A single-process program that hosts a server itself; prints `ready` and runs until its stdin ends."""

from __future__ import annotations

import sys

import pyrometer.agent
import pyrometer.server

pyrometer.agent.start(service=sys.argv[1], strict=True)
serving = pyrometer.server.embed(f"unix:{sys.argv[2]}")
print("ready", flush=True)
sys.stdin.read()
