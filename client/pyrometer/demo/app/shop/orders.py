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

VOUCHERS = {"SUMMER": 20.0, "SORRY": 50.0}
"""What each voucher is worth, by what is printed on it."""

_numbers = itertools.count(88_001)


@dataclass
class Customer:
    """Who orders."""

    name: str
    email: str
    card_number: str


@dataclass
class Voucher:
    """A piece of paper that pays for a part of an order."""

    text: str
    worth: float


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
    voucher: Voucher | None = None


def order_from(form: dict[str, str]) -> Order:
    """Make an order of what a customer sent: `items` is "SKU,SKU,…", `voucher` what is printed on one."""
    customer = Customer(form.get("name", "Ann"), form.get("email", "ann@example.org"), form.get("card", ""))
    text = form.get("voucher", "")
    voucher = Voucher(text, VOUCHERS[text]) if text in VOUCHERS else None
    return Order(customer, [item_of(sku) for sku in form.get("items", "A-17").split(",")[:20]], voucher=voucher)


def item_of(sku: str) -> Item:
    """Look an item up in the catalogue."""
    if sku not in CATALOGUE:
        raise UnknownItem(sku)
    name, price = CATALOGUE[sku]
    return Item(sku, name, 1, price)
