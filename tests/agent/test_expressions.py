"""Expressions: what values come out, what fails at the hit, and what an evaluation may take."""

from __future__ import annotations

import decimal
import functools
import gc
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.agent.evaluating import Color, Level, Odd, Order, Point, Slots, evaluate, holds

from pyrometer.agent.expressions import EvaluationError, compile_expression
from pyrometer.guard.redaction import Redactor

PROGRAM = Path(__file__).parent / "programs" / "bytes_beside_text.py"


VALUES = {
    "order.total > 1000": True,
    "order.total": 1249.5,
    "order.limit": 5,
    "order.items": [3, 1, 2],
    "order.items[0]": 3,
    "order.items[-1]": 2,
    "order.items[1:]": [1, 2],
    "order.items[::2]": [3, 2],
    "order.options['gift']": True,
    "order.options[7]": "seven",
    "order.options[7.0]": "seven",
    "order.options.get('gift')": True,
    "order.options.get('none')": None,
    "order.options.get('none', 5)": 5,
    "order.options.get(None)": None,
    "'gift' in order.options": True,
    "'none' not in order.options": True,
    "order.customer.address is None": True,
    "order.customer.address is not None": False,
    "order.customer.email.endswith('.org')": True,
    "order.customer.email.startswith(('bob', 'ann'))": True,
    "order.customer.country.lower()": "nl",
    "'example' in order.customer.email": True,
    "order.customer.email[:3]": "ann",
    "order.status in ('open', 'paid')": True,
    "order.status in ['open', 'paid']": True,
    "order.status in {'paid'}": False,
    "order.status not in ('open', 'paid')": False,
    "order.items == [3, 1, 2]": True,
    "order.items != [3, 1, 2]": False,
    "order.items < [3, 2]": True,
    "order.options == {'gift': True, 7: 'seven', 'path': '/a'}": True,
    "len(order.items) == 3": True,
    "len(order.options)": 3,
    "max(order.items) + min(order.items)": 4,
    "max(1, order.limit)": 5,
    "sum(order.items) / len(order.items)": 2.0,
    "sum([0.1, 0.2, 0.3])": sum([0.1, 0.2, 0.3]),
    "any(order.items)": True,
    "all(order.items)": True,
    "abs(-order.limit)": 5,
    "-order.limit": -5,
    "order.limit % 2 == 1": True,
    "order.limit // 2": 2,
    "order.limit & 1": 1,
    "0 < order.limit <= 5": True,
    "0 < order.items[0] < order.limit < order.total": True,
    "order.limit if order.items else None": 5,
    "order.customer.address or order.status": "open",
    "order.customer and order.status": "open",
    "not order.items": False,
    "not (order.limit > 3 and order.status == 'open')": False,
    "slots.amount": 5,
    "point.x": 1,
    "point[0]": 1,
    "point[:1]": (1,),
    "level == 1": True,
    "level < 2": True,
    "level in (1, 2)": True,
    "color == 'red'": True,
    "color.startswith('r')": True,
    "money > 100": True,
    "money == 100.5": True,
    "money < 100.4": False,
    "100 < money < 101": True,
    "100 in numbers": True,
    "1 if True else 2": 1,
    "order == order": True,
    "order == other": False,
    "order != 5": True,
    "order is other": False,
    "True and 1": 1,
    "1e999 > order.total": True,
    "order.total > -1e999": True,
    "[x * 2 for x in order.items]": [6, 2, 4],
    "[x for x in order.items if x > 1]": [3, 2],
    "[x for x in order.items if x > 1 if x < 3]": [2],
    "[x + y for x in order.items for y in (10, 20) if y > 10]": [23, 21, 22],
    "[[y for y in (x, x)] for x in order.items]": [[3, 3], [1, 1], [2, 2]],
    "{x % 2 for x in order.items}": {0, 1},
    "{x: x * x for x in order.items}": {3: 9, 1: 1, 2: 4},
    "[k for k, v in order.options.items() if v == 'seven']": [7],
    "sum(x * order.limit for x in order.items)": 30,
    "max(x for x in order.items)": 3,
    "min([x for x in order.items])": 1,
    "sorted(x for x in order.items)": [1, 2, 3],
    "any(x > 2 for x in order.items)": True,
    "all(x > 2 for x in order.items)": False,
    "any(x.missing for x in ())": False,
    "any(x == 3 or x.missing for x in order.items)": True,
    "len([x for x in order.customer.email if False]) if False else 0": 0,
    "[order for order in order.items]": [3, 1, 2],
    "[y for x in (1,) for y in [y for y in (x,)]]": [1],
    "[v for v in order.options.values()]": [True, "seven", "/a"],
    "'gift' in [k for k in order.options.keys()]": True,
    "sum(amounts.values())": 30,
    "sorted(amounts)": ["a", "b"],
    "sorted(order.items)[:2]": [1, 2],
    "sorted([2.5, True, 1.5])": [True, 1.5, 2.5],
    "isinstance(order, Order)": True,
    "isinstance(order.total, (int, str))": False,
    "isinstance(order.total, float)": True,
    "isinstance(level, int)": True,
    "isinstance(True, int)": True,
    "isinstance(error, KeyError)": True,
    "isinstance(error, (ValueError, LookupError))": True,
    "type(order) is Order": True,
    "type(order.total) is float": True,
    "type(level) in (int, float)": False,
    "type(error) == KeyError": True,
    "[type(x) is int for x in order.items]": [True, True, True],
    "str(order.limit) + '!'": "5!",
    "str(None)": "None",
    "int('42') + int(3.9) + int(True)": 46,
    "float('1e3') + float(1)": 1001.0,
    "round(order.total)": 1250,
    "round(1249.567, 1)": 1249.6,
    "round(1250, -2)": 1200,
    "f'{order.total:.2f}'": "1249.50",
    "f'{order.status!r:>8}|{order.limit:03d}|{{}}'": "  'open'|005|{}",
    "f'{order.limit=}'": "order.limit=5",
    "f'a' 'b{x}'": "ab{x}",
    "rf'{order.limit}\\d'": "5\\d",
    "f'{order.options[\"gift\"]}'": "True",
    "[f'{x}!' for x in order.items]": ["3!", "1!", "2!"],
    "f'{[x for x in order.items][0]}'": "3",
    "order.customer.email.split('@')[1]": "example.org",
    "'a b  c'.split()": ["a", "b", "c"],
    "'a,b,c'.split(',', 1)": ["a", "b,c"],
    "order.status.count('o')": 1,
    "order.status.find('z')": -1,
    "'42'.isdigit()": True,
    "' a '.lstrip() + 'b  '.rstrip()": "a b",
    "b'a' == 'a'": False,
    "None == order.customer.address": True,
}


@pytest.mark.parametrize(("text", "value"), VALUES.items(), ids=VALUES.keys())
def test_values_are_those_of_python(text: str, value: object) -> None:
    """What is taken means what it means in Python; as a condition, its truth."""
    names = {
        "order": Order(),
        "other": Order(),
        "slots": Slots(),
        "point": Point(1, "abc"),
        "level": Level.LOW,
        "color": Color.RED,
        "money": decimal.Decimal("100.5"),
        "numbers": range(0, 10**9, 100),
        "amounts": {"b": 20, "a": 10},
        "Order": Order,
        "error": KeyError("no"),
    }
    assert evaluate(text, **names) == value
    assert holds(text, **names) is bool(value)


FAILING = {
    "order.net": "net is a property of",
    "order.net > 5": "_net is stored and can be read",
    "order.count": "count is a method of",
    "order.missing": "has no attribute missing",
    "slots.unset": "is not set",
    "order.items[7]": "there is no item 7",
    "order.options['none']": "no such key",
    "order.items['a']": "can't be indexed",
    "nobody": "nobody has no value here",
    "order.status < 5": "< between str and int",
    "order < 5": "< between",
    "order.limit / 0": "division by zero",
    "order.limit * 1.5 * 1e308 // 1 % 0": "division by zero",
    "huge + 1": "bits",
    "huge + 0.5": "bits",
    "order.status + 5": "not computed with",
    "order.items + order.items": "not computed with",
    "order.items * 1000000000": "not computed with",
    "order.status * 1000000000": "not computed with",
    "len(order)": "len()",
    "len(5)": "len()",
    "order.status.get('a')": ".get() is for dictionaries",
    "order.items.lower()": ".lower() is for texts",
    "5 in order": "can't be looked through",
    "5 in order.status": "is no part of",
    "order.items[::0]": "step",
    "order.items['a':]": "whole numbers",
    "long in long": "at most",
    "long[:1]": "at most",
    "long + long": "more than",
    "many == many2": "more than",
    "5 in many": "more than",
    "max(many)": "more than",
    "any(many)": "more than",
    "many[:]": "more than",
    "max([])": "of nothing",
    "nan_money > 5": "NaN",
    "order.options[order]": "is not looked up",
    "order.options[[1]]": "is not looked up",
    "deep == deep2": "deeper",
    "local.value": "__getattribute__",
    "-order": "not computed with",
    "[x.net for x in [order]]": "net is a property of",
    "[x for x in order]": "can't be looked through",
    "[x for x in many]": "more than",
    "[x for x in order.status]": "can't be looked through",
    "[1 for x in some for y in some]": "goes through more than",
    "[1 for x, y in [order.items]]": "3 parts, not 2",
    "[1 for x, y in order.items]": "not taken apart",
    "{x for x in [order]}": "is not looked up",
    "{x for x in ['a', b'a']}": "side by side",
    "{x: 1 for x in [[]]}": "is not looked up",
    "sum(x for x in [order])": "not computed with",
    "[k for k in order.items.keys()]": "is no dictionary",
    "[1 for x in some if missing > x]": "missing has no value here",
    "f'{order}'": "is made by its code",
    "f'{order.items}'": "is made by its code",
    "f'{order.status:d}'": "is not for a str",
    "f'{order.customer.address:>5}'": "is not for a NoneType",
    "f'{long}'": "at most",
    "f'{huge}'": "bits",
    "str(order)": "is made by its code",
    "int('x')": "no whole number",
    "int(1e999)": "no whole number",
    "int('9' + '9')  + int(long)": "is not read as a number",
    "float('x')": "no number",
    "round(order)": "not computed with",
    "round(1.5, 10000)": "round() takes",
    "round(1e999)": "can't be rounded",
    "sorted([1, 'a'])": "sorted() is for",
    "sorted([order])": "sorted() is for",
    "sorted(many)": "more than",
    "isinstance(order, 5)": "is no class",
    "isinstance(order, Odd)": "__instancecheck__",
    "order.status.split('')": "not empty",
    "order.items.count(1)": ".count() is for texts",
}


@functools.cache
def large() -> dict[str, Any]:
    """Values that nobody is to look through, made once."""
    return {
        "huge": 1 << 4_000_000,
        "long": "a" * 1_000_000,
        "many": [*range(1_000_000)],
        "many2": [*range(1_000_000)],
    }


@pytest.mark.parametrize(("text", "why"), FAILING.items(), ids=FAILING.keys())
def test_what_shows_only_at_the_hit_is_an_error_in_words(text: str, why: str) -> None:
    """Faults 57 to 59 and 61: a property, a missing key, a size; in a condition too."""
    deep: list[Any] = []
    deep2: list[Any] = []
    for _ in range(50):
        deep, deep2 = [deep], [deep2]
    names = {
        "order": Order(),
        "slots": Slots(),
        **large(),
        "nan_money": decimal.Decimal("NaN"),
        "deep": deep,
        "deep2": deep2,
        "local": threading.local(),
        "some": [*range(100)],
        "Odd": Odd,
    }
    with pytest.raises(EvaluationError) as caught:
        evaluate(text, **names)
    assert why in caught.value.why
    with pytest.raises(EvaluationError):
        holds(text, **names)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("long == copy", "too long to be compared"),
        ("[long] == [copy]", "too long to be compared"),
        ("options[long]", "too long to be looked up"),
        ("options.get(long)", "too long to be looked up"),
        ("ours == 'x'", "too long to be copied"),
    ],
)
def test_no_text_of_the_services_is_hashed_or_compared_whole(text: str, why: str) -> None:
    """It would hold up the service's thread for as long as the text is long."""
    long = "x" * 1_000_000
    names = {"long": long, "copy": long[:-1] + "x", "options": {"a": 1}, "ours": type("Text", (str,), {})(long)}
    with pytest.raises(EvaluationError, match=why):
        holds(text, **names)


def test_names_are_those_of_the_frame_in_order_of_appearance() -> None:
    """Functions of the language are not read from the frame, whatever it calls so (fault 61)."""
    expression = compile_expression("len(b) > a.b and max(c, b) == a", Redactor(), condition=True)
    assert expression.names == ("b", "a", "c")
    assert holds("len(x) == 2", x=[1, 2], len=5)


def test_a_name_without_a_value_matters_only_where_it_is_read() -> None:
    """Fault 61: `kind == "fee" and fee > 5` works where there is no fee."""
    assert holds("kind == 'fee' and fee > 5", kind="cash") is False
    with pytest.raises(EvaluationError, match="fee has no value here"):
        holds("kind == 'fee' and fee > 5", kind="fee")


def test_sources_of_several_expressions_run_in_one_function() -> None:
    """Engines write callbacks out of them: names do not clash, and a condition is exactly True or False."""
    texts = [
        "order.total > 1000",
        "order.items and order.status",
        "0 < len(order.items) < 5",
        "order.options.get('gift')",
    ]
    compiled = [compile_expression(text, Redactor(), condition=True) for text in texts]
    namespace: dict[str, Any] = {}
    for expression in compiled:
        namespace |= expression.namespace
    lines = ", ".join(expression.source for expression in compiled)
    exec(f"def callback(v_order):\n return [{lines}]", namespace)
    assert namespace["callback"](Order()) == [True, True, True, True]


def test_a_condition_on_a_number_is_written_out() -> None:
    """The bar of 0.3 µs: no call where the value is exactly a number or text."""
    expression = compile_expression("x < 0", Redactor(), condition=True)
    namespace = {
        name: value
        for name, value in expression.namespace.items()
        if not callable(value) or value in (int, float, type)
    }
    assert eval(expression.source, {**namespace, "v_x": 5}) is False
    assert eval(expression.source, {**namespace, "v_x": -0.5}) is True


def test_reading_leaves_the_object_as_it_was() -> None:
    """A condition on a hot line may not grow the service: asking for `__dict__` would make one that stays."""
    condition = compile_expression("order.total > 10000", Redactor(), condition=True)
    orders = [Order() for _ in range(10)]
    before = [len(gc.get_referents(order)) for order in orders]
    for order in orders:
        assert condition.test({"order": order}.__getitem__) is False
    assert [len(gc.get_referents(order)) for order in orders] == before


def test_a_class_that_changes_while_armed_is_read_anew() -> None:
    """What is remembered of a class is checked: a property that comes later is not run."""

    class Changing:
        def __init__(self) -> None:
            self.value = 5

    condition = compile_expression("x.value == 5", Redactor(), condition=True)
    obj: Any = Changing()
    assert [condition.test({"x": obj}.__getitem__) for _ in range(3)] == [True] * 3
    del obj.value
    with pytest.raises(EvaluationError, match="no attribute"):
        condition.test({"x": obj}.__getitem__)
    Changing.value = 5  # type: ignore[attr-defined]
    assert condition.test({"x": obj}.__getitem__)
    Changing.value = property(lambda self: pytest.fail("a property was run"))  # type: ignore[attr-defined]
    with pytest.raises(EvaluationError, match="property"):
        condition.test({"x": obj}.__getitem__)
    del Changing.value  # type: ignore[attr-defined]
    obj.value = 5
    assert condition.test({"x": obj}.__getitem__)
    Changing.__getattribute__ = lambda self, name: pytest.fail("it was run")  # type: ignore[method-assign]
    with pytest.raises(EvaluationError, match="__getattribute__"):
        condition.test({"x": obj}.__getitem__)
    del Changing.__getattribute__


def test_a_signals_exception_passes_through() -> None:
    """Fault 24: what a handler raises in our frame is the service's."""

    def interrupted(name: str) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compile_expression("x", Redactor()).evaluate(interrupted)


def test_bytes_are_never_compared_with_text() -> None:
    """Under -b Python would warn of it, by code that the service may have put in; even a look-up compares."""
    texts = [
        "x == 'a'",
        "'a' != x",
        "x in {'a': 1}",
        "x in d",
        "'a' in {b'a'}",
        "[b'a'] == ['a']",
        "d.get(b'a')",
        "x in ('a', x)",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run(
        [sys.executable, "-bb", "-W", "error", PROGRAM, *texts],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "True", "False", "False", "False", "False", "False", "True"]


def test_what_one_evaluation_looks_at_is_bounded() -> None:
    """Design section 10: no data makes it long, and operations share what there is."""
    texts = {name: ["4111 " * 100 + str(number) for number in range(1000)] for name in ("first", "second")}
    names = {name: {f"some_name_{number}": number for number in range(1000)} for name in ("third", "fourth")}
    cards = [4111111111111112 + number for number in range(1000)]
    environment = {
        **texts,
        **names,
        "cards": cards,
        "long": "4111 " * 199,
        "many": dict.fromkeys(range(9000), 0),
    }
    for text in ("first == second", "first < second", "max(first)", "long < long and long < long", "third == fourth"):
        with pytest.raises(EvaluationError, match=r"more text|looked into"):
            evaluate(text, **environment)
    for text in ("max(cards)", "sum(cards)", " + ".join(["max(cards)"] * 10), " + ".join(["many[8999]"] * 10)):
        with pytest.raises(EvaluationError, match=r"more text|too many"):
            evaluate(text, **environment)
    assert evaluate("max(numbers) + sum(numbers)", numbers=[*range(400)]) == 399 + 79800
