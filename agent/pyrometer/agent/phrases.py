"""What the bytecode says of a place: the expression that a `with` was given, or whose method was being called.

`with self.ledger.lock:` and `queue.get()` name the thing that a thread waits for, where a lock itself has no name. An
expression is read backwards from the instruction that uses it; only variables, attributes and constant indices are
understood, which is also what can be evaluated without running any of the service's code.
"""

from __future__ import annotations

import opcode
import sys
from types import CellType

from pyrometer.agent.attributes import read_attribute
from pyrometer.agent.frames import local_names
from pyrometer.agent.mappings import ABSENT, Unreadable, find
from pyrometer.agent.tables import UNIT, Region, parse_exception_table
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType

    from pyrometer.agent.slots import Slots

_WINDOW = 128
"""Code units before an instruction that are looked at."""
_MAX_TEXT = 120
_MAX_STEPS = 12
_MAX_ARGUMENTS = 6
_CHAIN = 10
"""Handlers around an instruction, one within the other, that are looked at."""

_op = opcode.opmap
_NAMES = {number: name for name, number in _op.items()}
_NEWER, _NEWEST = sys.version_info >= (3, 12), sys.version_info >= (3, 14)
_VARIABLES = frozenset(
    ("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_DEREF", "LOAD_GLOBAL", "LOAD_NAME", "LOAD_CLASSDEREF")
)
_CALLS = frozenset(("CALL", "CALL_KW", "PRECALL"))
_IGNORED = frozenset(("CACHE", "NOP", "PUSH_NULL", "KW_NAMES", "PRECALL", "RESUME", "NOT_TAKEN"))
_PAIRS = {
    "LOAD_FAST_LOAD_FAST": "LOAD_FAST",
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": "LOAD_FAST_BORROW",
    "STORE_FAST_LOAD_FAST": "LOAD_FAST",
}
"""Instructions that are two in one, and which of the two kinds the last one is."""
_SUBSCRIPT = 26
"""Argument of 3.14's BINARY_OP that makes it `a[b]`."""


class Step(NamedTuple):
    """A part of an expression: "variable", "constant", "attribute" or "item"; the first is one of the first two."""

    kind: str
    value: object
    """The variable's or attribute's name, the constant, or the index."""


class Entry(NamedTuple):
    """A `with` that a frame is in, or is entering."""

    slot: int
    """Number of the slot that holds how it is left: see `manager_in`."""
    body: int
    """Offset of its body's first instruction."""


class Kept(NamedTuple):
    """A `try` that follows `x.acquire()` and whose `finally` calls `x.release()`: what is in it has got x."""

    subject: tuple[Step, ...]
    acquire: int
    """Offset of the call."""


class Call(NamedTuple):
    """A method being called, as far as the bytecode tells."""

    receiver: tuple[Step, ...]
    """Empty where it is not understood."""
    method: str
    """Empty where a plain name is called: then `receiver` is what is called."""
    limited: bool
    """Whether it was given a timeout, or may have been: a second argument, or one of that name."""


def text_of(steps: tuple[Step, ...]) -> str:
    """An expression as its author wrote it, more or less; empty where there is none."""
    text = ""
    for kind, value in steps:
        if kind == "attribute":
            text += f".{value}"
        elif kind == "item":
            text += f"[{value!r}]"
        else:
            text += str(value)
    return text[:_MAX_TEXT]


def evaluate(steps: tuple[Step, ...], frame: FrameType, lasti: int, slots: Slots) -> object:
    """What an expression means in a frame that stands at `lasti`; ABSENT where that can't be told."""
    if not steps or steps[0].kind != "variable":
        return ABSENT
    try:
        value = _variable(str(steps[0].value), frame, lasti, slots)
        for kind, part in steps[1:]:
            if value is ABSENT:
                return ABSENT
            value = read_attribute(value, str(part)) if kind == "attribute" else _item(value, part)
    except Unreadable:
        return ABSENT
    return value


class Site(NamedTuple):
    """What happens at an instruction: a `with` is entered, or a method called, or neither."""

    entry: Entry | None
    call: Call | None
    subject: tuple[Step, ...]
    """What the `with` was given, or whose method it is."""


def site_at(code: CodeType, lasti: int) -> Site:
    """What happens at an instruction."""
    entry = _entering(code, lasti)
    if entry is not None:
        return Site(entry, None, subject_of(code, entry))
    call = _call_at(code, lasti)
    return Site(None, call, () if call is None else call.receiver)


def _call_at(code: CodeType, lasti: int) -> Call | None:
    """What was being called at an instruction; None: nothing, or it is not understood."""
    found = _backwards(code, lasti + UNIT)
    if not found or found[0][0] not in _CALLS:
        return None
    arguments = found[0][1]
    if arguments > _MAX_ARGUMENTS:
        return None
    keywords, at = _keywords(code, found)
    for _ in range(arguments):
        _, at = _expression(code, found, at)
        if not at:
            return None
    return _called(code, found, at, limited=arguments > 1 or "timeout" in keywords)


def _entering(code: CodeType, lasti: int) -> Entry | None:
    """The `with` that is being entered at an instruction."""
    if not code.co_exceptiontable:
        return None
    body = lasti + UNIT
    raw = code.co_code
    while body < len(raw) and raw[body] == 0:  # inline caches
        body += UNIT
    for region in _regions(code):
        if region.start == body and _leaves_with(raw, region.target):
            return Entry(_first_slot(code) + region.depth - 1, body)
    return None


def entered(code: CodeType, lasti: int) -> list[Entry | Kept]:
    """Each `with`, and each `try` of a lock, whose body an instruction is in, the innermost first."""
    if not code.co_exceptiontable:
        return []
    raw, regions = code.co_code, _regions(code)
    found: list[Entry | Kept] = []
    at, seen = lasti, set()
    for _ in range(_CHAIN):
        region = next((each for each in regions if each.start <= at < each.end), None)
        if region is None or region.target in seen:
            break
        seen.add(region.target)
        body = min(each.start for each in regions if each.target == region.target)
        if _leaves_with(raw, region.target):
            found.append(Entry(_first_slot(code) + region.depth - 1, body))
        elif kept := _kept(code, body, region.target):
            found.append(kept)
        at = region.target
    return found


def subject_of(code: CodeType, entry: Entry) -> tuple[Step, ...]:
    """The expression that a `with` was given; empty where it is not understood."""
    found = _backwards(code, entry.body)
    at = 1
    if _NEWEST:  # CALL, LOAD_SPECIAL, SWAP, SWAP, LOAD_SPECIAL, COPY
        at = 6
    steps, _ = _expression(code, found, at)
    return steps


def line_of(code: CodeType, offset: int) -> int:
    """The line of an instruction; 0: it has none."""
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line or 0
    return 0


def _kept(code: CodeType, body: int, target: int) -> Kept | None:
    """The lock of a `try`, if it is taken just before its body and let go of, come what may, by its handler."""
    raw = code.co_code
    at = body - UNIT
    while at >= 0 and _NAMES.get(raw[at]) in ("CACHE", "NOP", "POP_TOP"):
        at -= UNIT
    taken = _call_at(code, at) if at >= 0 else None
    if taken is None or taken.method != "acquire" or taken.limited or not taken.receiver:
        return None
    end = target + UNIT
    while end < min(len(raw), target + _WINDOW * UNIT) and _NAMES.get(raw[end]) not in _CALLS:
        if "JUMP" in _NAMES.get(raw[end], ""):
            return None
        end += UNIT
    freed = _call_at(code, end)
    if freed is None or freed.method != "release" or freed.receiver != taken.receiver:
        return None
    return Kept(taken.receiver, at)


def _leaves_with(raw: bytes, target: int) -> bool:
    return raw[target : target + 1] == _PUSH and raw[target + UNIT : target + UNIT + 1] == _LEAVE


_PUSH = bytes((_op["PUSH_EXC_INFO"],))
_LEAVE = bytes((_op["WITH_EXCEPT_START"],))


def _regions(code: CodeType) -> list[Region]:
    return parse_exception_table(code.co_exceptiontable)


def _first_slot(code: CodeType) -> int:
    """The number of the value stack's first slot."""
    return len(local_names(code))


def _backwards(code: CodeType, end: int) -> list[tuple[str, int]]:
    """Instructions before an offset, the last one first, each with its argument; pairs taken apart."""
    raw = code.co_code
    found: list[tuple[str, int]] = []
    extended = 0
    for at in range(max(0, end - _WINDOW * UNIT), min(end, len(raw)), UNIT):
        name, argument = _NAMES.get(raw[at], ""), raw[at + 1] | extended << 8
        extended = argument if name == "EXTENDED_ARG" else 0
        if name in _PAIRS:
            if name[0] == "L":
                found.append((_PAIRS[name], argument >> 4))
            found.append((_PAIRS[name], argument & 15))
        elif raw[at] and name != "EXTENDED_ARG":
            found.append((name, argument))
    found.reverse()
    return found


def _keywords(code: CodeType, found: list[tuple[str, int]]) -> tuple[tuple[object, ...], int]:
    """Names of the arguments that a call is given by name, and the index after what says so."""
    at = 1
    if found[0][0] != "CALL_KW":
        while at < len(found) and found[at][0] in ("PRECALL", "CACHE"):
            at += 1
        if at >= len(found) or found[at][0] != "KW_NAMES":
            return (), 1
    names = code.co_consts[found[at][1]] if at < len(found) and found[at][0] in ("LOAD_CONST", "KW_NAMES") else ()
    return names if type(names) is tuple else (), at + 1


def _called(code: CodeType, found: list[tuple[str, int]], at: int, *, limited: bool) -> Call | None:
    at = _skip(found, at)
    if at >= len(found):
        return None
    name, argument = found[at]
    method = ""
    if name == "LOAD_METHOD":
        method = code.co_names[argument]
    elif _NEWER and name == "LOAD_ATTR" and argument & 1:
        method = code.co_names[argument >> 1]
    elif name == "LOAD_SUPER_ATTR" and argument & 1:
        return Call((), code.co_names[argument >> 2], limited)
    receiver, after = _expression(code, found, at + 1 if method else at)
    return Call(receiver, method, limited) if after or method else None


def _skip(found: list[tuple[str, int]], at: int) -> int:
    while at < len(found) and found[at][0] in _IGNORED:
        at += 1
    return at


def _expression(code: CodeType, found: list[tuple[str, int]], at: int) -> tuple[tuple[Step, ...], int]:
    """The expression whose last instruction stands at an index, and the index after it; 0: not understood."""
    steps: list[Step] = []
    while len(steps) < _MAX_STEPS and (at := _skip(found, at)) < len(found):
        name, argument = found[at]
        at += 1
        if name == "LOAD_ATTR":
            steps.append(Step("attribute", code.co_names[argument >> 1 if _NEWER else argument]))
        elif name == "BINARY_SUBSCR" or (name == "BINARY_OP" and argument == _SUBSCRIPT and _NEWEST):
            index = _constant(code, *found[at]) if at < len(found) else ABSENT
            if index is ABSENT:
                break
            steps.append(Step("item", index))
            at += 1
        else:
            first = _first(code, name, argument)
            return (tuple(reversed([*steps, first])), at) if first else ((), 0)
    return (), 0


def _first(code: CodeType, name: str, argument: int) -> Step | None:
    """What an expression begins with."""
    if name in _VARIABLES:
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            return Step("variable", code.co_names[argument >> 1 if name == "LOAD_GLOBAL" else argument])
        return Step("variable", local_names(code)[argument])
    constant = _constant(code, name, argument)
    return None if constant is ABSENT else Step("constant", constant)


def _constant(code: CodeType, name: str, argument: int) -> object:
    if name == "LOAD_SMALL_INT":
        return argument
    if name == "LOAD_CONST":
        value: object = code.co_consts[argument]
        return value if type(value) in (int, str, bool, float, type(None), tuple) else ABSENT
    return ABSENT


def _variable(name: str, frame: FrameType, lasti: int, slots: Slots) -> object:
    names = local_names(frame.f_code)
    if name in names:
        value = slots.read(frame, lasti, names.index(name))
        return _content(value) if type(value) is CellType else value
    for scope in (frame.f_globals, frame.f_builtins):
        if type(scope) is dict and (value := find(scope, name)) is not ABSENT:
            return value
    return ABSENT


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return ABSENT


def _item(value: object, index: object) -> object:
    """An element of an exact list, tuple or dictionary."""
    if type(value) is dict:
        return find(value, index)
    if (type(value) is list or type(value) is tuple) and type(index) is int:
        try:
            return value[index]
        except IndexError:
            return ABSENT
    return ABSENT
