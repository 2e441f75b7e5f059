"""What an expression may do with values to show or to tell them apart: types, conversions, formats, order.

Conversions are of exact builtin numbers and texts; a class is compared by its real bases, whatever it says itself.
"""

from __future__ import annotations

import builtins

from pyrometer.agent.attributes import class_value, mro, qualified_name
from pyrometer.agent.comparisons import small
from pyrometer.agent.kinds import MAX_CONTENT, EvaluationError
from pyrometer.agent.operations import Operations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_DIGITS = 400
"""Characters of a text that is read as a number; digits that are rounded to."""

KINDS: dict[str, type] = {
    **{kind.__name__: kind for kind in (object, type, bool, int, float, complex, str, bytes, bytearray)},
    **{kind.__name__: kind for kind in (list, tuple, dict, set, frozenset, range)},
    **{name: kind for name, kind in vars(builtins).items() if type(kind) is type and issubclass(kind, BaseException)},
}
"""Classes that an expression may name where a class is asked for, whatever the service calls so."""

_PLAIN = frozenset(id(kind) for kind in (str, int, float, bool, type(None)))
_NUMBERS = frozenset(id(kind) for kind in (int, float, bool))
"""By id: comparing a class with another asks its metaclass."""


class Conversions(Operations):
    """The operations of one expression, with those that convert."""

    def is_instance(self, value: object, kinds: Any) -> bool:
        """What `isinstance(value, kinds)` would be by the real type: neither `__class__` nor a metaclass is asked."""
        order = mro(type(value))
        for kind in kinds if type(kinds) is tuple else (kinds,):
            if not issubclass(type(kind), type):
                raise EvaluationError(f"a {qualified_name(type(kind))} is no class; isinstance() takes one, or a tuple")
            if any([base is kind for base in order]):
                return True
            own = class_value(type(kind), "__instancecheck__")
            if own is not type.__dict__["__instancecheck__"]:
                raise EvaluationError(f"{qualified_name(kind)} has an __instancecheck__ of its own, which would run")
        return False

    def type_of(self, value: object) -> type:
        """What `type(value)` would be."""
        return type(value)

    def as_text(self, value: Any) -> str:
        """What `str(value)` would be."""
        return self.formatted(value, "s", "")

    def formatted(self, value: Any, conversion: str, spec: str) -> str:
        """What a field of an f-string would be, for a format that was checked when compiled."""
        if id(type(value)) not in _PLAIN:
            raise EvaluationError(f"the text of a {qualified_name(type(value))} is made by its code; name what to show")
        value = self.content(value) if type(value) is str else self._number(value) if value is not None else value
        try:
            if conversion:
                value = repr(value) if conversion == "r" else str(value)
            return format(value, spec)
        except (ValueError, TypeError, OverflowError):
            raise EvaluationError(f"the format {spec} is not for a {type(value).__name__}") from None

    def joined(self, *texts: str) -> str:
        """The parts of an f-string as one text."""
        if sum([len(text) for text in texts]) > MAX_CONTENT:
            raise EvaluationError(f"a text of more than {MAX_CONTENT} characters is not made")
        return "".join(texts)

    def as_int(self, value: Any) -> int:
        """What `int(value)` would be."""
        try:
            return small(int(self._readable(value)))
        except (ValueError, OverflowError):
            raise EvaluationError("the value is no whole number") from None

    def as_float(self, value: Any) -> float:
        """What `float(value)` would be."""
        try:
            return float(self._readable(value))
        except (ValueError, OverflowError):
            raise EvaluationError("the value is no number") from None

    def rounded(self, value: Any, digits: Any = None) -> Any:
        """What `round(value, digits)` would be."""
        if digits is not None and (type(digits) is not int or not -MAX_DIGITS <= digits <= MAX_DIGITS):
            raise EvaluationError(f"round() takes a whole number of digits, at most {MAX_DIGITS}")
        try:
            return round(self._number(value), digits)
        except (ValueError, OverflowError):
            raise EvaluationError("the number can't be rounded") from None

    def in_order(self, value: Any) -> list[Any]:
        """What `sorted(value)` would be, of numbers or of texts."""
        found = self._all_of(value)
        self._afford(found)
        if all([id(type(element)) in _NUMBERS for element in found]):
            return sorted([self.seen(element) for element in found])
        if all([type(element) is str for element in found]):
            return sorted([self.content(element) for element in found])
        raise EvaluationError("sorted() is for numbers, or for texts; sort what they have: [item.price for item in …]")

    def split(self, value: Any, separator: Any = None, most: Any = -1) -> list[str]:
        """What `value.split(separator, most)` would be."""
        if type(most) is not int:
            raise EvaluationError("split() takes a whole number of parts")
        text = self._text(value, "split")
        if separator is not None:
            separator = self._text(separator, "split")
            if not separator:
                raise EvaluationError("split() needs a separator that is not empty")
        return text.split(separator, most)

    def strip_left(self, value: Any, characters: Any = None) -> str:
        """What `value.lstrip(characters)` would be."""
        return self._text(value, "lstrip").lstrip(None if characters is None else self._text(characters, "lstrip"))

    def strip_right(self, value: Any, characters: Any = None) -> str:
        """What `value.rstrip(characters)` would be."""
        return self._text(value, "rstrip").rstrip(None if characters is None else self._text(characters, "rstrip"))

    def count(self, value: Any, part: Any) -> int:
        """What `value.count(part)` of a text would be."""
        return self._text(value, "count").count(self._text(part, "count"))

    def position(self, value: Any, part: Any) -> int:
        """What `value.find(part)` of a text would be."""
        return self._text(value, "find").find(self._text(part, "find"))

    def is_digits(self, value: Any) -> bool:
        """What `value.isdigit()` would be."""
        return self._text(value, "isdigit").isdigit()

    def _readable(self, value: Any) -> Any:
        """What may be read as a number: one, or a text that is not too long."""
        if type(value) is not str:
            return self._number(value)
        if len(value) > MAX_DIGITS:
            raise EvaluationError(f"a text of more than {MAX_DIGITS} characters is not read as a number")
        return self.content(value)
