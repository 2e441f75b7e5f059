"""Arms and disarms again and again while eight threads work, and prints as JSON what that did to the process.

    python churn.py CYCLES

A cycle is a line, a function and an exception armed through the registry, some hits, and all of it disarmed. What grows
is measured over the second half of them. In the first, eight threads' arenas and free lists fill, and memory comes in
steps: of 10,000 cycles on 3.13, in the one run of so many, the first 4,500 took 3.7 MB, and the others none ("course").
"""

import gc
import json
import os
import sys
import threading
import time
import types

from pyrometer.agent import probes
from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.model import ProbeLimits, ProbeSpec

CYCLES, THREADS = int(sys.argv[1]), 8
HALF, TENTH = CYCLES // 2, max(1, CYCLES // 10)
CODE = """
class Declined(Exception):
    pass

def total(items):
    found = 0
    for item in items:
        found += item
    return found

def charge(amount):
    if amount > 2:
        raise Declined(amount)
    return amount

def stream(count):
    for number in range(count):
        yield total([number, 1])

def work():
    try:
        charge(3)
    except Declined:
        return sum(stream(4))
"""
probes.MAX_ARMS, probes.ARMS_A_SECOND = 1 << 30, float(1 << 30)
shop = types.ModuleType("churned")
shop.__file__ = "/srv/churned.py"
exec(compile(CODE, "/srv/churned.py", "exec"), shop.__dict__)
sys.modules["churned"] = shop
sys.setswitchinterval(0.0001)
over = threading.Event()
wrong, turns, hits = [], [0] * THREADS, [0]


def busy(index):
    while not over.is_set():
        try:
            if shop.work() != 10:
                wrong.append("a sum")
        except BaseException as error:
            wrong.append(repr(error))
        turns[index] += 1
        if not turns[index] % 50:
            time.sleep(0.0005)


def emit(event, weight):
    hits[0] += event["event"] == "hit"
    return True


def state():
    gc.collect()
    with open("/proc/self/statm") as file:
        rss = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "rss": rss,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "objects": len(gc.get_objects()),
    }


def cycle(registry, number):
    owner, limits = object(), ProbeLimits(hits=5, rate=1000)
    places = {
        "line": {"line": ("churned.py", 8)},
        "function": {"function": ("churned", "stream")},
        "exception": {"exception": ("Declined", "churned")},
    }
    for name, place in places.items():
        registry.arm(ProbeSpec(f"{name}{number}", name, limits=limits, **place), owner, emit)
    if number % 10 == 0:
        before, deadline = hits[0], time.monotonic() + 20
        while hits[0] == before and time.monotonic() < deadline:
            time.sleep(0.001)
    registry.tick(time.monotonic())
    registry.release(owner)


registry = Registry(lambda: Policy(cpu_share=1.0))
threads = [threading.Thread(target=busy, args=(index,)) for index in range(THREADS)]
for thread in threads:
    thread.start()
print("ready", flush=True)
began, course, before = time.monotonic(), [], {}
try:
    for number in range(CYCLES):
        if number == HALF:
            before = state()
        if not number % TENTH:
            course.append(state()["rss"])
        cycle(registry, number)
    after = state()
finally:
    over.set()
    for thread in threads:
        thread.join()
print(
    json.dumps(
        {
            "cycles": CYCLES,
            "hits": hits[0],
            "turns": sum(turns),
            "wrong": wrong[:10],
            "grown": {name: after[name] - before[name] for name in after},
            "course": [rss - course[0] for rss in course],
            "left": [status.probe_id for status in registry.statuses()],
            "seconds": round(time.monotonic() - began, 1),
            "result": shop.work(),
        }
    )
)
