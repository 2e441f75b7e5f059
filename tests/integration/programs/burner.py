"""Burns a processor: 60 % of the time in `bake`, 30 % in `knead`, 10 % in `weigh`, by the thread's own clock.

Each turn is short against the time between two samples, and no two are equally long: were they, a scheduler's slices
could fall in step with them, and with those the samples of a sampler that waits for the lock. A second thread waits,
for ever.
"""

import random
import sys
import threading
import time


def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def bake(turn):
    end = time.thread_time() + 0.6 * turn
    while time.thread_time() < end:
        pass


def knead(turn):
    end = time.thread_time() + 0.3 * turn
    while time.thread_time() < end:
        pass


def weigh(turn):
    spin(0.1 * turn)


def work():
    while True:
        turn = random.uniform(0.004, 0.016)
        bake(turn)
        knead(turn)
        weigh(turn)


def rest():
    threading.Event().wait()


threading.Thread(target=rest, name="rester", daemon=True).start()
if sys.argv[1:] == ["idle"]:
    print("ready", flush=True)
    rest()
print("ready", flush=True)
work()
