"""`starts_anew.py SERVICE`: its two children have no agent but what they start; one was forked in C. All wait."""

from __future__ import annotations

import ctypes
import os
import sys
import time

import pyrometer.agent

os.setpgrp()
pyrometer.agent.start(service=sys.argv[1], children=False, strict=True)
time.sleep(1)  # the agent's thread is parked by then: one that waits for the GIL makes a child that is forked in C hang
if os.fork() == 0 or ctypes.PyDLL(None).fork() == 0:
    pyrometer.agent.start(service=sys.argv[1], strict=True)
else:
    print("ready", flush=True)
while True:
    time.sleep(60)
