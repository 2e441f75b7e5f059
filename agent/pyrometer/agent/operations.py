"""What an expression may do with values beside comparing them: measure, take parts, compute, call a few functions.

Every operation is ours or a builtin type's own, and bounded. `vocabulary` says which words of the language they are.
"""

from __future__ import annotations

import operator

from pyrometer.agent.attributes import qualified_name
from pyrometer.agent.comparisons import NAME_COST, Comparisons, Withheld, small
from pyrometer.agent.kinds import (
    FAMILY,
    MAX_CONTENT,
    MAX_ELEMENTS,
    EvaluationError,
    behaves_as,
    content_length,
    elements,
    plain,
    scalar,
)
from pyrometer.agent.mappings import ABSENT, Missing, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Operations(Comparisons):
    """The operations of one expression."""

    def withhold(self, what: str) -> None:
        """Stands for the whole of an expression that reads what is withheld by its name."""
        raise Withheld(what)

    def length(self, value: Any) -> int:
        """What `len(value)` would be."""
        if FAMILY.get(id(type(value))) in _CONTAINERS:
            return len(value)
        base = behaves_as(type(value), ("__len__",))
        if not hasattr(base, "__len__"):
            raise EvaluationError(f"len() of a {qualified_name(type(value))} is not known without its code")
        length: int = base.__len__(self.seen(value))
        return length

    def item(self, value: Any, key: Any) -> object:
        """What `value[key]` would be, for a key that was checked when compiled."""
        base = behaves_as(type(value), ("__getitem__", "__len__"))
        family = FAMILY.get(id(base))
        if family == "dict":
            found = find(value, scalar(key), self._walk)
            if found is ABSENT:
                raise Missing("the dictionary has no such key")
            return found
        if family not in _INDEXED or (type(key) is not int and type(key) is not bool):
            kinds = f"a {qualified_name(type(value))} by a {qualified_name(type(key))}"
            raise EvaluationError(f"{kinds} can't be indexed without running code")
        if family in _TEXTS:
            self.content(value)
        elif family != "range":
            self._unnamed(value, slice(key, None if key == -1 else key + 1))
        try:
            return base.__getitem__(value, key)
        except IndexError:
            raise Missing(f"there is no item {key}, only {base.__len__(value)} of them") from None

    def named_item(self, value: Any, key: Any) -> object:
        """What `value[key]` would be, for a key that is known only now."""
        self.named(key)
        return self.item(value, key)

    def cut(self, value: Any, start: Any, stop: Any, step: Any) -> object:
        """What `value[start:stop:step]` would be."""
        base = behaves_as(type(value), ("__getitem__", "__len__"))
        family = FAMILY.get(id(base))
        if family not in ("text", "bytes", "list", "tuple"):
            raise EvaluationError(f"a {qualified_name(type(value))} can't be sliced without its code")
        for end in (start, stop, step):
            if end is not None and type(end) is not int and type(end) is not bool:
                raise EvaluationError("the ends of a slice are whole numbers")
        if step is not None and step == 0:
            raise EvaluationError("the step of a slice is not zero")
        ends = slice(start, stop, step)
        if family in _TEXTS:
            self.content(value)
        elif len(range(*ends.indices(base.__len__(value)))) > MAX_ELEMENTS:
            raise EvaluationError(f"a slice of more than {MAX_ELEMENTS} elements is not made")
        else:
            self._unnamed(value, ends)
        return base.__getitem__(value, ends)

    def get(self, value: Any, key: object, default: object = None) -> object:
        """What `value.get(key, default)` of a dictionary would be, for a key that was checked when compiled."""
        if FAMILY.get(id(behaves_as(type(value), ("get",)))) != "dict":
            raise EvaluationError(f".get() is for dictionaries; that of a {qualified_name(type(value))} would run")
        found = find(value, scalar(key), self._walk)
        return default if found is ABSENT else found

    def named_get(self, value: Any, key: object, default: object = None) -> object:
        """What `value.get(key, default)` would be, for a key that is known only now."""
        self.named(key)
        return self.get(value, key, default)

    def starts_with(self, value: Any, beginning: Any, *, given: bool = False) -> bool:
        """What `value.startswith(beginning)` would be; `given`: that is written in the expression itself."""
        return self._text(value, "startswith").startswith(self._text_or_texts(beginning, given=given))

    def ends_with(self, value: Any, ending: Any, *, given: bool = False) -> bool:
        """What `value.endswith(ending)` would be."""
        return self._text(value, "endswith").endswith(self._text_or_texts(ending, given=given))

    def lower(self, value: Any) -> str:
        """What `value.lower()` would be."""
        return self._text(value, "lower").lower()

    def upper(self, value: Any) -> str:
        """What `value.upper()` would be."""
        return self._text(value, "upper").upper()

    def strip(self, value: Any, characters: Any = None) -> str:
        """What `value.strip(characters)` would be."""
        return self._text(value, "strip").strip(None if characters is None else self._text(characters, "strip"))

    def magnitude(self, value: Any) -> Any:
        """What `abs(value)` would be."""
        return abs(self._number(value))

    def negative(self, value: Any) -> Any:
        """What `-value` would be."""
        return -self._number(value)

    def positive(self, value: Any) -> Any:
        """What `+value` would be."""
        return +self._number(value)

    def any_true(self, value: Any) -> bool:
        """What `any(value)` would be."""
        return any(self.true(element) for element in self._all_of(value))

    def all_true(self, value: Any) -> bool:
        """What `all(value)` would be."""
        return all(self.true(element) for element in self._all_of(value))

    def total(self, value: Any) -> Any:
        """What `sum(value)` would be."""
        found = self._all_of(value)
        self._afford(found)
        numbers = [self._number(element) for element in found]
        return self._compute(0, 0, lambda *_: sum(numbers))

    def least(self, *values: Any) -> Any:
        """What `min(...)` would be."""
        return self._extreme(values, self.less)

    def most(self, *values: Any) -> Any:
        """What `max(...)` would be."""
        return self._extreme(values, self.greater)

    def add(self, left: Any, right: Any) -> Any:
        """What `left + right` would be: of numbers, or of texts."""
        if type(left) is str and type(right) is str:
            if len(left) + len(right) > MAX_CONTENT:
                raise EvaluationError(f"a text of more than {MAX_CONTENT} characters is not made")
            return self.content(left) + self.content(right)
        return self._compute(left, right, operator.add)

    def subtract(self, left: Any, right: Any) -> Any:
        """What `left - right` would be."""
        return self._compute(left, right, operator.sub)

    def multiply(self, left: Any, right: Any) -> Any:
        """What `left * right` would be."""
        return self._compute(left, right, operator.mul)

    def divide(self, left: Any, right: Any) -> Any:
        """What `left / right` would be."""
        return self._compute(left, right, operator.truediv)

    def floor_divide(self, left: Any, right: Any) -> Any:
        """What `left // right` would be."""
        return self._compute(left, right, operator.floordiv)

    def remainder(self, left: Any, right: Any) -> Any:
        """What `left % right` would be."""
        return self._compute(left, right, operator.mod)

    def bits_and(self, left: Any, right: Any) -> Any:
        """What `left & right` would be, of whole numbers."""
        if type(left) is float or type(right) is float:
            raise EvaluationError("& is for whole numbers")
        return self._compute(left, right, operator.and_)

    def _all_of(self, value: Any) -> list[Any]:
        """The elements of a container, none of which has a name that is withheld."""
        self._unnamed(value)
        return elements(value, self._visit)

    def _compute(self, left: Any, right: Any, operation: Callable[[Any, Any], Any]) -> Any:
        left, right = self._number(left), self._number(right)
        try:
            return operation(left, right)
        except ZeroDivisionError:
            raise EvaluationError("a division by zero") from None
        except OverflowError:
            raise EvaluationError("the number is too large") from None

    def _number(self, value: Any) -> Any:
        """A number that may be computed with: exactly a builtin one, of bounded size."""
        kind = type(value)
        if kind is int:
            return small(self.seen(value))
        if kind is float or kind is bool:
            return value
        raise EvaluationError(f"a {qualified_name(kind)} is not computed with; int, float and bool are")

    def _text(self, value: Any, method: str) -> str:
        family, text = plain(value, (method,))
        if family != "text":
            raise EvaluationError(f".{method}() is for texts; that of a {qualified_name(type(value))} would run")
        content: str = self.content(text)
        return content

    def _text_or_texts(self, value: Any, *, given: bool) -> Any:
        if type(value) is tuple:
            self._afford(elements(value, self._visit) if given else self._all_of(value))
            return tuple([self._text(element, "startswith") for element in value])
        return self._text(value, "startswith")

    def _afford(self, values: list[Any]) -> None:
        """Refuse to look into all of these if that is too much."""
        allowance = self._allowance()
        for value in values:
            is_large = type(value) is int and (value >= _LARGE or value <= -_LARGE)
            allowance.look(NAME_COST if is_large else content_length(value))

    def _extreme(self, values: tuple[Any, ...], better: Callable[[object, object], bool]) -> Any:
        candidates = self._all_of(values[0]) if len(values) == 1 else list(values)
        if not candidates:
            raise EvaluationError("there is no least or greatest of nothing")
        self._afford(candidates)
        best = candidates[0]
        for candidate in candidates[1:]:
            if better(candidate, best):
                best = candidate
        return best


_INDEXED = ("text", "bytes", "list", "tuple", "range", "deque")
_TEXTS = ("text", "bytes")
_CONTAINERS = ("list", "dict", "tuple", "set", "deque")
_LARGE = 10**11
"""From here on a number may be a card's, and is looked at."""
