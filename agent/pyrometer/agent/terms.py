"""Terms: pieces of the source that an expression is translated into, and what is known of their values."""

from __future__ import annotations

from pyrometer.agent.mappings import ABSENT
from pyrometer.link.records import NamedTuple

_PLAIN_NUMBER = 10**11
"""Below it no number is a card's: comparing with it gives nothing of one away."""


class Term(NamedTuple):
    """The source of a part, in brackets where it needs them, and what is known of its value."""

    source: str
    is_bool: bool = False
    """It is exactly True or False."""
    constant: object = ABSENT
    is_name: bool = False
    is_display: bool = False
    """It is a list, tuple or set that is written out: what its elements are called was looked at one by one."""


def constant_term(value: object) -> Term:
    """A constant as a term; an infinite number has no literal but a sum."""
    source = repr(value)
    if type(value) is float and "inf" in source:
        source = "1e999" if value > 0 else "-1e999"
    return Term(f"({source})" if source[:1] == "-" else source, constant=value)


def guards_of(sign: str, constant: object, *, is_right: bool) -> tuple[str, ...]:
    """The exact types for which a comparison with a constant may be written out: it runs and betrays nothing."""
    kind = type(constant)
    is_equality = sign in ("==", "!=")
    if kind is str and is_equality:
        return ("x_str", "x_none")
    if (kind is int or kind is float) and (is_equality or sign in ("<", "<=", ">", ">=")):
        numbers = ("x_int", "x_float") if kind is int else ("x_float", "x_int")
        is_small = -_PLAIN_NUMBER < constant < _PLAIN_NUMBER  # type: ignore[operator]
        return (*numbers, "x_none") if is_equality else numbers if is_small else ()
    if (kind is tuple or kind is list) and sign in ("in", "not in") and is_right and constant:
        kinds = [type(element) for element in constant]  # type: ignore[attr-defined]
        for only, guard in ((str, "x_str"), (int, "x_int")):
            if all([element is only for element in kinds]):
                return (guard,)
    return ()
