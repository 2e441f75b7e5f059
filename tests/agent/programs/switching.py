"""Eight threads with small stacks in probed code, whatever the interpreter's settings. Prints as JSON what came of it.

    python switching.py INTERVAL

The garbage collector is off, and what is probed was frozen out of its sight before anything was armed.
"""

import gc
import json
import sys
import threading
import time

from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.model import CallWatch, ProbeLimits, ProbeSpec

LIMITS = ProbeLimits(hits=100_000, rate=1_000_000)
TURNS = 100


class Declined(Exception):
    pass


class Cart:
    def __init__(self, items):
        self.items = items

    def total(self):
        found = 0
        for item in self.items:
            found += item
        return found


def charge(cart):
    if cart.total() > 5:
        raise Declined({"cart": cart, "nested": [[[cart]]]})
    return cart.total()


def work():
    try:
        return charge(Cart([1, 2, 3]))
    except Declined:
        return sum(Cart([number]).total() for number in range(5))


def thread():
    for _ in range(TURNS):
        if over.is_set():
            return
        if work() != 10:
            wrong.append("a result")


wrong, hits, over = [], {"line": 0, "exception": 0, "call": 0}, threading.Event()
gc.disable()
gc.collect()
gc.freeze()
sys.setswitchinterval(float(sys.argv[1]))
threading.stack_size(64 * 1024)
threading.excepthook = lambda told: wrong.append(repr(told.exc_value))


def emit(event, weight):
    if event["event"] == "hit":
        hits[event["probe"]] += 1
    return True


registry = Registry(lambda: Policy(cpu_share=1.0))
line = Cart.total.__code__.co_firstlineno + 3
registry.arm(ProbeSpec("line", "", line=("switching.py", line), condition="item > 0", limits=LIMITS), 1, emit)
registry.arm(ProbeSpec("exception", "", exception=("Declined", "__main__"), limits=LIMITS), 1, emit)
registry.arm(
    ProbeSpec("call", "", function=("__main__", "charge"), watch=CallWatch(locals=True), limits=LIMITS), 1, emit
)
threads = [threading.Thread(target=thread) for _ in range(8)]
for each in threads:
    each.start()
deadline = time.monotonic() + 60
while any(each.is_alive() for each in threads) or not all(hits.values()):
    registry.tick(time.monotonic())
    if not any(each.is_alive() for each in threads):
        work()  # until the governor has let each of them see something
    if time.monotonic() > deadline:
        over.set()
        break
    time.sleep(0.001)
for each in threads:
    each.join()
errors = {status.probe_id: (status.errors, status.last_error) for status in registry.statuses()}
registry.release(1)
print("ready", json.dumps({"hits": hits, "wrong": wrong[:5], "errors": errors, "result": work()}), flush=True)
