"""A service of gevent's with as many greenlets as the second argument says, and one with a name of its own."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

import gevent  # noqa: E402

import pyrometer.agent  # noqa: E402


def wait_for_work(number: int) -> None:
    gevent.sleep(3600)
    print(number)


def once() -> None:
    gevent.sleep(3600)


pyrometer.agent.start(service=sys.argv[1])
named = gevent.spawn(once)
named.name = "the named one"
greenlets = [gevent.spawn(wait_for_work, number) for number in range(int(sys.argv[2]))]
gevent.sleep(0.1)
late = gevent.Greenlet(once)
print("ready", flush=True)
gevent.joinall([named, *greenlets])
