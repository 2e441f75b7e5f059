"""Templates: what they are made of, and what is refused, with its position."""

from __future__ import annotations

import pytest

from pyrometer.agent.templates import Field, is_plain_spec, parse_template
from pyrometer.link.errors import ExpressionRejected


def test_literal_text_and_fields() -> None:
    """A field's expression is what stands outside of brackets and quotes up to `!`, `:` or `}`."""
    text = "order {order.id} of {user['a:b}!'] !r:>10}: {len(x) != 3}, {d[1:2]:,}"
    assert parse_template(text) == [
        "order ",
        Field("order.id", "", "", 8),
        " of ",
        Field("user['a:b}!']", "r", ">10", 22),
        ": ",
        Field("len(x) != 3", "", "", 46),
        ", ",
        Field("d[1:2]", "", ",", 61),
    ]


def test_doubled_braces_are_braces() -> None:
    """And nothing of them is a field."""
    assert parse_template("{{a}} {{{b}}}") == ["{a} {", Field("b", "", "", 10), "}"]


def test_an_equals_sign_shows_the_expression_too() -> None:
    """As in f-strings; a comparison is none."""
    assert parse_template("{a.b = }") == ["a.b = ", Field("a.b", "r", "", 2)]
    assert parse_template("{a=:>5}") == ["a=", Field("a", "", ">5", 2)]
    assert parse_template("{a == b}") == [Field("a == b", "", "", 2)]


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("order {id", "not closed", 7),
        ("order {id!r", "conversion", 10),
        ("order {id:>5", "not closed", 7),
        ("order {f(id}", "not closed", 7),
        ("a } b", "without a {", 3),
        ("{}", "no expression", 1),
        ("a { } b", "no expression", 3),
        ("{=}", "no expression", 1),
        ("{a!x}", "conversion", 3),
        ("{a!rr}", "conversion", 3),
        ("{a!}", "conversion", 3),
        ("{a:{b}}", "field within a format", 3),
        ("{a:%Y-%m}", "format that is not taken", 3),
        ("{a:>201}", "format that is not taken", 3),
        ("{a:.201f}", "format that is not taken", 3),
        ("{a:9999999999}", "format that is not taken", 3),
        ("{a['}", "quotes are not closed", 4),
        (r"{a['\n']}", "backslash", 4),
        (r"{a\n}", "backslash", 3),
    ],
)
def test_what_is_wrong_is_said_with_its_position(text: str, what: str, at: int) -> None:
    """Fault 62: errors with braces, and what to write instead."""
    with pytest.raises(ExpressionRejected, match=what) as caught:
        parse_template(text)
    assert f"(at character {at})" in caught.value.message
    assert caught.value.next


@pytest.mark.parametrize("text", ["{a}" * 1000, "{a}" * 33, "x" * 2001, "{" * 1999, "}" * 1999, "{" * 100_000])
def test_size_is_bounded(text: str) -> None:
    """Fault 62: 1,000 fields."""
    with pytest.raises(ExpressionRejected):
        parse_template(text)


@pytest.mark.parametrize("spec", ["", ">10", "*^8", "+.2f", "08.3f", ",", "_", "x", "#x", "=+5", ".3", "5%", " >3"])
def test_formats_of_numbers_and_texts_are_taken(spec: str) -> None:
    """What Python takes for its own numbers and texts."""
    assert is_plain_spec(spec)


@pytest.mark.parametrize("spec", ["n", "c", "%H", "1000", ".", "!", "5.", "5z", ">>>5", "0x5", "\x00>5", "5\n"])
def test_other_formats_are_not(spec: str) -> None:
    """`n` asks the locale, and dates have code of their own."""
    assert not is_plain_spec(spec)
