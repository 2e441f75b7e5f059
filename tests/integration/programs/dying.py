"""A service that ends as its argument says once it is asked: by an exception in its main thread, in another, or stored.

Prints `ready`; a line on its stdin lets it go on.
"""

from __future__ import annotations

import asyncio
import sys
import threading

import pyrometer.agent


class Lost(Exception):
    """What nobody handles."""


def lose(order: int) -> None:
    raise Lost(f"order {order}")


def work() -> None:
    lose(7)


async def main() -> None:
    await asyncio.sleep(0)
    lose(8)


def end(how: str) -> None:
    if how == "thread":
        thread = threading.Thread(target=work, name="worker-1")
        thread.start()
        thread.join()
        sys.stdin.read()
    elif how == "loop":
        asyncio.run(main())
    else:
        work()


pyrometer.agent.start(service=sys.argv[1], strict=True)
print("ready", flush=True)
sys.stdin.readline()
end(sys.argv[2])
