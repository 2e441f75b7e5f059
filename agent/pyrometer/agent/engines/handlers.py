"""What the bytecode says of a handler: how far it reaches, whether it can end an exception, and where it stands.

A handler runs from where the exception table leads to its POP_EXCEPT. What it calls is no part of it, but handlers
within it are: `except P: try: … except Q: …` still has P in hand while it deals with Q.
"""

from __future__ import annotations

import opcode
from itertools import islice

from pyrometer.agent.tables import UNIT, Region, decoded, parse_exception_table
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

MAX_STEPS = 20_000
"""Instructions of a handler that are walked through; of a longer one nobody knows where it ends."""
MAX_KEPT = 64
"""Code objects whose instructions are remembered."""
_MAX_LINES = 200
_TRAMPOLINE = 4
"""Instructions from a trampoline's call to where it goes on, at most."""

_op = opcode.opmap
_NAMES = {number: name for name, number in _op.items()}
_RELATIVE = frozenset(opcode.hasjrel)
_BACKWARD = frozenset(number for name, number in _op.items() if "BACKWARD" in name)
_JUMPS = frozenset(_op[name] for name in ("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT") if name in _op)
_AGAIN = frozenset(_op[name] for name in ("RERAISE", "RAISE_VARARGS"))
_ENDS = _AGAIN | frozenset(_op[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in _op)
_PUSH, _POP = _op["PUSH_EXC_INFO"], _op["POP_EXCEPT"]


class _Step(NamedTuple):
    """An instruction: where it begins, with its prefixes, and where the next one does."""

    op: int
    target: int | None
    """Where it may jump."""
    following: int


class _Code(NamedTuple):
    code: CodeType
    steps: dict[int, _Step]
    regions: list[Region]
    reaches: dict[int, frozenset[int]]


class Handlers:
    """Answers for code objects, and remembers the latest of them. Use it on one thread."""

    def __init__(self) -> None:
        self._known: dict[int, _Code] = {}

    def is_in(self, code: CodeType, handler: int, lasti: int) -> bool:
        """Whether a frame at `lasti` is in the handler at an offset, or about to leave it by raising.

        On 3.11 and 3.12 `f_lasti` may be within an instruction.
        """
        known = self._of(code)
        start = self._start(known, lasti)
        return start in self._reach(known, handler) or known.steps[start].op in _AGAIN

    def is_within(self, code: CodeType, handler: int, lasti: int) -> bool:
        """Whether a frame at `lasti` is in the handler at an offset."""
        return self._start(self._of(code), lasti) in self._reach(self._of(code), handler)

    def jump_after(self, code: CodeType, lasti: int) -> int | None:
        """Where a trampoline of ours goes on after its call at `lasti`: a handler; None: out of the function."""
        known = self._of(code)
        offset = self._start(known, lasti)
        for _ in range(_TRAMPOLINE):
            step = known.steps.get(offset)
            if step is None or step.op in _AGAIN:
                return None
            if step.op in _JUMPS:
                return step.target
            offset = step.following
        return None

    def is_unplaced(self, code: CodeType, lasti: int) -> bool:
        """Whether the instruction at `lasti` has no line: what was put behind the code has none."""
        position = next(islice(code.co_positions(), lasti // UNIT, None), (None,))
        return position[0] is None

    def has(self, code: CodeType, handler: int, offset: int) -> bool:
        """Whether the handler at an offset contains another one, at `offset`."""
        return offset in self._reach(self._of(code), handler)

    def around(self, code: CodeType, lasti: int) -> int | None:
        """The handler that an exception at `lasti` goes to; None: it leaves the function."""
        return next((one.target for one in self._of(code).regions if one.start <= lasti < one.end), None)

    def can_end(self, code: CodeType, handler: int) -> bool:
        """Whether an exception may be over in the handler at an offset: `finally` alone only passes it on."""
        known = self._of(code)
        reach = self._reach(known, handler)
        ends = (known.steps[offset] for offset in reach)
        return any(
            (step.op == _POP and known.steps.get(step.following, step).op not in _AGAIN)
            or (step.op in _ENDS and step.op not in _AGAIN)
            for step in ends
        )

    def _start(self, known: _Code, lasti: int) -> int:
        while lasti > 0 and lasti not in known.steps:
            lasti -= UNIT
        return max(lasti, 0)

    def _of(self, code: CodeType) -> _Code:
        known = self._known.get(id(code))
        if known is None:
            if len(self._known) >= MAX_KEPT:
                self._known.clear()
            known = _Code(code, _steps(code.co_code), parse_exception_table(code.co_exceptiontable), {})
            self._known[id(code)] = known
        return known

    def _reach(self, known: _Code, handler: int) -> frozenset[int]:
        reach = known.reaches.get(handler)
        if reach is None:
            reach = known.reaches[handler] = _walk(known, handler)
        return reach


def line_of_handler(code: CodeType, offset: int) -> int:
    """The line that a handler begins on: its first instructions have none."""
    positions = islice(code.co_positions(), offset // UNIT, offset // UNIT + _MAX_LINES)
    return next((line for line, *_ in positions if line), code.co_firstlineno)


def _steps(text: bytes) -> dict[int, _Step]:
    """The instructions, by where they begin."""
    found: dict[int, _Step] = {}
    for start, op, arg, end in decoded(text):
        gap = UNIT * arg
        target = None if op not in _RELATIVE else end - gap if op in _BACKWARD else end + gap
        found[start] = _Step(op, target, end)
    return found


def _walk(known: _Code, handler: int) -> frozenset[int]:
    """Offsets of the instructions that run with the handler's exception in hand; its first one in any case.

    `depth` counts the exceptions in hand since it began: nested handlers take another one.
    """
    reach = {handler}
    height = min((one.depth for one in known.regions if one.target == handler), default=0)
    seen: set[tuple[int, int]] = set()
    waiting = [(handler, 0)]
    while waiting and len(seen) < MAX_STEPS:
        offset, depth = waiting.pop()
        step = known.steps.get(offset)
        if step is None or (offset, depth) in seen:
            continue
        seen.add((offset, depth))
        if step.op == _PUSH:
            depth += 1
        elif step.op == _POP:
            reach.add(offset)
            depth -= 1
        if depth <= 0:
            continue
        reach.add(offset)
        waiting += [(target, depth) for target in _ways(known, offset, step, height)]
    return frozenset(reach)


def _ways(known: _Code, offset: int, step: _Step, height: int) -> list[int]:
    """Where a frame may go from an instruction; by an exception too, where that has the stack higher than `height`.

    What a handler has in hand lies on the stack: a handler that has it cut lower is one further out.
    """
    ways = [one.target for one in known.regions if one.start <= offset < one.end and one.depth > height]
    if step.target is not None:
        ways.append(step.target)
    if step.op not in _ENDS and step.op not in _JUMPS:
        ways.append(step.following)
    return ways
