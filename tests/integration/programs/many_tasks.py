"""A service with as many tasks as the second argument says, all in one place, awaited by one."""

from __future__ import annotations

import asyncio
import sys

import pyrometer.agent


async def leaf() -> None:
    await asyncio.sleep(3600)


async def work() -> None:
    await leaf()


async def main(number: int) -> None:
    tasks = [asyncio.create_task(work()) for _ in range(number)]
    await asyncio.sleep(0.1)
    print("ready", flush=True)
    await asyncio.gather(*tasks)


pyrometer.agent.start(service=sys.argv[1])
asyncio.run(main(int(sys.argv[2])))
