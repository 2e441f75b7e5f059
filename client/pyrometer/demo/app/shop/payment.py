"""Paying: the bank says yes or no."""

from __future__ import annotations

from dataclasses import dataclass

from shop.errors import PaymentError
from shop.orders import Order

DECLINED = "4000056655665556"
"""A card that the bank declines; like all numbers here, one that card companies publish for tests."""


@dataclass
class Reply:
    """What the bank answers."""

    ok: bool
    status: int
    reason: str = ""


class Bank:
    """The bank's side; it keeps the shop's password, as such things do."""

    def __init__(self, user: str, password: str) -> None:
        self.user = user
        self.password = password

    def post(self, card_number: str, amount: float) -> Reply:
        """Ask for money."""
        if card_number == DECLINED and amount > 0:
            return Reply(ok=False, status=402, reason="card declined")
        return Reply(ok=True, status=200)


BANK = Bank("shop", "correct horse battery staple")


def charge(order: Order, card_number: str) -> str:
    """Take the money for an order; returns the bank's receipt.

    Raises:
        PaymentError: the bank said no.
    """
    password = BANK.password
    bank = Bank(BANK.user, password)
    reply = bank.post(card_number, order.total)
    if not reply.ok:
        raise PaymentError(reply.reason, order.order_id)
    return f"R{order.order_id}"
