"""Switches in bytecode: whether an injected call is made, decided in a nanosecond and also in frames that already run.

The quick one is a word of our own code object, in the copy that the interpreter executes: a jump over the call, or a
NOP. It is written by `ctypes`, 16 bits at once and under the GIL. The other is a constant that is tested each time, and
needs no `ctypes`: what exceptions use, since one test there costs nothing beside the exception and one store switches
every function, and what lines use where `ctypes` can't be had.
"""

from __future__ import annotations

import sys

from pyrometer.agent.engines.assembly import op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType


class Guard(list[bool]):
    """A constant whose truth can be changed: a list, that is as true as it is long.

    Hashed and compared by identity, because a code object is hashed by its constants, and services keep code objects in
    dictionaries. No Python runs when it is tested.
    """

    __slots__ = ()
    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__
    __ne__ = object.__ne__

    def turn(self, *, on: bool) -> None:
        """Switch on or off: a single store."""
        self[:] = (True,) if on else ()


class Words:
    """Words of a code object that are a jump while off, and a NOP while on."""

    __slots__ = ("_code", "_jumps", "_stores")

    def __init__(
        self, code: CodeType, offsets: Sequence[int], store: Callable[[CodeType, int], Callable[[int], None]]
    ) -> None:
        text = code.co_code
        if any(text[offset] != op["JUMP_FORWARD"] for offset in offsets):
            raise ValueError("no jump where the switch should be")
        self._code = code  # the words live as long as it does
        self._jumps = [_word(text[offset], text[offset + 1]) for offset in offsets]
        self._stores = [store(code, offset) for offset in offsets]

    def turn(self, *, on: bool) -> None:
        """Switch on or off; a thread that is past the word makes its call, once."""
        for store, jump in zip(self._stores, self._jumps, strict=True):
            store(_NOP if on else jump)


def word_store() -> Callable[[CodeType, int], Callable[[int], None]] | None:
    """A function that makes the store of one word; None where `ctypes` is missing or code objects look otherwise."""
    try:
        import ctypes
    except ImportError:
        return None
    code = word_store.__code__.replace()  # one that nobody runs: the interpreter rewrites those that run
    start = type(code).__basicsize__

    def store(code: CodeType, offset: int) -> Callable[[int], None]:
        word = ctypes.c_uint16.from_address(id(code) + start + offset)
        return lambda value: setattr(word, "value", value)

    executed: bytes = getattr(code, "_co_code_adaptive", b"")
    return store if executed and ctypes.string_at(id(code) + start, len(executed)) == executed else None


def _word(number: int, arg: int) -> int:
    return int.from_bytes((number, arg), sys.byteorder)


_NOP = _word(op["NOP"], 0)
