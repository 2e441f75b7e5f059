"""What holds at an instruction on every way that leads there: the stack's height, and which locals have a value."""

from __future__ import annotations

import opcode
from itertools import pairwise

from pyrometer.agent.engines.assembly import ENDS, op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyrometer.agent.engines.assembly import Instruction

_HAVE_ARGUMENT = opcode.HAVE_ARGUMENT


def stack_depths(instructions: Sequence[Instruction]) -> dict[Instruction, int]:
    """The stack's height before each instruction that can be reached."""
    following = dict(pairwise(instructions))
    depths: dict[Instruction, int] = {}
    waiting = [(instructions[0], 0)]
    while waiting:
        instruction, depth = waiting.pop()
        if instruction in depths:
            continue
        depths[instruction] = depth
        handler = instruction.handler
        if handler is not None:
            waiting.append((handler.target, handler.depth + handler.lasti + 1))
        if instruction.target is not None:
            waiting.append((instruction.target, depth + _effect(instruction, jump=True)))
        if instruction.op not in ENDS and instruction in following:
            waiting.append((following[instruction], depth + _effect(instruction, jump=False)))
    return depths


def _effect(instruction: Instruction, *, jump: bool) -> int:
    if instruction.op == op.get("RETURN_GENERATOR"):
        return 1  # what is sent in first; `stack_effect` leaves it out, and the POP_TOP that follows needs it
    return opcode.stack_effect(instruction.op, instruction.arg if instruction.op >= _HAVE_ARGUMENT else None, jump=jump)


def assigned_locals(instructions: Sequence[Instruction], bound: Iterable[int]) -> dict[Instruction, int]:
    """The locals that certainly have a value before each instruction, as a bit set of their indices.

    Args:
        instructions: all of the function's.
        bound: indices of the parameters: what is bound at the start.
    """
    following = dict(pairwise(instructions))
    start = sum(1 << index for index in bound)
    before: dict[Instruction, int] = {}
    waiting = [(instructions[0], start)]
    while waiting:
        instruction, state = waiting.pop()
        known = before.get(instruction)
        merged = state if known is None else known & state
        if merged == known:
            continue
        before[instruction] = merged
        if instruction.handler is not None:
            waiting.append((instruction.handler.target, merged))
        after = _after(instruction, merged)
        if instruction.target is not None:
            waiting.append((instruction.target, after))
        if instruction.op not in ENDS and instruction in following:
            waiting.append((following[instruction], after))
    return before


def _after(instruction: Instruction, state: int) -> int:
    if instruction.op == op["STORE_FAST"]:
        return state | 1 << instruction.arg
    if instruction.op == op["DELETE_FAST"]:
        return state & ~(1 << instruction.arg)
    return state
