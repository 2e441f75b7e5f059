"""The generator or coroutine that a frame belongs to, for Python 3.13: there the closing of one is no event.

Where a suspended generator has no handler of its own, 3.13 drops its frame without running it, and tells nobody. So a
call that is suspended there is told over by its generator. Other versions throw GeneratorExit into it, which is seen.
"""

from __future__ import annotations

import sys
from _weakref import ref
from types import AsyncGeneratorType, CoroutineType, GeneratorType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType
    from typing import Any

    OwnerOf = Callable[[FrameType], object]

NEEDED = (3, 13) <= sys.version_info < (3, 14)
"""Whether the closing of a generator may be no event."""
_F_FRAME = 24
"""Offset of the pointer to the interpreter's frame in a frame object: after reference count, type and `f_back`."""
_LARGEST = 256
"""Bytes that a generator has at most before its frame."""
_frame_of: dict[type, Callable[[Any], FrameType | None]] = {
    GeneratorType: GeneratorType.__dict__["gi_frame"].__get__,
    CoroutineType: CoroutineType.__dict__["cr_frame"].__get__,
    AsyncGeneratorType: AsyncGeneratorType.__dict__["ag_frame"].__get__,
}


class Owner:
    """A generator whose frame it is, not kept alive; `gone` is called when it is no more."""

    __slots__ = ("_ref",)

    def __init__(self, generator: object, gone: Callable[[object], None]) -> None:
        self._ref = ref(generator, gone)

    def has(self, frame: FrameType) -> bool:
        """Whether a frame is still this one's: after its end another call may have one at the same address."""
        generator = self._ref()
        return generator is not None and _frame_of[type(generator)](generator) is frame

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        generator = self._ref()
        return generator is None or _frame_of[type(generator)](generator) is None


def owner_finder() -> OwnerOf | None:
    """What finds the generator of a frame that is in one; None where it is not needed, or can't be had."""
    if not NEEDED:
        return None
    try:
        return _calibrated()
    except Exception:  # no ctypes, or frames of another build: such calls stay open, in the count too
        return None


def _calibrated() -> OwnerOf | None:
    import ctypes

    if sys.implementation.name != "cpython" or object.__basicsize__ != 16 or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    pointer = ctypes.c_void_p.from_address
    own = _own()
    before = (pointer(id(next(own)) + _F_FRAME).value or 0) - id(own)
    if not 0 < before < _LARGEST:
        return None
    cast, pointer_to_object = ctypes.cast, ctypes.py_object

    def find(frame: FrameType) -> object:
        address = (pointer(id(frame) + _F_FRAME).value or 0) - before
        return cast(address, pointer_to_object).value

    return find if find(next(own)) is own else None


def _own() -> Generator[FrameType, None, None]:
    """A generator of ours, to learn from where its frame is."""
    while True:
        yield sys._getframe()
