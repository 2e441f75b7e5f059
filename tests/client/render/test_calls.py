"""Watched calls on the terminal: a line each, aligned, harmless; figures in the end."""

from __future__ import annotations

from typing import Any

import pytest

from pyrometer.client.quantities import brief
from pyrometer.client.render.calls import CallText
from pyrometer.client.render.terminal import Style


def text(value: str) -> dict[str, Any]:
    return {"type": "str", "kind": "str", "value": value}


def number(value: int, **more: Any) -> dict[str, Any]:
    return {"type": "int", "kind": "int", "value": value, **more}


def frame(function: str = "query", line: int = 4, **values: Any) -> dict[str, Any]:
    return {"function": function, "file": "/srv/shop/db.py", "line": line, "locals": values or None}


def hit(**more: Any) -> dict[str, Any]:
    return {
        "pid": 41,
        "time": "2026-11-24T08:43:51.202Z",
        "frames": [frame()],
        "frames_left_out": 9,
        "expressions": {},
        "exception": None,
        "elapsed_seconds": 0.0912,
        "suspended_seconds": None,
        "arguments": {"sql": text("select 1")},
        "returned": number(3),
        **more,
    }


def shown(*hits: dict[str, Any], width: int = 100) -> list[str]:
    renderer = CallText(Style(enabled=False), width)
    return [line for each in hits for line in renderer.lines(each)]


def test_a_call_is_a_line() -> None:
    """Time, process, duration, arguments, value; aligned."""
    assert shown(hit(), hit(pid=4, elapsed_seconds=0.0000034)) == [
        "08:43:51.202  41   91.2 ms  query(sql='select 1') → 3",
        "08:43:51.202   4    3.4 µs  query(sql='select 1') → 3",
    ]


def test_an_exception_stands_where_the_value_would() -> None:
    """With its message."""
    raised = {"type": "shop.errors.PaymentError", "message": "declined", "handled": None, "handled_why": None}
    (line,) = shown(hit(exception=raised, returned=None))
    assert line.endswith("query(sql='select 1') ! PaymentError: declined")


@pytest.mark.parametrize("width", range(40, 130))
def test_what_is_cut_has_its_brackets_closed(width: int) -> None:
    """A line is read as a call: a bracket that stays open would take in what was returned."""
    sku = {"type": "shop.Item", "kind": "object", "fields": {"sku": text("A-1"), "quantity": number(2)}}
    cart = {"type": "list", "kind": "list", "items": [sku, sku, sku]}
    (line,) = shown(hit(arguments={"item": sku, "cart": cart, "count": number(12)}, returned=sku), width=width)
    assert [line.count(bracket) for bracket in "([{"] == [line.count(bracket) for bracket in ")]}"]
    assert " → " in line
    if width == 129:
        assert "query(item=Item(sku='A-1', quantity=2), cart=[" in line


def test_suspension_is_told_apart() -> None:
    """The duration is what it was inside."""
    (line,) = shown(hit(suspended_seconds=1.5))
    assert line.endswith("→ 3  suspended 1.5 s")


def test_of_arguments_the_object_itself_is_left_out() -> None:
    """And one whose name was assigned anew is not made up."""
    gone = {"type": "", "kind": "unreadable", "why": "the function has assigned it anew"}
    (line,) = shown(hit(arguments={"self": number(1), "limit": gone, "sql": text("x")}))
    assert "query(limit=?, sql='x') → 3" in line


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_long_call_keeps_to_its_line(width: int) -> None:
    """Both what it was given and what it returned can be seen in part."""
    (line,) = shown(hit(arguments={"sql": text("s" * 300)}, returned=text("r" * 300)), width=width)
    assert len(line) <= max(width, 65)
    assert "sql='s" in line
    assert "→ 'r" in line


def test_callers_and_values_are_below() -> None:
    """Those that were asked for."""
    frames = [frame(rows=number(3)), frame("checkout", 34, order=number(88))]
    lines = shown(hit(frames=frames, expressions={"len(rows)": number(3)}))
    assert lines[1:] == [
        "      len(rows) = 3",
        "      rows  3",
        "      called by checkout   shop/db.py:34",
        "        order  88",
        "      … 9 more frames",
    ]


def test_a_call_can_not_command_the_terminal() -> None:
    """Fault 83: names and messages are a stranger's."""
    raised = {"type": "x.E\x1b[2J", "message": "a\nb", "handled": None, "handled_why": None}
    lines = shown(hit(exception=raised, returned=None, frames=[frame("f\r")], arguments={"a\x07": text("\x1b")}))
    assert all(line.isprintable() for line in lines)


def test_the_figures_of_all_of_them_close() -> None:
    """The 99th percentile only where there are enough for one."""
    renderer = CallText(Style(enabled=False), 100)
    assert renderer.closing() == []
    for tenth in range(1, 4):
        list(renderer.lines(hit(elapsed_seconds=tenth / 10)))
    assert renderer.closing() == ["3 calls shown: median 200.0 ms, slowest 300.0 ms"]
    for _ in range(97):
        list(renderer.lines(hit(elapsed_seconds=0.1)))
    assert renderer.closing() == ["100 calls shown: median 100.0 ms, 99 % within 200.0 ms, slowest 300.0 ms"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 µs"),
        (3.4e-6, "3.4 µs"),
        (0.001, "1.0 ms"),
        (0.25, "250.0 ms"),
        (12.04, "12.0 s"),
        (3700, "3,700.0 s"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(seconds: float, words: str) -> None:
    """And one figure behind the point."""
    assert brief(seconds) == words


def test_an_object_that_the_variables_describe_is_on_the_line_too() -> None:
    """The agent describes each object once; the line of the call comes before the variables."""
    order = {"type": "shop.Order", "kind": "object", "fields": {"id": number(88)}, "ref": 1}
    again = {"type": "shop.Order", "kind": "ref", "ref": 1}
    first, *more = shown(hit(arguments={"order": again}, frames=[frame(order=order)]))
    assert "query(order=Order(id=88)) → 3" in first
    assert more == ["      order  Order(id=88)"]
