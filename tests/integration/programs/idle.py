"""A service with two named threads that wait; prints `ready` and runs until its stdin ends."""

from __future__ import annotations

import sys
import threading

import pyrometer.agent

started = pyrometer.agent.start(service=sys.argv[1], strict=True)
event = threading.Event()
threads = [threading.Thread(target=event.wait, name=f"waiter-{n}", daemon=True) for n in range(2)]
for thread in threads:
    thread.start()
print("ready", flush=True)
sys.stdin.read()
