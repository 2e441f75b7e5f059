"""Silent lines: why no code runs at a line of a file, in words that a person understands: a comment, blank, `else:`.

Told from the text by a scanner of strings, brackets and comments: Python's own tokenizer is dear to import.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LINES = 50_000
"""Lines that are scanned."""

_TOKEN = re.compile(r"""#|[rRbBuUfFtT]{0,2}(?:\"{3}|'{3}|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?)|[()\[\]{}]|\\$""")
_FIRST_WORD = re.compile(r"(?:async\s+)?(\w+)|@")
_PREFIXES = "rRbBuUfFtT"
_ONCE = "it ran when the module was imported"
_WORDS = {
    "": f"a decorator: {_ONCE}",
    "def": f"the head of a function: {_ONCE}",
    "class": f"the head of a class: {_ONCE}",
    "import": f"an import: {_ONCE}",
    "from": f"an import: {_ONCE}",
    "pass": "`pass` does nothing",
    "global": "a declaration",
    "nonlocal": "a declaration",
    **{word: f"`{word}:` does nothing by itself" for word in ("else", "try", "finally")},
}


def why(lines: Sequence[bytes], number: int) -> str:
    """Why no code runs at a line, as far as the text of the file tells; "" where that is nothing."""
    if not 0 < number <= len(lines):
        return f"the file has {len(lines)} lines"
    if number > MAX_LINES:
        return ""
    scanner = _Scanner()
    for line in lines[: number - 1]:
        scanner.read(line.decode("utf-8", "replace"))
    return scanner.word(lines[number - 1].decode("utf-8", "replace"))


class _Scanner:
    """Reads line by line; in between it knows what the next line is in."""

    def __init__(self) -> None:
        self._line = 0
        self._first = 1
        """Number of the line that the statement begins at."""
        self._quotes = ""
        """The quotes that end the string that goes on; empty: none does."""
        self._alone = False
        """Whether that string is a statement by itself: a docstring."""
        self._depth = 0
        """Brackets that are open."""
        self._continued = False
        self._heads: list[tuple[int, str]] = []
        """Of the functions and classes around the line: the indentation, and `def` or `class`."""

    @property
    def _is_inside(self) -> bool:
        """Whether the next line goes on with a statement."""
        return bool(self._quotes or self._depth or self._continued)

    def word(self, text: str) -> str:
        """What the next line is."""
        words = text.strip()
        if self._quotes:
            return "a docstring" if self._alone else f"a text that begins at line {self._first}"
        if not words or words.startswith("#"):
            return "a comment" if words else "blank"
        if self._is_inside:
            return f"its statement begins at line {self._first}"
        if words.lstrip(_PREFIXES)[:1] in ('"', "'"):
            return "a docstring"
        self._go_out(text)
        inside = self._heads[-1][1] if self._heads else ""
        other = {"": _ONCE, "class": "it ran when the class was made", "def": "the compiler left it out"}[inside]
        return _WORDS.get(_first_word(words), other)

    def read(self, text: str) -> None:
        """Go on to the next line."""
        self._line += 1
        if not self._is_inside:
            self._first = self._line
            self._go_out(text)
            if (word := _first_word(text.strip())) in ("def", "class"):
                self._heads.append((_indentation(text), word))
        self._continued = False
        position = 0
        while 0 <= position < len(text):
            position = self._after_string(text, position) if self._quotes else self._after_token(text, position)

    def _go_out(self, text: str) -> None:
        """Leave the functions and classes that a statement is not in by its indentation."""
        if text.strip() and not text.lstrip().startswith("#"):
            while self._heads and self._heads[-1][0] >= _indentation(text):
                self._heads.pop()

    def _after_token(self, text: str, position: int) -> int:
        """Take the next string, bracket or comment; where it ends, -1: there is none before the line's end."""
        token = _TOKEN.search(text, position)
        if token is None or token[0] == "#":
            return -1
        found = token[0]
        if found in "([{":
            self._depth += 1
        elif found in ")]}":
            self._depth = max(0, self._depth - 1)
        elif found == "\\":
            self._continued = True
        elif found.lstrip(_PREFIXES) in ('"""', "'''"):
            self._quotes = found[-3:]
            self._alone = not self._depth and not text[: token.start()].strip()
        return token.end()

    def _after_string(self, text: str, position: int) -> int:
        """Where the string of three quotes ends; -1: not in this line."""
        end = text.find(self._quotes, position)
        escaped = text.find("\\", position)
        if 0 <= escaped < end or (end < 0 <= escaped):
            return escaped + 2
        if end >= 0:
            self._quotes = ""
        return end + 3 if end >= 0 else -1


def _first_word(words: str) -> str:
    """The word that a statement begins with, `async` aside; "" for a decorator."""
    found = _FIRST_WORD.match(words)
    return (found[1] or "") if found else "?"


def _indentation(text: str) -> int:
    expanded = text.expandtabs()
    return len(expanded) - len(expanded.lstrip())
