"""What an order costs."""

from __future__ import annotations

import time

from shop import meter
from shop.orders import Item, Order

SECONDS_PER_ITEM = 0.008
"""Processor time that the discount of one item takes: far too much, which is the first bug."""


def total(order: Order) -> float:
    """Sum up the items, each with its discount; a voucher pays for a part of it."""
    return to_pay(order, sum(item.quantity * discount_for(item) for item in order.items))


def discount_for(item: Item) -> float:
    """Find the price to ask for, by getting nearer to it in far too many steps."""
    price, goal = item.price, item.price * 0.98
    start = now = time.thread_time()
    while now - start < SECONDS_PER_ITEM:
        for _ in range(200):
            price -= (price - goal) * 0.001
        now = time.thread_time()
    meter.add_hot(now - start)
    return goal


def to_pay(order: Order, goods: float) -> float:
    """Take off what a voucher is worth.

    The third bug: one that is worth more than the goods makes the bank pay the customer.
    """
    worth = order.voucher.worth if order.voucher else 0.0
    return round(goods - worth, 2)
