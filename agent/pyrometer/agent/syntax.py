"""The text of an expression, parsed within bounds.

The interpreter's parser recurses in C on the stack of whichever thread calls it, and prints warnings by the service's
own machinery. So the text is looked through first: what would nest deeply, be long or make the parser warn (an unknown
escape, `1if`) is refused before the parser sees it.
"""

from __future__ import annotations

from pyrometer.agent.templates import Field, parse_template
from pyrometer.link.errors import ExpressionRejected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_TEXT = 2000
"""Characters of an expression."""
MAX_TOKENS = 300
MAX_NESTING = 20
"""Brackets within brackets; signs and `not`s in a row."""

_ONLY_AST = 0x400
_ESCAPES = "\\'\"nrtx"
_TEXT_ESCAPES = _ESCAPES + "uU"


def parse(text: str) -> Any:
    """The tree of an expression, of the interpreter's own nodes.

    Raises:
        ExpressionRejected: it is too long or nests too deeply, or it is no expression.
    """
    if len(text) > MAX_TEXT:
        raise ExpressionRejected(
            f"the expression has {len(text)} characters; at most {MAX_TEXT} are taken", next="Write a shorter one."
        )
    text = text.strip(" \t")
    if not text:
        raise ExpressionRejected("the expression is empty", next="Write one like: order.total > 1000")
    if not text.isprintable():
        raise ExpressionRejected("the expression holds a character that can't be printed", next="Write it in one line.")
    _Scan(text).run()
    try:
        tree = compile(text, "<expression>", "eval", _ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        raise ExpressionRejected(
            f"not an expression: {error.msg} (at character {error.offset or 1})", next="Python's syntax is meant."
        ) from None
    except (ValueError, OverflowError, MemoryError, RecursionError):
        raise ExpressionRejected("not an expression that can be read", next="Write a simpler one.") from None
    return tree.body


def kind_of(node: object) -> str:
    """The kind of a node, by its name: the module with the types would cost the service 0.3 MB before it is needed."""
    return type(node).__name__


class _Scan:
    """Looks through a text from left to right, token by token."""

    def __init__(self, text: str, tokens: int | None = None) -> None:
        """Set up; `tokens`: how many there were before, where this text stands within an f-string."""
        self._text = text
        self._at = 0
        self._is_inside = tokens is not None
        self._tokens = tokens or 0
        self._depth = 0
        self._signs = 0

    def run(self) -> None:
        """Look at all of it, or refuse it."""
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in " \t":
                self._at += 1
                continue
            self._count()
            if character in "'\"":
                self._literal(character, "")
            elif character.isdigit() or (character == "." and self._peek(1).isdigit()):
                self._number()
            elif character.isidentifier():
                self._word()
            else:
                self._sign(character)

    def _count(self) -> None:
        self._tokens += 1
        if self._tokens > MAX_TOKENS:
            raise ExpressionRejected(
                f"the expression has more than {MAX_TOKENS} words and signs", next="Write a shorter one."
            )

    def _peek(self, ahead: int) -> str:
        return self._text[self._at + ahead : self._at + ahead + 1]

    def _word(self) -> None:
        start = self._at
        while self._at < len(self._text) and ("a" + self._text[self._at]).isidentifier():
            self._at += 1
        word = self._text[start : self._at]
        self._unary(is_prefix=word == "not")
        quote = self._peek(0)
        if quote and quote in "'\"":
            self._prefixed(word.lower(), quote)

    def _prefixed(self, prefix: str, quote: str) -> None:
        if prefix in ("t", "rt", "tr"):
            raise ExpressionRejected("t-strings are not part of expressions", next="Write an f-string.")
        if prefix in ("f", "rf", "fr"):
            self._format(quote, prefix)
            return
        if prefix not in ("r", "b", "br", "rb", "u"):
            raise ExpressionRejected(
                f"not an expression: {prefix[:20]} stands before a text", next="Python's syntax is meant."
            )
        self._literal(quote, prefix)

    def _format(self, quote: str, prefix: str) -> None:
        """Pass an f-string: as a text, and then each expression in it."""
        if self._is_inside:
            raise ExpressionRejected("an f-string within an f-string is not taken", next="Write its text.")
        start = self._at + 1
        self._literal(quote, prefix)
        for part in parse_template(self._text[start : self._at - 1], "the f-string"):
            if isinstance(part, Field):
                inner = _Scan(part.expression, self._tokens)
                inner.run()
                self._tokens = inner._tokens

    def _literal(self, quote: str, prefix: str) -> None:
        """Pass a text in quotes, with only such escapes as never make the parser warn or import something."""
        self._unary(is_prefix=False)
        if self._peek(1) == quote and self._peek(2) == quote:
            raise ExpressionRejected("texts in triple quotes are not taken", next="Use single ones.")
        escapes = "" if "r" in prefix else _ESCAPES if "b" in prefix else _TEXT_ESCAPES
        self._at += 1
        while (character := self._peek(0)) != quote:
            if not character:
                raise ExpressionRejected("a text's quotes are not closed", next="Add the closing quote.")
            if character == "\\":
                self._at += 1
                if escapes and self._peek(0) not in escapes:
                    raise ExpressionRejected(
                        f"the escape \\{self._peek(0)} is not taken", next=r"Write \\ for a backslash."
                    )
            self._at += 1
        self._at += 1

    def _number(self) -> None:
        """Pass a number; one with letters behind it (`1if`) would make the parser warn."""
        start = self._at
        text = self._text
        while self._at < len(text) and (text[self._at].isalnum() or text[self._at] in "._" or self._in_exponent(start)):
            self._at += 1
        if not _is_number(text[start : self._at]):
            raise ExpressionRejected(
                f"not a number: {text[start : self._at][:40]}", next="Put a space behind a number."
            )
        self._unary(is_prefix=False)

    def _in_exponent(self, start: int) -> bool:
        """Whether a sign here belongs to the number: 1e-3, but not 0xe-3."""
        text = self._text
        return text[self._at] in "+-" and text[self._at - 1] in "eE" and text[start : start + 2] not in ("0x", "0X")

    def _sign(self, character: str) -> None:
        if character in "=!<>" and self._peek(1) == "=":
            self._at += 1
        elif character == "=":
            raise ExpressionRejected("a single = has no meaning here", next="Write == to compare.")
        elif character in "#\\;$!?`":
            raise ExpressionRejected(
                f"not an expression: {character} has no meaning here", next="Python's syntax is meant."
            )
        self._at += 1
        self._unary(is_prefix=character in "+-~")
        if character in "([{":
            self._depth += 1
            self._limit(self._depth)
        elif character in ")]}":
            self._depth -= 1

    def _unary(self, *, is_prefix: bool) -> None:
        self._signs = self._signs + 1 if is_prefix else 0
        self._limit(self._signs)

    @staticmethod
    def _limit(depth: int) -> None:
        if depth > MAX_NESTING:
            raise ExpressionRejected(f"the expression nests deeper than {MAX_NESTING}", next="Write a simpler one.")


def _is_number(token: str) -> bool:
    """Whether it is a number and nothing else. The parser reads ASCII digits only."""
    if not token.isascii():
        return False
    for read in (lambda text: int(text, 0), float):
        try:
            read(token)
        except ValueError:
            continue
        return True
    return False
