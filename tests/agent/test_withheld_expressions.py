"""Expressions over what redaction withholds."""

from __future__ import annotations

from collections import deque

import pytest
from tests.agent.evaluating import JWT, Account, Color, Order, Point, evaluate, holds, lookup_in

from pyrometer.agent.expressions import EvaluationError, compile_expression
from pyrometer.agent.nodes import Redacted
from pyrometer.agent.values import REDACTED
from pyrometer.guard.redaction import Redactor
from pyrometer.link.errors import RedactedName


@pytest.mark.parametrize(
    "text",
    [
        "order.password",
        "order.password == 'x'",
        "len(order.password)",
        "order.password[:1]",
        "order.password.hash",
        "order.total > 5 and order.password",
        "options['api_key']",
        "options[b'api_key']",
        "options.get('api_key')",
        "options.get('api_key', 5)",
        "options == {'api_key': 5}",
        "password",
        "password.x",
        "1 if password else 2",
        f"x == '{JWT}'",
        "x == 4111111111111111",
        "[x.password for x in items]",
        "[password for password in items]",
        "any(x.password == 'a' for x in items)",
        "f'{order.password}'",
        "f'{order.total} {order.password[:1]}'",
        "sorted(passwords)",
        "isinstance(password, str)",
        "[x for x in items if options['api_key'] == x]",
    ],
)
def test_what_reads_a_redacted_name_is_withheld_whole(text: str) -> None:
    """Design section 6: decided on every source, not on the result; a condition over it is refused when armed."""

    def never(name: str) -> object:
        raise AssertionError(f"{name} was read")

    assert compile_expression(text, Redactor()).evaluate(never) is REDACTED
    with pytest.raises(RedactedName) as caught:
        compile_expression(text, Redactor(), condition=True)
    assert caught.value.reason == "EXPRESSION_REDACTED"


@pytest.mark.parametrize(
    "text",
    [
        "note",
        "note[:8]",
        "note[8:]",
        "note[0]",
        "note.lower()",
        "note.startswith('eyJ')",
        "'eyJ' in note",
        "note < 'f'",
        "len(note)",
        "note + 'a'",
        "note == 'a'",
        "note or 1",
        "1 if note else 2",
        "[note]",
        "max(notes)",
        "notes == notes",
        "notes == copies",
        "notes[0]",
        "order.note",
        "number",
        "number > 4000000000000000",
        "number // 10",
        "options[key]",
        "options.get(key)",
        "options == options2",
        "pair[1]",
        "pair[-1]",
        "pair[1:]",
        "point[1]",
        "point[-1]",
        "point[:]",
        "point.token",
        "data",
        "data[0]",
        "max(pair)",
        "min(pair)",
        "any(pair)",
        "all(pair)",
        "sum(pin)",
        "'hunter2' in pair",
        "'x' not in pair",
        "pair == ('password', 'x')",
        "pair < ('password', 'x')",
        "('password', 'x') >= pair",
        "[pair] == [('password', 'x')]",
        "('password', 'x') in [pair]",
        "max(pair, ('password', 'x'))",
        "min([pair, ('password', 'x')])",
        "'x'.startswith(pair)",
        "max(named)",
        "'hunter2' in named",
        "named == ('bob', 'x')",
        "named > ('bob', 'x')",
        "named == named",
        "queue[1]",
        "'hunter2' in queue",
        "queue == queue2",
        "'hunter2' in both",
        "[x for x in pair]",
        "[v for k, v in options.items()]",
        "[v for v in options.values()]",
        "sum(options.values())",
        "sorted(options.values())",
        "any(v == 'hunter2' for k, v in options.items())",
        "[y for x, y in [pair]]",
        "[y for x, y in [named]]",
        "[x[1] for x in [pair]]",
        "[options[k] for k in options]",
        "[c for c in [note]]",
        "[x[:3] for x in notes]",
        "sorted(notes)",
        "f'{note}'",
        "f'{note[:5]}'",
        "f'{number}'",
        "str(number)",
        "str(note)[:5]",
        "int(number) // 10",
        "round(number, -3)",
        "note.split('.')",
        "note.count('e')",
        "note.find('e')",
        "note.isdigit()",
        "note.lstrip('e')",
        "{x: 1 for x in notes}",
        "{x for x in notes}",
    ],
)
def test_what_reads_a_redacted_value_is_withheld_whole(text: str) -> None:
    """`card[:8]` and `card[8:]` would leak it; a name that is known only now, and pairs, count too."""
    names = {
        "note": JWT,
        "notes": [JWT, JWT],
        "copies": [JWT[:5] + JWT[5:], JWT],
        "order": Order(),
        "number": 4111111111111111,
        "options": {"password": "hunter2"},
        "options2": {"password": "hunter3"},
        "key": "password",
        "pair": ("password", "hunter2"),
        "point": Point(1, "hunter2"),
        "data": JWT.encode(),
        "pin": (b"pin", 4711),
        "named": Account("bob", "hunter2"),
        "queue": deque(["password", "hunter2"]),
        "queue2": deque(["password", "hunter3"]),
        "both": ["password", "hunter2"],
    }
    result = evaluate(text, **names)
    if text not in ("notes == notes", "[note]"):
        assert type(result) is Redacted, result
    if text not in ("point.token",):
        assert "hunter2" not in repr(result)
        assert JWT not in repr(result) or text == "[note]"


@pytest.mark.parametrize(
    "text",
    [
        "note[:1] == 'e'",
        "note < 'f'",
        "note.startswith('eyJ')",
        "'eyJ' in note",
        "note == copy",
        "number > 4000000000000000",
        "named == ('bob', 'hunter2')",
        "named > ('bob', 'h')",
        "max(named) == 'hunter2'",
        "'hunter2' in named",
        "pair == ('password', 'hunter2')",
        "pair > ('password', 'h')",
        "any(x[0] == 'e' for x in [note])",
        "any(v == 'hunter2' for k, v in options.items())",
        "'hunter2' in [v for v in options.values()]",
        "any(v == 'hunter2' for v in pair)",
        "any(p == 'hunter2' for u, p in [named])",
        "[note[:3] for x in (1,)] == ['eyJ']",
        "f'{note[:3]}' == 'eyJ'",
        "note.split('.')[0] == 'eyJ'",
        "note.find('J') == 2",
        "str(number)[:1] == '4'",
        "int(number) > 4000000000000000",
        "sorted([note, 'f'])[0] == 'f'",
    ],
)
def test_a_condition_can_not_ask_for_a_secret_bit_by_bit(text: str) -> None:
    """A condition over a redacted value is an error, whatever the answer would be."""
    names = {
        "note": JWT,
        "copy": JWT[:5] + JWT[5:],
        "number": 4111111111111111,
        "named": Account("bob", "hunter2"),
        "pair": ("password", "hunter2"),
        "options": {"password": "hunter2"},
    }
    with pytest.raises(EvaluationError, match="redacted"):
        holds(text, **names)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("kind in ('card', 'cash')", True),
        ("color in ('token', 'red')", True),
        ("kind.startswith(('pin', 'ca'))", True),
        ("pair == ('token', 'x')", False),
        ("pair < ('token', 'x')", True),
        ("named == ('ann', 'x')", False),
        ("named < ('ann', 'x')", False),
        ("'bob' in named", True),
        ("(kind, 'x') == ('cash', 'x')", True),
    ],
)
def test_what_is_written_or_differs_before_is_no_secret(text: str, value: object) -> None:
    """A pair in the expression itself is nobody's secret; one of the service's is withheld only where it matters."""
    names = {"kind": "cash", "color": Color.RED, "pair": ("amount", "5"), "named": Account("bob", "hunter2")}
    assert evaluate(text, **names) is value
    assert holds(text, **names) is value


def test_a_secret_differs_from_what_is_none() -> None:
    """That a text is not the one given tells nothing of it: no error to pay for on a hot line."""
    assert holds("note == 'open'", note=JWT) is False
    assert holds("note != 'open'", note=JWT) is True
    assert holds("note in ('open', 'paid')", note=JWT) is False


def test_the_owners_names_and_patterns_count() -> None:
    """The policy adds to what is withheld."""
    redactor = Redactor(names=["patient_id"], patterns=[r"\bACME-\d{6}\b"])
    assert compile_expression("patient_id", redactor).evaluate(lookup_in({"patient_id": 5})) is REDACTED
    assert type(compile_expression("x[:4]", redactor).evaluate(lookup_in({"x": "ACME-123456"}))) is Redacted
