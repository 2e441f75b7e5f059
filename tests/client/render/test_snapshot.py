"""The text of a hit."""

from __future__ import annotations

from typing import Any

import pytest

from pyrometer.client.render.snapshot import SnapshotText
from pyrometer.client.render.terminal import Style

Document = dict[str, Any]
TOTAL = {"type": "float", "kind": "float", "value": 1249.5}
UNSET = {"type": "", "kind": "unset"}
FRAME = {
    "function": "charge",
    "file": "/srv/shop/payment.py",
    "line": 50,
    "module": "shop.payment",
    "source": "raise PaymentError(reason)",
    "origin": "service",
    "context": [{"line": 49, "text": "    if not ok:"}, {"line": 50, "text": "        raise PaymentError(reason)"}],
    "locals": {"total": TOTAL, "receipt": UNSET, "retries": UNSET},
}
LIBRARY = {**FRAME, "origin": "library", "module": "flask.app", "locals": {}, "context": []}


def hit(**more: object) -> Document:
    return {
        "pid": 4109,
        "thread": "Thread-2 (work)",
        "time": "2026-11-24T08:43:51.202345Z",
        "frames": [FRAME, LIBRARY],
        "frames_left_out": 0,
        "expressions": {},
        "exception": None,
        "trace_id": None,
        **more,
    }


def raised(handled: Any, why: str | None) -> Document:
    return hit(
        exception={
            "type": "shop.errors.PaymentError",
            "message": "card declined",
            "handled": handled,
            "handled_why": why,
        }
    )


def shown(document: Document, width: int = 80) -> list[str]:
    return list(SnapshotText(Style(enabled=False), width).lines(document))


def test_it_reads_like_a_good_traceback() -> None:
    """What and where, then the line with what is around it, then the values, then the libraries in a line."""
    assert shown(raised(None, "not determined yet")) == [
        f"{'PaymentError: card declined':<52}4109, Thread-2, 08:43:51.202",
        "",
        "  charge   shop/payment.py:50",
        "       49       if not ok:",
        "  ▸    50           raise PaymentError(reason)",
        "     total  1249.5",
        "     unset: receipt, retries",
        "",
        "  … 1 frame of flask",
    ]


@pytest.mark.parametrize(
    ("handled", "why", "expected"),
    [
        (None, "not determined yet", []),
        (None, None, []),
        (None, "stored in a task", ["handled or not is not known: stored in a task"]),
        (True, "by checkout, shop/views.py:61", ["handled by checkout, shop/views.py:61"]),
        (False, None, ["not handled"]),
    ],
)
def test_what_is_not_known_of_its_handling_is_not_said(handled: Any, why: str | None, expected: list[str]) -> None:
    """A line that says nothing is a line too many."""
    lines = shown(raised(handled, why))
    assert lines[1 : lines.index("")] == expected


def test_a_title_that_does_not_fit_is_two_lines() -> None:
    """Neither what it is nor whose it is gets lost."""
    lines = shown(raised(None, None), width=50)
    assert lines[:2] == ["PaymentError: card declined", "4109, Thread-2, 08:43:51.202"]


def test_a_line_is_named_once() -> None:
    """Values of a line are those before it runs."""
    assert shown(hit())[0].startswith("before shop/payment.py:50 runs  ")


def test_expressions_come_before_the_frames() -> None:
    """They are what was asked for."""
    lines = shown(hit(expressions={"order.total": TOTAL, "card": {"type": "str", "kind": "redacted", "why": "name"}}))
    assert lines[1:4] == ["  order.total = 1249.5", "  card = redacted (name)", ""]


def test_what_was_not_copied_is_counted() -> None:
    """A frame whose variables did not all fit says how many are missing and why; it shows no made-up variable."""
    rest = {"type": "", "kind": "other", "size": 4, "why": "budget"}
    lines = shown(hit(frames=[{**FRAME, "locals": {"total": TOTAL, "…": rest}}]))
    assert "     total  1249.5" in lines
    assert "     3 more not copied, for the limit of a capture's time and size" in lines


def test_a_number_is_shown_only_where_something_refers_to_it() -> None:
    """`#1` without a second place that names it is a riddle."""
    order = {
        "type": "shop.Order",
        "kind": "object",
        "fields": {"id": {"type": "int", "kind": "int", "value": 7}},
        "ref": 1,
    }
    again = {"type": "shop.Order", "kind": "ref", "ref": 1}
    assert "     order  Order(id=7)" in shown(hit(frames=[{**FRAME, "locals": {"order": order}}]))
    both = shown(hit(frames=[{**FRAME, "locals": {"order": order}}, {**FRAME, "locals": {"order": again}}]))
    assert "     order  Order #1(id=7)" in both
    assert "     order  Order #1 above" in both
    folded = shown(hit(frames=[{**FRAME, "locals": {"order": order}}, {**LIBRARY, "locals": {"order": again}}]))
    assert "     order  Order(id=7)" in folded


def test_what_only_a_hidden_frame_describes_is_described_where_it_is_referred_to() -> None:
    """`Order #1 above` with nothing above is a riddle too; what it is made of comes along, once."""
    items = {"type": "list", "kind": "list", "items": [], "ref": 2}
    order = {"type": "shop.Order", "kind": "object", "fields": {"items": items}, "ref": 1}
    again = {"type": "shop.Order", "kind": "ref", "ref": 1}
    frames = [FRAME, {**LIBRARY, "locals": {"held": order}}]
    own = {**FRAME, "locals": {"order": again, "same": again, "items": {"type": "list", "kind": "ref", "ref": 2}}}
    lines = shown(hit(frames=[*frames, own]))
    assert "     order  Order #1(items=[] #2)" in lines
    assert "     same   Order #1 above" in lines
    assert "     items  list #2 above" in lines


def test_what_a_module_defines_is_one_line() -> None:
    """A module's own frame shows its values; what it imported and defined is named."""
    held = {
        "sys": {"type": "module", "kind": "other", "value": "sys"},
        "work": {"type": "function", "kind": "other", "value": "__main__.work"},
        "total": TOTAL,
    }
    lines = shown(hit(frames=[{**FRAME, "function": "<module>", "locals": held}]))
    assert "     total  1249.5" in lines
    assert "     defined or imported: sys, work" in lines
