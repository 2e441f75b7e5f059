"""A service whose eight threads reach a line all the time, or raise all the time; prints `ready`, runs until stdin ends."""

from __future__ import annotations

import sys
import threading
import time
from itertools import count

import pyrometer.agent


class Refused(Exception):
    """What each turn ends with."""


numbers = count()


def turn(number: int) -> int:
    return number + 1  # the hot line


def spin() -> None:
    number = 0
    while True:
        number = turn(number)


def refuse() -> None:
    raise Refused(f"refused {next(numbers)}")


def through() -> None:
    refuse()


def attempt() -> None:
    try:
        through()
    except Refused:
        time.sleep(0.001)


def storm() -> None:
    while True:
        attempt()


pyrometer.agent.start(service=sys.argv[1], strict=True)
for _ in range(8):
    threading.Thread(target=spin if sys.argv[2] == "line" else storm, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
