"""Ends with probes armed and threads in the middle of the probed code."""

import sys
import threading

from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.model import ProbeLimits, ProbeSpec


def work(turns):
    total = 0
    for number in range(turns):
        total += number
        try:
            {}["a"]
        except KeyError:
            pass
    return total


def forever():
    while True:
        work(1000)


registry = Registry(Policy)
limits = ProbeLimits(hits=1000, rate=1000)
line = work.__code__.co_firstlineno + 3
seen = threading.Event()


def emit(event, weight):
    seen.set()
    return True


for _ in range(4):
    threading.Thread(target=forever, daemon=True).start()
registry.arm(ProbeSpec("l", "", line=("ending.py", line), condition="number == 5", limits=limits), 1, emit)
registry.arm(ProbeSpec("e", "", exception=("KeyError", "__main__"), limits=limits), 1, emit)
assert seen.wait(30)
print("ready")
sys.exit(7)
