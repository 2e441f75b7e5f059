"""Which builtin type a value behaves as, told without asking the value.

A subclass counts as its builtin type for an operation that it does not define anew: an IntEnum compares as an int, a
namedtuple is indexed as a tuple. One that does define it is refused by the name of the method that would run.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque

from pyrometer.agent.attributes import is_builtin, mro, namespace, qualified_name
from pyrometer.agent.mappings import Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_CONTENT = 1000
"""Characters of text that one evaluation looks into, and of a text that it makes."""
MAX_ELEMENTS = 1000
"""Elements of containers that one evaluation visits."""
MAX_COPIED = 100_000
"""Characters of a text of a subclass, of which a plain copy is made."""
MAX_KEY = 10_000
"""Characters of a text that is looked up, and so hashed whole."""

EvaluationError = Unreadable
"""Why an expression has no value here: what can't be read can't be evaluated. `why` says it in words."""

EQUALITY = ("__eq__", "__ne__")
ORDER = (*EQUALITY, "__lt__", "__le__", "__gt__", "__ge__")
_KEY = (*EQUALITY, "__hash__")

FAMILY: dict[int, str] = {
    **{id(kind): "number" for kind in (int, bool, float)},
    **{id(kind): "text" for kind in (str,)},
    **{id(kind): "bytes" for kind in (bytes, bytearray)},
    **{id(kind): "dict" for kind in (dict, OrderedDict, defaultdict)},
    **{id(kind): "set" for kind in (set, frozenset)},
    **{id(kind): kind.__name__ for kind in (list, tuple, range, deque)},
    id(type(None)): "none",
}
"""Builtin types, and which of them are equal where what they hold is. By id: hashing a class may run its metaclass."""


def behaves_as(kind: type, methods: tuple[str, ...]) -> Any:
    """The builtin type whose methods of these names a type uses; None if it has none but those of `object`.

    Raises:
        EvaluationError: the type, or a base before the builtin one, defines one of them itself.
    """
    if id(kind) in FAMILY:
        return kind
    for base in mro(kind):
        if id(base) in FAMILY:
            return base
        if base is object:
            break
        scope = namespace(base)
        for method in methods:
            if method in scope:
                raise EvaluationError(f"{qualified_name(base)} defines {method}, which would run the service's code")
    return None


def plain(value: Any, methods: tuple[str, ...]) -> tuple[str, Any]:
    """The family of a value and its builtin form; containers stay as they are. The family is "" for other objects."""
    kind = type(value)
    family = FAMILY.get(id(kind))
    if family is not None:
        return family, value
    if is_decimal(kind):
        return "decimal", value
    base = behaves_as(kind, methods)
    form = _FORMS.get(id(base))
    if form is not None and content_length(value) > MAX_COPIED:
        raise EvaluationError(
            f"a {qualified_name(kind)} of {content_length(value)} characters is too long to be copied"
        )
    return FAMILY.get(id(base), ""), value if form is None else form(value)


def scalar(value: Any) -> Any:
    """A text, bytes, number or None to look up, as a builtin; anything else would be hashed by its own code."""
    family, value = plain(value, _KEY)
    if family not in ("number", "text", "bytes", "none") or type(value) is bytearray:
        raise EvaluationError(f"a {qualified_name(type(value))} is not looked up; text, bytes, numbers and None are")
    if content_length(value) > MAX_KEY:
        raise EvaluationError(f"a text of {content_length(value)} characters is too long to be looked up")
    return value


def elements(value: Any, limit: int) -> list[Any]:
    """The elements of a container, of at most so many; the keys of a dictionary, in the order of its storage."""
    base = behaves_as(type(value), ("__iter__", "__len__"))
    family = FAMILY.get(id(base))
    if family not in ("list", "tuple", "set", "dict", "range", "deque"):
        raise EvaluationError(f"a {qualified_name(type(value))} can't be looked through without its code")
    if family == "dict":
        base = dict  # an OrderedDict's own iterator hashes and compares the keys
    if base.__len__(value) > limit:
        raise EvaluationError(f"a container has more than {limit} elements, too many to look through here")
    try:
        return [*base.__iter__(value)]
    except RuntimeError:
        raise EvaluationError("the container changed while it was read") from None


def content_length(value: Any) -> int:
    """Characters of a text or bytes, of a subclass too."""
    for base in (str, bytes, bytearray):
        if issubclass(type(value), base):
            return base.__len__(value)
    return 0


def content_prefix(value: Any, limit: int) -> str | None:
    """The first characters of a text, or of bytes read as Latin-1, as an exact text; None for other values."""
    kind = type(value)
    if issubclass(kind, str):
        return str.__getitem__(value, slice(limit))
    if issubclass(kind, bytes):
        return bytes.__getitem__(value, slice(limit)).decode("latin-1")
    if issubclass(kind, bytearray):
        return bytearray.__getitem__(value, slice(limit)).decode("latin-1")
    return None


def is_decimal(kind: type) -> bool:
    """Whether it is the `decimal.Decimal` that is written in C."""
    if id(kind) in _decimals:
        return True
    if not is_builtin(kind) or qualified_name(kind) != "decimal.Decimal":
        return False
    _decimals[id(kind)] = kind
    return True


_decimals: dict[int, type] = {}
"""The type itself by its id, once it was met: importing `decimal` would cost the service."""


_FORMS: dict[int, Callable[[Any], Any]] = {
    id(int): int.__int__,
    id(float): float.__float__,
    id(str): str.__str__,
    id(bytes): lambda value: bytes.__getitem__(value, slice(None)),
    id(bytearray): lambda value: bytearray.__getitem__(value, slice(None)),
}
"""How a value of a subclass becomes one of its builtin type."""
