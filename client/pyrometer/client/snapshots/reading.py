"""Snapshots from files: pages of ours, documents, lines of `-o jsonl`. What is in them was written by strangers."""

from __future__ import annotations

import json
from typing import Any

from pyrometer.client import pages
from pyrometer.client.snapshots import saved
from pyrometer.client.snapshots.model import NotASnapshot, Snapshot

VERBS = ("snap", "catch", "log", "watch")
_SCHEMAS = {f"pyrometer.{verb}/v1": verb for verb in VERBS}
_WHOLE = "pyrometer.snapshot/v1"
_PAGE_MARK = b'<script type="application/json" id="snapshot">'


def is_snapshot(data: bytes) -> bool:
    """Whether a file says that it is a snapshot; it may be broken all the same."""
    if pages.is_page(data):
        return pages.is_ours(data) and _PAGE_MARK in data
    head = data[:200].lstrip()
    return head.startswith(b"{") and any(f'"{name}"'.encode() in head for name in (*_SCHEMAS, _WHOLE))


def read(data: bytes) -> Snapshot:
    """Read a page of ours, a document, or lines.

    Raises:
        NotASnapshot: it is none of these, broken, or without a hit.
    """
    try:
        text = data.decode("utf-8")
        found = _whole(pages.data_of(text, "snapshot")) if pages.is_page(data) else _read_text(text)
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
        raise NotASnapshot("this is not a snapshot, or it is broken") from error
    if not found.hits:
        raise NotASnapshot("there is no hit in this snapshot")
    return found


def _read_text(text: str) -> Snapshot:
    """One document, or a line for each event."""
    first = json.loads(text.split("\n", 1)[0])
    if first["schema"] == _WHOLE:
        return _whole(first)
    verb = _SCHEMAS[first["schema"]]
    events = [json.loads(line) for line in text.splitlines() if line.strip()]
    return Snapshot(verb, "", "", tuple(map(saved.event, events)))


def _whole(data: Any) -> Snapshot:
    if data["schema"] != _WHOLE or data["verb"] not in VERBS:
        raise ValueError("another schema")
    return Snapshot(
        verb=data["verb"],
        command=saved.text(data["command"] or ""),
        service=saved.text(data["service"] or ""),
        events=tuple(saved.event(event) for event in data["events"]),
        left_out=saved.count(data.get("left_out", 0)),
    )
