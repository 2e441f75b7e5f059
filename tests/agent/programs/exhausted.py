"""Runs into its limit of address space with probes armed, and goes on. Prints as JSON what it saw.

    python exhausted.py SMALLEST

Memory is taken in blocks of half a mebibyte down to SMALLEST bytes, until there is none: with 65536, texts can't be
copied any more and small things can; with 1024, hardly anything can. (With less the interpreter itself can't go on.)
"""

import json
import resource
import sys
import time

from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.model import ProbeLimits, ProbeSpec

SMALLEST = int(sys.argv[1])
LIMITS = ProbeLimits(hits=1000, rate=1000, depth=10, items=1000, length=65_536)
TEXT = "\U0001f600" * 200_000
PARTS = [[str(number), {str(number): number}] for number in range(300)]


def work(text, parts):
    return len(text)  # work


def allocate(size):
    return bytearray(size)


def exhaust(held):
    """Take all there is; the last block of each size fails."""
    size = 1 << 19
    while size >= SMALLEST:
        try:
            while True:
                held = (held, bytes(size))
        except MemoryError:
            size >>= 1
    return held


def call():
    """Run the probed code; what it raises is no business of ours."""
    try:
        return work(TEXT, PARTS)
    except BaseException as error:
        return type(error)


hits = {"line": 0, "exception": 0}


def emit(event, weight):
    if event["event"] == "hit":
        hits[event["probe"]] += 1
    return True


def status(name):
    return next(status for status in registry.statuses() if status.probe_id == name)


def eventually(name):
    """A hit where there is memory; the governor may have switched the probe off for a moment."""
    before, deadline = hits[name], time.monotonic() + 30
    while hits[name] == before and time.monotonic() < deadline:
        registry.tick(time.monotonic())
        call() if name == "line" else refused()
    return hits[name] > before


def refused():
    """Ask for what is not there: an error of its own, once."""
    seen = 0
    try:
        allocate(1 << 40)
    except MemoryError:
        seen += 1
    return seen


def squeeze():
    """Run the probed code without memory. The governor may have switched the probe off; then it is done again."""
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    held, result, wrong, caught = None, None, 0, 0
    resource.setrlimit(resource.RLIMIT_AS, (size + (48 << 20), resource.RLIM_INFINITY))
    held = exhaust(held)
    for _ in range(20):
        result = call()
        if result != 200_000:
            wrong += 1
    caught = refused()
    while held:
        held = held[0]
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    told["wrong"] += wrong
    told["caught"] += caught
    told["rounds"] += 1
    registry.tick(time.monotonic())
    eventually("line")


registry = Registry(lambda: Policy(cpu_share=1.0))
line = work.__code__.co_firstlineno + 1
registry.arm(ProbeSpec("line", "", line=("exhausted.py", line), limits=LIMITS), 1, emit)
registry.arm(ProbeSpec("exception", "", exception=("MemoryError", "__main__"), limits=LIMITS), 1, emit)
told = {"before": eventually("line") and eventually("exception")}
told["wrong"] = told["caught"] = told["rounds"] = 0
while told["rounds"] < 10:
    squeeze()
    told["counted"] = status("line").errors + status("line").dropped
    if told["counted"]:
        break
told["result"] = call()
told["last_error"] = status("line").last_error
told["after"] = eventually("line") and eventually("exception")
registry.release(1)
print("ready", json.dumps(told, default=repr), flush=True)
