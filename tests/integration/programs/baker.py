"""Tasks that spend 60 % of the time in `bake`, 30 % in `knead`, 10 % in `weigh`, all of it waiting, each in its own step."""

import asyncio
import random
import sys
import time

import pyrometer.agent


async def until(end):
    await asyncio.sleep(max(0, end - time.monotonic()))


async def bake(begun):
    await until(begun + 0.060)


async def knead(begun):
    await until(begun + 0.090)


async def weigh(begun):
    await until(begun + 0.100)


async def work():
    begun = time.monotonic() + 0.1 * random.random()
    while True:
        await bake(begun)
        await knead(begun)
        await weigh(begun)
        begun += 0.100


async def main():
    named = [asyncio.create_task(work(), name=f"baker {number}") for number in (1, 2)]
    others = [asyncio.create_task(work()) for _ in range(8)]
    print("ready", flush=True)
    await asyncio.gather(*named, *others)


pyrometer.agent.start(service=sys.argv[1])
asyncio.run(main())
