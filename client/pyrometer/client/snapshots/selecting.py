"""A part of a snapshot, and the text of it: what a terminal shows of a saved one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pyrometer.client.errors import NotFound
from pyrometer.client.render.hits import text_of
from pyrometer.client.render.terminal import Style, escape
from pyrometer.client.snapshots.model import Document, Snapshot


def part_of(whole: Snapshot, pid: int | None, thread: str | None) -> Snapshot:
    """The hits of one process, of one thread's name. Raises NotFound."""
    if pid is None and thread is None:
        return whole
    found = replace(whole, events=tuple(event for event in whole.events if _is_of(event, pid, thread)))
    if not found.hits:
        has = sorted({f"{hit['pid']}, {hit['thread']}" for hit in whole.hits})
        raise NotFound("there is no hit of that process or thread", next=f"It has: {'; '.join(has[:8])}")
    return found


def lines(whole: Snapshot, style: Style, width: int) -> Iterator[str]:
    """All hits as text, and how they were made."""
    text = text_of(whole.verb, style, width)
    for index, hit in enumerate(whole.hits):
        if index and text.spaced:
            yield ""
        yield from text.lines(hit)
    if whole.command:
        yield ""
        yield style.paint(f"made by {escape(whole.command)}", "dim")


def _is_of(event: Document, pid: int | None, thread: str | None) -> bool:
    if event["event"] != "hit":
        return True
    named = event["thread"] == thread or event["thread"].partition(" (")[0] == thread
    return (pid is None or event["pid"] == pid) and (thread is None or named)
