"""A service that runs `work(n)` twenty times a second; prints `ready`, runs until its stdin ends."""

from __future__ import annotations

import sys
import threading
import time

import pyrometer.agent


def work(number: int, password: str) -> int:
    patient_id = number * 7
    return patient_id + len(password)


def loop() -> None:
    number = 0
    while True:
        number += 1
        work(number, "hunter2")
        time.sleep(0.05)


pyrometer.agent.start(service=sys.argv[1], strict=True)
threading.Thread(target=loop, name="loop", daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
