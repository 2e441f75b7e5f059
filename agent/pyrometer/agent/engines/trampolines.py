"""Every exception that a function of CPython 3.11 sees, led through a callback by its exception table.

Nothing before the end of the code changes: the regions' handlers become trampolines behind it, and the gaps between the
regions get one that ends where exceptions leave the function.

    T:    LOAD_CONST guard; POP_JUMP_FORWARD_IF_FALSE out      a constant that is tested: one store switches all
          PUSH_NULL; LOAD_CONST callback; COPY 3
          PRECALL 1; CALL 1; POP_TOP
    out:  JUMP_BACKWARD_NO_INTERRUPT handler                   or RERAISE 1, which leaves the function
    late: LOAD_CONST RecursionError; CHECK_EXC_MATCH           what comes out of the call itself
          POP_JUMP_FORWARD_IF_TRUE drop
          SWAP 2                                               a signal's: it takes the exception's place
    drop: POP_TOP
          JUMP_BACKWARD_NO_INTERRUPT out

What the function only raises again, at the end of its own handlers, has been seen: those instructions keep their handlers.
"""

from __future__ import annotations

from typing import NamedTuple

from pyrometer.agent.engines.assembly import Handler, Instruction, encode, lay_out, op, regions_of
from pyrometer.agent.engines.tables import UNIT, Region, encode_exception_table, nowhere, parse_exception_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import CodeType

    from pyrometer.agent.engines.switches import Guard

_MORE_STACK = 4
_AGAIN = tuple(op[name] for name in ("RERAISE", "END_ASYNC_FOR") if name in op)
_RAISE = op["RAISE_VARARGS"]


class _Way(NamedTuple):
    """Where exceptions of some instructions go; without a target they leave the function."""

    target: int | None
    depth: int
    lasti: bool


_OUT = _Way(None, 0, lasti=True)


def divert_exceptions(code: CodeType, callback: Callable[[BaseException], object], guard: Guard) -> CodeType:
    """A code object that calls `callback` with each exception that comes up in it, while `guard` is on.

    The callback must not raise but for a signal.
    """
    first = len(code.co_consts)
    stretches = list(_stretches(code.co_code, parse_exception_table(code.co_exceptiontable)))
    ways = dict.fromkeys(way for *_, way, again in stretches if not again)
    builder = _Tail(len(code.co_code), guard=first, callback=first + 1, recursion_error=first + 2)
    entries = {way: builder.add(way) for way in ways}
    builder.lay_out()
    return code.replace(
        co_code=code.co_code + encode(builder.instructions),
        co_consts=(*code.co_consts, guard, callback, RecursionError),
        co_stacksize=code.co_stacksize + _MORE_STACK,
        co_linetable=code.co_linetable + nowhere(builder.size),
        co_exceptiontable=encode_exception_table([*_led(stretches, entries), *regions_of(builder.instructions)]),
    )


def _stretches(text: bytes, regions: Iterable[Region]) -> Iterator[tuple[int, int, _Way, bool]]:
    """(start, end, way, whether it only raises again) of the whole code, in order."""
    again = _raised_again(text)
    covered = 0
    for region in regions:
        yield from _cut(covered, region.start, _OUT, again)
        yield from _cut(region.start, region.end, _Way(region.target, region.depth, region.lasti), again)
        covered = region.end
    yield from _cut(covered, len(text), _OUT, again)


def _raised_again(text: bytes) -> list[int]:
    """Offsets of the instructions that raise what the function has in hand. Caches read as zeros."""
    numbers = text[::UNIT]
    found = [_all_of(numbers, number) for number in _AGAIN]
    bare = [offset for offset in _all_of(numbers, _RAISE) if text[offset + 1] == 0]
    return sorted(offset for offsets in (*found, bare) for offset in offsets)


def _all_of(numbers: bytes, number: int) -> list[int]:
    offsets, at = [], numbers.find(number)
    while at >= 0:
        offsets.append(at * UNIT)
        at = numbers.find(number, at + 1)
    return offsets


def _cut(start: int, end: int, way: _Way, again: Sequence[int]) -> Iterator[tuple[int, int, _Way, bool]]:
    for offset in again:
        if start <= offset < end:
            if start < offset:
                yield start, offset, way, False
            yield offset, offset + UNIT, way, True
            start = offset + UNIT
    if start < end:
        yield start, end, way, False


def _led(stretches: Iterable[tuple[int, int, _Way, bool]], entries: dict[_Way, Instruction]) -> Iterator[Region]:
    """The exception table of the original instructions."""
    for start, end, way, again in stretches:
        if not again:
            yield Region(start, end, entries[way].offset, way.depth, way.lasti)
        elif way.target is not None:
            yield Region(start, end, way.target, way.depth, way.lasti)


class _Tail:
    """The trampolines behind the code."""

    def __init__(self, start: int, *, guard: int, callback: int, recursion_error: int) -> None:
        self._start = start
        self._guard = guard
        self._callback = callback
        self._recursion_error = recursion_error
        self.instructions: list[Instruction] = []

    def add(self, way: _Way) -> Instruction:
        """Append a trampoline; return its entry."""
        out = _exit(way)
        late, drop = Instruction(op["LOAD_CONST"], self._recursion_error), Instruction(op["POP_TOP"])
        handler = Handler(late, way.depth + way.lasti + 1, lasti=False)
        entry = Instruction(op["LOAD_CONST"], self._guard)
        self.instructions += [
            entry,
            Instruction(op["POP_JUMP_FORWARD_IF_FALSE"], target=out),
            Instruction(op["PUSH_NULL"], handler=handler),
            Instruction(op["LOAD_CONST"], self._callback, handler=handler),
            Instruction(op["COPY"], 3, handler=handler),
            Instruction(op["PRECALL"], 1, handler=handler),
            Instruction(op["CALL"], 1, handler=handler),
            Instruction(op["POP_TOP"], handler=handler),
            out,
            late,
            Instruction(op["CHECK_EXC_MATCH"]),
            Instruction(op["POP_JUMP_FORWARD_IF_TRUE"], target=drop),
            Instruction(op["SWAP"], 2),
            drop,
            Instruction(op["JUMP_BACKWARD_NO_INTERRUPT"], target=out),
        ]
        return entry

    def lay_out(self) -> None:
        """Give all of it its place."""
        lay_out(self.instructions, self._start)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.instructions[-1].end - self._start


def _exit(way: _Way) -> Instruction:
    if way.target is None:
        return Instruction(op["RERAISE"], 1)
    handler = Instruction(op["NOP"])  # stands for the service's handler: only its place matters
    handler.offset = way.target
    return Instruction(op["JUMP_BACKWARD_NO_INTERRUPT"], target=handler)
