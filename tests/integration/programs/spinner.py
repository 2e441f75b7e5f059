"""A service with a thread that never lets go of the GIL of its own accord, and one that waits; prints `ready`."""

from __future__ import annotations

import sys
import threading

import pyrometer.agent

pyrometer.agent.start(service=sys.argv[1], strict=True)


def spin():
    number = 0
    while True:
        number += 1


def rest():
    threading.Event().wait()


threading.Thread(target=spin, name="spinner", daemon=True).start()
threading.Thread(target=rest, name="rester", daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
