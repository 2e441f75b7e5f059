"""A service that calls a function and awaits a coroutine, time after time; prints `ready`, runs until its stdin ends."""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
import time

import pyrometer.agent


class Store:
    def find(self, number: int, *, token: str) -> list[int]:
        if number % 5 == 0:
            raise KeyError(number)
        return [number] * 3


def look_up(number: int) -> None:
    try:
        Store().find(number, token="Zm9v")
    except KeyError:
        time.sleep(0.001)


async def fetch(number: int) -> int:
    await asyncio.sleep(0.001)
    return number


def never_ends(waits: threading.Event) -> None:
    waits.wait()


def work() -> None:
    for number in itertools.count():
        look_up(number)
        asyncio.run(fetch(number))
        time.sleep(0.005)
        if number % 10 == 0:
            threading.Thread(target=never_ends, args=(threading.Event(),), daemon=True).start()


pyrometer.agent.start(service=sys.argv[1], strict=True)
threading.Thread(target=work, name="work", daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
