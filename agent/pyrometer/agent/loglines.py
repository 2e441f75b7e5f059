"""Log lines: what a probe's template says at a hit, of expressions evaluated, captured and withheld as everywhere."""

from __future__ import annotations

from typing import NamedTuple

from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.expressions import EvaluationError, compile_expression
from pyrometer.agent.frames import UNSET, has_variable
from pyrometer.agent.nodes import unreadable
from pyrometer.agent.renderings import cut, one_line, show
from pyrometer.agent.snapshots import lookup_in
from pyrometer.agent.stacks import module_of, thread_name
from pyrometer.agent.templates import parse_template
from pyrometer.agent.unpatched import native
from pyrometer.agent.values import Capture
from pyrometer.guard.texts import MARGIN
from pyrometer.link.errors import ExpressionRejected

TYPE_CHECKING = False
if TYPE_CHECKING:
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

    def line(self, frame: FrameType, capture: Capture, limit: int) -> str:
        """What it says here: one line, bounded, without secrets and controls. Raises nothing of its own.

        Args:
            capture: copies the values; when its time is over the rest of them are left out, and that is said.
            limit: characters of one field.
        """
        texts: list[str] = []
        left = MAX_LINE + MARGIN
        for part in self._parts:
            text = part.text
            if part.field is not None and part.expression is not None:
                node = _captured(part.expression, frame, capture)
                text = show(node, part.field.conversion, part.field.spec, limit)
            texts.append(text)
            left -= len(text)
            if left <= 0:
                break
        whole = "".join(texts)[: MAX_LINE + MARGIN]
        return cut(one_line(self._redactor.clean(whole)), MAX_LINE)


def take_line(recipe: Recipe, hit_id: str, frame: FrameType) -> tuple[dict[str, Any], int]:
    """Say at a hit what the recipe's template says; with about how many bytes it is. Shape: `link.model.hit_event`."""
    began = native.perf_counter()
    capture = Capture(recipe.limits, recipe.redactor, shape=recipe.shape)
    assert recipe.template is not None
    message = recipe.template.line(frame, capture, max(recipe.limits.length, MAX_FIELD))
    code = frame.f_code
    place = {"function": name_of(code), "file": file_of(code), "line": frame.f_lineno or 0, "module": module_of(frame)}
    hit: dict[str, Any] = {
        "hit_id": hit_id,
        "time": native.time(),
        "thread": thread_name(native.get_ident()),
        "frames": [{**place, "locals": None}],
        "left_out": 0,
        "expressions": [],
        "exception": None,
        "trace_id": "",
        "message": message,
    }
    hit["pause"] = native.perf_counter() - began
    return hit, 6 * len(message) + 600


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


def _captured(expression: Expression, frame: FrameType, capture: Capture) -> Node:
    """The copy of an expression's value, or what there is instead."""
    if capture.is_late:
        return unreadable("the time for one line is over")
    try:
        value = expression.evaluate(lookup_in(frame, None))
    except EvaluationError as error:
        if expression.names != (expression.text,) or not has_variable(frame.f_code, expression.text):
            return unreadable(error.why)
        value = UNSET
    return capture.value(value)


def _compile(field: Field, redactor: Redactor) -> Expression:
    try:
        return compile_expression(field.expression, redactor)
    except ExpressionRejected as error:
        raise ExpressionRejected(
            f"in {{{cut(field.expression, 40)}}}, at character {field.at}: {error.message}", next=error.next
        ) from None
