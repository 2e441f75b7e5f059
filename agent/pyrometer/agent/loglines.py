"""Log lines: what a probe's template says at a hit, of expressions evaluated, captured and withheld as everywhere."""

from __future__ import annotations

import sys

from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.drafts import Draft
from pyrometer.agent.expressions import EvaluationError, compile_expression
from pyrometer.agent.frames import UNSET, has_variable
from pyrometer.agent.nodes import unreadable
from pyrometer.agent.renderings import cut, one_line, show
from pyrometer.agent.snapshots import lookup_in
from pyrometer.agent.stacks import ThreadName, module_of
from pyrometer.agent.templates import parse_template
from pyrometer.agent.traces import current_trace
from pyrometer.agent.unpatched import native
from pyrometer.agent.values import Capture
from pyrometer.guard.texts import MARGIN
from pyrometer.link.errors import ExpressionRejected
from pyrometer.link.framing import Later, encode
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

    from pyrometer.agent.expressions import Expression
    from pyrometer.agent.nodes import Node
    from pyrometer.agent.snapshots import Recipe
    from pyrometer.agent.templates import Field
    from pyrometer.guard.redaction import Redactor

MAX_LINE = 2000
"""Characters of a log line."""
MAX_FIELD = 500
"""Characters of a field, where the limit of length is not higher."""

_LEAST_BYTES = 1500
_WARMING = 4
"""The interpreter adapts code to what it sees after some calls."""


class _Part(NamedTuple):
    """Literal text, or a field with its expression."""

    text: str
    field: Field | None = None
    expression: Expression | None = None


class Template:
    """A template whose expressions are compiled. Never changes; may be used by many threads at once."""

    __slots__ = ("_parts", "_redactor")

    def __init__(self, parts: list[_Part], redactor: Redactor) -> None:
        self._parts = parts
        self._redactor = redactor

    def line(self, frame: FrameType, capture: Capture, limit: int, pay: Callable[[float], None] | None = None) -> Line:
        """Read what it says here. Raises nothing of its own.

        Args:
            capture: reads the values; when its time is over the rest of them are left out, and that is said.
            limit: characters of one field.
            pay: is told the seconds that writing the line takes.
        """
        values = [None if part.expression is None else _read(part.expression, frame, capture) for part in self._parts]
        return Line(self._parts, values, self._redactor, limit, pay)


class Line(Later):
    """A line whose values were read: it is written when it is sent, on our own thread."""

    __slots__ = ("_limit", "_parts", "_pay", "_redactor", "_values")

    def __init__(
        self,
        parts: list[_Part],
        values: list[Draft | Node | None],
        redactor: Redactor,
        limit: int,
        pay: Callable[[float], None] | None,
    ) -> None:
        self._parts = parts
        self._values = values
        self._redactor = redactor
        self._limit = limit
        self._pay = pay

    def to_wire(self) -> str:
        """One line, bounded, without secrets and controls. Once: it is made of what was read."""
        began = native.thread_time()
        texts: list[str] = []
        left = MAX_LINE + MARGIN
        for part, value in zip(self._parts, self._values, strict=True):
            text = part.text
            if part.field is not None and value is not None:
                node = value.to_wire() if isinstance(value, Draft) else value
                text = show(node, part.field.conversion, part.field.spec, self._limit)
            texts.append(text)
            left -= len(text)
            if left <= 0:
                break
        whole = "".join(texts)[: MAX_LINE + MARGIN]
        line = cut(one_line(self._redactor.clean(whole)), MAX_LINE)
        if self._pay is not None:
            self._pay(native.thread_time() - began)
        return line


def take_line(recipe: Recipe, hit_id: str, frame: FrameType) -> tuple[dict[str, Any], int]:
    """Read what the recipe's template says at a hit; with about how many bytes it is. Shape: `link.model.hit_event`."""
    assert recipe.template is not None
    began = native.perf_counter()
    capture = Capture(recipe.limits, recipe.redactor, shape=recipe.shape)
    message = recipe.template.line(frame, capture, max(recipe.limits.length, MAX_FIELD), recipe.pay)
    code = frame.f_code
    place = {"function": name_of(code), "file": file_of(code), "line": frame.f_lineno or 0, "module": module_of(frame)}
    hit: dict[str, Any] = {
        "hit_id": hit_id,
        "time": native.time(),
        "thread": ThreadName(),
        "frames": [{**place, "locals": None}],
        "left_out": 0,
        "expressions": [],
        "exception": None,
        **current_trace()._asdict(),
        "message": message,
    }
    hit["pause"] = native.perf_counter() - began
    return hit, capture.used_bytes + _LEAST_BYTES


def warm_up_line(recipe: Recipe) -> None:
    """Do on the agent's thread what a first hit would do slowly."""
    for _ in range(_WARMING):
        encode(take_line(recipe._replace(pay=None), "", sys._getframe())[0])


def compile_template(text: str, redactor: Redactor) -> Template:
    """Check and compile a template.

    Raises:
        ExpressionRejected: it is not formed as one, or one of its expressions is not; with the position.
    """
    if not text.strip():
        raise ExpressionRejected("the template is empty", next="Write one like: order {order.id}: {len(items)} items")
    parts = [
        _Part(part) if isinstance(part, str) else _Part("", part, _compile(part, redactor))
        for part in parse_template(text)
    ]
    return Template(parts, redactor)


def _read(expression: Expression, frame: FrameType, capture: Capture) -> Draft | Node:
    """An expression's value, or what there is instead."""
    if capture.is_late:
        return unreadable("the time for one line is over")
    try:
        value = expression.evaluate(lookup_in(frame, None))
    except EvaluationError as error:
        if expression.names != (expression.text,) or not has_variable(frame.f_code, expression.text):
            return unreadable(error.why)
        value = UNSET
    return capture.draft(value)


def _compile(field: Field, redactor: Redactor) -> Expression:
    try:
        return compile_expression(field.expression, redactor)
    except ExpressionRejected as error:
        raise ExpressionRejected(
            f"in {{{cut(field.expression, 40)}}}, at character {field.at}: {error.message}", next=error.next
        ) from None
