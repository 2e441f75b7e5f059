"""Values as text: what fits on a line, what is a line each, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from pyrometer.client.render.values import block_of, line_of

Document = dict[str, Any]


def text(words: str, **more: object) -> Document:
    return {"type": "str", "kind": "str", "value": words, **more}


def number(value: int) -> Document:
    return {"type": "int", "kind": "int", "value": value}


def listed(*items: Document, **more: object) -> Document:
    return {"type": "list", "kind": "list", "items": list(items), **more}


def order(**fields: Document) -> Document:
    return {"type": "shop.orders.Order", "kind": "object", "fields": fields}


WITHHELD = {"type": "str", "kind": "redacted", "why": "name"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "NoneType", "kind": "none"}, "None"),
        ({"type": "", "kind": "unset"}, "unset"),
        (WITHHELD, "redacted (name)"),
        ({"type": "X", "kind": "unreadable", "why": "a property"}, "unreadable (a property)"),
        ({"type": "shop.Order", "kind": "ref", "ref": 2}, "Order #2 above"),
        (text("aé'", size=300), '"aé\'"… 300 in all'),
        (text("\x1b[31m"), r"'\x1b[31m'"),
        (listed(number(1), number(2), size=9, why="items"), "[1, 2, …7 more (items)]"),
        (order(total=number(3)), "Order(total=3)"),
    ],
)
def test_unset_none_withheld_cut_and_unreadable_are_five_things(value: Document, expected: str) -> None:
    """Nobody takes one for the other; and controls that a service sends do not reach the terminal."""
    assert line_of(value) == expected


@pytest.mark.parametrize("width", [5, 12, 24, 40])
def test_a_line_keeps_to_its_width(width: int) -> None:
    """Whatever the value is."""
    for value in (text("x" * 90), listed(*map(number, range(90))), order(customer=text("y" * 90), total=number(1))):
        assert len(line_of(value, width)) <= width


def test_a_container_that_does_not_fit_says_how_many_more_there_are() -> None:
    """What is on the screen and what was captured are two different bounds."""
    assert line_of(listed(*map(number, range(100, 130))), 30) == "[100, 101, 102, 103, …26 more]"
    assert line_of(listed(text("x" * 50), number(1)), 30) == "['xxxxxxxxxxxxxxxxx…, …1 more]"
    assert line_of(order(customer=text("Ann"), items=number(1), total=text("y" * 50)), 36) == (
        "Order(customer='Ann', …2 more)"
    )


def test_an_object_that_does_not_fit_has_a_line_for_each_field() -> None:
    """The one that matters must not be the one that was cut off."""
    block = list(block_of(order(customer=text("Ann" * 20), card=WITHHELD, total=number(1250)), 40))
    assert [line.name.strip() for line in block] == ["", "customer", "card", "total"]
    assert [line.text for line in block][::2] == ["Order", "redacted (name)"]
    assert [line.withheld for line in block] == [False, False, True, False]


def test_an_object_of_many_fields_is_not_a_page() -> None:
    """Fields that are left out are counted, those that were not captured too."""
    many = order(**{f"field_{index}": number(index) for index in range(20)})
    many["size"] = 30
    assert list(block_of(many, 40))[-1].name == "… 18 more"


def test_an_object_that_fits_is_one_line() -> None:
    """Equal things need no more room than they have."""
    assert [line.text for line in block_of(order(total=number(3)), 40)] == ["Order(total=3)"]
