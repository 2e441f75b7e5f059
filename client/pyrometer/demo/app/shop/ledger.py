"""The shop's books: some entries for each order, put by when a page of them is full."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from shop.orders import Order

PAGE = 1000
"""Entries of a page."""
SECONDS_TO_PUT_BY = 0.3
"""What it takes to put a page by, while a customer waits: the fourth bug, in one call of a thousand."""
TAX = 0.19


class Entry(NamedTuple):
    """A line of the books."""

    account: str
    text: str
    amount: float


class Ledger:
    """The books of one process; several threads write them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the page
        self._page: list[Entry] = []
        self.pages = 0

    def book(self, order: Order, receipt: str) -> None:
        """Write the entries of an order."""
        for item in order.items:
            self.enter("goods", item.sku, -item.price)
            self.enter("sales", item.sku, item.price)
        self.enter("tax", f"order {order.order_id}", round(order.total * TAX, 2))
        self.enter("bank", receipt, order.total)

    def enter(self, account: str, text: str, amount: float) -> None:
        """Write one entry; the last one of a page puts the page by."""
        with self._lock:
            self._page.append(Entry(account, text, amount))
            full = len(self._page) >= PAGE
            if full:
                self._page = []
        if full:
            self.put_by()

    def put_by(self) -> None:
        """Wait for the archive to take a page."""
        time.sleep(SECONDS_TO_PUT_BY)
        self.pages += 1


LEDGER = Ledger()
