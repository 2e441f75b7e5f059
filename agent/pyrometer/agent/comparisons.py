"""Truth, equality, order and membership of builtin values, decided without a comparison of the service's.

Containers are compared element by element, within bounds. What redaction withholds is withheld here too: the answer
of a comparison can give away a text, a character at a time.
"""

from __future__ import annotations

import operator
from collections import OrderedDict

from pyrometer.agent.attributes import class_value, qualified_name
from pyrometer.agent.kinds import (
    EQUALITY,
    FAMILY,
    MAX_CONTENT,
    MAX_ELEMENTS,
    ORDER,
    EvaluationError,
    behaves_as,
    content_length,
    content_prefix,
    elements,
    is_decimal,
    plain,
    scalar,
)
from pyrometer.agent.mappings import ABSENT, MAX_WALK, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Protocol

    class Withholder(Protocol):
        """What is asked of `guard.redaction.Redactor`."""

        def name(self, name: str) -> bool:
            """Whether values of this name are withheld."""

        def secret_in(self, text: str) -> str | None:
            """The rule by which a text is withheld, or None."""

        def secret_number(self, number: int) -> str | None:
            """The rule by which a number is withheld, or None."""


MAX_DEPTH = 20
_LEAST = 50
NAME_COST = 5
"""What telling whether a name is withheld costs, in characters of a text; or whether a number is."""
MAX_COMPARED = 100_000
"""Characters of two texts that are compared whole: 10 us."""
MAX_BITS = 4096
"""Bits of a whole number that is computed with."""

_ALL = slice(None)
_NAMED = ("list", "tuple", "set", "deque")


class Withheld(EvaluationError):
    """The expression reads something that redaction withholds.

    `mark` says by what: "name", or "value: " and the rule.
    """

    def __init__(self, why: str, mark: str = "name") -> None:
        super().__init__(why)
        self.mark = mark


class Comparisons:
    """The comparisons of one expression.

    Args:
        redactor: decides which texts and keys are withheld.
        strict: whether an answer that tells nothing of a withheld text is withheld too.
    """

    def __init__(self, redactor: Withholder, *, strict: bool) -> None:
        self._redactor = redactor
        self._strict = strict
        self.share(1, 1, 1)

    def share(self, reads: int, looks: int, walks: int) -> None:
        """Share what one evaluation may look at among its operations.

        Args:
            reads: values that it reads from the service.
            looks: operations that look into texts.
            walks: operations that look through containers.
        """
        self._glance = max(_LEAST, MAX_CONTENT // max(1, reads))
        self._look = max(_LEAST, MAX_CONTENT // max(1, looks))
        self._walk = max(_LEAST, MAX_WALK // max(1, walks))
        self._visit = max(_LEAST, MAX_ELEMENTS // max(1, walks))

    def seen(self, value: Any) -> Any:
        """The value, unless it is a text with a secret at its beginning, or a number that is one."""
        return self._unless_secret(value, self._glance)

    def content(self, text: Any) -> Any:
        """A text or bytes whose characters matter to the result, unless it is withheld or too long to tell."""
        length = content_length(text)
        if length > self._look:
            raise EvaluationError(f"a text has {length} characters; at most {self._look} are looked into here")
        return self._unless_secret(text, self._look)

    def _unless_secret(self, value: Any, limit: int) -> Any:
        if type(value) is int:
            rule = self._redactor.secret_number(value)
        else:
            prefix = content_prefix(value, limit)
            rule = None if prefix is None else self._redactor.secret_in(prefix)
        if rule is not None:
            raise Withheld(f"it reads a value that is redacted ({rule})", f"value: {rule}")
        return value

    def _allowance(self) -> Allowance:
        return Allowance(self._visit, self._look)

    def named(self, key: object) -> None:
        """Refuse a key that is withheld by its name."""
        prefix = content_prefix(key, self._look)
        if prefix is not None and self._redactor.name(prefix):
            raise Withheld("it reads a value under a redacted key")

    def _unnamed(self, value: Any, ends: slice = _ALL) -> None:
        """Refuse elements that have a name which is withheld: of a namedtuple, or the second of a pair."""
        for name in self._names(value)[ends]:
            self.named(name)

    def _names(self, value: Any) -> tuple[object, ...]:
        """The names that a container's elements have, by index: a namedtuple's fields; of a pair, the first's text."""
        base = behaves_as(type(value), ("__iter__", "__len__"))
        if FAMILY.get(id(base)) not in _NAMED:
            return ()
        size = base.__len__(value)
        fields = class_value(type(value), "_fields") if base is tuple and type(value) is not tuple else ()
        if type(fields) is tuple and fields and all([type(name) is str for name in fields]):
            return (*fields[:size], *[None] * (size - len(fields)))
        return (None, next(base.__iter__(value), None)) if size == 2 else ()

    def true(self, value: Any) -> bool:
        """What `bool(value)` would be."""
        kind = type(value)
        if id(kind) in FAMILY or is_decimal(kind):
            return bool(value)
        base = behaves_as(kind, ("__bool__", "__len__"))
        if base is None:
            return True
        truth = getattr(base, "__bool__", None) or base.__len__
        return bool(truth(value))

    def equal(self, left: object, right: object) -> bool:
        """What `left == right` would be."""
        family, other = FAMILY.get(id(type(left))), FAMILY.get(id(type(right)))
        if family is not None and other is not None and family != other:
            return False
        return self._equal(left, right, self._allowance(), 0)

    def unequal(self, left: object, right: object) -> bool:
        """What `left != right` would be."""
        return not self.equal(left, right)

    def less(self, left: object, right: object) -> bool:
        """What `left < right` would be."""
        return bool(operator.lt(*self.ordered(left, right, "<")))

    def at_most(self, left: object, right: object) -> bool:
        """What `left <= right` would be."""
        return bool(operator.le(*self.ordered(left, right, "<=")))

    def greater(self, left: object, right: object) -> bool:
        """What `left > right` would be."""
        return bool(operator.gt(*self.ordered(left, right, ">")))

    def at_least(self, left: object, right: object) -> bool:
        """What `left >= right` would be."""
        return bool(operator.ge(*self.ordered(left, right, ">=")))

    def contains(self, item: object, container: Any, *, given: bool = False) -> bool:
        """What `item in container` would be; `given`: the container is written in the expression itself."""
        family = FAMILY.get(id(behaves_as(type(container), ("__contains__", "__iter__", "__len__"))))
        if family == "text" or family == "bytes":
            return self._contains_text(item, container, family)
        if family == "dict":
            return find(container, scalar(item), self._walk) is not ABSENT
        if family == "range" and type(item) is int:
            return item in container
        if family == "set":
            scalar(item)
        names = () if given else self._names(container)
        return self._contains_element(item, elements(container, self._visit), names)

    def excludes(self, item: object, container: object, *, given: bool = False) -> bool:
        """What `item not in container` would be."""
        return not self.contains(item, container, given=given)

    def ordered(self, left: Any, right: Any, sign: str) -> tuple[Any, Any]:
        """Two builtin values whose order is the order of these two.

        Raises:
            EvaluationError: they have none that is known without their code.
        """
        for _ in range(MAX_DEPTH):
            family, left = plain(left, ORDER)
            other, right = plain(right, ORDER)
            if "decimal" in (family, other) and {family, other} <= {"decimal", "number"}:
                return _decimals(left, right) or _no_order()
            if family != other:
                break
            if family == "number":
                return self.seen(left), self.seen(right)
            if family == "text" or family == "bytes":
                return self.content(left), self.content(right)
            if family not in ("list", "tuple"):
                break
            left, right = self._first_difference(left, right)
        kinds = f"{qualified_name(type(left))} and {qualified_name(type(right))}"
        raise EvaluationError(f"{sign} between {kinds} is not known without running code")

    def _equal(self, left: Any, right: Any, steps: Allowance, depth: int) -> bool:
        steps.take(depth)
        family, left = plain(left, EQUALITY)
        other, right = plain(right, EQUALITY)
        if family != other:
            pair = _decimals(left, right) if {family, other} == {"decimal", "number"} else None
            return pair is not None and bool(pair[0] == pair[1])
        if family == "":
            return left is right
        if family == "text" or family == "bytes":
            return self._equal_text(left, right, steps)
        if family == "decimal":
            pair = _decimals(left, right)
            return pair is not None and bool(pair[0] == pair[1])
        if family in ("number", "none", "range"):
            return bool(left == right)
        return self._equal_containers(left, right, family, steps, depth)

    def _equal_text(self, left: Any, right: Any, steps: Allowance) -> bool:
        """That a text is not a given one tells nothing of it; one that is withheld is never said to be a given one."""
        size = content_length(left)
        if size > MAX_COMPARED and size == content_length(right) and left is not right:
            raise EvaluationError(f"two texts of {size} characters each are too long to be compared here")
        same = bool(left == right)
        if same or self._strict:
            steps.look(min(content_length(left), self._look) + min(content_length(right), self._look))
            self._unless_secret(left, self._look)
            self._unless_secret(right, self._look)
        return same

    def _equal_containers(self, left: Any, right: Any, family: str, steps: Allowance, depth: int) -> bool:
        if _length(left) != _length(right):
            return False
        if family != "set" and family != "dict":
            return self._equal_elements(left, right, steps, depth)
        ours, theirs = elements(left, self._visit), elements(right, self._visit)
        if family == "dict":
            if issubclass(type(left), OrderedDict) and issubclass(type(right), OrderedDict):
                raise EvaluationError(
                    "two OrderedDicts are equal by their order, which is not read; compare their items"
                )
            return self._equal_dicts(left, right, ours, steps, depth)
        self._unnamed(left)
        self._unnamed(right)
        steps.take(depth, len(ours))
        return {scalar(element) for element in ours} == {scalar(element) for element in theirs}

    def _equal_elements(self, left: Any, right: Any, steps: Allowance, depth: int) -> bool:
        pairs = self._side_by_side(left, right)
        return all(one is other or self._equal(one, other, steps, depth + 1) for one, other in pairs)

    def _side_by_side(self, left: Any, right: Any) -> Iterator[tuple[Any, Any]]:
        """The elements of two sequences; one that has a name which is withheld is refused when it would be its turn.

        So that a pair which differs in its first is told from another, whatever that is called.
        """
        ours, theirs = elements(left, self._visit), elements(right, self._visit)
        names, others = self._names(left), self._names(right)
        for index, pair in enumerate(zip(ours, theirs, strict=False)):
            for name in names[index : index + 1] + others[index : index + 1]:
                self.named(name)
            yield pair

    def _equal_dicts(self, left: Any, right: Any, keys: list[Any], steps: Allowance, depth: int) -> bool:
        for key in keys:
            steps.take(depth)
            steps.look(NAME_COST + content_length(key))
            self.named(key)
            value, other = find(left, scalar(key), self._walk), find(right, scalar(key), self._walk)
            if other is ABSENT or (value is not other and not self._equal(value, other, steps, depth + 1)):
                return False
        return True

    def _contains_text(self, item: Any, container: Any, family: str) -> bool:
        kind, part = plain(item, ("__eq__",))
        _, whole = plain(container, ("__contains__", "__len__"))
        if kind != family:
            raise EvaluationError(f"a {qualified_name(type(item))} is no part of a {qualified_name(type(container))}")
        return self.content(part) in self.content(whole)

    def _contains_element(self, item: object, candidates: list[Any], names: tuple[object, ...]) -> bool:
        """Whether one of them equals the item; one that can't be compared matters only if no other does."""
        doubt: EvaluationError | None = None
        steps = self._allowance()
        for index, candidate in enumerate(candidates):
            try:
                for name in names[index : index + 1]:
                    self.named(name)
                if candidate is item or self._equal(item, candidate, steps, 0):
                    return True
            except EvaluationError as error:
                doubt = doubt or error
        if doubt is not None:
            raise doubt
        return False

    def _first_difference(self, left: Any, right: Any) -> tuple[Any, Any]:
        steps = self._allowance()
        for one, other in self._side_by_side(left, right):
            if one is not other and not self._equal(one, other, steps, 1):
                return one, other
        return _length(left), _length(right)


class Allowance:
    """What one operation may still visit, in values, and look into, in characters."""

    __slots__ = ("_characters", "_values")

    def __init__(self, values: int, characters: int) -> None:
        self._values = values + 1
        self._characters = 2 * characters

    def take(self, depth: int, count: int = 1) -> None:
        """Visit so many values, or refuse: there are too many, or they nest too deeply."""
        self._values -= count
        if self._values < 0:
            raise EvaluationError("the comparison would visit more values than it may")
        if depth > MAX_DEPTH:
            raise EvaluationError(f"the comparison would go deeper than {MAX_DEPTH} levels")

    def look(self, characters: int) -> None:
        """Look into so many characters, or refuse."""
        self._characters -= characters
        if self._characters < 0:
            raise EvaluationError("the operation would look into more text than it may")


def small(value: int) -> int:
    """A whole number that is small enough to compute with."""
    if value.bit_length() > MAX_BITS:
        raise EvaluationError(f"a whole number has more than {MAX_BITS} bits, too many to compute with")
    return value


def _length(value: Any) -> int:
    base = behaves_as(type(value), ("__len__",))
    length: int = base.__len__(value)
    return length


def _no_order() -> tuple[Any, Any]:
    raise EvaluationError("NaN has no order")


def _decimals(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Two numbers, one of them a Decimal, as Decimals; None if one is NaN.

    A float is converted exactly: compared as it is, it would set a flag in the service's decimal context.
    """
    kind = type(left) if is_decimal(type(left)) else type(right)
    pair = []
    for value in (left, right):
        if type(value) is float:
            value = kind.from_float(value)
        elif not is_decimal(type(value)):
            value = kind(small(int(value)))
        if value.is_nan():
            return None
        pair.append(value)
    return pair[0], pair[1]
