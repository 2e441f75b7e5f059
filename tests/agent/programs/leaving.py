"""Ends with probes armed, in itself and in a forked child: says whether its globals were cleared as they always are."""

import os
import sys
import warnings

from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.model import ProbeLimits, ProbeSpec


class Order:
    def __init__(self):
        self.total = 5

    def __del__(self):
        os.write(1, b"gone " + who + b"\n")


def work(order):
    inner = lambda: order  # noqa: E731
    try:
        {}["a"]
    except KeyError:
        pass
    return inner


# As `start()` has it: the only other thread is ours.
warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
who = b"parent"
last = Order()
kept = work(last)
original = work.__code__
hits = []
registry = Registry(lambda: Policy(cpu_share=1.0))
limits = ProbeLimits(hits=1000, rate=1000)
line = original.co_firstlineno + 2


def emit(event, weight):
    if event["event"] == "hit":
        hits.append(event)
    return True


registry.arm(
    ProbeSpec("l", "", line=("leaving.py", line), condition="order.total == last.total", limits=limits), 1, emit
)
registry.arm(ProbeSpec("e", "", exception=("KeyError", "__main__"), limits=limits), 1, emit)
kept = work(last)
assert len(hits) == 2, hits
log = open(sys.argv[1], "a")
pid = os.fork()
if not pid:
    who = b"child"
    registry.reset_after_fork()
    kept = work(last)
    assert len(hits) == 2, hits
    if sys.argv[2] == "given back":
        registry.give_back()
        assert work.__code__ is original
        kept = work(last)
        assert len(hits) == 2, hits
else:
    assert os.waitpid(pid, 0)[1] == 0
    assert work(last) is not None
    assert len(hits) == 4, hits
log.write(f"the last words of the {who.decode()}\n")
