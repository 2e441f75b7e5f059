"""What a condition that was never true is made of."""

from __future__ import annotations

import pytest

from pyrometer.client.glimpses import parts


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("order.total > 1000", ["order.total"]),
        ("0 < order.items[0].price <= limit and not paid", ["order.items[0].price", "limit", "paid"]),
        ("len(cart.items) > 3", ["len(cart.items)"]),
        ("headers.get('Host', '').endswith('.test')", ["headers.get('Host', '').endswith('.test')"]),
        ("any(item.price > 5 for item in order.items)", ["order.items"]),
        ("x == 1 or x == 2", ["x"]),
        ("a + b + c + d + e > 5", ["a", "b", "c", "d"]),
        ("1 > 2", []),
        ("", []),
        ("(" * 500, []),
        ("a >", []),
    ],
)
def test_a_condition_s_parts_are_what_it_reads(condition: str, expected: list[str]) -> None:
    """As long as each goes, each once, and the first few only."""
    assert parts(condition) == expected
