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

What the function only raises again, at the end of its own handlers, has been seen: those instructions keep their
handlers, or, where somebody follows exceptions, have trampolines of the same form with a callback of their own.
"""

from __future__ import annotations

from pyrometer.agent.engines.assembly import CACHES, op
from pyrometer.agent.tables import UNIT, Region, encode_exception_table, nowhere, parse_exception_table
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import CodeType

    from pyrometer.agent.engines.switches import Guard

_MORE_STACK = 4
_RERAISE, _RAISE, _END_ASYNC_FOR = op["RERAISE"], op["RAISE_VARARGS"], op["END_ASYNC_FOR"]


class _Way(NamedTuple):
    """Where exceptions of some instructions go; without a target they leave the function."""

    target: int | None
    depth: int
    lasti: bool


_OUT = _Way(None, 0, lasti=True)


def divert_exceptions(
    code: CodeType,
    callback: Callable[[BaseException], object],
    guard: Guard,
    again: Callable[[BaseException], object] | None = None,
) -> CodeType:
    """A code object that calls `callback` with each exception that comes up in it, while `guard` is on.

    `again` is called with those that it raises again. Neither must raise but for a signal.
    """
    text = code.co_code
    stretches = list(_stretches(text, parse_exception_table(code.co_exceptiontable)))
    lines = _Lines(code)
    led = [
        each for each in stretches if not each[3] or (again is not None and _may_lead_again(text, lines, *each[::2]))
    ]
    tail = _Tail(len(text), len(code.co_consts))
    entries = {key: tail.add(*key) for key in dict.fromkeys(each[2:] for each in led)}
    return code.replace(
        co_code=text + bytes(tail.text),
        co_consts=(*code.co_consts, guard, callback, RecursionError, again),
        co_stacksize=code.co_stacksize + _MORE_STACK,
        co_linetable=code.co_linetable + nowhere(len(tail.text)),
        co_exceptiontable=encode_exception_table([*_led(stretches, entries), *tail.regions]),
    )


def _may_lead_again(text: bytes, lines: _Lines, start: int, way: _Way) -> bool:
    """Whether what is raised again there may be led through a trampoline.

    Where a loop over what is asynchronous ends, nothing is raised. And from a line to a handler on the same one a
    tracer sees no step: from a trampoline, which has no line, it would see one.
    """
    if text[start] not in (_RERAISE, _RAISE):
        return False
    line = None if way.target is None else lines.of(way.target)
    return line is None or line != lines.of(start)


class _Lines:
    """The lines of a code object's instructions."""

    def __init__(self, code: CodeType) -> None:
        self._code = code
        self._by_unit: list[int | None] = []

    def of(self, offset: int) -> int | None:
        """The line of an instruction; None: it has none."""
        if not self._by_unit:  # most functions raise nothing again, and need no table
            for start, end, line in self._code.co_lines():
                self._by_unit += [line] * ((end - start) // UNIT)
        return self._by_unit[offset // UNIT]


def _stretches(text: bytes, regions: Iterable[Region]) -> Iterator[tuple[int, int, _Way, bool]]:
    """(start, end, way, whether exceptions are left to it) of the whole code, in order."""
    again = _raised_again(text)
    covered = 0
    for region in regions:
        yield from _cut(covered, region.start, _OUT, again)
        way = _Way(region.target, region.depth, region.lasti)
        if text[region.target] == _END_ASYNC_FOR:  # it ends the loop or raises, and is seen there if it raises
            yield region.start, region.end, way, True
        else:
            yield from _cut(region.start, region.end, way, again)
        covered = region.end
    yield from _cut(covered, len(text), _OUT, again)


def _raised_again(text: bytes) -> list[int]:
    """Offsets of the instructions that raise what the function has in hand. Caches read as zeros."""
    numbers = text[::UNIT]
    bare = [offset for offset in _all_of(numbers, _RAISE) if text[offset + 1] == 0]
    return sorted([*_all_of(numbers, _RERAISE), *bare])


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


def _led(stretches: Iterable[tuple[int, int, _Way, bool]], entries: dict[tuple[_Way, bool], int]) -> Iterator[Region]:
    """The exception table of the original instructions."""
    for start, end, way, again in stretches:
        if (way, again) in entries:
            yield Region(start, end, entries[way, again], way.depth, way.lasti)
        elif way.target is not None:
            yield Region(start, end, way.target, way.depth, way.lasti)


class _Template(NamedTuple):
    """What all trampolines of a function have in common."""

    test: bytes
    call: bytes
    late: bytes


_templates: dict[tuple[int, bool], _Template] = {}
"""By the number of the function's own constants, and whether it is for what is raised again."""


def _template(constants: int, *, again: bool) -> _Template:
    """Where the guard, the callback, RecursionError and the other callback come after so many constants."""
    known = _templates.get((constants, again))
    if known is not None:
        return known
    callback, recursion_error = constants + (3 if again else 1), constants + 2
    call = _units(("PUSH_NULL", 0), ("LOAD_CONST", callback), ("COPY", 3), ("PRECALL", 1), ("CALL", 1), ("POP_TOP", 0))
    test = _units(("LOAD_CONST", constants), ("POP_JUMP_FORWARD_IF_FALSE", len(call) // UNIT))
    late = _units(
        ("LOAD_CONST", recursion_error),
        ("CHECK_EXC_MATCH", 0),
        ("POP_JUMP_FORWARD_IF_TRUE", 1),
        ("SWAP", 2),
        ("POP_TOP", 0),
    )
    return _templates.setdefault((constants, again), _Template(test, call, late))


class _Tail:
    """The trampolines behind the code, as they are written: by the thousand, and so without a step between."""

    def __init__(self, start: int, constants: int) -> None:
        self.text = bytearray()
        self.regions: list[Region] = []
        self._start = start
        self._constants = constants

    def add(self, way: _Way, again: bool) -> int:  # noqa: FBT001 - a key, as it comes
        """Append a trampoline; return the offset of its entry."""
        test, call, late = _template(self._constants, again=again)
        entry = self._start + len(self.text)
        calls = entry + len(test)
        out = calls + len(call)
        leaving = _unit("RERAISE", 1) if way.target is None else _jump_back(out, way.target)
        dropping = out + len(leaving)
        self.text += test + call + leaving + late + _jump_back(dropping + len(late), out)
        self.regions.append(Region(calls, out, dropping, way.depth + way.lasti + 1, lasti=False))
        return entry


def _units(*instructions: tuple[str, int]) -> bytes:
    return b"".join(_unit(name, arg) for name, arg in instructions)


def _unit(name: str, arg: int = 0) -> bytes:
    """An instruction with its prefixes and caches."""
    prefixes = b"".join(bytes((op["EXTENDED_ARG"], arg >> shift & 255)) for shift in (24, 16, 8) if arg >> shift)
    return prefixes + bytes((op[name], arg & 255)) + bytes(UNIT * CACHES[op[name]])


def _jump_back(start: int, target: int) -> bytes:
    """A jump from an offset back to another; it counts from its own end."""
    size = UNIT
    while True:
        jump = _unit("JUMP_BACKWARD_NO_INTERRUPT", (start + size - target) // UNIT)
        if len(jump) == size:
            return jump
        size = len(jump)
