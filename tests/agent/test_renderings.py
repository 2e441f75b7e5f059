"""Captured values as text: what they look like, and that no value makes the text long or more than a line."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from pyrometer.agent.nodes import REDACTED, unreadable
from pyrometer.agent.renderings import cut, one_line, show, text_of
from pyrometer.agent.values import Capture
from pyrometer.guard.redaction import Redactor
from pyrometer.link.model import ProbeLimits


class Pair(NamedTuple):
    left: int
    right: str


class Order:
    def __init__(self) -> None:
        self.id = 7
        self.password = "hunter2"

    def __repr__(self) -> str:
        raise AssertionError("__repr__ was run")

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        raise AssertionError("__format__ was run")


def node(value: object) -> Any:
    return Capture(ProbeLimits(items=3, length=10), Redactor()).value(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (-5, "-5"),
        (0.5, "0.5"),
        ("it's", '"it\'s"'),
        (b"\x00a", r"b'\x00a'"),
        ([1, "a", None], "[1, 'a', None]"),
        ((1,), "(1,)"),
        ((), "()"),
        ({1}, "{1}"),
        ({"a": [1]}, "{'a': [1]}"),
        ({"token": 1}, "{'token': <redacted: name>}"),
        ([*range(9)], "[0, 1, 2, …6 more]"),
        ("x" * 20, "'xxxxxxxxxx'…"),
        ([[[[1]]]], "[[[<list of 1>]]]"),
        (Order(), "Order(id=7, password=<redacted: name>)"),
        (Pair(1, "b"), "Pair(left=1, right='b')"),
        (REDACTED, "<redacted: name>"),
        (len, "len"),
        (object(), "<object>"),
    ],
    ids=lambda value: str(type(value)),
)
def test_values_read_as_python_writes_them(value: object, text: str) -> None:
    """More or less; what is withheld or cut says so, and no method of the value's is run."""
    assert text_of(node(value), 200) == text


def test_what_is_met_again_is_not_written_again() -> None:
    """A cycle ends."""
    cycle: list[Any] = [1]
    cycle.append(cycle)
    assert text_of(node(cycle), 100) == "[1, list(…)]"


@pytest.mark.parametrize(
    ("value", "conversion", "spec", "text"),
    [
        ("abc", "", "", "abc"),
        ("abc", "s", "", "abc"),
        ("abc", "r", "", "'abc'"),
        ("abc", "", ">6", "   abc"),
        ("abc", "r", ">6", " 'abc'"),
        (1234.5, "", ",.2f", "1,234.50"),
        (7, "", "05d", "00007"),
        (255, "", "#x", "0xff"),
        (True, "", "d", "1"),
        (0.5, "", ".0%", "50%"),
        (float("nan"), "", ".1f", "nan"),
        ([1, 2], "", ">8", "  [1, 2]"),
        (None, "", "<6", "None  "),
        ("abc", "", "d", "<unreadable: the format d is not for a str>"),
        (0.5, "", "d", "<unreadable: the format d is not for a float>"),
        (7, "s", "d", "<unreadable: the format d is not for a int>"),
        ("x" * 20, "", "", "xxxxxxxxxx…"),
        (REDACTED, "", ">30", "<redacted: name>"),
    ],
)
def test_a_field_is_shown_as_its_format_asks(value: object, conversion: str, spec: str, text: str) -> None:
    """As Python does for numbers and texts; what a format is not for says so."""
    assert show(node(value), conversion, spec, 100) == text


def test_what_can_not_be_read_says_why() -> None:
    """In the text, where it would stand."""
    assert show(unreadable("net is a property"), "", "", 100) == "<unreadable: net is a property>"
    assert show({"type": "", "kind": "unset"}, "r", ">9", 100) == "<unset>"


def test_no_text_is_longer_than_asked_for() -> None:
    """And work on it ends when it is."""
    wide = {f"key{i}": [{f"k{j}": "x" * 10 for j in range(3)} for _ in range(3)] for i in range(3)}
    for limit in (1, 5, 50):
        assert len(text_of(node(wide), limit)) == limit
        assert text_of(node(wide), limit)[-1] == "…"
    assert len(show(node("a"), "", "200", 50)) == 50
    assert cut("abc", 3) == "abc"


def test_a_line_is_one_line() -> None:
    """Faults 47 and 62: line ends, controls, marks of direction and half characters are spelled out."""
    assert one_line("a\r\nb\x1b[31m\x00\u202e\u2028\ud800ä€") == r"a\r\nb\x1b[31m\x00\u202e\u2028\ud800ä€"
    assert one_line("plain") == "plain"
    assert one_line("\ud83d").encode()
