"""Log lines: what a template says at a hit, and that it gives nothing away, runs nothing and stays one bounded line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from tests.agent import hostile

from pyrometer.agent import frames
from pyrometer.agent.loglines import MAX_LINE, compile_template, take_line
from pyrometer.agent.snapshots import Recipe
from pyrometer.guard.redaction import Redactor
from pyrometer.link.errors import ExpressionRejected
from pyrometer.link.model import ProbeLimits

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


@pytest.fixture(autouse=True)
def _prepared() -> None:
    frames.prepare()


class Order:
    def __init__(self) -> None:
        self.id = 88213
        self.items = [1, 2, 3]
        self.total = 1249.5
        self.name = "Ann"
        self.password = "hunter2"
        self.note = f"see {JWT}"

    @property
    def net(self) -> int:
        raise AssertionError("a property was run")


def taken(template: str, frame: FrameType, **limits: int) -> dict[str, Any]:
    redactor = Redactor()
    compiled = compile_template(template, redactor)
    recipe = Recipe(ProbeLimits(**limits), redactor, False, lambda _: False, [], compiled)
    hit, weight = take_line(recipe, "1.0", frame)
    message = hit["message"].to_wire()
    assert weight >= len(message)
    return {**hit, "message": message}


def line(template: str, order: object = None, **limits: int) -> str:
    message: str = taken(template, sys._getframe(), **limits)["message"]
    if order is line:
        unset = message  # a variable that has no value where the frame is read
        message += unset
    return message


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("order {order.id} of {order.name!r}: {len(order.items)} items", "order 88213 of 'Ann': 3 items"),
        ("{order.total:>10,.2f}|{{{order.id}}}", "  1,249.50|{88213}"),
        ("{order.items} {order.items[0]=}", "[1, 2, 3] order.items[0]=1"),
        ("no field", "no field"),
        ("{order.password}", "<redacted: name>"),
        ("{order.password[:2]}{order.password[2:]}", "<redacted: name><redacted: name>"),
        ("{order.note[:8]}", "<redacted: value: JWT>"),
        ("{unset}", "<unset>"),
        ("{unset.id}", "<unreadable: unset has no value here>"),
        ("{nobody}", "<unreadable: nobody has no value here>"),
        ("{order.missing}", f"<unreadable: {__name__}.Order has no attribute missing>"),
    ],
)
def test_a_template_says_what_is_stored(template: str, text: str) -> None:
    """Values, and visible words for what is withheld, not set or can't be had."""
    assert line(template, Order()) == text


def test_a_property_is_named_and_not_run() -> None:
    """Fault 58, in a template."""
    assert "net is a property of" in line("{order.net}", Order())


def test_secrets_that_the_line_itself_makes_are_cleaned() -> None:
    """Fault 53: two halves of a token, a value after a secret name."""
    head, tail = JWT[:10], JWT[10:]
    assert "dozjgNry" not in line("{order[0]}{order[1]}", (head, tail))
    assert line("password={order}", "abc") == "password=<redacted: name>"


def test_a_line_can_not_be_broken() -> None:
    """Fault 62: CRLF injection and terminal sequences, by values or by the template's own text."""
    message = line("a {order}", "x\r\n2026-11-24 ERROR forged\x1b]0;t\x07")
    assert message == r"a x\r\n2026-11-24 ERROR forged\x1b]0;t\x07"
    assert message.isprintable()
    assert line("one\ntwo") == r"one\ntwo"


def test_a_line_is_bounded() -> None:
    """However many fields, however large."""
    message = line("{order}" * 32, ["x" * 1000] * 100, length=5000)
    assert len(message) == MAX_LINE
    assert message[-1] == "…"


def test_the_hit_has_its_place_and_no_values() -> None:
    """Frames' locals are not captured for a line."""
    hit = taken("{x}", sys._getframe())
    (frame,) = hit["frames"]
    assert frame["function"] == "test_the_hit_has_its_place_and_no_values"
    assert frame["locals"] is None
    assert (hit["expressions"], hit["exception"]) == ([], None)


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("a {order.total()}", r"in \{order.total\(\)\}, at character 4: an expression may not call total"),
        ("{x} {y z}", "at character 6: not an expression"),
        ("{__import__('os')}", "may not call __import__"),
        ("{order.__class__}", "interpreter's own"),
        ("", "empty"),
        ("  ", "empty"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_position(template: str, what: str) -> None:
    """When armed, with what to write instead (faults 56 and 62)."""
    with pytest.raises(ExpressionRejected, match=what) as caught:
        compile_template(template, Redactor())
    assert caught.value.next


@pytest.fixture
def _calls() -> Iterator[None]:
    hostile.CALLS.clear()
    yield
    hostile.CALLS.clear()


@pytest.mark.usefixtures("_calls")
@pytest.mark.parametrize("name", sorted(hostile.instances()))
def test_nothing_of_a_hostile_class_is_run(name: str) -> None:
    """Fault 41: neither `__str__` nor `__format__`, whatever the field asks for."""
    obj = hostile.instances()[name]
    hostile.CALLS.clear()
    line("{order} {order!r} {order!s:>5} {order:>10} {order.amount} {len(order)} {order[0]:d}", obj)
    assert hostile.CALLS == []
