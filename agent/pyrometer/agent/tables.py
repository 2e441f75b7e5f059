"""Bytecode as it lies there, and the two tables beside it: where exceptions go, which source an instruction is from.

The tables as CPython's `Objects/exception_handling_notes.txt` and `Objects/locations.md` describe them; the same since
3.11. Offsets are bytes.
"""

from __future__ import annotations

import opcode

from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

UNIT = 2
"""Bytes of a code unit: an opcode and its argument, or a cache entry."""

_CACHE = opcode.opmap.get("CACHE", 0)
_EXTENDED_ARG = opcode.opmap["EXTENDED_ARG"]
_LONG, _NO_COLUMNS, _NO_LOCATION = 14, 13, 15
_MOST_UNITS = 8
_LAST_SIX, _MORE, _BEGIN = 63, 64, 128


class Region(NamedTuple):
    """Instructions whose exceptions go to the handler at `target`."""

    start: int
    end: int
    target: int
    depth: int
    """Height that the stack is cut to first."""
    lasti: bool
    """Whether the offset of the instruction is pushed before the exception."""


class Position(NamedTuple):
    """A stretch of source; all None for an instruction that has none."""

    line: int | None
    end_line: int | None = None
    column: int | None = None
    end_column: int | None = None


NOWHERE = Position(None)


def decoded(text: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(start, opcode, argument, end) of each instruction of a `co_code`, prefixes and caches included."""
    start = at = extended = 0
    size = len(text)
    while at < size:
        number, arg = text[at], extended | text[at + 1]
        at += UNIT
        if number == _EXTENDED_ARG:
            extended = arg << 8
            continue
        while at < size and text[at] == _CACHE:
            at += UNIT
        yield start, number, arg, at
        start, extended = at, 0


def parse_exception_table(table: bytes) -> list[Region]:
    """Read a `co_exceptiontable`; its regions are sorted and do not overlap."""
    numbers = _big_endian(iter(table))
    regions = []
    for start in numbers:
        size, target, depth = next(numbers), next(numbers), next(numbers)
        start *= UNIT
        regions.append(Region(start, start + size * UNIT, target * UNIT, depth >> 1, bool(depth & 1)))
    return regions


def encode_exception_table(regions: Iterable[Region]) -> bytes:
    """Write a `co_exceptiontable` of regions that are sorted and do not overlap."""
    table = bytearray()
    for start, end, target, depth, lasti in regions:
        opening = len(table)
        for number in (start // UNIT, (end - start) // UNIT, target // UNIT, depth << 1 | lasti):
            _append_big_endian(table, number)
        table[opening] |= _BEGIN
    return bytes(table)


def encode_positions(first_line: int, runs: Iterable[tuple[Position, int]]) -> bytes:
    """Write a `co_linetable` of positions, each with the number of bytes that it holds for."""
    table, line = bytearray(), first_line
    for position, size in runs:
        units = size // UNIT
        while units > 0:
            part = min(units, _MOST_UNITS)
            units -= part
            line = _append_position(table, position, part, line)
    return bytes(table)


def nowhere(size: int) -> bytes:
    """The end of a `co_linetable` for so many bytes of instructions that have no source."""
    return encode_positions(0, [(NOWHERE, size)])


def _append_position(table: bytearray, position: Position, units: int, line: int) -> int:
    """Append an entry; return the line that the next one counts from."""
    if position.line is None:
        table.append(_BEGIN | _NO_LOCATION << 3 | units - 1)
        return line
    columns = position.column is not None and position.end_column is not None
    table.append(_BEGIN | (_LONG if columns else _NO_COLUMNS) << 3 | units - 1)
    delta = position.line - line
    _append_little_endian(table, -delta << 1 | 1 if delta < 0 else delta << 1)
    if position.column is not None and position.end_column is not None:
        for number in (
            (position.end_line or position.line) - position.line,
            position.column + 1,
            position.end_column + 1,
        ):
            _append_little_endian(table, number)
    return position.line


def _big_endian(table: Iterator[int]) -> Iterator[int]:
    for byte in table:
        number = byte & _LAST_SIX
        while byte & _MORE:
            byte = next(table)
            number = number << 6 | byte & _LAST_SIX
        yield number


def _append_big_endian(table: bytearray, number: int) -> None:
    shift = 0
    while number >> shift + 6:
        shift += 6
    for place in range(shift, -1, -6):
        table.append(number >> place & _LAST_SIX | (_MORE if place else 0))


def _append_little_endian(table: bytearray, number: int) -> None:
    while number > _LAST_SIX:
        table.append(number & _LAST_SIX | _MORE)
        number >>= 6
    table.append(number)
