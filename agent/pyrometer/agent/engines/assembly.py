"""Bytecode of CPython 3.11 as instructions that know where they jump and who handles their exceptions, and back.

`dis` is not used: it pulls `inspect` and more into the service. An instruction keeps its own handler, so one that is
put between two others says for itself what covers it, and the exception table follows from that.
"""

from __future__ import annotations

import opcode

from pyrometer.agent.tables import (
    NOWHERE,
    UNIT,
    Position,
    Region,
    decoded,
    encode_exception_table,
    encode_positions,
    parse_exception_table,
)
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import CodeType
    from typing import Any

op = opcode.opmap
CACHES: list[int] = getattr(opcode, "_inline_cache_entries", [0] * 256)
"""Cache entries that follow an instruction, by opcode."""
_RELATIVE = frozenset(opcode.hasjrel)
_BACKWARD = frozenset(number for name, number in op.items() if "BACKWARD" in name)
_EXTENDED_ARG = op["EXTENDED_ARG"]
ENDS = frozenset(
    op[name]
    for name in (
        "RETURN_VALUE",
        "RAISE_VARARGS",
        "RERAISE",
        "JUMP_FORWARD",
        "JUMP_BACKWARD",
        "JUMP_BACKWARD_NO_INTERRUPT",
    )
    if name in op
)
"""Instructions that the next one does not follow."""


class Handler(NamedTuple):
    """Where an instruction's exception goes."""

    target: Instruction
    depth: int
    lasti: bool


class Instruction:
    """One instruction. Compared by identity: it is a place as well as a value."""

    __slots__ = ("arg", "end", "handler", "offset", "op", "position", "target", "wide")

    def __init__(
        self,
        op: int,
        arg: int = 0,
        *,
        target: Instruction | None = None,
        position: Position = NOWHERE,
        handler: Handler | None = None,
    ) -> None:
        self.op = op
        self.arg = arg
        self.target = target
        """Where it jumps; `arg` is then computed."""
        self.position = position
        self.handler = handler
        self.wide = 0
        """EXTENDED_ARG prefixes."""
        self.offset = 0
        self.end = 0

    def place(self, offset: int) -> int:
        """Put it at an offset, prefixes first; return where the next one goes."""
        self.offset = offset
        self.end = offset + UNIT * (self.wide + 1 + CACHES[self.op])
        return self.end

    def fit(self) -> bool:
        """Compute a jump's argument; say whether it became wider, so that all must be placed again."""
        if self.target is not None:
            gap = self.end - self.target.offset if self.op in _BACKWARD else self.target.offset - self.end
            if gap < 0:
                raise ValueError(f"{opcode.opname[self.op]} can't reach its target")
            self.arg = gap // UNIT
        wide = max(self.wide, (max(self.arg.bit_length(), 1) - 1) // 8)
        grown, self.wide = wide > self.wide, wide
        return grown


def disassemble(code: CodeType) -> list[Instruction]:
    """The instructions of a code object, with jumps and handlers resolved."""
    by_offset: dict[int, Instruction] = {}
    positions = [Position(*position) for position in code.co_positions()]
    for start, number, arg, end in decoded(code.co_code):
        instruction = Instruction(number, arg, position=positions[start // UNIT])
        instruction.offset, instruction.end = start, end
        by_offset[start] = instruction
    for instruction in by_offset.values():
        if instruction.op in _RELATIVE:
            step = -UNIT * instruction.arg if instruction.op in _BACKWARD else UNIT * instruction.arg
            instruction.target = by_offset[instruction.end + step]
    instructions = list(by_offset.values())
    _resolve_handlers(instructions, by_offset, parse_exception_table(code.co_exceptiontable))
    return instructions


def _resolve_handlers(
    instructions: list[Instruction], by_offset: dict[int, Instruction], regions: list[Region]
) -> None:
    remaining = iter(regions)
    region = next(remaining, None)
    handler: Handler | None = None
    for instruction in instructions:
        while region is not None and instruction.offset >= region.end:
            region, handler = next(remaining, None), None
        if region is None:
            return
        if instruction.offset >= region.start:
            handler = handler or Handler(by_offset[region.target], region.depth, region.lasti)
            instruction.handler = handler


def assemble(code: CodeType, instructions: list[Instruction], *, more_stack: int, **replaced: Any) -> CodeType:
    """A code object like `code` with these instructions.

    Args:
        more_stack: entries that the stack may grow by over `code`'s.
        replaced: other attributes to replace: `co_consts`.
    """
    lay_out(instructions)
    return code.replace(
        co_code=encode(instructions),
        co_exceptiontable=encode_exception_table(regions_of(instructions)),
        co_linetable=encode_positions(
            code.co_firstlineno, ((each.position, each.end - each.offset) for each in instructions)
        ),
        co_stacksize=code.co_stacksize + more_stack,
        **replaced,
    )


def lay_out(instructions: Sequence[Instruction], start: int = 0) -> None:
    """Give each instruction its place, from an offset on, and each jump its argument."""
    grown = True
    while grown:
        offset = start
        for instruction in instructions:
            offset = instruction.place(offset)
        grown = False
        for instruction in instructions:
            grown |= instruction.fit()


def encode(instructions: Iterable[Instruction]) -> bytes:
    """The bytes of instructions that are laid out."""
    text = bytearray()
    for instruction in instructions:
        for shift in range(8 * instruction.wide, 0, -8):
            text += bytes((_EXTENDED_ARG, instruction.arg >> shift & 255))
        text += bytes((instruction.op, instruction.arg & 255))
        text += bytes(UNIT * CACHES[instruction.op])
    return bytes(text)


def regions_of(instructions: Iterable[Instruction]) -> Iterator[Region]:
    """The exception table that follows from each instruction's handler."""
    opened: tuple[int, Handler] | None = None
    end = 0
    for instruction in instructions:
        if opened is not None and instruction.handler != opened[1]:
            yield _region(*opened, end)
            opened = None
        if opened is None and instruction.handler is not None:
            opened = (instruction.offset, instruction.handler)
        end = instruction.end
    if opened is not None:
        yield _region(*opened, end)


def _region(start: int, handler: Handler, end: int) -> Region:
    return Region(start, end, handler.target.offset, handler.depth, handler.lasti)
