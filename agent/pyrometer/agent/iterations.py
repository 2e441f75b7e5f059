"""Loops of an expression: what comprehensions do, step by step, within what one evaluation may do."""

from __future__ import annotations

from pyrometer.agent.attributes import qualified_name
from pyrometer.agent.conversions import Conversions
from pyrometer.agent.kinds import FAMILY, EvaluationError, behaves_as, scalar
from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

MAX_STEPS = 2000
"""Elements that all loops of one evaluation go through together."""
MAX_SECONDS = 0.002
"""CPU time of the loops of one evaluation."""


class Steps:
    """What the loops of one evaluation may still do. The clock runs from here."""

    __slots__ = ("_began", "_deadline", "_left")

    def __init__(self) -> None:
        self._left = MAX_STEPS
        self._began = native.thread_time()
        self._deadline = native.perf_counter() + MAX_SECONDS

    def take(self) -> None:
        """Go one step on, or refuse. Time that other threads took does not count."""
        self._left -= 1
        if self._left < 0:
            raise EvaluationError(f"the comprehension goes through more than {MAX_STEPS} elements")
        now = native.perf_counter()
        if now > self._deadline:
            left = MAX_SECONDS - (native.thread_time() - self._began)
            if left <= 0:
                raise EvaluationError(f"the comprehension takes longer than {MAX_SECONDS * 1000:g} ms")
            self._deadline = now + left


class Iterations(Conversions):
    """All operations of one expression."""

    def each(
        self, steps: Steps | None, size: int, body: Callable[..., Iterable[object]], container: Any
    ) -> Iterator[object]:
        """What a body gives for each element of a container, one after the other.

        Args:
            steps: of the loop around this one; None: there is none.
            size: into how many names an element is taken apart; 0: it is one.
        """
        steps = steps or Steps()
        for element in self._all_of(container):
            steps.take()
            yield from body(steps, *self._apart(element, size)) if size else body(steps, element)

    def listed(self, loop: Iterable[object]) -> list[object]:
        """A list of what a loop gives."""
        return [*loop]

    def gathered(self, loop: Iterable[object]) -> set[object]:
        """A set of it."""
        return {scalar(element) for element in self._alike(loop)}

    def mapped(self, loop: Iterable[Any]) -> dict[object, object]:
        """A dictionary of the pairs that it gives."""
        pairs = [*loop]
        self._alike([key for key, _ in pairs])
        return {scalar(key): value for key, value in pairs}

    def any_of(self, loop: Iterable[object]) -> bool:
        """Whether any of what a loop gives is true; it goes no further than that."""
        return any(self.true(element) for element in loop)

    def all_of(self, loop: Iterable[object]) -> bool:
        """Whether all of it is true."""
        return all(self.true(element) for element in loop)

    def pairs(self, value: Any) -> list[Any]:
        """What `value.items()` of a dictionary would go through."""
        return self._entries(value, dict.items)

    def keys(self, value: Any) -> list[Any]:
        """What `value.keys()` would."""
        return self._entries(value, dict.keys)

    def values(self, value: Any) -> list[Any]:
        """What `value.values()` would, unless one of them stands under a key that is withheld."""
        for key in self._entries(value, dict.keys):
            self.named(key)
        return self._entries(value, dict.values)

    def _entries(self, value: Any, view: Callable[[Any], Iterable[Any]]) -> list[Any]:
        if FAMILY.get(id(behaves_as(type(value), ("items", "keys", "values", "__iter__", "__len__")))) != "dict":
            raise EvaluationError(
                f"a {qualified_name(type(value))} is no dictionary, whose items could be looked through"
            )
        if dict.__len__(value) > self._visit:
            raise EvaluationError(f"a dictionary has more than {self._visit} items, too many to look through here")
        try:
            return [*view(value)]
        except RuntimeError:
            raise EvaluationError("the dictionary changed while it was read") from None

    def _apart(self, element: Any, size: int) -> list[Any]:
        """An element as so many parts, none of which has a name that is withheld."""
        if FAMILY.get(id(behaves_as(type(element), ("__iter__", "__len__")))) not in ("list", "tuple"):
            raise EvaluationError(f"a {qualified_name(type(element))} is not taken apart into {size} names")
        parts = self._all_of(element)
        if len(parts) != size:
            raise EvaluationError(f"an element has {len(parts)} parts, not {size}")
        return parts

    @staticmethod
    def _alike(loop: Iterable[object]) -> list[object]:
        """What is to be hashed: not texts beside bytes, which Python may warn of."""
        found = [*loop]
        kinds = [type(element) for element in found]
        if any([issubclass(kind, str) for kind in kinds]) and any([issubclass(kind, bytes) for kind in kinds]):
            raise EvaluationError("texts and bytes are not looked up side by side")
        return found
