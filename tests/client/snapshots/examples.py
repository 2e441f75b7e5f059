"""Snapshots to write and read: of one exception, with whatever text a test puts into them."""

from __future__ import annotations

from typing import Any

from pyrometer.client.snapshots.model import Snapshot

Document = dict[str, Any]
COMMAND = "pyrometer catch shop PaymentError --if 'order.total > 1000' --out shop.html"


def text(words: str, **more: Any) -> Document:
    return {"type": "str", "kind": "str", "value": words, **more}


def number(value: float) -> Document:
    return {"type": "float", "kind": "float", "value": value}


def order(words: str) -> Document:
    """An object that others refer to, with a list that was cut."""
    items = {"type": "list", "kind": "list", "items": [text(words), text("x" * 300)], "size": 9, "why": "items"}
    fields = {"total": number(1249.5), "items": items, "card": {"type": "str", "kind": "redacted", "why": "name"}}
    return {"type": "shop.Order", "kind": "object", "fields": fields, "ref": 1}


def frame(function: str, line: int, values: Document | None, origin: str = "service") -> Document:
    return {
        "function": function,
        "file": "/srv/shop/payment.py",
        "line": line,
        "module": "shop.payment",
        "source": "raise PaymentError(reason)",
        "origin": origin,
        "locals": values,
        "context": [{"line": line - 1, "text": "    if not ok:"}, {"line": line, "text": "        raise it"}],
    }


def hit(words: str = "card declined", pid: int = 4109, **more: Any) -> Document:
    """One hit; `words` stand wherever a target has a say."""
    values = {"order": order(words), words or "empty": text(words), "receipt": {"type": "", "kind": "unset"}}
    again = {"order": {"type": "shop.Order", "kind": "ref", "ref": 1}}
    timeout = {
        "type": "TimeoutError",
        "message": words,
        "notes": [words],
        "cause": None,
        "context": None,
        "exceptions": [],
        "left_out": 1,
        "frames": [{key: held for key, held in frame("post", 9, None).items() if key != "context"}],
    }
    return {
        "event": "hit",
        "probe_id": "c3f1aa",
        "pid": pid,
        "hit_id": f"{pid}.0",
        "time": "2026-11-24T08:43:51.202345Z",
        "thread": f"Thread-2 ({words})",
        "frames": [
            {**frame(words, 50, values), "file": f"/srv/{words}.py"},
            frame("checkout", 34, again),
            {**frame("run", 9, {}, "library"), "module": words},
        ],
        "frames_left_out": 2,
        "expressions": {"order.total": number(1249.5)},
        "exception": {
            "type": f"shop.{words}",
            "message": words,
            "handled": True,
            "handled_why": words,
            "cause": timeout,
        },
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "pause_seconds": 0.00009,
        **more,
    }


def snapshot(*hits: Document, words: str = "shop", verb: str = "catch") -> Snapshot:
    """A snapshot of these hits, or of one."""
    status = {"where": f"PaymentError in {words}", "condition": "order.total > 1000", "state": "ARMED"}
    armed = {"event": "armed", "probe_id": "c3f1aa", "pid": 4109, "reason": "", "status": status}
    return Snapshot(verb, COMMAND, words, (armed, *(hits or (hit(),))))


def call(**more: Any) -> Document:
    """The hit of a watched call."""
    found = hit(
        exception=None,
        frames=[frame("charge", 50, None)],
        elapsed_seconds=0.4301,
        suspended_seconds=None,
        arguments={"order": order("kettle")},
        returned=text("R88001"),
    )
    return {**found, **more}
