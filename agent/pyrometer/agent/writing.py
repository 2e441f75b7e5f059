"""Writing: whether lines of text are what a code object was compiled from, told without compiling them.

Compiling holds the GIL for a millisecond a kilobyte, and prints the service's warnings a second time. But code knows
where in its text each name and number stands, to the column: so they are looked for there. What a tool has rewritten
can't be told, and a text that differs only in a string or in an operator of the same length is taken for the same.
"""

from __future__ import annotations

import opcode
import re
import sys

from pyrometer.agent.codes import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType

    Reading = tuple[Callable[[bytes, object], bool], object, int, int, int | None]
    """How to compare, with what, and where: line, end column, column; None: anywhere before the end."""

MAX_INSTRUCTIONS = 50_000
"""Instructions of one code object that are compared."""
_MAX_HEAD = 200
"""Lines of decorators that are passed over."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD = re.compile(rb"\w+")
_DIGITS = re.compile(rb"[1-9][0-9]*|0")
_HEAD = re.compile(rb"\s*(?:async\s+)?(?:def|class)\s+(\w+)")
_UNWRITTEN = frozenset(("__annotations__", "__class__", "__conditional_annotations__", "__classdict__"))
"""Names that the compiler itself reads, at places where they do not stand."""


def is_written_so(code: CodeType, lines: Sequence[bytes]) -> bool:
    """Whether a code object's names and numbers stand where it says, in the lines of a file."""
    last = len(lines)
    for compare, value, line, end, start in _readings(code):
        if line > last or not compare(lines[line - 1][start:end], value):
            return False
    return _is_headed(code, lines)


def can_be_told(code: CodeType) -> bool:
    """Whether its text can be compared: it has columns, and no variables that only a tool makes up (`@py_assert1`)."""
    if name_of(code).endswith("__annotate__"):
        return False
    made_up = (name for name in code.co_varnames if name[:1] != "." and not name.isidentifier())
    return next(made_up, None) is None and any(position[2] is not None for position in code.co_positions())


def _readings(code: CodeType) -> Iterator[Reading]:
    """What the instructions read by name or number, each on one line."""
    text, arg = code.co_code, 0
    for at, (line, end_line, start, end) in enumerate(code.co_positions()):
        if at >= MAX_INSTRUCTIONS:
            return
        number, arg = text[2 * at], arg << 8 | text[2 * at + 1]
        if number == _EXTENDED_ARG:
            continue
        shift = _NAMED.get(number)
        if end_line and end and start is not None:
            if shift is not None:
                yield _ends_with, code.co_names[arg >> shift], end_line, end, None
            elif line != end_line:
                pass
            elif number in _OWN_VARIABLES:
                names, index = code.co_varnames, arg >> _OWN_VARIABLES[number]
                yield _holds, names[index] if index < len(names) else "", end_line, end, start
            elif number in _OTHER_VARIABLES:
                yield _holds, code.co_names[arg >> _OTHER_VARIABLES[number]], end_line, end, start
            elif number in _CONSTANTS:
                yield _is_number, arg if number == _SMALL_INT else code.co_consts[arg], end_line, end, start
        arg = 0


def _holds(text: bytes, value: object) -> bool:
    """Whether a variable is read there: its name stands for it, or, where the compiler put a call, is in it."""
    name = str(value)
    if text == name.encode() or name in _UNWRITTEN or not _NAME.fullmatch(name):
        return True
    words = _WORD.findall(text)
    return not text.isascii() or any(word == b"super" or _is_same(word, name) for word in words)


def _ends_with(text: bytes, value: object) -> bool:
    """Whether an attribute's name stands before a column."""
    name = str(value)
    if not _NAME.fullmatch(name) or text.endswith(name.encode()) or name == "join":  # so long f-strings are made
        return True
    private = name.find("__", 1)
    return private > 0 and text.endswith(name[private:].encode())


def _is_same(word: bytes, name: str) -> bool:
    """Whether a word is a name as it is written; that of a class's own attribute (`__total`) is longer than that."""
    return word == name.encode() or (word.startswith(b"__") and name.encode().endswith(word))


def _is_number(text: bytes, value: object) -> bool:
    return type(value) is not int or not _DIGITS.fullmatch(text) or int(text) == value


def _is_headed(code: CodeType, lines: Sequence[bytes]) -> bool:
    """Whether a function begins where it says: with its decorators, or with `def` and its name."""
    name, first = name_of(code).rpartition(".")[2], code.co_firstlineno
    if first > len(lines):
        return False
    if not _NAME.fullmatch(name):
        return name != "<lambda>" or b"lambda" in lines[first - 1]
    if not lines[first - 1].lstrip().startswith(b"@"):
        head = _HEAD.match(lines[first - 1])
        if (
            head is None or b"[" in lines[first - 1]
        ):  # `type Pair = ...` and bounds of type parameters are functions too
            return name.encode() in _WORD.findall(lines[first - 1])
        return _is_same(head[1], name)
    heads = (_HEAD.match(text) for text in lines[first : first + _MAX_HEAD])
    found = next((head for head in heads if head), None)
    return found is None or _is_same(found[1], name)


_opmap = opcode.opmap
_EXTENDED_ARG = _opmap["EXTENDED_ARG"]
_SMALL_INT = _opmap.get("LOAD_SMALL_INT", -1)
_CONSTANTS = frozenset((_opmap["LOAD_CONST"], _SMALL_INT))
_OWN = {
    **dict.fromkeys(("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW"), 0),
    # Two in one, at the place of the first.
    **dict.fromkeys(("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW"), 4),
}
_OWN_VARIABLES = {_opmap[name]: shift for name, shift in _OWN.items() if name in _opmap}
_OTHER_VARIABLES = {_opmap["LOAD_GLOBAL"]: 1, _opmap["LOAD_NAME"]: 0}
"""Instructions that read a variable, the function's own or another, and how far the index of its name is shifted."""
_NAMED = {_opmap["LOAD_ATTR"]: 1 if sys.version_info >= (3, 12) else 0}
"""Instructions that read an attribute, and how far the index of its name is shifted."""
if sys.version_info < (3, 12):
    _NAMED[_opmap["LOAD_METHOD"]] = 0
