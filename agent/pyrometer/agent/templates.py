"""Templates: text with expressions in braces, taken apart: `order {order.id} of {user.name!r}, {total:.2f}`.

The form is that of f-strings, less what could run something or grow without bounds: no braces within a format, no
backslash within an expression. F-strings in expressions are taken apart here too, before the interpreter's parser,
which differs between versions, sees them.
"""

from __future__ import annotations

from pyrometer.link.errors import ExpressionRejected
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TEMPLATE = 2000
"""Characters of a template."""
MAX_FIELDS = 32
MAX_WIDTH = 200
"""Columns that a format may fill, and digits that it may ask for."""

_OPENING, _CLOSING, _QUOTES = "([{", ")]}", "'\""
_CONVERSIONS = "rs"
_FORM = "a format is like >10, .2f, or ,"


class Field(NamedTuple):
    """An expression in braces, and how it is shown."""

    expression: str
    conversion: str
    """"r": as one would write it in Python, "s": as text, "": as its format says, else as text."""
    spec: str
    at: int
    """Which character of the template the expression begins with, from 1."""


def parse_template(text: str, what: str = "the template") -> list[str | Field]:
    """Take a template apart into literal text and fields. `{x=}` is the text `x=` and the field `{x!r}`.

    Args:
        what: what messages call it.

    Raises:
        ExpressionRejected: it is too long, a brace has no partner, or a field is not formed as one; with the position.
    """
    if len(text) > MAX_TEMPLATE:
        raise ExpressionRejected(
            f"{what} has {len(text)} characters; at most {MAX_TEMPLATE} are taken", next="Write a shorter one."
        )
    parts = [*_Parser(text, what).parts()]
    fields = sum([type(part) is Field for part in parts])
    if fields > MAX_FIELDS:
        raise ExpressionRejected(
            f"{what} has {fields} fields; at most {MAX_FIELDS} are taken", next="Show fewer of them."
        )
    return parts


class _Parser:
    """Goes through a template from left to right."""

    def __init__(self, text: str, what: str) -> None:
        self._text = text
        self._what = what
        self._at = 0

    def parts(self) -> Iterator[str | Field]:
        """Literal text and fields, in their order."""
        while self._at < len(self._text):
            if self._is_field():
                yield from self._field()
            else:
                yield self._literal()

    def _is_field(self) -> bool:
        return self._peek() == "{" and self._peek(1) != "{"

    def _peek(self, ahead: int = 0) -> str:
        return self._text[self._at + ahead : self._at + ahead + 1]

    def _literal(self) -> str:
        """Text up to the next field; doubled braces stand for single ones."""
        start = self._at
        while self._at < len(self._text) and not self._is_field():
            if self._peek() in ("{", "}"):
                if self._peek(1) != self._peek():
                    self._refuse("a } without a { before it", "Write }} for a brace.")
                self._at += 1
            self._at += 1
        return self._text[start : self._at].replace("{{", "{").replace("}}", "}")

    def _field(self) -> Iterator[str | Field]:
        opened = self._at
        self._at += 1
        start = self._at
        end = self._end_of_expression(opened)
        written = self._text[start:end]
        expression = _before_equals(written)
        if not expression:
            self._refuse("no expression between the braces", "Write {order.id}, or {{ for a brace.", opened)
        conversion = self._conversion()
        spec = self._spec(opened) if self._peek() == ":" else ""
        if self._peek() != "}":
            self._refuse("a field that is not closed", "Write } at its end, or {{ for a brace.", opened)
        self._at += 1
        if expression != written.strip():
            yield written
            conversion = conversion or ("" if spec else "r")
        yield Field(expression, conversion, spec, start + 1)

    def _end_of_expression(self, opened: int) -> int:
        """Go to the `!`, `:` or `}` that ends the expression: the first outside of brackets and quotes."""
        depth = 0
        while character := self._peek():
            if character == "\\":
                self._refuse("a backslash in an expression", "Compare with a text that has none.")
            if character in _QUOTES:
                self._quoted(character)
                continue
            if not depth and (character in ":}" or (character == "!" and self._peek(1) != "=")):
                return self._at
            depth += (character in _OPENING) - (character in _CLOSING)
            self._at += 1
        return self._refuse("a field that is not closed", "Write } at its end, or {{ for a brace.", opened)

    def _quoted(self, quote: str) -> None:
        end = self._text.find(quote, self._at + 1)
        if end < 0:
            self._refuse("a text's quotes are not closed", "Add the closing quote.")
        if "\\" in self._text[self._at : end]:
            self._refuse("a backslash in an expression", "Compare with a text that has none.")
        self._at = end + 1

    def _conversion(self) -> str:
        if self._peek() != "!":
            return ""
        conversion = self._peek(1)
        if not conversion or conversion not in _CONVERSIONS or self._peek(2) not in (":", "}"):
            self._refuse("a conversion that is not known", "Write !r for a value as Python writes it, or !s for text.")
        self._at += 2
        return conversion

    def _spec(self, opened: int) -> str:
        end = self._text.find("}", self._at)
        if end < 0:
            self._refuse("a field that is not closed", "Write } at its end, or {{ for a brace.", opened)
        spec = self._text[self._at + 1 : end]
        if "{" in spec:
            self._refuse("a field within a format", f"Write the number itself: {_FORM}.")
        if not is_plain_spec(spec):
            self._refuse(
                f"a format that is not taken, {spec[:20]!r}", f"What is taken: {_FORM}; at most {MAX_WIDTH} columns."
            )
        self._at = end
        return spec

    def _refuse(self, what: str, instead: str, at: int | None = None) -> int:
        position = (self._at if at is None else at) + 1
        raise ExpressionRejected(f"{self._what} has {what} (at character {position})", next=instead)


def _before_equals(written: str) -> str:
    """The expression of a field, without the `=` that asks for its text too."""
    expression = written.strip()
    if expression[-1:] == "=" and expression[-2:-1] not in ("=", "!", "<", ">"):
        expression = expression[:-1].rstrip()
    return expression


def is_plain_spec(spec: str) -> bool:
    """Whether it is a format of the interpreter's own for numbers and texts, of bounded width: `[[fill]align]…`."""
    if spec[1:2] and spec[1] in "<>^=" and spec[0].isprintable():
        spec = spec[2:]
    elif spec[:1] and spec[0] in "<>^=":
        spec = spec[1:]
    if spec[:1] and spec[0] in "+- ":
        spec = spec[1:]
    spec = spec.removeprefix("#").removeprefix("0")
    width, spec = _digits(spec)
    if spec[:1] and spec[0] in ",_":
        spec = spec[1:]
    precision = ""
    if spec[:1] == ".":
        precision, spec = _digits(spec[1:])
        if not precision:
            return False
    is_bounded = all([len(digits) <= 3 and int(digits or "0") <= MAX_WIDTH for digits in (width, precision)])
    return is_bounded and (not spec or (len(spec) == 1 and spec in "bdeEfFgGosxX%"))


def _digits(spec: str) -> tuple[str, str]:
    """The digits that a text begins with, and the rest."""
    rest = spec.lstrip("0123456789")
    return spec[: len(spec) - len(rest)], rest
