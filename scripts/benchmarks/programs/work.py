"""Pairs of functions that are alike, one of each to be probed and one not, and how they are timed: in turn.

`lines` says where to probe; `pair` times two functions in turn; `settrace` does it the old way; `raises` times
exceptions that pass through frames; `calls` makes calls and tells what each took.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any


class Unwanted(Exception):
    """What nobody watches for."""


class Wanted(Exception):
    """What is watched for, and never raised."""


def busy_probed(orders: list[dict[str, int]]) -> int:
    total = 0
    for order in orders:
        price = order["price"] * order["count"]
        if price > 9000:
            price -= price // 10
        if price < 0:
            total = -1  # never reached: probed
        total += price
        total &= 0xFFFFFF
    return total


def busy_plain(orders: list[dict[str, int]]) -> int:
    total = 0
    for order in orders:
        price = order["price"] * order["count"]
        if price > 9000:
            price -= price // 10
        if price < 0:
            total = -1  # never reached
        total += price
        total &= 0xFFFFFF
    return total


def hot_probed(count: int) -> int:
    total = 0
    for number in range(count):
        total = total + number & 0xFFFF  # hottest: probed
    return total


def hot_plain(count: int) -> int:
    total = 0
    for number in range(count):
        total = total + number & 0xFFFF  # hottest
    return total


def called_probed(number: int) -> int:
    return number & 0xFFFF


def called_plain(number: int) -> int:
    return number & 0xFFFF


def calling_probed(count: int) -> int:
    total = 0
    for number in range(count):
        total += called_probed(number)
    return total


def calling_plain(count: int) -> int:
    total = 0
    for number in range(count):
        total += called_plain(number)
    return total


def checkout(cart: dict[str, int], customer: str, coupon: str | None) -> int:
    total, items, shipping, country, express = 0, len(cart), 4.95, "NL", False
    return total + items + price(cart, customer, country, int(shipping) + bool(coupon) + express)


def price(cart: dict[str, int], customer: str, country: str, weight: int) -> int:
    rate, discount, currency = 0.21, 5, "EUR"
    amount = sum(cart.values()) + weight - discount
    return charge(amount, customer, [country, currency], rate)


def charge(amount: int, customer: str, labels: list[str], rate: float) -> int:
    attempt, provider, limit = 1, "acme", 100_000
    accepted = amount < limit  # values: probed
    return int(accepted) + attempt + len(provider) + len(customer) + len(labels) + int(rate)


def keep(catalog: dict[str, Item], texts: list[str], nested: list[object], kinds: list[object]) -> int:
    count = len(catalog) + len(texts)
    return count + len(nested) + len(kinds)  # large: probed


class Item:
    """What the catalog holds."""

    def __init__(self, number: int) -> None:
        self.name = f"item {number}"
        self.price = number
        self.tags = [f"tag {tag}" for tag in range(20)]


def _large() -> tuple[dict[str, Item], list[str], list[object], list[object]]:
    """Much of everything: entries, text, depth, and classes that were never seen before."""
    nested: list[object] = []
    for _ in range(1000):
        nested = [nested, *range(20)]
    kinds: list[object] = [type(f"Kind{number}", (), {"__slots__": ("a", "b")})() for number in range(1000)]
    return {f"item {number}": Item(number) for number in range(50_000)}, ["x" * 10_000_000] * 100, nested, kinds


_ORDERS = [{"price": number * 37 % 991, "count": number % 7} for number in range(1000)]
_CART = {"book": 12, "lamp": 40}
"""With this, the frames of `checkout`, `price` and `charge` hold 30 values: those in the containers counted too."""
_WORK: dict[str, tuple[Any, Any, int]] = {
    "busy_probed": (busy_probed, _ORDERS, len(_ORDERS)),
    "busy_plain": (busy_plain, _ORDERS, len(_ORDERS)),
    "hot_probed": (hot_probed, 100_000, 100_000),
    "hot_plain": (hot_plain, 100_000, 100_000),
    "calling_probed": (calling_probed, 100_000, 100_000),
    "calling_plain": (calling_plain, 100_000, 100_000),
}


def lines() -> dict[str, int]:
    """Where to probe: the numbers of the lines that say so."""
    with open(__file__, encoding="utf-8") as file:
        found = {number: line for number, line in enumerate(file, 1) if ": probed" in line and "# " in line}
    return {line.rpartition("# ")[2].split(":")[0].split()[0]: number for number, line in found.items()}


def pair(first: str, second: str, seconds: str) -> list[list[float]]:
    """Nanoseconds an iteration of each, in turn, for so long."""
    end = time.perf_counter() + float(seconds)
    found = []
    while time.perf_counter() < end:
        found.append([_once(first), _once(second)])
    return found


def _once(name: str) -> float:
    function, argument, count = _WORK[name]
    began = time.perf_counter()
    function(argument)
    return 1e9 * (time.perf_counter() - began) / count


def settrace(seconds: str) -> list[list[float]]:
    """The same as `pair` of the busy ones, one of them under a trace function that looks for a line."""
    sought = lines()["never"]

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code is not busy_probed.__code__:
            return None
        if event == "line" and frame.f_lineno == sought:
            raise RuntimeError
        return trace

    sys.settrace(trace)
    try:
        return pair("busy_probed", "busy_plain", seconds)
    finally:
        sys.settrace(None)


def _descend(depth: int) -> None:
    if depth:
        _descend(depth - 1)
    else:
        raise Unwanted


def raises(depth: str, count: str) -> list[float]:
    """Nanoseconds of exceptions that pass through so many frames, each."""
    found, frames = [], int(depth)
    for _ in range(int(count)):
        began = time.perf_counter()
        for _ in range(100):
            try:
                _descend(frames)
            except Unwanted:
                pass
        found.append(1e7 * (time.perf_counter() - began))
    return found


class Stopwatch:
    """Times calls of this thread. What it was ready for and had no processor is left out: the kernel counts that."""

    def __init__(self) -> None:
        self._schedstat = os.open("/proc/thread-self/schedstat", os.O_RDONLY)

    def time(self, function: Callable[..., object], *arguments: object) -> float:
        """Microseconds of a call."""
        waited = self._waited()
        began = time.perf_counter()
        function(*arguments)
        took = 1e6 * (time.perf_counter() - began)
        return max(0.0, took - (self._waited() - waited))

    def _waited(self) -> float:
        return int(os.pread(self._schedstat, 100, 0).split()[1]) / 1e3


def calls(count: str, apart: str) -> list[float]:
    """Microseconds that each of so many calls took; so many seconds of other work lie between two."""
    found, watch = [], Stopwatch()
    for _ in range(int(count)):
        end = time.perf_counter() + float(apart)
        while time.perf_counter() < end:
            busy_plain(_ORDERS[:20])
        found.append(watch.time(checkout, _CART, "c-1093", None))
    return found


def large_calls(count: str) -> list[float]:
    """Microseconds that each of so many calls took, whose frame holds more than a snapshot can take."""
    found, held, watch = [], _large(), Stopwatch()
    for _ in range(int(count)):
        found.append(watch.time(keep, *held))
        time.sleep(0.05)
    return found


COMMANDS: dict[str, Callable[..., object]] = {
    "lines": lines,
    "pair": pair,
    "settrace": settrace,
    "raises": raises,
    "calls": calls,
    "large_calls": large_calls,
}
gc.disable()
