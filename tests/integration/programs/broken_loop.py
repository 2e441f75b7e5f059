"""Broken: a handler blocks its event loop for most of the time; a heartbeat wants to run ten times a second.

python broken_loop.py SERVICE
"""

import asyncio
import sys
import time

from pyrometer.agent import start


def fetch():
    time.sleep(0.7)


async def handler():
    while True:
        fetch()
        await asyncio.sleep(0.05)


async def heartbeat():
    while True:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


async def main():
    print("ready", flush=True)
    await asyncio.gather(handler(), heartbeat())


start(service=sys.argv[1])
asyncio.run(main())
