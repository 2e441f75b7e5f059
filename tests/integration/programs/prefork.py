"""A master that forks two workers, and a new one for each that ends; knows nothing of the agent."""

from __future__ import annotations

import os
import time

workers: set[int] = set()
while True:
    while len(workers) < 2:
        pid = os.fork()
        if pid == 0:
            while True:
                time.sleep(60)
        workers.add(pid)
    workers.discard(os.wait()[0])
