"""Forks with probes armed: what the child says of itself, and whether the parent's probes go on."""

import os
import sys
import warnings

from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.model import ProbeLimits, ProbeSpec


def work(a):
    b = a + 1
    return b


def main():
    # As `start()` has it: the only other thread is ours.
    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
    hits = []
    registry = Registry(Policy)
    os.register_at_fork(after_in_child=registry.reset_after_fork)
    line = work.__code__.co_firstlineno + 1
    limits = ProbeLimits(hits=1000, rate=1000)
    registry.arm(
        ProbeSpec("line", "", line=("programs/forks.py", line), limits=limits),
        main,
        lambda e, w: hits.append(e) or True,
    )
    registry.arm(
        ProbeSpec("exc", "", exception=("KeyError", "__main__"), limits=limits),
        main,
        lambda e, w: hits.append(e) or True,
    )
    lost = 0
    for number in range(int(sys.argv[1])):
        pid = os.fork()
        if pid == 0:
            before = len(hits)
            work(number)
            quiet = len(hits) == before and registry.statuses() == [] and registry.tick(0.0) is None
            registry.arm(
                ProbeSpec("own", "", line=("programs/forks.py", line), limits=limits),
                main,
                lambda e, w: hits.append(e) or True,
            )
            work(number)
            os._exit(0 if quiet and len(hits) == before + 1 else 1)
        lost += os.waitpid(pid, 0)[1] != 0
    work(1)
    print("lost", lost, "hits", sum(event["event"] == "hit" for event in hits))


main()
