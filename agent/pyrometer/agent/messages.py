"""Messages of exceptions, made of their arguments: an exception's own `__str__` is the service's code."""

from __future__ import annotations

from pyrometer.agent.attributes import mro
from pyrometer.agent.getters import args_of, members_of
from pyrometer.agent.readings import reading_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DECIMAL_BITS = 2100
"""Ints up to 632 digits: the least that `sys.set_int_max_str_digits` leaves."""


def message_of(exc: BaseException, limit: int) -> str:
    """The message that CPython itself makes of an exception's arguments."""
    if issubclass(type(exc), BaseExceptionGroup):
        return _of_group(exc, limit)
    args = args_of(exc)
    shown = [_brief(arg, limit) for arg in args[:10]]
    if len(args) == 1:
        return args[0][:limit] if type(args[0]) is str and type(exc) is not KeyError else shown[0]
    if len(args) in (2, 3) and any(base is OSError for base in mro(type(exc))):
        filename = _filename_of(exc)
        reason = args[1][:limit] if type(args[1]) is str else shown[1]
        return f"[Errno {shown[0]}] {reason}" + ("" if filename is None else f": {_brief(filename, limit)}")
    return f"({', '.join(shown)})" if shown else ""


def _of_group(exc: BaseException, limit: int) -> str:
    message, members = _message_of(exc), len(members_of(exc))
    text = message[:limit] if type(message) is str else "?"
    return f"{text} ({members} sub-exception{'' if members == 1 else 's'})"


def _brief(value: Any, limit: int) -> str:
    """An argument of an exception in a message: what is plain as it is, the rest by its type."""
    cls = type(value)
    if cls is str:
        return repr(value[:limit])
    if cls is int:
        return int.__repr__(value) if value.bit_length() <= DECIMAL_BITS else "<int>"
    if cls is float or cls is bool or value is None:
        return repr(value)
    if cls is bytes:
        return repr(value[:limit])
    return f"<{reading_of(cls).type}>"


_filename_of = OSError.__dict__["filename"].__get__
_message_of = BaseExceptionGroup.__dict__["message"].__get__
