"""A service of asyncio that waits in every way that asyncio has. The second argument: "uvloop", for its loop."""

from __future__ import annotations

import asyncio
import sys

import pyrometer.agent

lock = asyncio.Lock()
queue: asyncio.Queue[int] = asyncio.Queue()


async def leaf() -> None:
    await asyncio.sleep(3600)


async def work() -> None:
    await leaf()


def child(name: str) -> asyncio.Task[None]:
    return asyncio.create_task(work(), name=name)


async def direct() -> None:
    await child("of direct")


async def gathering() -> None:
    await asyncio.gather(child("of gathering 1"), asyncio.gather(child("of gathering 2")))


async def waiting() -> None:
    await asyncio.wait([child("of waiting")])


async def waiting_for() -> None:
    await asyncio.wait_for(child("of waiting_for"), 3600)


async def timing_out() -> None:
    async with asyncio.timeout(3600):
        await child("of timing_out")


async def grouping() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(work(), name="of grouping 1")
        group.create_task(work(), name="of grouping 2")


async def shielding() -> None:
    await asyncio.shield(child("of shielding"))


async def numbers():  # type: ignore[no-untyped-def]
    await leaf()
    yield 1


async def iterating() -> None:
    async for _ in numbers():
        pass


class Awaitable:
    """What is awaited by its own method."""

    def __await__(self):  # type: ignore[no-untyped-def]
        return work().__await__()


async def custom() -> None:
    await Awaitable()


async def holding() -> None:
    async with lock:
        await leaf()


async def locked() -> None:
    await asyncio.sleep(0.01)
    async with lock:
        pass


async def getting() -> None:
    await queue.get()


async def secretive() -> None:
    number, api_token = 7, "hunter2"
    await leaf()
    print(number, api_token)


WAYS = (
    *(direct, gathering, waiting, waiting_for, timing_out, grouping, shielding),
    *(iterating, custom, holding, locked, getting, secretive),
)


async def main() -> None:
    tasks = [asyncio.create_task(way(), name=way.__name__) for way in WAYS]
    await asyncio.sleep(0.1)
    print("ready", flush=True)
    await asyncio.gather(*tasks)


pyrometer.agent.start(service=sys.argv[1])
if sys.argv[2:] == ["uvloop"]:
    import uvloop

    loop = uvloop.new_event_loop()
    loop.run_until_complete(main())
else:
    asyncio.run(main())
