"""What is told of a watched call at its end: how long it took, what it was given, what it returned.

An argument is shown where the function has not assigned its name anew: nothing is kept of a call while it runs, since
that would keep the service's objects alive.
"""

from __future__ import annotations

import opcode

from pyrometer.agent.expressions import EvaluationError
from pyrometer.agent.frames import local_names, read_local
from pyrometer.agent.nodes import redacted, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType
    from typing import Any

    from pyrometer.agent.engines.following import CallEnd
    from pyrometer.agent.values import Capture

_ASSIGNED = "the function has assigned it anew"
_VARARGS, _VARKEYWORDS = 0x04, 0x08
_EXTENDED_ARG = opcode.opmap["EXTENDED_ARG"]


def ending(end: CallEnd, frame: FrameType, capture: Capture) -> dict[str, Any]:
    """The fields of a hit that only a call has. Shape: `link.model.hit_event`."""
    names = [name for name, _ in end.parameters]
    arguments = capture.draft_named(names, [read_local(frame, name) if kept else None for name, kept in end.parameters])
    for index, (_, kept) in enumerate(end.parameters):
        if not kept:
            arguments.put(index, unreadable(_ASSIGNED))
    returned = None
    if end.exception is None:
        returned = redacted(type(end.returned), "name") if end.withheld else capture.draft(end.returned)
    return {
        "arguments": arguments,
        "returned": returned,
        "elapsed": end.elapsed,
        "suspended": end.suspended,
    }


def lookup_at_end(end: CallEnd, other: Callable[[str], object]) -> Callable[[str], object]:
    """How the names of an expression are found at a call's end: `ret`, `exc`, `elapsed`, then as elsewhere."""

    def lookup(name: str) -> object:
        if name == "elapsed":
            return end.elapsed
        if name == "exc":
            return end.exception
        if name != "ret":
            return other(name)
        if end.exception is not None:
            raise EvaluationError("an exception left the call: it returned nothing")
        if end.withheld:
            raise EvaluationError("what a function of this name returns is withheld")
        return end.returned

    return lookup


def parameters(code: CodeType) -> list[tuple[str, bool]]:
    """Names of a function's parameters, each with whether it still holds, at the end, what it was given."""
    written = set(_written(code))
    return [(name, name not in written) for name in _names(code)]


def _names(code: CodeType) -> tuple[str, ...]:
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & _VARARGS) + bool(code.co_flags & _VARKEYWORDS)
    return code.co_varnames[:count]


def _written(code: CodeType) -> Iterator[str]:
    """Names that a function, or one that is nested in it, may assign or delete."""
    names = local_names(code)
    extended = 0
    for number, arg in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        arg |= extended
        extended = arg << 8 if number == _EXTENDED_ARG else 0
        written = _STORES.get(number)
        for index in written(arg) if written is not None else ():
            yield from names[index : index + 1]
    for nested in code.co_consts:
        if type(nested) is type(code):
            yield from (name for name in _written(nested) if name in nested.co_freevars)


_STORES: dict[int, Callable[[int], tuple[int, ...]]] = {
    opcode.opmap[name]: indexes
    for name, indexes in {
        "STORE_FAST": lambda arg: (arg,),
        "DELETE_FAST": lambda arg: (arg,),
        "STORE_DEREF": lambda arg: (arg,),
        "DELETE_DEREF": lambda arg: (arg,),
        "STORE_FAST_LOAD_FAST": lambda arg: (arg >> 4,),
        "STORE_FAST_STORE_FAST": lambda arg: (arg >> 4, arg & 15),
        "STORE_FAST_MAYBE_NULL": lambda arg: (arg,),
    }.items()
    if name in opcode.opmap
}
"""Which variables an instruction writes, by their places among `local_names`."""
