"""What goes wrong in the shop."""

from __future__ import annotations


class ShopError(Exception):
    """Something that the shop can say to a customer."""


class UnknownItem(ShopError, LookupError):
    """An item that the catalogue does not have."""


class PaymentError(ShopError):
    """The bank said no."""

    def __init__(self, reason: str, order_id: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.order_id = order_id
