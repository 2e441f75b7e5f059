"""A service whose only thread holds the GIL in C, for a minute. Prints `ready` before it does."""

from __future__ import annotations

import ctypes
import sys
import threading

import pyrometer.agent

pyrometer.agent.start(service=sys.argv[1], strict=True)
threading.current_thread().name = "holder"
print("ready", flush=True)
ctypes.PyDLL(None).sleep(60)
