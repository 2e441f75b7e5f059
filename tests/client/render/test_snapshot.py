"""The text of a hit."""

from __future__ import annotations

from typing import Any

import pytest

from pyrometer.client.render.snapshot import SnapshotText, verdict_text
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
    assert shown(raised(None, "not yet known")) == [
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
        (None, "not yet known", []),
        (None, None, []),
        (None, "stored in a task", ["handled or not is not known: stored in a task"]),
        (True, "by checkout, shop/views.py:61", ["handled by checkout, shop/views.py:61"]),
        (False, None, ["nobody handled it"]),
        (False, "ended thread worker-1", ["nobody handled it: it ended thread worker-1"]),
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
    assert shown(hit())[0].startswith("before line 50 of shop/payment.py  ")


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


def large(number: int, **more: Document) -> Document:
    """An object that has no room on a line."""
    fields = {"name": {"type": "str", "kind": "str", "value": "x" * 60}, "total": TOTAL, **more}
    return {"type": "shop.Order", "kind": "object", "fields": fields, "ref": number}


def test_what_several_places_refer_to_is_told_once_below() -> None:
    """Each place says which it is, the first one a little more; no place repeats it."""
    again = {"type": "shop.Order", "kind": "ref", "ref": 1}
    holder = {"type": "shop.Cart", "kind": "object", "fields": {"order": again}}
    frames = [{**FRAME, "locals": {"order": large(1)}}, {**FRAME, "locals": {"same": again, "cart": holder}}]
    lines = shown(hit(frames=frames))
    assert "     order  Order #1 below: …2 more" not in lines
    assert [line for line in lines if "#1" in line] == [
        f"     order  Order #1 below: name='{'x' * 36}…, …1 more",
        "     same  Order #1 below",
        "     cart  Cart(order=Order #1 below)",
        "  #1 Order",
    ]
    at = lines.index("  #1 Order")
    assert lines[at + 2] == "     total  1249.5"
    assert sum("x" * 50 in line for line in lines) == 1


def test_objects_that_refer_to_each_other_end() -> None:
    """A circle is told once round."""
    inner = large(2, back={"type": "shop.Order", "kind": "ref", "ref": 1})
    lines = shown(hit(frames=[{**FRAME, "locals": {"order": large(1, inner=inner)}}]))
    assert [line.strip() for line in lines if "back" in line] == ["back   Order #1 below"]


def test_only_the_place_has_lines_around_it() -> None:
    """Three before and one after; of a caller the line that calls."""
    around = [{"line": number, "text": f"    step({number})"} for number in range(46, 54)]
    frames = [{**FRAME, "context": around}, {**FRAME, "function": "caller", "context": around}]
    numbers = [line.split()[0] for line in shown(hit(frames=frames)) if "step" in line and "▸" not in line]
    assert numbers == ["47", "48", "49", "51"]


def test_a_container_of_the_place_has_a_line_for_each_item() -> None:
    """What there is no room for on one line unfolds where one looks first."""
    items = {"type": "list", "kind": "list", "items": [{"type": "str", "kind": "str", "value": "y" * 40}] * 3}
    lines = shown(hit(frames=[{**FRAME, "locals": {"items": items}}, {**FRAME, "locals": {"items": items}}]))
    assert [line.strip()[:6] for line in lines if "'yyy" in line] == ["[0]  '", "[1]  '", "[2]  '", "items "]


def test_what_is_not_shown_is_summed_up_with_why() -> None:
    """Redacted, cut and unreadable, at the end."""
    held = {
        "card": {"type": "str", "kind": "redacted", "why": "name"},
        "token": {"type": "str", "kind": "redacted", "why": "value: JWT"},
        "text": {"type": "str", "kind": "str", "value": "abc", "size": 300, "why": "length"},
        "lazy": {"type": "", "kind": "unreadable", "why": "a property"},
    }
    assert shown(hit(frames=[{**FRAME, "locals": held}]))[-4:] == [
        "",
        "  withheld in the process: 1 by name, 1 as JWT",
        "  cut at a limit: 1 by the length of a text",
        "  1 could not be read: a property",
    ]


def test_what_had_led_to_an_exception_is_under_it() -> None:
    """Its cause, and the cause of that; a group's members."""
    timeout = {"type": "TimeoutError", "message": "read", "frames": [FRAME], "notes": ["try again"], "left_out": 2}
    cause = {"type": "shop.BankDown", "message": "", "cause": timeout}
    document = raised(None, None)
    document["exception"]["cause"] = cause
    document["exception"]["exceptions"] = [{"type": "KeyError", "message": "'a'"}]
    assert shown(document)[1:6] == [
        "caused by BankDown",
        "  caused by TimeoutError: read   shop/payment.py:50",
        "    note: try again",
        "    … 2 more",
        "1 of 1 KeyError: 'a'",
    ]


def test_what_was_asked_for_is_told_where_it_is_asked_for() -> None:
    """It comes first, and `above` it is nothing."""
    voucher = {"type": "shop.Voucher", "kind": "object", "fields": {"worth": TOTAL}, "ref": 2}
    asked = {"order.voucher": {"type": "shop.Voucher", "kind": "ref", "ref": 2}}
    lines = shown(hit(frames=[{**FRAME, "locals": {"voucher": voucher}}], expressions=asked))
    assert lines[1] == "  order.voucher = Voucher(worth=1249.5)"
    assert "     voucher  Voucher(worth=1249.5)" in lines


def test_a_verdict_that_comes_later_names_its_hit() -> None:
    """By what the hit's own title says."""
    verdict = {"handled": False, "handled_why": "ended thread worker-1"}
    text = verdict_text(raised(None, "not yet known"), verdict)
    assert text == "PaymentError of 4109, Thread-2, 08:43:51.202: nobody handled it: it ended thread worker-1"
