"""Slots of a frame that another thread runs: its variables and its value stack, read where the interpreter has them.

A lock that was taken by `with` stands nowhere but there. The other thread may go on as soon as it gets the GIL, and its
frame may be gone then; so the look at where it is and the reading are one stretch of instructions between which the
interpreter lets nobody else run: no call, no loop, nothing that the garbage collector counts. Where a debugger or
another tool is called at each line of ours, that does not hold, and nothing is read.
"""

from __future__ import annotations

import sys

from pyrometer.agent.mappings import ABSENT
from pyrometer.agent.memory import Memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

_F_FRAME = 24
"""Offset of the pointer to the interpreter's own frame in a frame object, after reference count, type and `f_back`."""
_OFFSETS = range(48, 160, 8)
_WORD = 8
_TAG = 3 if sys.version_info >= (3, 14) else 0
"""Bits of a slot that are no part of an address; all of them set mark a number that is no object."""
_ADDRESS = ~3 if _TAG else -1
_TOOLS = range(6)


class Slots:
    """Reads slots, each by its number: variables first, in the order of `frames.local_names`, then the value stack.

    Raises:
        RuntimeError: this interpreter's frames are laid out in another way, or somebody is called at each of our lines.
        ImportError: there is no `_ctypes`.
    """

    def __init__(self) -> None:
        memory = Memory()
        if sys.implementation.name != "cpython" or object.__basicsize__ != 16 or memory.word_size != _WORD:
            raise RuntimeError("an interpreter of another build")
        self._frame: Any = memory.pointer_to_word(memory.word(0))
        self._slots: Any = memory.pointer_to_word(memory.word(0))
        self._object: Any = memory.pointer_to_reference(memory.reference(None))
        self._address: Any = memory.word(0)
        # The three pointers as numbers: to write one is to aim its pointer.
        self._aim_frame: Any = memory.word.from_buffer(self._frame)
        self._aim_slots: Any = memory.word.from_buffer(self._slots)
        aim_object = memory.word.from_buffer(self._object)
        aim_object.value = memory.address_of(self._address)
        self._offset = _calibrate(self, object())

    def read(self, frame: FrameType, lasti: int, number: int) -> object:
        """What a slot holds while the frame is at the instruction `lasti`; ABSENT: nothing, or it is elsewhere now."""
        address, offset = id(frame) + _F_FRAME, self._offset
        # From here on no call, no loop and no new container: see above.
        if frame.f_lasti != lasti:
            return ABSENT
        self._aim_frame.value = address
        self._aim_slots.value = self._frame[0] + offset
        found = self._slots[number]
        if found & _ADDRESS == 0 or found & _TAG == 3:
            return ABSENT
        self._address.value = found & _ADDRESS
        return self._object[0]

    def find(self, frame: FrameType, first: object, second: object) -> int:
        """Where in the interpreter's frame its two first variables, whose values are given, stand. It must not move."""
        self._aim_frame.value = id(frame) + _F_FRAME
        for offset in _OFFSETS:
            self._aim_slots.value = self._frame[0] + offset
            if (self._slots[0] & _ADDRESS, self._slots[1] & _ADDRESS) == (id(first), id(second)):
                return offset
        raise RuntimeError("the variables are not where they should be")


_made: Slots | None = None


def slots() -> Slots | None:
    """The reader of this process; None where it can't be had, or would not be safe at the moment."""
    global _made
    if _watched():
        return None
    if _made is None:
        try:
            _made = Slots()
        except Exception:
            return None
    return _made


def _watched() -> bool:
    """Whether somebody is called between the lines or instructions of `Slots.read`."""
    monitoring = getattr(sys, "monitoring", None)
    if sys.gettrace() is not None or monitoring is None:
        return sys.gettrace() is not None
    code = Slots.read.__code__
    between = monitoring.events.LINE | monitoring.events.INSTRUCTION | monitoring.events.BRANCH
    for tool in _TOOLS:
        if monitoring.get_tool(tool) is None:
            continue
        if (monitoring.get_events(tool) | monitoring.get_local_events(tool, code)) & between:
            return True
    return False


def _calibrate(reader: Slots, mark: object) -> int:
    """Find the offset of the slots on the frame of this very call, whose first two are its parameters."""
    return reader.find(sys._getframe(), reader, mark)
