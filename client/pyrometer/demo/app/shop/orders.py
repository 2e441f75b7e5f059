"""Items, customers and orders."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from shop.errors import UnknownItem

CATALOGUE = {
    "A-17": ("kettle", 39.5),
    "B-04": ("teapot", 64.0),
    "C-21": ("grinder", 249.0),
    "D-99": ("espresso machine", 899.0),
}
"""Name and price of each item, by its number."""

_numbers = itertools.count(88_001)


@dataclass
class Customer:
    """Who orders."""

    name: str
    email: str
    card_number: str


@dataclass
class Item:
    """A line of an order."""

    sku: str
    name: str
    quantity: int
    price: float


@dataclass
class Order:
    """What a customer wants; `total` is what pricing makes of it."""

    customer: Customer
    items: list[Item]
    order_id: int = field(default_factory=_numbers.__next__)
    total: float = 0.0
    state: str = "new"


def order_from(form: dict[str, str]) -> Order:
    """Make an order of what a customer sent: `items` is "SKU,SKU,…"."""
    customer = Customer(form.get("name", "Ann"), form.get("email", "ann@example.org"), form.get("card", ""))
    return Order(customer, [item_of(sku) for sku in form.get("items", "A-17").split(",")[:20]])


def item_of(sku: str) -> Item:
    """Look an item up in the catalogue."""
    if sku not in CATALOGUE:
        raise UnknownItem(sku)
    name, price = CATALOGUE[sku]
    return Item(sku, name, 1, price)
