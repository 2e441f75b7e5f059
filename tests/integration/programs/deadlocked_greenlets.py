"""A service that gevent has patched: two of its threads, which are greenlets, wait for each other's locks."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

import pyrometer.agent  # noqa: E402

pyrometer.agent.start(service=sys.argv[1], strict=True)
first, second = threading.Lock(), threading.Lock()


def take(one, other):
    with one:
        time.sleep(0.05)
        with other:
            pass


for pair in ((first, second), (second, first)):
    threading.Thread(target=take, args=pair, daemon=True).start()
time.sleep(0.2)
print("ready", flush=True)
sys.stdin.read()
