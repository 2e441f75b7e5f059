"""A service that raises and swallows an error fifty times a second; prints `ready`, runs until its stdin ends."""

from __future__ import annotations

import sys
import threading
import time

import pyrometer.agent


class PaymentError(Exception):
    """What the service swallows."""


def charge(amount: int, card_number: str) -> None:
    raise PaymentError(f"{amount} declined")


def checkout() -> None:
    basket = {"items": 3}
    while basket:
        try:
            charge(1200, "4111111111111111")
        except PaymentError:
            time.sleep(0.02)


pyrometer.agent.start(service=sys.argv[1], strict=True)
threading.Thread(target=checkout, name="checkout", daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
