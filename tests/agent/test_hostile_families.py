"""Faults 41, 49 and 58: every builtin type's subclasses, each with one method that is a trap, seen in every way."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from tests.agent import hostile

from pyrometer.agent import frames
from pyrometer.agent.expressions import EvaluationError, Expression, compile_expression
from pyrometer.agent.loglines import compile_template, take_line
from pyrometer.agent.snapshots import Recipe, lookup_in, take
from pyrometer.agent.values import MAX_NODES
from pyrometer.guard.redaction import Redactor
from pyrometer.link.errors import ExpressionRejected
from pyrometer.link.framing import encode
from pyrometer.link.model import ProbeLimits

REDACTOR = Redactor()
LIMITS = ProbeLimits(frames=1)
CONDITIONS = (
    *("value == 1", "value != other", "value < 5", "value in [1, 2]", "1 in value", "value is None", "not value"),
    *("value and other", "value.amount > 1", "value[0] == 1", "value['a'] == 1", "value + 1 == 2", "len(value) > 1"),
    *("isinstance(value, str)", "-value < 0", "value.total == 9", "str(value) == 'x'", "{value: 1} == {}"),
    *("any(x == 1 for x in value)", "value == value", "abs(value) > 0", "sorted(value) == []", "value % 2 == 0"),
)
EXPRESSIONS = (
    *("value", "value.amount", "[value, value]", "value[:1]", "f'{value}'", "str(value)", "max(value, 1)"),
    *("[x for x in value]", "value.get('a')", "value.startswith('t')", "sum(value)", "int(value)", "type(value)"),
)
TEMPLATE = "{value} {value!r} {value.amount} {value:>10} {len(value)} {value['a']} {value == 1} {value.password}"


def compiled(texts: tuple[str, ...], *, condition: bool) -> list[Expression]:
    return [made for text in texts if (made := _compile(text, condition=condition)) is not None]


def _compile(text: str, *, condition: bool) -> Expression | None:
    try:
        return compile_expression(text, REDACTOR, condition=condition)
    except ExpressionRejected:
        return None


@pytest.fixture(scope="module", autouse=True)
def _prepared() -> None:
    frames.prepare()


@pytest.fixture(scope="module")
def conditions() -> list[Expression]:
    return compiled(CONDITIONS, condition=True)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    template = compile_template(TEMPLATE, REDACTOR)
    return Recipe(LIMITS, REDACTOR, False, lambda _: False, compiled(EXPRESSIONS, condition=False), template)


@pytest.fixture
def family(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    made = hostile.of_family(request.param)
    yield made
    hostile.disarm(made)


def in_frame(value: object, other: object) -> FrameType:
    amount = [value, {"key": value}, (value, value)]
    assert amount is not other
    return sys._getframe()


def looked_at(value: Any, recipe: Recipe, conditions: list[Expression]) -> list[Any]:
    """Look at a value in all the ways there are; returns what would be sent."""
    frame = in_frame(value, 5)
    for condition in conditions:
        try:
            condition.test(lookup_in(frame, None))
        except EvaluationError:
            pass
    hit, _ = take(recipe, "1", frame, None)
    shape, _ = take(recipe._replace(shape=True), "2", frame, None)
    line, _ = take_line(recipe, "3", frame)
    return [json.loads(encode({"hit": each})[4:]) for each in (hit, shape, line)]


def count(node: Any) -> int:
    if isinstance(node, dict):
        return ("kind" in node) + sum(map(count, node.values()))
    return sum(map(count, node)) if isinstance(node, list) else 0


def check(family: dict[str, Any], recipe: Recipe, conditions: list[Expression]) -> None:
    assert len(conditions) > 15
    assert len(recipe.expressions) > 8
    for name, value in family.items():
        hostile.CALLS.clear()
        sent = looked_at(value, recipe, conditions)
        calls = list(hostile.CALLS)
        assert calls == [], name
        assert count(sent[0]) < 3 * MAX_NODES
        assert "hunter2" not in json.dumps(sent)


@pytest.mark.parametrize("family", hostile.families(), indirect=True)
def test_no_method_of_a_subclass_is_run(family: dict[str, Any], recipe: Recipe, conditions: list[Expression]) -> None:
    """Section 10: 0 calls, whatever is defined, by capture, conditions, expressions and templates; and bounded.

    Each family is tried with a part of the methods, each method with some of the families.
    """
    first = hostile.families().index(type(next(iter(family.values()))).__mro__[1].__name__)
    part = {name: value for index, (name, value) in enumerate(family.items()) if (index + first) % 8 == 0}
    assert len(part) > 6
    check(part, recipe, conditions)


@pytest.mark.thorough
@pytest.mark.parametrize("family", hostile.families(), indirect=True)
def test_no_method_of_any_subclass_is_run(family: dict[str, Any], recipe: Recipe, conditions: list[Expression]) -> None:
    """The same with every method."""
    check(family, recipe, conditions)


@pytest.mark.parametrize("name", sorted(hostile.instances()))
def test_none_is_run_of_classes_that_are_hostile_in_all_ways(
    name: str, recipe: Recipe, conditions: list[Expression]
) -> None:
    """Faults 42 and 51: metaclasses, descriptors, names and keys too."""
    value = hostile.instances()[name]
    hostile.CALLS.clear()
    sent = looked_at(value, recipe, conditions)
    calls = list(hostile.CALLS)
    assert calls == []
    assert "hunter2" not in json.dumps(sent)
