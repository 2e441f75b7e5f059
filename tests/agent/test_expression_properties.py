"""What holds for any expression and any values: it agrees with Python, fails in one way only, and runs nothing."""

from __future__ import annotations

import math
import warnings
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.agent import hostile

from pyrometer.agent.expressions import EvaluationError, compile_expression
from pyrometer.agent.nodes import Redacted
from pyrometer.agent.templates import parse_template
from pyrometer.guard.redaction import Redactor
from pyrometer.link.errors import LinkError

REDACTOR = Redactor()
NAMES = ("a", "b", "c")
QUICK = settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

numbers = st.one_of(
    st.booleans(),
    st.integers(-5, 5),
    st.integers(),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, math.inf, math.nan, 2**70]),
)
texts = st.text("abß\U0001f600 ", max_size=4)
scalars = st.one_of(st.none(), numbers, texts, st.binary(max_size=3))
hashed = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(), texts, st.binary(max_size=2))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.lists(inner, max_size=3).map(deque),
        st.dictionaries(hashed, inner, max_size=4),
        st.dictionaries(hashed, inner, max_size=3).map(lambda entries: defaultdict(list, entries)),
        st.dictionaries(texts, inner, max_size=3).map(OrderedDict),
        st.sets(hashed, max_size=4),
        st.frozensets(hashed, max_size=4),
    ),
    max_leaves=8,
)
literals = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.integers(),
    st.floats(allow_nan=False),
    texts,
    st.binary(max_size=3),
).map(lambda value: repr(value).replace("inf", "1e999"))


def _combined(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    compare = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
    identity = st.sampled_from(["is", "is not"])
    compute = st.sampled_from(["+", "-", "*", "/", "//", "%", "&"])
    function = st.sampled_from(
        ["len", "abs", "any", "all", "min", "max", "sum", "sorted", "str", "int", "float", "round"]
    )
    method = st.sampled_from(
        [
            *("lower()", "upper()", "strip()", "get({})", "startswith({})", "endswith({})", "strip({})", "split()"),
            *("split({})", "lstrip({})", "rstrip()", "count({})", "find({})", "isdigit()"),
        ]
    )
    looping = st.sampled_from(["any", "all", "sum", "max", "min", "sorted"])
    view = st.sampled_from(["", ".items()", ".keys()", ".values()"])
    name = st.sampled_from(NAMES)
    kind = st.sampled_from(["int", "(str, int)", "float", "(list, tuple, dict)", "bool", "object", "KeyError"])
    spec = st.sampled_from(["", ":>5", ":.2f", ":05d", ":x", ":^7", "!r", "!s:<4", ":,", ":+", ":e", ":%", "="])
    return st.one_of(
        st.builds("({} {} {})".format, part, compare, part),
        st.builds("({0} {1} {2} {3} {4})".format, part, compare, part, compare, part),
        st.builds("({} {} {})".format, part, compute, part),
        st.builds("({} {} {})".format, part, identity, st.sampled_from(["None", "True", "False"])),
        st.builds("({} {} {})".format, st.sampled_from(NAMES), identity, st.sampled_from(NAMES)),
        st.builds("({} and {})".format, part, part),
        st.builds("({} or {} or {})".format, part, part, part),
        st.builds("(not {})".format, part),
        st.builds("(-{})".format, part),
        st.builds("({} if {} else {})".format, part, part, part),
        st.builds("{}({})".format, function, part),
        st.builds("max({}, {})".format, part, part),
        st.builds("({})[{}]".format, part, part),
        st.builds("({})[{}:{}]".format, part, part, part),
        st.builds(lambda owner, call, argument: f"({owner}).{call.format(argument)}", part, method, part),
        st.builds("({}).get({}, {})".format, part, part, part),
        st.builds("[{}, {}]".format, part, part),
        st.builds("({}, {})".format, part, part),
        st.builds("{{{}: {}}}".format, literals, part),
        st.builds("{{{}, {}}}".format, literals, literals),
        st.builds("[{} for {} in {}{}]".format, part, name, part, view),
        st.builds("[{} for {} in {} if {}]".format, part, name, part, part),
        st.builds("[{} for {}, {} in {}.items()]".format, part, st.just("a"), st.just("b"), part),
        st.builds("[{} for a in {} for b in {}]".format, part, part, part),
        st.builds("{{{} for {} in {}}}".format, part, name, part),
        st.builds("{{{}: {} for {} in {}}}".format, part, part, name, part),
        st.builds("{}({} for {} in {}{})".format, looping, part, name, part, view),
        st.builds("{}({}{})".format, looping, part, view),
        st.builds("isinstance({}, {})".format, part, kind),
        st.builds("(type({}) is {})".format, part, st.sampled_from(["int", "str", "list", "float"])),
        st.builds("round({}, {})".format, part, part),
        st.builds(_formatted, name, spec, name),
    )


def _formatted(first: str, spec: str, second: str) -> str:
    return f"f'{{{first}{spec}}}-{{{second}}}'"


expressions = st.recursive(st.one_of(st.sampled_from(NAMES), literals), _combined, max_leaves=7)


def _lookup(environment: dict[str, Any]) -> Callable[[str], object]:
    return environment.__getitem__


def _in_python(text: str, environment: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(text, dict(environment))  # as globals: comprehensions do not see others


def _outcome(run: Callable[[], object]) -> tuple[str, str]:
    """What came of it: type and form, which tell -0.0 from 0.0 and compare NaN; or that it failed."""
    try:
        value = run()
    except (EvaluationError, TypeError, ValueError, KeyError, IndexError, ArithmeticError, AttributeError):
        return "failed", ""
    return type(value).__name__, repr(value)


@QUICK
@given(expressions, st.fixed_dictionaries(dict.fromkeys(NAMES, values)))
def test_what_is_taken_agrees_with_python(text: str, environment: dict[str, Any]) -> None:
    """On builtin values the result is Python's, or an EvaluationError; where Python fails, so does it."""
    try:
        compiled = compile_expression(text, REDACTOR)
    except LinkError:
        return
    try:
        result = compiled.evaluate(_lookup(environment))
    except EvaluationError:
        return
    if type(result) is Redacted:
        return
    assert (type(result).__name__, repr(result)) == _outcome(lambda: _in_python(text, environment))


@QUICK
@given(expressions, st.fixed_dictionaries(dict.fromkeys(NAMES, values)))
def test_a_condition_agrees_with_python(text: str, environment: dict[str, Any]) -> None:
    """The written-out comparisons mean what the operations mean."""
    try:
        compiled = compile_expression(text, REDACTOR, condition=True)
    except LinkError:
        return
    try:
        result = compiled.test(_lookup(environment))
    except EvaluationError:
        return
    assert result is bool(_in_python(text, environment))


@QUICK
@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused(text: str) -> None:
    """Fault 60: no text makes the compiler fail in another way."""
    try:
        compile_expression(text, REDACTOR)
    except LinkError:
        pass


@QUICK
@given(st.lists(st.sampled_from([*"{}{}{}!:=rs .[]()'\"\\\n>5fd%", "a", "b['x']", "len("]), max_size=25))
def test_any_template_is_taken_or_refused(tokens: list[str]) -> None:
    """Fault 62: what is taken means what an f-string of the same text means, where that is one."""
    text = "".join(tokens)
    try:
        parts = parse_template(text)
    except LinkError:
        return
    literal = "".join([part for part in parts if isinstance(part, str)])
    if all(isinstance(part, str) for part in parts) and "\\" not in text and "\n" not in text and "'" not in text:
        assert literal == eval(f"f'{text}'")


@QUICK
@given(
    st.lists(
        st.sampled_from(
            [
                *"abc.,:[](){}'\"+-*/%&|^~<>=! \\0123_",
                *(
                    " and ",
                    " not ",
                    " in ",
                    " if ",
                    " else ",
                    "lambda ",
                    " for ",
                    " async ",
                    "f'",
                    'rf"',
                    "!r}",
                    ":>5}",
                ),
            ]
        ),
        max_size=25,
    )
)
def test_any_tokens_are_taken_or_refused(tokens: list[str]) -> None:
    """Nearly right texts come nearer to the seams than any text does."""
    try:
        compile_expression("".join(tokens), REDACTOR, condition=True)
    except LinkError:
        pass


BATTERY = (
    "x", "x.amount", "x.total", "x.items_left", "x.missing", "x.args", "x.args[0].amount", "x == x", "x != x",
    "x == 5", "5 == x", "x == other", "x < x", "x > 5", "5 >= x", "x < 'a'", "x == 'text'", "x in (5, 'a')",
    "x in [x]", "x in y", "5 in x", "'a' in x", "'amount' in x", "x not in x", "x is None", "x is other", "not x",
    "x and 5", "x or 5", "1 if x else 2", "len(x)", "abs(x)", "any(x)", "all(x)", "min(x)", "max(x)", "sum(x)",
    "max(x, 5)", "min(x, x)", "-x", "+x", "x + 1", "1 + x", "x + 'a'", "x * 2", "x / 2", "x // 2", "x % 2", "x & 1",
    "x[0]", "x['amount']", "x['password']", "x[x]", "x[1:]", "x[x:]", "y[x]", "d[x]", "d.get(x)", "d.get('a', x)",
    "x.get('amount')", "x.get(x)", "x.lower()", "x.upper()", "x.strip()", "x.strip(x)", "'a'.strip(x)",
    "x.startswith('t')", "'text'.startswith(x)", "'text'.endswith((x,))", "y == [x]", "[x] == y",
    "[x, x] == [x, other]", "(x,) < (other,)", "{'a': x} == d", "d == {'a': x}", "x == [1, 2]", "x == {'a': 1}",
    "x == {1}", "[5, x] == [5, 5]", "x in d", "x in s", "x.x", "x.real", "x.year", "x.start.amount",
    "x.tzinfo.amount", "x.value", "[y for y in x]", "[y.amount for y in (x, other)]", "{y for y in (x, other)}",
    "{y: 1 for y in (x, other)}", "[a for a, b in (x, other)]", "[a for a, b in x.items()]", "[v for v in x.values()]",
    "[k for k in x.keys()]", "any(y for y in (x, other))", "all(y == x for y in (x, other))", "sorted(x)",
    "sorted([x, other])", "sorted(y for y in x)", "max(y for y in (x, other))", "sum(y for y in (x, other))",
    "isinstance(x, int)", "isinstance(x, (str, list))", "isinstance(5, x)", "isinstance(x, x)", "isinstance(x, (x,))",
    "type(x) is int", "type(x) in (int, x)", "type(x) == x", "type(x)", "str(x)", "int(x)", "float(x)", "round(x)",
    "round(x, 1)", "round(1.5, x)", "f'{x}'", "f'{x!r}'", "f'{x!s:>5}'", "f'{x:>5}'", "f'{x.amount:d}'", "x.split(x)",
    "x.split()", "'a'.split(x)", "x.count(x)", "'a'.count(x)", "x.find('a')", "x.isdigit()", "x.lstrip(x)",
    "x.rstrip()",
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(hostile.instances()))
def test_nothing_of_a_hostile_class_is_run(name: str) -> None:
    """Faults 41, 42, 49, 51 and 58: every operation on every hostile object, read, refused or withheld, never run."""
    obj, other = hostile.instances()[name], hostile.instances()[name]
    environment = {"x": obj, "other": other, "y": [obj, other], "d": {"a": obj}, "s": (obj,)}
    calls = {text: called for text in BATTERY if (called := _calls_of(text, environment))}
    assert calls == {}


def _calls_of(text: str, environment: dict[str, Any]) -> list[str]:
    """What is run by an expression, as a value and as a condition."""
    hostile.CALLS.clear()
    for condition in (False, True):
        try:
            expression = compile_expression(text, REDACTOR, condition=condition)
            outcome = expression.test if condition else expression.evaluate
            outcome(_lookup(environment))
        except (EvaluationError, LinkError):
            continue
    calls = list(hostile.CALLS)
    hostile.CALLS.clear()
    return calls
