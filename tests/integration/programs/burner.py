"""Burns a processor: 60 % of the time in `bake`, 30 % in `knead`, 10 % in `weigh`, by the thread's own clock.

Each turn is short against the time between two samples, and none is in step with them. A second thread waits, for ever.
"""

import sys
import threading
import time


def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def bake():
    end = time.thread_time() + 0.0060
    while time.thread_time() < end:
        pass


def knead():
    end = time.thread_time() + 0.0030
    while time.thread_time() < end:
        pass


def weigh():
    spin(0.0010)


def work():
    while True:
        bake()
        knead()
        weigh()


def rest():
    threading.Event().wait()


threading.Thread(target=rest, name="rester", daemon=True).start()
if sys.argv[1:] == ["idle"]:
    print("ready", flush=True)
    rest()
print("ready", flush=True)
work()
