"""Customers: `python -I traffic.py URL PARENT` brings orders at a steady pace until its parent is gone.

Not part of the service: it runs in a process of its own, as customers do.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode, urlsplit

PER_SECOND = 30
"""Orders a second, of all customers; fewer where the shop is slower than that."""
CUSTOMERS = 4
BASKETS = ("A-17", "A-17,B-04", "C-21,B-04,A-17", "D-99,C-21", "B-04", "D-99,D-99,A-17", "C-21,C-21", "A-17,A-17")
VOUCHERS = {3: "SORRY", 5: "SUMMER"}
"""What the customers of some numbers have, of seven."""
CARDS = ("4242424242424242", "5555555555554444", "4000056655665556", "378282246310005", "6011111111111117")
"""Numbers that card companies publish for tests; the bank of the shop declines the third."""


def session_of(number: int) -> str:
    """Make a session token, of the usual shape (a JWT, unsigned)."""
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": f"customer-{number % 40}", "scope": "shop"})
    texts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join([*texts, "c2lnbmF0dXJlLW9mLW5vYm9keQ"])


def order(host: str, number: int) -> int:
    """Place one order; returns the status of the answer."""
    form = {"name": "Ann", "items": BASKETS[number % len(BASKETS)], "card": CARDS[number % len(CARDS)]}
    if number % 7 in VOUCHERS:
        form["voucher"] = VOUCHERS[number % 7]
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": session_of(number)}
    connection = HTTPConnection(host, timeout=10)
    try:
        connection.request("POST", "/checkout", urlencode(form), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def shop_for_ever(host: str, numbers: Iterator[int]) -> None:
    """Be one customer: order, wait, order; a shop that does not answer is asked again."""
    due = time.monotonic()
    for number in numbers:
        try:
            order(host, number)
        except (OSError, HTTPException):
            time.sleep(0.2)
        due = max(due + CUSTOMERS / PER_SECOND, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def main(url: str, parent: int) -> None:
    """Send customers until the parent is gone."""
    # A ctrl-C reaches the whole group of processes: the shop says when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the shop starts us with its signals waiting
    host = urlsplit(url).netloc
    for first in range(CUSTOMERS):
        numbers = itertools.count(first, CUSTOMERS)
        threading.Thread(target=shop_for_ever, args=(host, numbers), name=f"customer-{first}", daemon=True).start()
    while os.getppid() == parent:
        time.sleep(0.5)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
