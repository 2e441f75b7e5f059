"""A service of as many processes as are asked for: a master and the workers that it forked, each with four threads."""

from __future__ import annotations

import os
import sys
import threading
import time

import talk

import pyrometer.agent


def work() -> None:
    """Be a worker: end with the master."""
    master = os.getppid()
    for number in range(3):
        threading.Thread(target=threading.Event().wait, name=f"worker-{number}", daemon=True).start()
    while os.getppid() == master:
        time.sleep(1)
    os._exit(0)


pyrometer.agent.start(service=sys.argv[1], strict=True)
for _ in range(int(sys.argv[2]) - 1):
    if os.fork() == 0:
        work()
talk.serve({})
