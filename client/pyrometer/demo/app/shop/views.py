"""What the shop answers to each request."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from shop import ledger, meter, payment, pricing, stock
from shop.errors import PaymentError, ShopError
from shop.orders import CATALOGUE, Order, order_from

Answer = tuple[int, str]


class Request(NamedTuple):
    """What a customer sent."""

    method: str
    path: str
    form: dict[str, str]
    session: str
    """The cookie that says who it is; empty: nobody."""


def checkout(request: Request) -> Answer:
    """Take an order: price it, reserve it, have it paid.

    The second bug: an order that the bank refused is confirmed like any other, and nobody hears of it.
    """
    order = order_from(request.form)
    order.total = pricing.total(order)
    stock.reserve(order)
    try:
        receipt = payment.charge(order, order.customer.card_number)
        order.state = "paid"
    except PaymentError:
        receipt = "on its way"
        order.state = "accepted"
    ledger.LEDGER.book(order, receipt)
    return 200, confirmation(order, receipt, signed_in=bool(request.session))


def catalogue(request: Request) -> Answer:
    """List what there is."""
    wanted = request.form.get("like", "")
    return 200, "\n".join(f"{sku} {name} {price}" for sku, (name, price) in CATALOGUE.items() if wanted in name)


def confirmation(order: Order, receipt: str, *, signed_in: bool) -> str:
    """Write the page that thanks a customer, with what processor time is left for it."""
    lines = [f"{item.quantity} x {item.name}" for item in order.items]
    while meter.rest_is_due():
        "\n".join(lines * 20).upper()
    greeting = f"Thank you, {order.customer.name}" if signed_in else "Thank you"
    return "\n".join([greeting, *lines, f"order {order.order_id}, {order.total}, {receipt}"])


ROUTES: dict[tuple[str, str], Callable[[Request], Answer]] = {
    ("POST", "/checkout"): checkout,
    ("GET", "/"): catalogue,
}


def answer(request: Request) -> Answer:
    """Answer a request; what the shop can explain is 422, what it does not know 404."""
    view = ROUTES.get((request.method, request.path))
    if view is None:
        return 404, "there is no such page"
    meter.begin()
    try:
        return view(request)
    except ShopError as error:
        return 422, f"{type(error).__name__}: {error}"
