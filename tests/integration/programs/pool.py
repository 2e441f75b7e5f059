"""`pool.py fork|forkserver|spawn`: a program with two workers from multiprocessing; knows nothing of the agent."""

from __future__ import annotations

import ctypes  # noqa: F401 - as many services do; from 3.14 on the agent reads frames only where it is there
import multiprocessing
import sys
import time

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    workers = [context.Process(target=time.sleep, args=(3600,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    workers[0].join()
